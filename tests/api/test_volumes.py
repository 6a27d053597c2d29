"""Which volume a claim gets, and what makes it bound. Cases: pkg/controller/volume/persistentvolume/index_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.api.volumes import best_match, bind_volume, default_class


def volume(name: str = "pv", size: str = "10Gi", **fields: Any) -> Any:
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gold",
    } | fields
    status = {"phase": "Available"}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec, "status": status}


def claim(size: str = "8Gi", **fields: Any) -> Any:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gold",
        "resources": {"requests": {"storage": size}},
    }
    metadata = {"name": "data", "namespace": "default", "uid": "u1", "resourceVersion": "7"}
    return {"metadata": metadata, "spec": spec | fields}


def ref(uid: str = "", name: str = "data") -> Any:
    return {"namespace": "default", "name": name} | ({"uid": uid} if uid else {})


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        (claim(), [], None),
        (claim(), [volume("big", "20Gi"), volume("fits", "8Gi"), volume("small", "5Gi")], "fits"),
        (claim(), [volume("one"), volume("two")], "one"),
        (claim(storageClassName="silver"), [volume()], None),
        (claim(storageClassName=""), [volume(storageClassName=""), volume("b")], "pv"),
        (claim(volumeMode="Block"), [volume(), volume("raw", volumeMode="Block")], "raw"),
        (claim(volumeAttributesClassName="fast"), [volume()], None),
        (claim(volumeAttributesClassName="fast"), [volume(volumeAttributesClassName="fast")], "pv"),
        (claim(), [volume(claimRef=ref("other", "somebody"))], None),
        # Bound beforehand: wins over the best fit, whatever its class and phase.
        (claim(), [volume("fits", "8Gi"), volume("mine", "50Gi", claimRef=ref())], "mine"),
        (claim(), [volume("mine", claimRef=ref("u1"))], "mine"),
        (claim(), [volume("old", claimRef=ref("u0"))], None),
        (claim(), [volume("mine", "5Gi", claimRef=ref())], None),
        (claim(selector={"matchLabels": {"disk": "ssd"}}), [volume()], None),
    ],
)
def test_the_smallest_that_fits(wanted: Any, there: Any, found: str | None) -> None:
    best = best_match(wanted, there)
    assert (best["metadata"]["name"] if best else None) == found


def test_released_and_deleted_volumes_are_nobodys() -> None:
    released, deleted = volume("released"), volume("deleted")
    released["status"]["phase"] = "Released"
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert best_match(claim(), [released, deleted]) is None
    assert best_match(claim(), [volume("a"), volume("b")], taken={"a"})["metadata"]["name"] == "b"  # type: ignore[index]


def test_a_claim_that_waits_for_its_pod_gets_only_what_was_bound_to_it() -> None:
    mine = volume("mine", "50Gi", claimRef=ref())
    assert best_match(claim(), [volume()], delayed=True) is None
    assert best_match(claim(), [volume(), mine], delayed=True) is mine
    assert best_match(claim(), [volume()], delayed=True, reachable=lambda volume: True) is not None
    # Its node cannot reach the volume that is meant for it: no other will do.
    assert best_match(claim(), [mine, volume()], reachable=lambda volume: volume is not mine) is None
    rwx = claim(accessModes=["ReadWriteMany"])
    assert best_match(rwx, [volume()], reachable=lambda volume: True) is None


def test_binding_a_volume_says_who_did_it() -> None:
    bound = bind_volume(volume(), claim())
    assert bound is not None
    assert bound["metadata"]["annotations"] == {volumes.BOUND_BY_CONTROLLER: "yes"}
    assert bound["spec"]["claimRef"] == {
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": "default", "name": "data", "uid": "u1",
        "resourceVersion": "7",
    }  # fmt: skip
    assert bind_volume(bound, claim()) is None
    by_a_person = bind_volume(volume(claimRef=ref()), claim())
    assert by_a_person is not None
    assert by_a_person["spec"]["claimRef"]["uid"] == "u1"
    assert "annotations" not in by_a_person["metadata"]


def test_the_newest_default_class_is_the_default() -> None:
    def storage_class(name: str, created: str, marked: str = "true") -> Any:
        annotations = {volumes.DEFAULT_CLASS: marked}
        return {"metadata": {"name": name, "creationTimestamp": created, "annotations": annotations}}

    old, new = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    classes = [
        storage_class("a", old),
        storage_class("c", new),
        storage_class("b", new),
        storage_class("d", new, "x"),
    ]
    found = default_class(classes)
    assert found is not None
    assert found["metadata"]["name"] == "b"
    assert default_class([storage_class("d", new, "false")]) is None


def test_claims_of_a_pod() -> None:
    pod = {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "volumes": [
                {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "b", "ephemeral": {"volumeClaimTemplate": {}}},
                {"name": "c", "emptyDir": {}},
            ]
        },
    }
    assert list(volumes.claims_of_pod(pod)) == [("data", False), ("web-b", True)]
    assert volumes.claim_keys_of_pod(pod) == ["default/data", "default/web-b"]
