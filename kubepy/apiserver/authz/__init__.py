"""May they? An Authorizer says yes, no, or nothing; `Union` asks them in order, and nobody saying yes is a no.

What is asked is a RequestInfo, of a request or made up (impersonation, access reviews).
Reading order: this file, then policy.py, rbac.py, node.py, modes.py. Upstream: apiserver pkg/authorization.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from kubepy.api.errors import Forbidden
from kubepy.api.objects import Obj
from kubepy.apiserver.request import RequestInfo, User


class Decision(Struct, frozen=True):
    is_allowed: bool
    is_denied: bool = False  # no further authorizer is asked
    reason: str = ""
    error: str = ""  # what kept an authorizer from knowing


ALLOW = Decision(True)
NO_OPINION = Decision(False)


class Rules(NamedTuple):
    """What somebody may do, as a SelfSubjectRulesReview says it: ResourceRules and NonResourceRules."""

    resources: list[Obj]
    paths: list[Obj]
    is_incomplete: bool = False  # there may be more
    error: str = ""  # what kept rules from being found


ALL_RULES = Rules(
    [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}], [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
)
NO_RULES = Rules([], [])


class Authorizer(Protocol):
    async def authorize(self, user: User, info: RequestInfo) -> Decision: ...

    async def rules(self, user: User, namespace: str) -> Rules:
        """What `user` may do in a namespace and at the cluster scope; shared, read only."""


# (type, name) of an authorizer, as its configuration has them.
Label = tuple[str, str]


class Union:
    """Source: apiserver pkg/authorization/union/union.go."""

    def __init__(self, authorizers: Sequence[Authorizer], labels: Sequence[Label | None] = ()) -> None:
        """`labels`: under which the decisions of each are counted, None: not at all."""
        self.decisions: Counter[tuple[Label | None, bool]] = Counter()  # by whether they allow
        self.replace(authorizers, labels)

    def replace(self, authorizers: Sequence[Authorizer], labels: Sequence[Label | None] = ()) -> None:
        """From the next question on."""
        self._authorizers = tuple(zip(authorizers, labels or [None] * len(authorizers), strict=True))

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        reasons: list[str] = []
        failures: list[str] = []
        for authorizer, label in self._authorizers:
            decision = await authorizer.authorize(user, info)
            if decision.is_allowed or decision.is_denied:
                self.decisions[label, decision.is_allowed] += 1
                return decision
            if decision.reason:
                reasons.append(decision.reason)
            if decision.error:
                failures.append(decision.error)
        if not reasons and not failures:
            return NO_OPINION
        return Decision(False, reason="\n".join(reasons), error=aggregate(failures))

    async def rules(self, user: User, namespace: str) -> Rules:
        found = [await authorizer.rules(user, namespace) for authorizer, _ in self._authorizers]
        return Rules(
            [rule for rules in found for rule in rules.resources],
            [rule for rules in found for rule in rules.paths],
            any(rules.is_incomplete for rules in found),
            aggregate(rules.error for rules in found if rules.error),
        )


def aggregate(errors: Iterable[str]) -> str:
    """One text alone, several in brackets, repeats once, "" for none. Source: utilerrors.NewAggregate."""
    texts = list(dict.fromkeys(errors))
    if not texts:
        return ""
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def forbidden(user: User, info: RequestInfo, reason: str = "") -> Forbidden:
    """Source: apiserver pkg/endpoints/handlers/responsewriters/errors.go, apimachinery errors.NewForbidden."""
    why = sanitized(_message(user, info))
    if reason:
        why = f"{why}: {reason}"
    if not info.is_resource:
        return Forbidden(f"forbidden: {why}", details={})
    resource = f"{info.resource}.{info.group}" if info.group else info.resource
    details: Obj = {}
    if info.name:
        details["name"] = info.name
    if info.group:
        details["group"] = info.group
    details["kind"] = info.resource
    subject = f'{resource} "{info.name}"' if info.name else resource
    return Forbidden(f"{subject} is forbidden: {why}", details=details)


def sanitized(text: str) -> str:
    """As clients' browsers may be shown it. Source: responsewriters/errors.go sanitizer."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return text


def _message(user: User, info: RequestInfo) -> str:
    if not info.is_resource:
        return f'User "{user.name}" cannot {info.verb} path "{info.path}"'
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    where = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {info.verb} resource "{resource}" in API group "{info.group}" {where}'
