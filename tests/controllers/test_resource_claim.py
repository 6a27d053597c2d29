"""ResourceClaims of pods. Source: pkg/controller/resourceclaim/controller_test.go, TestSyncHandler."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import PODS, RESOURCE_CLAIMS
from kubepy.controllers.resource_claim import (
    FINALIZER,
    ClaimPlan,
    claim_name,
    generate_name,
    is_done,
    plan_claim,
)
from kubepy.testing.cluster import Cluster

POD = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"nodeName": "n"}, "status": {}}
DONE = POD | {"status": {"phase": "Succeeded"}}
ANOTHER = POD | {"metadata": {"name": "p", "namespace": "ns", "uid": "x"}}
REFERENCE = {"resource": "pods", "name": "p", "uid": "u"}
OTHER = {"resource": "pods", "name": "q", "uid": "v"}
FOREIGN = {"apiGroup": "example.com", "resource": "things", "name": "t", "uid": "t"}


def claim(
    *reserved: Any,
    allocated: bool = True,
    finalizers: Any = (FINALIZER,),
    owned: bool = False,
    deleting: bool = False,
) -> Any:
    metadata: Any = {"name": "c", "namespace": "ns", "finalizers": list(finalizers)}
    if owned:
        metadata["ownerReferences"] = [{"kind": "Pod", "name": "p", "uid": "u", "controller": True}]
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status: Any = {"reservedFor": list(reserved)}
    if allocated:
        status["allocation"] = {}
    return {"metadata": metadata, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("given", "using", "owner", "expected"),
    [
        (claim(REFERENCE), {"u"}, None, ClaimPlan()),
        (claim(REFERENCE), set(), None, ClaimPlan([], deallocate=True, release=True)),
        (claim(REFERENCE, OTHER), {"v"}, None, ClaimPlan([OTHER])),
        (claim(REFERENCE, FOREIGN), set(), None, ClaimPlan([FOREIGN])),
        (claim(REFERENCE, finalizers=()), set(), None, ClaimPlan([])),
        (claim(REFERENCE, allocated=False), set(), None, ClaimPlan([], release=True)),
        (claim(deleting=True), set(), None, ClaimPlan(None, deallocate=True, release=True)),
        (claim(deleting=True, finalizers=()), set(), None, ClaimPlan()),
        (claim(owned=True, finalizers=()), set(), DONE, ClaimPlan(delete=True)),
        (claim(owned=True, finalizers=()), set(), POD, ClaimPlan()),
        (claim(owned=True, finalizers=()), set(), ANOTHER, ClaimPlan(delete=True)),
    ],
)  # fmt: skip
def test_what_becomes_of_a_claim(given: Any, using: set[str], owner: Any, expected: ClaimPlan) -> None:
    is_owned = "ownerReferences" in given["metadata"]
    assert plan_claim(given, lambda reference: reference["uid"] in using, owner, is_owned) == expected


def test_which_claim_a_pod_means() -> None:
    assert claim_name(POD, {"name": "a", "resourceClaimName": "x"}) == ("x", False)
    template = {"name": "a", "resourceClaimTemplateName": "t"}
    assert claim_name(POD, template) == ("", True)
    status = {"resourceClaimStatuses": [{"name": "a", "resourceClaimName": "p-a-x"}]}
    assert claim_name(POD | {"status": status}, template) == ("p-a-x", True)
    assert claim_name(POD | {"status": {"resourceClaimStatuses": [{"name": "a"}]}}, template) == (None, True)


def test_long_names_are_cut_in_proportion() -> None:
    assert generate_name("pod", "claim") == "pod-claim-"
    assert len(generate_name("p" * 253, "c" * 63)) <= 58


def test_a_pod_is_done_when_it_ended_or_never_had_a_node() -> None:
    assert not is_done(POD) and is_done(DONE)
    deleted = POD["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert not is_done(POD | {"metadata": deleted}) and is_done(POD | {"metadata": deleted, "spec": {}})


async def test_a_claim_is_made_for_a_pod_told_to_it_and_goes_with_it(cluster: Cluster) -> None:
    requests = [{"name": "r", "exactly": {"deviceClassName": "c"}}]
    spec = {"metadata": {"labels": {"a": "b"}}, "spec": {"devices": {"requests": requests}}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {
            "containers": [{"name": "c", "image": "i"}],
            "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "t"}],
            # Nobody allocates here, so nobody may be waiting for the scheduler.
            "schedulerName": "nobody",
        },
    }
    await cluster.create(pod)
    await cluster.settle()
    assert await cluster.list(RESOURCE_CLAIMS, "default") == []
    metadata = {"name": "t", "namespace": "default"}
    template = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": metadata,
        "spec": spec,
    }
    await cluster.create(template)
    await cluster.settle()
    (made,) = await cluster.list(RESOURCE_CLAIMS, "default")
    assert made["metadata"]["name"].startswith("p-gpu-") and made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["annotations"] == {"resource.kubernetes.io/pod-claim-name": "gpu"}
    found = await cluster.get(PODS, "p")
    assert found["status"]["resourceClaimStatuses"] == [
        {"name": "gpu", "resourceClaimName": made["metadata"]["name"]}
    ]
    await cluster.client.delete(PODS, "p", "default", grace_period_s=0)
    await cluster.advance("1m")
    assert await cluster.list(RESOURCE_CLAIMS, "default") == []
