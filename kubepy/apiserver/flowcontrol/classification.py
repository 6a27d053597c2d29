"""Which flow is a request of: the FlowSchemas, in order of precedence, as predicates; the first that matches.

Source: apiserver pkg/util/flowcontrol/rule.go, formatting and order: pkg/apis/flowcontrol/... FlowSchemaSequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubepy.api.objects import Obj
from kubepy.apiserver.request import RequestInfo, User
from kubepy.observability.metrics import Samples

# Combinations of user and request that are remembered; people have few, but names can be made up.
KNOWN_MAX = 8192


# Source: apiserver pkg/util/flowcontrol/metrics/metrics.go.
_DURATIONS_S = (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_LENGTHS = (0, 10, 25, 50, 100, 250, 500, 1000)
_SEATS = (1, 2, 4, 8, 16, 32, 64, 100)


class Figures:
    """How the requests of one FlowSchema fared."""

    __slots__ = ("executions", "queue_lengths", "refusals", "seats", "unaccommodated", "waits", "watches")

    def __init__(self) -> None:
        self.waits = Samples(_DURATIONS_S)  # of those that were executed then
        self.refusals = Samples(_DURATIONS_S)  # of those that were not
        self.executions, self.watches = Samples(_DURATIONS_S), Samples(_DURATIONS_S)
        self.seats, self.queue_lengths = Samples(_SEATS), Samples(_LENGTHS)
        self.unaccommodated = 0  # times that one was next, and had no room


class Schema:
    """One FlowSchema, with the counts of its requests at its level."""

    __slots__ = (
        "dispatched", "distinguisher", "executing", "executing_seats", "figures", "level", "name", "precedence",
        "rejected", "rules", "uid", "waiting", "waiting_seats",
    )  # fmt: skip

    def __init__(self, obj: Obj) -> None:
        spec = obj["spec"]
        self.name: str = obj["metadata"]["name"]
        self.uid: bytes = obj["metadata"].get("uid", "").encode()
        self.level: str = spec["priorityLevelConfiguration"]["name"]
        self.precedence: int = spec.get("matchingPrecedence", 1000)
        self.distinguisher: str = (spec.get("distinguisherMethod") or {}).get("type", "")
        self.rules: list[Obj] = spec.get("rules") or []
        self.dispatched = self.executing = self.executing_seats = self.waiting = self.waiting_seats = 0
        self.rejected: dict[str, int] = {}  # by reason
        self.figures = Figures()

    def matches(self, user: User, info: RequestInfo) -> bool:
        return any(_matches_rule(rule, user, info) for rule in self.rules)

    def distinguish(self, user: User, info: RequestInfo) -> str:
        """What tells flows of this schema apart."""
        if self.distinguisher == "ByUser":
            return user.name
        return info.namespace if self.distinguisher == "ByNamespace" else ""


class Classifier:
    """`schemas` in any order; the last of them must match everything."""

    def __init__(self, schemas: Iterable[Schema]) -> None:
        self.schemas = sorted(schemas, key=lambda schema: (schema.precedence, schema.name))
        self._fallback = next(schema for schema in self.schemas if schema.name == "catch-all")
        self._known: dict[tuple[Any, ...], Schema] = {}
        subjects = [s for schema in self.schemas for rule in schema.rules for s in rule.get("subjects") or ()]
        self._named = {(s.get("user") or {}).get("name") for s in subjects if s["kind"] == "User"}

    def classify(self, user: User, info: RequestInfo) -> Schema:
        what = (
            (info.group, info.resource, info.subresource, info.namespace) if info.is_resource else info.path
        )
        # Whom no rule knows by name is one of many: thousands of nodes are one.
        name = user.name
        if name not in self._named and not name.startswith(_ACCOUNT):
            name = ""
        key = (name, user.groups, info.verb, what)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            found = next((schema for schema in self.schemas if schema.matches(user, info)), self._fallback)
            self._known[key] = found
        return found


_ACCOUNT = "system:serviceaccount:"


def _matches_rule(rule: Obj, user: User, info: RequestInfo) -> bool:
    if not any(_matches_subject(subject, user) for subject in rule.get("subjects") or ()):
        return False
    if info.is_resource:
        return any(_matches_resource(each, info) for each in rule.get("resourceRules") or ())
    return any(
        _is_in(info.verb, each["verbs"]) and _matches_path(info.path, each["nonResourceURLs"])
        for each in rule.get("nonResourceRules") or ()
    )


def _matches_subject(subject: Obj, user: User) -> bool:
    kind = subject["kind"]
    if kind == "User":
        return (subject.get("user") or {}).get("name") in ("*", user.name)
    if kind == "Group":
        name = (subject.get("group") or {}).get("name")
        return name == "*" or name in user.groups
    account = subject.get("serviceAccount")
    if kind != "ServiceAccount" or account is None:
        return False
    prefix = f"{_ACCOUNT}{account['namespace']}:"
    name = account["name"]
    return user.name.startswith(prefix) if name == "*" else user.name == prefix + name


def _matches_resource(rule: Obj, info: RequestInfo) -> bool:
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    return (
        _is_in(info.verb, rule["verbs"])
        and _is_in(resource, rule["resources"])
        and _is_in(info.group, rule["apiGroups"])
        and (
            _is_in(info.namespace, rule.get("namespaces") or ())
            if info.namespace
            else rule.get("clusterScope") is True
        )
    )


def _matches_path(path: str, urls: Sequence[str]) -> bool:
    for url in urls:
        prefix = url.removesuffix("*")
        if url in ("*", path) or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/"):
            return True
    return False


def _is_in(word: str, words: Sequence[str]) -> bool:
    """The wildcard counts only alone."""
    return word in words or (len(words) == 1 and words[0] == "*")
