"""What claims and volumes need. Cases: pkg/controller/volume/persistentvolume/{binder,delete,recycle}_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import volumes
from kubepy.controllers.persistent_volume_plan import (
    EXTERNAL_DELETION,
    MIGRATED_TO,
    ClaimPlan,
    Said,
    VolumePlan,
    claim_status,
    finalizers_due,
    find_match,
    migration_due,
    plan_claim,
    plan_volume,
    refused_deletion,
    unbound,
    unfit,
)
from tests.api.test_volumes import claim, ref, volume

DONE = {volumes.BIND_COMPLETED: "yes"}
BY_CONTROLLER = {volumes.BOUND_BY_CONTROLLER: "yes"}
WAITS = {"metadata": {"name": "gold"}, "provisioner": "x.csi", "volumeBindingMode": "WaitForFirstConsumer"}
AT_ONCE = WAITS | {"volumeBindingMode": "Immediate"}


def noted(obj: Any, annotations: Any) -> Any:
    return obj | {"metadata": obj["metadata"] | {"annotations": annotations}}


def phased(obj: Any, phase: str) -> Any:
    return obj | {"status": {"phase": phase}}


MINE, THEIRS = volume(claimRef=ref("u1")), volume(claimRef=ref("u9"))
LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
UNNAMED = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
TOO_SMALL = 'Cannot bind to requested volume "pv": requested PV is too small'
TWICE = "Two claims are bound to the same volume, this one is bound incorrectly"


@pytest.mark.parametrize(
    ("subject", "world", "wanted"),
    [
        # Bound for good.
        (noted(claim(volumeName="pv"), DONE), {"named": MINE}, ClaimPlan(bind_to=MINE)),
        (noted(claim(volumeName="pv"), DONE), {"named": volume()}, ClaimPlan(bind_to=volume())),
        (
            noted(claim(volumeName="pv"), DONE), {"named": None},
            ClaimPlan(phase="Lost", said=Said("Warning", "ClaimLost", LOST)),
        ),
        (
            noted(claim(), DONE), {"named": None},
            ClaimPlan(phase="Lost", said=Said("Warning", "ClaimLost", UNNAMED)),
        ),
        (
            noted(claim(volumeName="pv"), DONE), {"named": THEIRS},
            ClaimPlan(phase="Lost", said=Said("Warning", "ClaimMisbound", TWICE)),
        ),
        # Asks for a volume by name.
        (claim(volumeName="pv"), {"named": None}, ClaimPlan(phase="Pending")),
        (claim(volumeName="pv"), {"named": volume()}, ClaimPlan(bind_to=volume())),
        (claim(volumeName="pv"), {"named": MINE}, ClaimPlan(bind_to=MINE)),
        (
            claim(volumeName="pv"), {"named": volume(size="1Gi")},
            ClaimPlan(
                phase="Pending",
                said=Said("Warning", "VolumeMismatch", TOO_SMALL),
            ),
        ),
        (
            claim(volumeName="pv"), {"named": THEIRS},
            ClaimPlan(
                phase="Pending",
                said=Said("Warning", "FailedBinding", 'volume "pv" already bound to a different claim.'),
            ),
        ),
        # Takes what there is.
        (claim(), {"named": None, "candidates": [volume()]}, ClaimPlan(bind_to=volume())),
        (
            claim(storageClassName=""), {"named": None},
            ClaimPlan(
                phase="Pending",
                said=Said(
                    "Normal", "FailedBinding",
                    "no persistent volumes available for this claim and no storage class is set",
                ),
            ),
        ),
        (
            claim(storageClassName=None), {"named": None, "default": {"metadata": {"name": "standard"}}},
            ClaimPlan(default_class="standard"),
        ),
        # Its pod decides.
        (
            claim(), {"named": None, "storage_class": WAITS, "candidates": [volume()]},
            ClaimPlan(
                phase="Pending",
                said=Said(
                    "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding"
                ),
            ),
        ),
        (
            claim(), {"named": None, "storage_class": WAITS, "waiting": ["a"]},
            ClaimPlan(phase="Pending", said=Said("Normal", "WaitForPodScheduled", "waiting for pod a to be scheduled")),
        ),
        (
            claim(), {"named": None, "storage_class": WAITS, "waiting": ["a", "b"]},
            ClaimPlan(
                phase="Pending", said=Said("Normal", "WaitForPodScheduled", "waiting for pods a,b to be scheduled")
            ),
        ),
        # Somebody has to make it.
        (
            claim(), {"named": None},
            ClaimPlan(said=Said("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "gold" not found')),
        ),
        (
            claim(), {"named": None, "storage_class": AT_ONCE | {"provisioner": "kubernetes.io/no-provisioner"}},
            ClaimPlan(
                said=Said(
                    "Warning", "ProvisioningFailed", "no volume plugin matched name: kubernetes.io/no-provisioner"
                )
            ),
        ),
    ],
)  # fmt: skip
def test_what_a_claim_needs(subject: Any, world: Any, wanted: ClaimPlan) -> None:
    assert plan_claim(subject, **world) == wanted


@pytest.mark.parametrize(
    ("provisioner", "turn"), [("x.csi", "x.csi"), ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io")]
)
def test_whose_turn_it_is(provisioner: str, turn: str) -> None:
    chosen = noted(claim(), {volumes.SELECTED_NODE: "node-1"})
    for subject, storage_class in ((claim(), AT_ONCE), (chosen, WAITS)):
        decided = plan_claim(subject, named=None, storage_class=storage_class | {"provisioner": provisioner})
        assert decided.provisioner == turn
        assert decided.said is not None
        assert decided.said.message.startswith(
            f"Waiting for a volume to be created either by the external provisioner '{turn}' or manually"
        )


def test_a_claim_bound_by_the_controller_to_a_taken_volume_is_tried_again() -> None:
    decided = plan_claim(noted(claim(volumeName="pv"), BY_CONTROLLER), named=THEIRS)
    assert decided.phase == ""
    assert decided.error == (
        'invalid binding of claim "default/data" to volume "pv": volume already claimed by "default/data"'
    )


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (volume(), ""),
        (volume(size="1Gi"), "requested PV is too small"),
        (volume(storageClassName="silver"), "storageClassName does not match"),
        (volume(volumeAttributesClassName="x"), "volumeAttributesClassName does not match"),
        (volume(volumeMode="Block"), "incompatible volumeMode"),
        (volume(accessModes=["ReadOnlyMany"]), "incompatible accessMode"),
    ],
)
def test_why_a_named_volume_will_not_do(there: Any, why: str) -> None:
    assert unfit(there, claim()) == why


def test_access_modes_beyond_the_asked_ones_are_spared() -> None:
    both = volume("both", "8Gi", accessModes=["ReadWriteOnce", "ReadWriteMany"])
    one, other = volume("one", "20Gi"), volume("other", accessModes=["ReadOnlyMany"])
    found = find_match(claim(), [both, one, other], delayed=False)
    assert found is one


DYNAMIC = noted(
    volume(claimRef=ref("u1"), persistentVolumeReclaimPolicy="Delete"), {volumes.PROVISIONED_BY: "x.csi"}
)


@pytest.mark.parametrize(
    ("subject", "its_claim", "wanted"),
    [
        (volume(), None, VolumePlan(phase="Available")),
        (volume(claimRef=ref()), None, VolumePlan(phase="Available")),
        (phased(MINE, "Bound"), None, VolumePlan(phase="Released", reclaim=True)),
        (phased(MINE, "Failed"), None, VolumePlan(reclaim=True)),
        (MINE, claim(), VolumePlan(wake_claim=True)),
        (MINE, claim(volumeName="pv"), VolumePlan(phase="Bound")),
        (MINE, claim(volumeName="other"), VolumePlan(unbind=True)),
        (phased(DYNAMIC, "Bound"), claim(volumeName="other"), VolumePlan(phase="Released", reclaim=True)),
    ],
)
def test_what_a_volume_needs(subject: Any, its_claim: Any, wanted: VolumePlan) -> None:
    assert plan_volume(subject, its_claim) == wanted


def test_a_volume_let_go_keeps_what_a_person_wrote() -> None:
    by_controller = unbound(noted(MINE, BY_CONTROLLER))
    assert "claimRef" not in by_controller["spec"]
    assert by_controller["metadata"]["annotations"] == {}
    assert unbound(MINE)["spec"]["claimRef"] == ref()


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (DYNAMIC, None),
        (volume(csi={}), None),
        (volume(gcePersistentDisk={}), None),
        (volume(hostPath={"path": "/tmp/a"}), ""),
        (
            volume(hostPath={"path": "/data"}),
            "host_path deleter only supports /tmp/.+ but received provided /data",
        ),
        (
            volume(nfs={}),
            'error getting deleter volume plugin for volume "pv": no deletable volume plugin matched',
        ),
    ],
)
def test_who_can_delete_a_volume(subject: Any, why: str | None) -> None:
    assert refused_deletion(subject) == why


OLD, GCE = "kubernetes.io/old", "kubernetes.io/gce-pd"
OURS, THEIRS_TOO, OTHER = volumes.IN_TREE_DELETION, EXTERNAL_DELETION, "example.com/hold"


@pytest.mark.parametrize(
    ("provisioner", "policy", "finalizers", "due"),
    [
        (GCE, "Delete", [THEIRS_TOO, OURS], [THEIRS_TOO]),
        (GCE, "Delete", [THEIRS_TOO], None),
        (OLD, "Delete", [], [OURS]),
        (OLD, "Delete", [OURS], None),
        (OLD, "Delete", [OTHER], [OTHER, OURS]),
        (OLD, "Delete", [THEIRS_TOO], [OURS]),
        (OLD, "Delete", [THEIRS_TOO, OTHER], [OTHER, OURS]),
        (OLD, "Retain", [], None),
        (OLD, "Recycle", [], None),
        (OLD, "Retain", [OURS], []),
        ("x.csi", "Delete", [THEIRS_TOO], None),
        ("x.csi", "Delete", [], None),
        ("", "Delete", [THEIRS_TOO], None),
    ],
)
def test_only_volumes_of_in_tree_provisioners_are_held(
    provisioner: str, policy: str, finalizers: list[str], due: list[str] | None
) -> None:
    held = noted(volume(persistentVolumeReclaimPolicy=policy), {})
    held["metadata"]["finalizers"] = finalizers
    if provisioner:
        held["metadata"]["annotations"] = {volumes.PROVISIONED_BY: provisioner}
    assert finalizers_due(held) == due


@pytest.mark.parametrize(
    ("annotations", "driver"),
    [
        ({"key": GCE}, "pd.csi.storage.gke.io"),
        ({"beta": GCE}, "pd.csi.storage.gke.io"),
        ({"key": GCE, MIGRATED_TO: "pd.csi.storage.gke.io"}, None),
        ({"key": OLD}, None),
        ({"key": OLD, MIGRATED_TO: "rbd.csi.ceph.com"}, ""),
        ({"beta": OLD, MIGRATED_TO: "rbd.csi.ceph.com"}, ""),
        ({"key": "pd.csi.storage.gke.io"}, None),
        ({}, None),
    ],
)
def test_which_driver_does_the_work_of_an_in_tree_provisioner(
    annotations: dict[str, str], driver: str | None
) -> None:
    """Cases: pv_controller_test.go TestAnnealMigrationAnnotations."""
    due = migration_due(noted(claim(), annotations), ("key", "beta"))
    kept = {key: value for key, value in annotations.items() if key != MIGRATED_TO}
    assert due == (None if driver is None else kept | ({MIGRATED_TO: driver} if driver else {}))


def test_the_capacity_of_a_bound_claim_is_not_the_binders() -> None:
    status = claim_status(claim() | {"status": {"phase": "Pending"}}, "Bound", volume())
    assert status == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}}
    assert claim_status(claim() | {"status": status}, "Bound", volume(size="20Gi")) is None
    assert claim_status(claim() | {"status": status}, "Lost", None) == {"phase": "Lost"}
