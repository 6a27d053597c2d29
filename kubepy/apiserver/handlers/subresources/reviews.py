"""Questions in the shape of objects: who am I, is this token good, may they do that. Answered, never stored.

Source: kubernetes pkg/registry/authentication/{tokenreview,selfsubjectreview}, pkg/registry/authorization/*.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authn import Verdict
from kubepy.apiserver.authz import Authorizer
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, RequestInfo, Response, User

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
            found["subjectaccessreviews.authorization.k8s.io"] = self._subject_access
            found["localsubjectaccessreviews.authorization.k8s.io"] = self._subject_access
            found["selfsubjectaccessreviews.authorization.k8s.io"] = self._self_subject_access
            found["selfsubjectrulesreviews.authorization.k8s.io"] = self._self_subject_rules
        return found

    async def _self_subject(self, registry: Registry, resource: Resource, request: Request) -> Response:
        review = await _review(registry, resource, request)
        review["metadata"]["creationTimestamp"] = registry.clock.rfc3339()
        review["status"] = {"userInfo": _user_info(request.user or write.NOBODY)}
        return respond.plain(request, review, 201)

    async def _token(self, registry: Registry, resource: Resource, request: Request) -> Response:
        review = await _review(registry, resource, request)
        spec = review.get("spec") or {}
        token = spec.get("token", "")
        if not token:
            raise errors.BadRequest("token is required for TokenReview in authentication")
        assert self._tokens is not None
        try:
            verdict = await self._tokens.review(token, spec.get("audiences") or ())
            review["status"] = {"authenticated": True, "user": _user_info(verdict.user)}
            if verdict.audiences:
                review["status"]["audiences"] = list(verdict.audiences)
        except errors.Unauthorized as error:
            review["status"] = {"user": {}, "error": error.message}
        return respond.plain(request, review, 201)

    async def _subject_access(self, registry: Registry, resource: Resource, request: Request) -> Response:
        review = await _review(registry, resource, request)
        spec = review.get("spec") or {}
        if resource.namespaced:
            given = (spec.get("resourceAttributes") or {}).get("namespace", "")
            if given != request.info.namespace:
                raise errors.BadRequest(
                    "spec.resourceAttributes.namespace must match namespace: " + request.info.namespace
                )
        if not spec.get("user") and not spec.get("groups"):
            finding = errors.invalid_value("spec.user", "", "at least one of user or group must be specified")
            raise errors.invalid(resource, "", [finding])
        user = User(
            spec.get("user", ""),
            tuple(spec.get("groups") or ()),
            spec.get("uid", ""),
            spec.get("extra") or {},
        )
        return await self._answer(request, resource, review, spec, user)

    async def _self_subject_access(
        self, registry: Registry, resource: Resource, request: Request
    ) -> Response:
        review = await _review(registry, resource, request)
        return await self._answer(
            request, resource, review, review.get("spec") or {}, request.user or write.NOBODY
        )

    async def _self_subject_rules(self, registry: Registry, resource: Resource, request: Request) -> Response:
        review = await _review(registry, resource, request)
        namespace = (review.get("spec") or {}).get("namespace")
        if not namespace:
            raise errors.BadRequest("no namespace on request")
        assert self._authorizer is not None
        rules = await self._authorizer.rules(request.user or write.NOBODY, namespace)
        # Upstream answers with a review of its own, without what was sent.
        status = {"resourceRules": rules.resources, "nonResourceRules": rules.paths, "incomplete": False}
        made = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}, "spec": {}}
        return respond.plain(request, made | {"status": status}, 201)

    async def _answer(
        self, request: Request, resource: Resource, review: Obj, spec: Obj, user: User
    ) -> Response:
        attributes, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if (attributes is None) == (path is None):
            finding = errors.invalid_value(
                "spec.resourceAttributes", attributes, "exactly one of nonResourceAttributes or resourceAttributes "
                "must be specified",
            )  # fmt: skip
            raise errors.invalid(resource, "", [finding])
        assert self._authorizer is not None
        decision = await self._authorizer.authorize(user, _info(attributes, path or {}))
        review["status"] = {"allowed": decision.is_allowed}
        if decision.reason:
            review["status"]["reason"] = decision.reason
        return respond.plain(request, review, 201)


def _info(attributes: Obj | None, path: Obj) -> RequestInfo:
    """What is asked about, as if it were a request."""
    if attributes is None:
        return RequestInfo(False, path.get("path", ""), path.get("verb", ""))
    return RequestInfo(
        True,
        "",
        attributes.get("verb", ""),
        group=attributes.get("group", ""),
        version=attributes.get("version", "") or "*",
        resource=attributes.get("resource", ""),
        subresource=attributes.get("subresource", ""),
        namespace=attributes.get("namespace", ""),
        name=attributes.get("name", ""),
    )


async def _review(registry: Registry, resource: Resource, request: Request) -> Obj:
    options = write_options(request.query, "CreateOptions")
    expected = decode.Expected.of(resource, registry.schemas)
    return await decode.body_of(request, expected, options)


def _user_info(user: User) -> Obj:
    info: Obj = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = user.extra
    return info
