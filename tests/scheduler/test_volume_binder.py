"""Which volumes a node has for a pod. Cases: volumebinding/binder_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.scheduler.volume_binder import (
    BIND_CONFLICT,
    NODE_CONFLICT,
    NOT_ENOUGH_SPACE,
    VOLUME_MISSING,
    Broken,
    PodClaims,
    PodVolumes,
    Storage,
    find,
    matches_topology,
)
from tests.api.test_volumes import claim, ref, volume

LABELS = {"host": "node-1", "zone": "a"}
GOLD = {"provisioner": "x.csi", "volumeBindingMode": "WaitForFirstConsumer"}


def on(host: str) -> Any:
    term = {"matchExpressions": [{"key": "host", "operator": "In", "values": [host]}]}
    return {"required": {"nodeSelectorTerms": [term]}}


def storage(storage_class: Any = GOLD, driver: Any = None, capacities: Any = ()) -> Storage:
    return Storage(lambda name: storage_class, lambda name: driver, lambda name: capacities)


def named(name: str, size: str = "8Gi", **annotations: str) -> Any:
    made = claim(size)
    made["metadata"] = made["metadata"] | {"name": name, "annotations": annotations}
    return made


def delayed(*claims: Any, candidates: Any = ()) -> PodClaims:
    return PodClaims(delayed=list(claims), candidates={c["metadata"]["name"]: candidates for c in claims})


HERE, THERE = volume("here", nodeAffinity=on("node-1")), volume("there", nodeAffinity=on("node-2"))
CAPACITY = {"capacity": "20Gi", "nodeTopology": {"matchLabels": {"zone": "a"}}}


@pytest.mark.parametrize(
    ("claims", "world", "reasons"),
    [
        (PodClaims(bound=[(claim(), HERE)]), storage(), []),
        (PodClaims(bound=[(claim(), THERE)]), storage(), [NODE_CONFLICT]),
        (PodClaims(bound=[(claim(), None)]), storage(), [VOLUME_MISSING]),
        (delayed(claim()), storage(), []),
        (delayed(claim()), storage(GOLD | {"provisioner": volumes.NO_PROVISIONER}), [BIND_CONFLICT]),
        (delayed(claim(), candidates=[HERE]), storage(GOLD | {"provisioner": volumes.NO_PROVISIONER}), []),
        (delayed(claim(), candidates=[THERE]), storage(GOLD | {"provisioner": volumes.NO_PROVISIONER}),
         [BIND_CONFLICT]),
        (delayed(named("a", **{volumes.SELECTED_NODE: "node-2"})), storage(), [BIND_CONFLICT]),
        (delayed(named("a", **{volumes.SELECTED_NODE: "node-1"})), storage(), []),
        # Drivers that publish their capacity are asked.
        (delayed(claim()), storage(driver={"spec": {"storageCapacity": True}}), [NOT_ENOUGH_SPACE]),
        (delayed(claim()), storage(driver={"spec": {"storageCapacity": True}}, capacities=[CAPACITY]), []),
        (delayed(claim("30Gi")), storage(driver={"spec": {"storageCapacity": True}}, capacities=[CAPACITY]),
         [NOT_ENOUGH_SPACE]),
        (delayed(claim()), storage(driver={"spec": {"storageCapacity": True}},
         capacities=[CAPACITY | {"maximumVolumeSize": "1Gi"}]), [NOT_ENOUGH_SPACE]),
        (delayed(claim()), storage(driver={"spec": {"storageCapacity": True}},
         capacities=[CAPACITY | {"nodeTopology": {"matchLabels": {"zone": "b"}}}]), [NOT_ENOUGH_SPACE]),
        (delayed(claim()), storage(driver={"spec": {"storageCapacity": False}}), []),
    ],
)  # fmt: skip
def test_what_a_node_lacks(claims: PodClaims, world: Storage, reasons: list[str]) -> None:
    found = find(claims, "node-1", LABELS, world)
    assert (found if isinstance(found, list) else []) == reasons


def test_two_claims_do_not_get_the_same_volume() -> None:
    small, large = named("small", "1Gi"), named("large", "8Gi")
    both = [volume("large"), volume("small", "1Gi")]
    found = find(delayed(large, small, candidates=both), "node-1", LABELS, storage())
    assert isinstance(found, PodVolumes)
    assert [(v["metadata"]["name"], c["metadata"]["name"]) for v, c in found.bindings] == [
        ("small", "small"),
        ("large", "large"),
    ]
    found = find(delayed(large, small, candidates=both[:1]), "node-1", LABELS, storage())
    assert isinstance(found, PodVolumes)
    assert [c["metadata"]["name"] for c in found.provisions] == ["large"]


def test_a_volume_bound_beforehand_wins() -> None:
    mine = volume("mine", "99Gi", claimRef=ref())
    found = find(delayed(claim(), candidates=[volume(), mine]), "node-1", LABELS, storage())
    assert isinstance(found, PodVolumes)
    assert found.bindings == [(mine, claim())]


def test_a_class_that_is_gone_is_no_nodes_fault() -> None:
    with pytest.raises(Broken, match='failed to find storage class "gold"'):
        find(delayed(claim()), "node-1", LABELS, storage(None))


@pytest.mark.parametrize(
    ("terms", "matches"),
    [
        ([], True),
        ([{}], False),
        ([{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}], True),
        ([{"matchLabelExpressions": [{"key": "zone", "values": ["b"]}]}], False),
        ([{"matchLabelExpressions": [{"key": "none", "values": ["b"]}]}], False),
        ([{}, {"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}], True),
    ],
)
def test_where_a_class_makes_volumes(terms: Any, matches: bool) -> None:
    assert bool(matches_topology(terms, LABELS)) is matches
