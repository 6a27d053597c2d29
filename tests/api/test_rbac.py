from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import rbac
from kubepy.api.objects import Obj


def rule(verbs: str = "", groups: str = "", resources: str = "", names: str = "", urls: str = "") -> Obj:
    """Words apart by spaces; `core` is the group without a name."""
    fields = {"verbs": verbs, "resources": resources, "resourceNames": names, "nonResourceURLs": urls}
    made: Obj = {field: words.split() for field, words in fields.items() if words}
    if groups:
        made["apiGroups"] = ["" if group == "core" else group for group in groups.split()]
    return made


# Source: plugin/pkg/auth/authorizer/rbac/rbac_test.go TestRuleMatches.
@pytest.mark.parametrize(
    ("given", "allowed", "refused"),
    [
        (rule("*", "g1", "r1"), ["v1 g1 r1", "v2 g1 r1"], ["v1 g2 r1", "v1 g1 r2"]),
        (rule("v1", "*", "r1"), ["v1 g1 r1", "v1 g2 r1"], ["v2 g1 r1", "v1 g1 r2"]),
        (rule("v1", "g1", "*"), ["v1 g1 r1", "v1 g1 r2/sub"], ["v1 g2 r1", "v2 g1 r1"]),
        (rule("v1 v2", "g1 g2", "r1 r2"), ["v1 g2 r2", "v2 g1 r1"], ["v3 g1 r1", "v1 g3 r1", "v1 g1 r3"]),
        (rule("v1", "g1", "r1/sub"), ["v1 g1 r1/sub"], ["v1 g1 r1", "v1 g1 r2/sub", "v1 g1 r1/other"]),
        (rule("v1", "g1", "*/sub"), ["v1 g1 r1/sub", "v1 g1 r2/sub"], ["v1 g1 r1", "v1 g1 r1/subsub"]),
        (rule("v1", "g1", "r1"), ["v1 g1 r1"], ["v1 g1 r1/sub"]),
    ],
)
def test_resources(given: Obj, allowed: list[str], refused: list[str]) -> None:
    def allows(text: str) -> bool:
        verb, group, resource = text.split()
        resource, _, subresource = resource.partition("/")
        return rbac.allows_resource(given, verb, group, resource, subresource, "")

    assert [text for text in allowed if not allows(text)] == []
    assert [text for text in refused if allows(text)] == []


def test_names_are_of_objects() -> None:
    named = rule("get", "core", "pods", names="a b")
    assert [rbac.allows_resource(named, "get", "", "pods", "", name) for name in ("a", "c", "")] == [
        True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "path", "allowed"),
    [
        ("*", "/x", True), ("/x", "/x", True), ("/x", "/x/", False), ("/x/*", "/x/y/z", True), ("/x/*", "/x", False),
        ("/x*", "/xy", True), ("/x**", "/xy", True), ("/*/y", "/x/y", False),
    ],
)  # fmt: skip
def test_paths(url: str, path: str, allowed: bool) -> None:
    assert rbac.allows_path(rule("get", urls=url), "get", path) is allowed
    assert not rbac.allows_path(rule("get", urls=url), "post", path)


# Source: component-helpers auth/rbac/validation/policy_comparator_test.go.
@pytest.mark.parametrize(
    ("owner", "servant", "missing"),
    [
        ([rule("get", "v1", "builds")], [rule("get", "v1", "builds")], []),
        ([rule("get", "v1", "foo")], [rule("get update", "v1", "foo")], [rule("update", "v1", "foo")]),
        ([rule("get", "v1", "foo"), rule("update", "v1", "foo")], [rule("get update", "v1", "foo")], []),
        ([rule("*", "*", "*")], [rule("get", "v1", "foo")], []),
        ([rule("get", "v1", "foo")], [rule("*", "v1", "foo")], [rule("*", "v1", "foo")]),
        ([rule("get", "v1", "foo")], [rule("get", "*", "foo")], [rule("get", "*", "foo")]),
        ([rule("get", "v1", "foo", "a b")], [rule("get", "v1", "foo", "a")], []),
        ([rule("get", "v1", "foo", "a")], [rule("get", "v1", "foo")], [rule("get", "v1", "foo")]),
        ([rule("get", "v1", "foo")], [rule("get", "v1", "foo", "a")], []),
        ([rule("get", "v1", "foo", "a")], [rule("get", "v1", "foo", "a b")], [rule("get", "v1", "foo", "b")]),
        ([rule("get", "v1", "*/scale")], [rule("get", "v1", "foo/scale")], []),
        ([rule("get", "v1", "*/scale")], [rule("get", "v1", "*")], [rule("get", "v1", "*")]),
        ([rule("get", "v1", "foo/*")], [rule("get", "v1", "foo/scale")], [rule("get", "v1", "foo/scale")]),
        ([rule("get", urls="/foo/*")], [rule("get", urls="/foo/bar /foo")], [rule("get", urls="/foo")]),
        ([rule("get", urls="*")], [rule("get", urls="/foo /bar/*")], []),
        ([rule("*", "*", "*")], [rule("get", urls="/foo")], [rule("get", urls="/foo")]),
    ],
)
def test_what_is_not_covered(owner: list[Obj], servant: list[Obj], missing: list[Obj]) -> None:
    assert rbac.uncovered(owner, servant) == missing


def test_what_is_missing_is_told_compactly() -> None:
    """Source: validation/policy_compact_test.go, rbac/v1 helpers.go CompactString."""
    missing = rbac.uncovered([], [rule("get list", "core apps", "pods"), rule("get", "core", "pods", "a")])
    assert rbac.described([*missing, rule("get", urls="/x")]) == [
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get"]}',
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
        '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}',
        '{NonResourceURLs:["/x"], Verbs:["get"]}',
    ]


# -- reconciliation: component-helpers auth/rbac/reconciliation/*_test.go ----------------------------------------------


def role(*rules: Obj, metadata: Obj | None = None, **more: Any) -> Obj:
    return {"metadata": metadata or {}, "rules": list(rules), **more}


GET, LIST = rule("get", "core", "pods"), rule("list", "core", "pods")
AGGREGATES = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}


@pytest.mark.parametrize(
    ("existing", "expected", "reconciled"),
    [
        (role(GET), role(GET), None),
        (role(GET), role(GET, LIST), role(GET, LIST)),
        (role(GET, LIST), role(GET), None),
        (role(metadata={"annotations": {rbac.AUTO_UPDATE: "false"}}), role(GET), None),
        (
            role(GET, metadata={"labels": {"a": "mine"}}),
            role(GET, metadata={"labels": {"a": "x", "b": "y"}}),
            role(GET, metadata={"labels": {"a": "mine", "b": "y"}}),
        ),
        (role(GET), role(**AGGREGATES), role(GET, **AGGREGATES)),
        (role(GET, **AGGREGATES), role(GET), role(GET)),
    ],
)
def test_roles_get_what_they_lack(existing: Obj, expected: Obj, reconciled: Obj | None) -> None:
    assert rbac.reconciled_role(existing, expected) == reconciled


def test_bindings_get_the_subjects_they_lack() -> None:
    jane, bob = {"kind": "User", "name": "jane"}, {"kind": "User", "name": "bob"}
    existing = {"metadata": {}, "subjects": [jane]}
    assert rbac.reconciled_binding(existing, {"metadata": {}, "subjects": [jane]}) is None
    assert rbac.reconciled_binding(existing, {"metadata": {}}) is None
    changed = rbac.reconciled_binding(existing, {"metadata": {}, "subjects": [bob, jane]})
    assert changed == {"metadata": {}, "subjects": [jane, bob]}
