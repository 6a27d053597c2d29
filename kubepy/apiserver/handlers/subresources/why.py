"""GET /api/v1/namespaces/NS/pods/NAME/why: kubepy's own, why the scheduler put a pod where it is, or nowhere.

Who may get the pod may ask; pods of other namespaces, which preemption would evict, are named only to those who may
list pods everywhere. `nodes=N` says how many nodes are told one by one. Upstream does not have it, so discovery does
not tell of it. The answer comes from the scheduler of this process; where it is off, 503 says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kubepy.api import errors
from kubepy.api.errors import Forbidden
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, RequestInfo, Response

_NODES_DEFAULT, _NODES_MAX = 50, 5000


class Decider(Protocol):
    """The scheduler."""

    @property
    def is_synced(self) -> bool: ...

    def why(self, pod: Document, *, nodes_max: int, may_name: bool) -> Obj: ...


class Why:
    """`decider` is asked for at each request: it comes up later than the API server, or never."""

    def __init__(self, decider: Callable[[], Decider | None]) -> None:
        self._decider = decider

    async def get(self, registry: Registry, resource: Resource, request: Request) -> Response:
        info = request.info
        found = await registry.find(resource, info.namespace, info.name)
        if found is None:
            raise errors.not_found(resource, info.name)
        decider = self._decider()
        if decider is None:
            raise errors.ServiceUnavailable(
                "the scheduler of this cluster runs elsewhere, and only it knows why"
            )
        if not decider.is_synced:
            raise errors.ServiceUnavailable("the scheduler still reads what is there")
        wanted = request.query.integer("nodes")
        nodes_max = _NODES_DEFAULT if wanted is None else max(0, min(wanted, _NODES_MAX))
        may_name = await _may_list_everywhere(request)
        return respond.plain(
            registry, resource, request, decider.why(found, nodes_max=nodes_max, may_name=may_name)
        )


async def _may_list_everywhere(request: Request) -> bool:
    if request.may is None:
        return True
    try:
        await request.may(request, RequestInfo(True, "/api/v1/pods", "list", "api", "", "v1", "pods"))
    except Forbidden:
        return False
    return True
