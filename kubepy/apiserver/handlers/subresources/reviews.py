"""Questions in the shape of objects: who am I, is this token good; access_reviews.py: may they do that. Answered, never
stored.

Source: kubernetes pkg/registry/authentication/{tokenreview,selfsubjectreview}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authn import Verdict
from kubepy.apiserver.authz import Authorizer
from kubepy.apiserver.handlers import respond, write
from kubepy.apiserver.handlers.subresources.access_reviews import AccessReviews, body_of
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response, User

Verb = Callable[[Registry, Resource, Request], Awaitable[Response]]


class TokenReviewer(Protocol):
    async def review(self, token: str, audiences: Sequence[str]) -> Verdict:
        """Whose the token is, and what audiences it is good for; raises Unauthorized."""


class Reviews:
    def __init__(self, tokens: TokenReviewer | None, authorizer: Authorizer | None) -> None:
        self._tokens, self._authorizer = tokens, authorizer

    def handlers(self) -> dict[str, Verb]:
        found: dict[str, Verb] = {"selfsubjectreviews.authentication.k8s.io": self._self_subject}
        if self._tokens is not None:
            found["tokenreviews.authentication.k8s.io"] = self._token
        if self._authorizer is not None:
            access = AccessReviews(self._authorizer)
            for kind in ("subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectaccessreviews"):
                found[f"{kind}.authorization.k8s.io"] = access.review
            found["selfsubjectrulesreviews.authorization.k8s.io"] = access.rules
        return found

    async def _self_subject(self, registry: Registry, resource: Resource, request: Request) -> Response:
        await body_of(registry, resource, request)
        # Nothing of what was sent matters. Source: selfsubjectreview/rest.go Create.
        review: Obj = {
            "kind": resource.kind,
            "apiVersion": resource.api_version,
            "metadata": {"creationTimestamp": registry.clock.rfc3339()},
            "status": {"userInfo": _user_info(request.user or write.NOBODY)},
        }
        return respond.plain(registry, resource, request, review, 201)

    async def _token(self, registry: Registry, resource: Resource, request: Request) -> Response:
        review = await body_of(registry, resource, request)
        spec = review.get("spec") or {}
        token = spec.get("token", "")
        if not token:
            raise errors.BadRequest("token is required for TokenReview in authentication")
        assert self._tokens is not None
        # What was sent as a status stays where there is nothing to say.
        status: Obj = {"user": {}, **(review.get("status") or {})}
        status.pop("authenticated", None)
        try:
            verdict = await self._tokens.review(token, spec.get("audiences") or ())
            status |= {"authenticated": True, "user": _user_info(verdict.user)}
            if verdict.audiences:
                status["audiences"] = list(verdict.audiences)
        except errors.Unauthorized as error:
            status["error"] = error.message
        review["status"] = status
        return respond.plain(registry, resource, request, review, 201)


def _user_info(user: User) -> Obj:
    info: Obj = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = user.extra
    return info
