"""Cases of apiextensions-apiserver pkg/controller/status/naming_controller_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.crds import status

NOW = "2026-01-01T00:00:00Z"
NAMES: Obj = {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList", "shortNames": ["f"]}


@pytest.mark.parametrize(
    ("others", "reason", "message"),
    [
        ([{"plural": "foos"}], "PluralConflict", '"foos" is already in use'),
        ([{"shortNames": ["foo"]}], "SingularConflict", '"foo" is already in use'),
        ([{"singular": "f"}], "ShortNamesConflict", '"f" is already in use'),
        ([{"listKind": "Foo"}], "KindConflict", '"Foo" is already in use'),
        ([{"kind": "FooList"}], "ListKindConflict", '"FooList" is already in use'),
    ],
)
def test_names_belong_to_whoever_was_first(others: list[Obj], reason: str, message: str) -> None:
    names, refusal = status.accept(NAMES, {}, others)
    assert refusal == (reason, message)
    assert len(names) == len(NAMES) - 1 or reason in ("PluralConflict", "KindConflict")


def test_what_is_free_is_accepted_with_its_categories() -> None:
    wanted = NAMES | {"categories": ["all"]}
    assert status.accept(wanted, {}, [{"plural": "bars"}]) == (wanted, None)


def test_own_names_are_no_conflict() -> None:
    assert status.accept(NAMES, NAMES, []) == (NAMES, None)


def test_an_established_kind_stays_so_when_a_new_name_is_taken() -> None:
    definition = {"spec": {"group": "g", "names": NAMES | {"singular": "new"}, "versions": []}, "status": {}}
    definition["status"] = status.plan({"spec": {"group": "g", "names": NAMES, "versions": []}}, [], NOW)
    planned = status.plan(definition, [{"singular": "new"}], "2026-01-01T00:01:00Z")
    assert planned["acceptedNames"] == NAMES
    assert [(each["type"], each["status"], each["reason"]) for each in planned["conditions"]] == [
        ("NamesAccepted", "False", "SingularConflict"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    assert [each["lastTransitionTime"][14:16] for each in planned["conditions"]] == ["01", "00"]


def test_a_schema_that_is_not_structural_is_a_condition() -> None:
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}}}
    definition: Obj = {"spec": {"group": "g", "names": NAMES, "versions": [version]}, "status": {}}
    planned = status.plan(definition, [], NOW)
    (condition,) = [each for each in planned["conditions"] if each["type"] == "NonStructuralSchema"]
    assert (condition["status"], condition["reason"], condition["message"]) == (
        "True",
        "Violations",
        "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified "
        "object fields",
    )
    definition["status"] = planned
    version["schema"]["openAPIV3Schema"]["properties"]["a"] = {"type": "string"}
    assert [each["type"] for each in status.plan(definition, [], NOW)["conditions"]] == [
        "NamesAccepted",
        "Established",
    ]


def test_a_webhook_that_nobody_can_verify_keeps_a_kind_from_being_established() -> None:
    client: Obj = {"url": "https://a.io", "caBundle": "YnVuZGxl"}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client}}
    spec = {"group": "g", "names": NAMES, "versions": [], "conversion": conversion}
    definition: Obj = {"spec": spec, "status": {}}

    def established() -> tuple[str, str, str]:
        definition["status"] = status.plan(definition, [], NOW)
        (found,) = [each for each in definition["status"]["conditions"] if each["type"] == "Established"]
        return found["status"], found["reason"], found["message"]

    assert established() == ("False", "InvalidCABundle", "The conversion webhook CABundle is invalid")
    del client["caBundle"]
    assert established() == ("True", "InitialNamesAccepted", "the initial names have been accepted")
    client["caBundle"] = "YnVuZGxl"
    assert established()[0] == "True"


@pytest.mark.parametrize(
    ("given", "value", "reason", "message"),
    [
        ("https://github.com/x/pull/1", "True", "ApprovedAnnotation", "approved in https://github.com/x/pull/1"),
        ("unapproved, a test", "False", "UnapprovedAnnotation", 'not approved: "unapproved, a test"'),
        ("", "False", "MissingAnnotation",
         'protected groups must have approval annotation "api-approved.kubernetes.io", see '
         "https://github.com/kubernetes/enhancements/pull/1111"),
        ("me", "False", "InvalidAnnotation",
         'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason '
         'starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'),
    ],
)  # fmt: skip
def test_groups_of_the_community_are_approved(given: str, value: str, reason: str, message: str) -> None:
    metadata = {"name": "foos.x.k8s.io", "annotations": {"api-approved.kubernetes.io": given}}
    definition: Obj = {"metadata": metadata, "spec": {"group": "x.k8s.io", "names": NAMES, "versions": []}}
    (_, _, found) = status.plan(definition, [], NOW)["conditions"]
    assert found == {
        "type": "KubernetesAPIApprovalPolicyConformant", "status": value, "reason": reason, "message": message,
        "lastTransitionTime": NOW,
    }  # fmt: skip
