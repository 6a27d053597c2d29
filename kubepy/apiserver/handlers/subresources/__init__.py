"""Subresources whose bodies are not the object itself, and kinds that are questions and never stored: the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kubepy.api import metrics
from kubepy.api.resources import Resource
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.apiserver.authz import Authorizer
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.handlers.subresources import binding, eviction, scale, streams
from kubepy.apiserver.handlers.subresources.component_statuses import Components, ComponentStatuses
from kubepy.apiserver.handlers.subresources.reviews import Reviews, TokenReviewer
from kubepy.apiserver.handlers.subresources.token import Rules, TokenRequests
from kubepy.apiserver.handlers.subresources.why import Decider, Why
from kubepy.apiserver.handlers.subresources.why_not import WhyNot
from kubepy.apiserver.handlers.usage import UsageMetrics
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

Verb = Callable[[Registry, Resource, Request], Awaitable[Response]]


class Subresources:
    """`signer` and `tokens` make and check ServiceAccount tokens, `authorizer` answers access reviews, `components`
    tells how the control plane is, `usage` what nodes and pods use; without one, what needs it is not found. `decider`
    is the scheduler, which knows why."""

    def __init__(
        self,
        *,
        signer: Signer | None = None,
        token_rules: Rules | None = None,
        tokens: TokenReviewer | None = None,
        authorizer: Authorizer | None = None,
        components: Components | None = None,
        usage: UsageMetrics | None = None,
        policy: Rbac | None = None,
        decider: Callable[[], Decider | None] = lambda: None,
    ) -> None:
        self._special: dict[tuple[str, str], Verb] = {
            ("pods", "binding"): binding.bind,
            ("pods", "eviction"): eviction.evict,
            **{("pods", name): streams.stream for name in streams.SUBRESOURCES},
        }
        if signer is not None:
            self._special["serviceaccounts", "token"] = TokenRequests(signer, token_rules).create
        # What upstream does not have, and discovery does not tell of: no route stands for it, and only GET is answered.
        self.unlisted: dict[tuple[str, str], Verb] = {("pods", "why"): Why(decider).get}
        if authorizer is not None and policy is not None:
            asked = WhyNot(authorizer, policy)
            self.unlisted["subjectaccessreviews.authorization.k8s.io", "why"] = asked.get
        self.virtual: dict[str, Verb] = {
            "bindings": binding.bind,
            **Reviews(tokens, authorizer).handlers(),
        }
        # What can be read but is not stored: (resource, verb) -> handler.
        self.computed: dict[tuple[str, str], Verb] = {}
        if components is not None:
            statuses = ComponentStatuses(components)
            self.computed["componentstatuses", "get"] = statuses.get
            self.computed["componentstatuses", "list"] = statuses.list_
        if usage is not None:
            self._special["nodes", "proxy"] = usage.proxy
            for kind in ("nodes", "pods"):
                self.computed[f"{kind}.{metrics.GROUP}", "get"] = usage.get
                self.computed[f"{kind}.{metrics.GROUP}", "list"] = usage.list_

    def find(self, resource: Resource, subresource: str) -> Verb | None:
        if subresource == "scale":
            return scale.scale
        return self._special.get((resource.group_resource, subresource))
