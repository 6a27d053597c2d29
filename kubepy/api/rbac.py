"""RBAC's arithmetic: what a rule allows, whether some rules cover others, and how roles and bindings are reconciled.

Rules are PolicyRules as they stand in roles: dicts with verbs, apiGroups, resources, resourceNames, nonResourceURLs.

Source: kubernetes pkg/apis/rbac/v1/evaluation_helpers.go, pkg/registry/rbac/validation/policy_compact.go,
component-helpers auth/rbac/{validation/policy_comparator,reconciliation/reconcile_role,reconcile_rolebindings}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kubepy.api.errors import quote
from kubepy.api.objects import Obj, copy

GROUP = "rbac.authorization.k8s.io"
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
ALL = "*"

# To set an aggregationRule, which can gather anything, one must have everything.
FULL_AUTHORITY: tuple[Obj, ...] = (
    {"apiGroups": [ALL], "resources": [ALL], "verbs": [ALL]},
    {"nonResourceURLs": [ALL], "verbs": [ALL]},
)


# -- what a rule allows ------------------------------------------------------------------------------------------------


def covers_request(rule: Obj, verb: str, group: str, resource: str, subresource: str) -> bool:
    """Whether the rule is about this; the object's name is another question: `resourceNames`."""
    return (
        _has(rule, "verbs", verb)
        and _has(rule, "apiGroups", group)
        and _resource_matches(rule.get("resources") or (), resource, subresource)
    )


def allows_resource(rule: Obj, verb: str, group: str, resource: str, subresource: str, name: str) -> bool:
    names = rule.get("resourceNames")
    return (not names or name in names) and covers_request(rule, verb, group, resource, subresource)


def allows_path(rule: Obj, verb: str, path: str) -> bool:
    return _has(rule, "verbs", verb) and any(
        url == ALL or _url_covers(url, path) for url in rule.get("nonResourceURLs") or ()
    )


def _has(rule: Obj, field: str, wanted: str) -> bool:
    values = rule.get(field) or ()
    return wanted in values or ALL in values


def _resource_matches(resources: Sequence[str], resource: str, subresource: str) -> bool:
    if ALL in resources:
        return True
    if not subresource:
        return resource in resources
    return f"{resource}/{subresource}" in resources or f"*/{subresource}" in resources


def _url_covers(url: str, path: str) -> bool:
    return url == path or (url.endswith("*") and path.startswith(url.rstrip("*")))


# -- whether rules cover others ----------------------------------------------------------------------------------------


def uncovered(owner: Sequence[Obj], servant: Iterable[Obj]) -> list[Obj]:
    """What of `servant` the rules `owner` do not give, in rules of one verb, resource and name each."""
    return [
        atom for rule in servant for atom in breakdown(rule) if not any(_covers(own, atom) for own in owner)
    ]


def breakdown(rule: Obj) -> Iterator[Obj]:
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                atom = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                if names := rule.get("resourceNames"):
                    for name in names:
                        yield {**atom, "resourceNames": [name]}
                else:
                    yield atom
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"verbs": [verb], "nonResourceURLs": [url]}


def _covers(owner: Obj, atom: Obj) -> bool:
    names = owner.get("resourceNames") or ()
    return (
        _has_all(owner, atom, "verbs")
        and _has_all(owner, atom, "apiGroups")
        and all(_resource_covered(owner.get("resources") or (), each) for each in atom.get("resources") or ())
        and all(
            any(_url_covers(url, each) for url in owner.get("nonResourceURLs") or ())
            for each in atom.get("nonResourceURLs") or ()
        )
        and (not names or (bool(atom.get("resourceNames")) and set(atom["resourceNames"]) <= set(names)))
    )


def _has_all(owner: Obj, atom: Obj, field: str) -> bool:
    values = owner.get(field) or ()
    return ALL in values or all(each in values for each in atom.get(field) or ())


def _resource_covered(resources: Sequence[str], wanted: str) -> bool:
    _, slash, subresource = wanted.partition("/")
    return ALL in resources or wanted in resources or bool(slash and f"*/{subresource}" in resources)


def described(rules: Iterable[Obj]) -> list[str]:
    """As refusals name what somebody lacks: rules that differ only by verb in one, sorted."""
    return sorted({_compact_text(rule) for rule in _compacted(rules)})


def _compacted(rules: Iterable[Obj]) -> list[Obj]:
    """Rules of one resource and at most one name joined by verb. Source: CompactRules."""
    others: list[Obj] = []
    simple: dict[tuple[str, str, str | None], Obj] = {}
    for rule in rules:
        names: list[str] = rule.get("resourceNames") or []
        groups: list[str] = rule.get("apiGroups") or []
        resources: list[str] = rule.get("resources") or []
        if len(names) > 1 or rule.get("nonResourceURLs") or len(groups) != 1 or len(resources) != 1:
            others.append(rule)
            continue
        known = simple.setdefault(
            (groups[0], resources[0], names[0] if names else None), {**rule, "verbs": []}
        )
        known["verbs"] = [*known["verbs"], *rule["verbs"]]
    return others + list(simple.values())


_TEXT_FIELDS = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("ResourceNames", "resourceNames"),
    ("Verbs", "verbs"),
)


def _compact_text(rule: Obj) -> str:
    """Source: rbac/v1 helpers.go CompactString."""
    parts = (f"{name}:{quoted(rule[field])}" for name, field in _TEXT_FIELDS if rule.get(field))
    return "{" + ", ".join(parts) + "}"


def quoted(texts: Iterable[str]) -> str:
    """A []string as Go's %q writes it."""
    return "[" + " ".join(map(quote, texts)) + "]"


# -- reconciliation ----------------------------------------------------------------------------------------------------


def reconciled_role(existing: Obj, expected: Obj) -> Obj | None:
    """The role with what it lacks of `expected`; what it has besides stays. None: nothing to do, or it opted out."""
    wanted = _with_expected_metadata(existing, expected)
    if wanted is None:
        return None
    if missing := uncovered(existing.get("rules") or (), expected.get("rules") or ()):
        wanted["rules"] = [*(existing.get("rules") or ()), *missing]
    if (rule := expected.get("aggregationRule")) is None:
        wanted.pop("aggregationRule", None)
    else:
        present = _selectors(existing.get("aggregationRule"))
        if lacking := [each for each in _selectors(rule) if each not in present]:
            wanted["aggregationRule"] = {"clusterRoleSelectors": [*present, *lacking]}
    return wanted if wanted != existing else None


def reconciled_binding(existing: Obj, expected: Obj) -> Obj | None:
    """The binding with the subjects it lacks. None: nothing to do, or it opted out. Its roleRef is `expected`'s."""
    wanted = _with_expected_metadata(existing, expected)
    if wanted is None:
        return None
    subjects = existing.get("subjects") or []
    if missing := [each for each in expected.get("subjects") or () if each not in subjects]:
        wanted["subjects"] = [*subjects, *missing]
    return wanted if wanted != existing else None


def is_protected(obj: Obj) -> bool:
    return bool((obj["metadata"].get("annotations") or {}).get(AUTO_UPDATE) == "false")


def _with_expected_metadata(existing: Obj, expected: Obj) -> Obj | None:
    """A copy with the labels and annotations it lacks; those it has win."""
    if is_protected(existing):
        return None
    wanted = copy(existing)
    for field in ("annotations", "labels"):
        merged = (expected["metadata"].get(field) or {}) | (existing["metadata"].get(field) or {})
        if merged:
            wanted["metadata"][field] = merged
    return wanted


def _selectors(rule: Any) -> list[Obj]:
    return (rule or {}).get("clusterRoleSelectors") or []
