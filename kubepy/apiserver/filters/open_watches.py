"""How many watches may be open, in all and of one user; beyond it 429, as for too many requests.

Upstream has no such bound: there memory is the only one. Components of this process and system:masters are not counted:
the cluster goes on, and somebody can see who it is.
"""

from __future__ import annotations

from collections import Counter

from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.endings import at_end
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.flow_control import refusal
from kubepy.apiserver.request import Handler, Request, Response

RETRY_AFTER_S = 1


def open_watches(most: int, most_of_user: int) -> Filter:
    """0: any number."""

    def wrap(next_: Handler) -> Handler:
        of_users: Counter[str] = Counter()

        async def handle(request: Request) -> Response:
            user = request.user
            assert user is not None, "who asks is known by now"
            if request.info.verb != "watch" or request.in_process or MASTERS in user.groups:
                return await next_(request)
            name = user.name
            if 0 < most <= of_users.total() or 0 < most_of_user <= of_users[name]:
                return refusal(request, RETRY_AFTER_S)

            def ended() -> None:
                of_users[name] -= 1
                if not of_users[name]:
                    del of_users[name]

            of_users[name] += 1
            try:
                response = await next_(request)
            except BaseException:
                ended()
                raise
            if not at_end(response, ended):
                ended()
            return response

        return handle

    return wrap
