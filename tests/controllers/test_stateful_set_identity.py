"""Names and claims of the members of a StatefulSet: upstream's tables.

Source: kubernetes 1.36 pkg/controller/statefulset/stateful_set_utils_test.go.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kubepy.controllers import stateful_set_identity as identity


def subject(scaled: str = "Delete", deleted: str = "Delete", replicas: int = 1) -> Any:
    policy = {"whenScaled": scaled, "whenDeleted": deleted}
    return {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set", "uid": "set-uid"},
        "spec": {"replicas": replicas, "persistentVolumeClaimRetentionPolicy": policy},
    }  # fmt: skip


def pod(ordinal: int) -> Any:
    return {"metadata": {"name": f"set-{ordinal}", "uid": "pod-uid"}}


def reference(kind: str, name: str, uid: str, *, version: str = "", controls: bool = True) -> Any:
    version = version or {"Pod": "v1", "StatefulSet": "apps/v1"}.get(kind, "custom/v1")
    control = {"controller": True} if controls else {}
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, **control}


TO_SET = reference("StatefulSet", "set", "set-uid")
TO_POD = reference("Pod", "set-8", "pod-uid")
TO_STRANGER = reference("Random", "random", "abc")


def claim(*references: Any) -> Any:
    return {"metadata": {"name": "data", "ownerReferences": list(references)}}


def identities(references: list[Any]) -> list[tuple[str, bool]]:
    return [(each["uid"], bool(each.get("controller"))) for each in references]


# TestGetParentNameAndOrdinal, TestGetClaimPodName's names.
@pytest.mark.parametrize(
    ("name", "parent"),
    [("foo-1", ("foo", 1)), ("foo-bar-2", ("foo-bar", 2)), ("1", ("", -1)), ("foo", ("", -1)), ("foo-", ("", -1))],
)  # fmt: skip
def test_the_name_of_a_member_says_whose_it_is(name: str, parent: tuple[str, int]) -> None:
    assert identity.parent_of({"metadata": {"name": name}}) == parent


# TestClaimOwnerUpToDateEdgeCases; the pod is scaled away where it is to own the claim.
@pytest.mark.parametrize(
    ("references", "scaled", "ordinal", "wanted"),
    [
        pytest.param([TO_POD], "Delete", 8, None, id="controller, pod"),
        pytest.param([TO_POD | {"controller": False}], "Delete", 8, ["pod-uid"], id="not a controller, pod"),
        pytest.param([TO_POD | {"uid": "former"}], "Delete", 8, None, id="former, pod"),
        pytest.param([TO_POD, reference("Pod", "Random", "x")], "Delete", 8, ["x"], id="another controller, pod"),
        pytest.param([TO_SET], "Retain", 0, None, id="controller, set"),
        pytest.param([TO_SET | {"controller": False}], "Retain", 0, ["set-uid"], id="not a controller, set"),
        pytest.param([TO_SET | {"uid": "former"}], "Retain", 0, None, id="former, set"),
        pytest.param([TO_SET, reference("StatefulSet", "Random", "x")], "Retain", 0, ["x"], id="another, set"),
        # Another project's kind may have the same name. TestUpdateClaimControllerRef, TestMatchesRef.
        pytest.param(
            [reference("StatefulSet", "set", "x", version="apps.kruise.io/v1beta1", controls=False)], "Retain", 0,
            ["x", "set-uid"], id="a namesake of another group",
        ),
        pytest.param(
            [TO_SET, reference("Else", "foo", "x", controls=False)], "Retain", 0, None, id="a stranger is left alone"
        ),
        pytest.param([reference("Else", "set", "x", controls=False)], "Delete", 0, ["x", "set-uid"], id="same name"),
        pytest.param([], "Delete", 0, ["set-uid"], id="nobody yet"),
    ],
)  # fmt: skip
def test_whom_a_claim_is_to_be_owned_by(
    references: list[Any], scaled: str, ordinal: int, wanted: list[str] | None
) -> None:
    found = identity.owners_of_claim(claim(*references), subject(scaled), pod(ordinal))
    assert (found and [each["uid"] for each in found]) == wanted


# TestUpdateClaimOwnerRefForSetAndPod: whatever it was before.
@pytest.mark.parametrize("extra", [[], [TO_STRANGER | {"controller": False}]])
@pytest.mark.parametrize("ours", [[], [TO_SET], [TO_POD], [TO_SET, TO_POD]])
@pytest.mark.parametrize(
    ("scaled", "deleted", "is_condemned", "owner"),
    [
        ("Retain", "Retain", False, ""),
        ("Retain", "Delete", False, "set-uid"),
        ("Delete", "Retain", False, ""),
        ("Delete", "Retain", True, "pod-uid"),
        ("Delete", "Delete", False, "set-uid"),
        ("Delete", "Delete", True, "pod-uid"),
    ],
)
def test_the_policy_decides(
    scaled: str, deleted: str, is_condemned: bool, owner: str, ours: Any, extra: Any
) -> None:
    before = [*ours, *extra]
    stateful_set, member = subject(scaled, deleted, replicas=9 - is_condemned), pod(8)
    found = identity.owners_of_claim(claim(*before), stateful_set, member)
    after = before if found is None else found
    controllers = [uid for uid, controls in identities(after) if controls]
    assert controls_or_nobody(controllers) == owner
    assert ("abc", False) in identities(after) or not any(each["uid"] == "abc" for each in before)
    assert identity.owners_of_claim(claim(*after), stateful_set, member) is None


def controls_or_nobody(controllers: list[str]) -> str:
    assert len(controllers) <= 1
    return "".join(controllers)


@pytest.mark.parametrize("ours", [[], [TO_SET], [TO_POD], [TO_SET, TO_POD]])
def test_another_controller_has_a_claim_for_itself(ours: list[Any]) -> None:
    found = identity.owners_of_claim(claim(*ours, TO_STRANGER), subject(), pod(8))
    assert found == ([TO_STRANGER] if ours else None)


# TestHasUnexpectedController.
@pytest.mark.parametrize(
    ("references", "is_claimed"),
    [
        ([], False),
        ([TO_STRANGER], True),
        ([TO_STRANGER | {"controller": False}], False),
        ([TO_SET], False),
        ([TO_SET | {"uid": "former"}], True),
        ([TO_SET | {"controller": False}], False),
        ([TO_POD], False),
        ([TO_POD | {"uid": "former"}], True),
        ([TO_SET, TO_POD], False),
        ([TO_SET, TO_STRANGER], True),
    ],
)
def test_a_claim_of_others_is_left_to_them_unless_it_is_retained(references: Any, is_claimed: bool) -> None:
    for scaled, deleted in itertools.product(("Retain", "Delete"), repeat=2):
        found = identity.is_claimed_by_others(claim(*references), subject(scaled, deleted), pod(8))
        assert found == (is_claimed and "Delete" in (scaled, deleted))


# TestPodClaimIsStale of stateful_pod_control_test.go.
@pytest.mark.parametrize(
    ("scaled", "references", "is_stale"),
    [
        ("Retain", [TO_POD], False),
        ("Delete", [], False),
        ("Delete", [TO_POD], True),
        ("Delete", [TO_SET], False),
        ("Delete", [reference("Pod", "set-7", "x")], False),
    ],
)
def test_a_claim_is_stale_while_it_belongs_to_the_pod_of_before(
    scaled: str, references: Any, is_stale: bool
) -> None:
    stateful_set = subject(scaled)
    stateful_set["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    known = {"data-set-8": claim(*references)}
    assert identity.has_stale_claim(stateful_set, 8, known) is is_stale
    assert not identity.has_stale_claim(stateful_set, 9, known)


# TestGetPersistentVolumeClaims: labels of the template, of the selector, of the claim.
@pytest.mark.parametrize(
    ("given", "selected", "labels"),
    [
        (None, None, {}),
        (None, {"test": "test"}, {"test": "test"}),
        ({"test": "test"}, {"name": "foo"}, {"test": "test", "name": "foo"}),
        ({"test": "test"}, {"test": "foo"}, {"test": "foo"}),
    ],
)
def test_a_claim_has_the_labels_of_the_selector(given: Any, selected: Any, labels: Any) -> None:
    stateful_set = subject()
    stateful_set["metadata"]["namespace"] = "default"
    stateful_set["spec"]["selector"] = {"matchLabels": selected}
    stateful_set["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data", "labels": given}}]
    (made,) = identity.render_claims(stateful_set, 1)
    assert (made["metadata"]["name"], made["metadata"]["labels"]) == ("data-set-1", labels)
