"""Pods leave devices whose NoExecute taints their claims do not tolerate, when their time is over."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import device_taints, objects
from kubepy.api.builtins import DEVICE_TAINT_RULES, EVENTS, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers.device_taint_eviction import (
    EVICTION_IN_PROGRESS,
    Counts,
    Eviction,
    Taint,
    no_execute_taints,
    plan_claim,
    plan_condition,
    rest_of_period,
)
from kubepy.testing.builders import make_node, make_pod
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

T0, T0_TEXT = 946684800.0, "2000-01-01T00:00:00Z"
DRIVER, POOL = "gpu.example.com", "pool"


def taint(key: str = "broken", effect: str = "NoExecute", at: str = T0_TEXT) -> Obj:
    return {"key": key, "value": "yes", "effect": effect, "timeAdded": at}


def tolerates(key: str = "broken", effect: str = "NoExecute", seconds: int | None = None) -> Obj:
    found: Obj = {"key": key, "operator": "Exists", "effect": effect}
    return found if seconds is None else {**found, "tolerationSeconds": seconds}


def allocation(*devices: str, tolerations: tuple[Obj, ...] = ()) -> Obj:
    results = [
        {"request": "r", "driver": DRIVER, "pool": POOL, "device": one, "tolerations": list(tolerations)}
        for one in devices
    ]
    return {"devices": {"results": results}}


LATER = "2000-01-01T00:01:00Z"


# Source: device_taint_eviction_test.go: evict-pod-later, -toleration-mismatch, no-evict-pod-toleration-forever,
# -partial-toleration, -many-taints.
@pytest.mark.parametrize(
    ("tolerations", "taints", "expected"),
    [
        ((), [], None),
        ((), [Taint(taint())], Eviction(T0)),
        ((), [Taint(taint(), "r1"), Taint(taint("other"))], Eviction(T0, frozenset({"r1"}))),
        ((), [Taint(taint(at=LATER), "a"), Taint(taint(), "b")], Eviction(T0, frozenset({"a", "b"}))),
        ((tolerates(),), [Taint(taint())], None),
        ((tolerates(seconds=60),), [Taint(taint())], Eviction(T0 + 60)),
        ((tolerates(seconds=-1),), [Taint(taint())], Eviction(T0)),
        ((tolerates(seconds=60), tolerates(seconds=30)), [Taint(taint())], Eviction(T0 + 30)),
        ((tolerates(seconds=60), tolerates()), [Taint(taint())], None),
        ((tolerates("other"),), [Taint(taint())], Eviction(T0)),
        ((tolerates(effect="NoSchedule"),), [Taint(taint())], Eviction(T0)),
        # Without an effect it keeps nobody: only one for NoExecute counts here.
        (({"operator": "Exists"},), [Taint(taint())], Eviction(T0)),
        ((tolerates(seconds=60),), [Taint(taint()), Taint(taint("other", at=LATER))], Eviction(T0 + 60)),
    ],
)
def test_when_a_claims_pods_have_to_go(
    tolerations: tuple[Obj, ...], taints: list[Taint], expected: Eviction | None
) -> None:
    found = plan_claim(allocation("gpu-0", tolerations=tolerations), lambda *device: taints)
    assert found == expected


def resource_slice(name: str, generation: int, **devices: list[Obj]) -> Obj:
    return {
        "metadata": {"name": name},
        "spec": {
            "driver": DRIVER,
            "pool": {"name": POOL, "generation": generation, "resourceSliceCount": 1},
            "allNodes": True,
            "devices": [
                {"name": device.replace("_", "-"), "taints": taints} for device, taints in devices.items()
            ],
        },
    }


def test_only_the_newest_generation_and_no_execute_count() -> None:
    old = resource_slice("old", 1, a=[taint()])
    new = resource_slice("new", 2, a=[], b=[taint(effect="NoSchedule"), taint("x")], c=[taint(effect="None")])
    assert no_execute_taints([old]) == {"a": [taint()]}
    assert no_execute_taints([old, new]) == {"b": [taint("x")]}


@pytest.mark.parametrize(
    ("selector", "device", "expected"),
    [
        (None, "a", False),
        ({}, "a", True),
        ({"driver": DRIVER}, "a", True),
        ({"driver": "other"}, "a", False),
        ({"pool": POOL, "device": "a"}, "a", True),
        ({"pool": POOL, "device": "b"}, "a", False),
        ({"pool": POOL, "device": "b"}, None, True),
        ({"pool": "other"}, None, False),
    ],
)
def test_what_a_rule_selects(selector: Obj | None, device: str | None, expected: bool) -> None:
    rule = {"spec": {"deviceSelector": selector}}
    assert device_taints.selects(rule, DRIVER, POOL, device) is expected


def rule_of(effect: str = "NoExecute", **selector: str) -> Obj:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceTaintRule",
        "metadata": {"name": "rule", "generation": 1},
        "spec": {"deviceSelector": selector, "taint": {"key": "broken", "value": "yes", "effect": effect}},
    }


_AGAIN = "This information will not be updated again. Recreate the DeviceTaintRule to trigger an update."


# Source: device_taint_eviction_test.go: rule-status, evict-many-pods-*, none-*.
@pytest.mark.parametrize(
    ("effect", "counts", "expected"),
    [
        ("NoExecute", Counts(), ("False", "NotStarted", "")),
        (
            "NoExecute",
            Counts(pods=1, namespaces=1),
            ("True", "PodsPendingEviction", "1 pod needs to be evicted in 1 namespace."),
        ),
        (
            "NoExecute",
            Counts(pods=10, namespaces=10, evicted=1),
            (
                "True",
                "PodsPendingEviction",
                "10 pods need to be evicted in 10 different namespaces. 1 pod evicted since starting the controller.",
            ),
        ),
        (
            "NoExecute",
            Counts(evicted=10),
            ("False", "Completed", "10 pods evicted since starting the controller."),
        ),
        (
            "None",
            Counts(pods=1, namespaces=1, published=1, allocated=1),
            (
                "False",
                "NoEffect",
                "1 published device selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace if "
                f"the effect was NoExecute. {_AGAIN}",
            ),
        ),
        (
            "None",
            Counts(),
            (
                "False",
                "NoEffect",
                "0 published devices selected. 0 allocated devices selected. 0 pods would be evicted in 0 different "
                f"namespaces if the effect was NoExecute. {_AGAIN}",
            ),
        ),
        (
            "NoSchedule",
            Counts(),
            ("False", "OtherEffect", "Eviction only happens for the NoExecute effect."),
        ),
    ],
)
def test_what_a_rule_says_of_itself(effect: str, counts: Counts, expected: tuple[str, str, str]) -> None:
    found = plan_condition(rule_of(effect), counts, T0_TEXT)
    assert found is not None
    assert (found["status"], found["reason"], found["message"]) == expected
    told = rule_of(effect) | {"status": {"conditions": [found]}}
    assert plan_condition(told, counts, LATER) is None
    assert (rest_of_period(told, T0 + 4), rest_of_period(told, T0 + 10)) == (6.0, 0.0)
    told["metadata"] = told["metadata"] | {"generation": 2}
    assert rest_of_period(told, T0 + 4) == 0.0


_ALONE = pytest.mark.kubepy(
    nodes=0, scheduler="off", controllers=("device-taint-eviction-controller", "serviceaccount-controller")
)

# -- in a cluster ----------------------------------------------------------------------------------------------


async def add_claimed_pod(cluster: Cluster, name: str = "p", device: str = "a", **more: Any) -> None:
    """A pod that runs with one device."""
    claim = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}},
    }
    made = await cluster.create(claim)
    pod = make_pod(name).on("node-1").finalizer("example.com/look-at-it")
    pod.spec(resourceClaims=[{"name": "c", "resourceClaimName": name}])
    uid = objects.uid_of(await cluster.create(pod))
    status = {
        "allocation": allocation(device, **more),
        "reservedFor": [{"resource": "pods", "name": name, "uid": uid}],
    }
    await cluster.client.update(RESOURCE_CLAIMS, made | {"status": status}, subresource="status")


async def set_taints(cluster: Cluster, *taints: Obj) -> None:
    """Of device a, by its driver."""
    found = objects.copy(await cluster.client.get(RESOURCE_SLICES, "gpus"))
    found["spec"]["devices"][0]["taints"] = list(taints)
    await cluster.client.update(RESOURCE_SLICES, found)


async def progress(cluster: Cluster) -> tuple[str, str, str]:
    await cluster.settle()
    rule = await cluster.client.get(DEVICE_TAINT_RULES, "rule")
    found = objects.condition(rule, EVICTION_IN_PROGRESS)
    assert found is not None
    return found["status"], found["reason"], found.get("message", "")


async def going(cluster: Cluster) -> list[str]:
    await cluster.settle()
    return [p["metadata"]["name"] for p in await cluster.list(PODS, "default") if objects.is_deleting(p)]


@pytest.fixture
async def devices(cluster: Cluster, world: World) -> World:
    await cluster.create(make_node("node-1"))
    slices = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice"}
    await cluster.create(slices | resource_slice("gpus", 1, a=[], b=[]))
    return world


@_ALONE
async def test_a_rule_evicts_says_so_and_counts(cluster: Cluster, devices: World) -> None:
    await add_claimed_pod(cluster, "one")
    await add_claimed_pod(cluster, "two", "b")
    await cluster.create(rule_of("None", device="a"))
    assert (await progress(cluster))[1] == "NoEffect"
    assert (await progress(cluster))[2].startswith(
        "1 published device selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace if"
    )
    assert await going(cluster) == []
    change = {"spec": {"taint": {"effect": "NoExecute"}}}
    await cluster.client.patch(DEVICE_TAINT_RULES, "rule", change, content_type=MERGE_PATCH)
    assert await going(cluster) == ["one"]
    mark = objects.condition(await cluster.get(PODS, "one"), "DisruptionTarget")
    assert mark is not None
    assert (mark["reason"], mark["message"]) == (
        "DeletionByDeviceTaintManager",
        "Device Taint manager: deleting due to NoExecute taint",
    )
    told = [e for e in await cluster.list(EVENTS) if e["reason"] == "DeviceTaintManagerEviction"]
    assert [e["message"] for e in told] == ["Marking for deletion"]
    assert told[0]["source"]["component"] == "device-taint-eviction-controller"
    await cluster.advance(21)
    assert await progress(cluster) == (
        "False",
        "Completed",
        "1 pod evicted since starting the controller.",
    )


@_ALONE
async def test_a_taint_of_the_driver_is_borne_for_a_time_and_may_go_again(
    cluster: Cluster, devices: World
) -> None:
    await add_claimed_pod(cluster, tolerations=(tolerates(seconds=60),))
    await set_taints(cluster, {"key": "broken", "effect": "NoExecute"})
    await cluster.advance(50)
    assert await going(cluster) == []
    await set_taints(cluster)
    await cluster.advance("1h")
    assert await going(cluster) == []
    assert await devices.events("DeviceTaintManagerEviction") == ["Cancelling deletion"]
    await set_taints(cluster, {"key": "broken", "effect": "NoExecute"})
    await cluster.advance(59)
    assert await going(cluster) == []
    await cluster.advance(2)
    assert await going(cluster) == ["p"]


@_ALONE
async def test_a_claim_that_is_not_the_pods_is_none_of_its_business(cluster: Cluster, devices: World) -> None:
    await cluster.create(rule_of())
    assert await progress(cluster) == ("False", "NotStarted", "")
    pod = make_pod("p").on("node-1").spec(resourceClaims=[{"name": "c", "resourceClaimName": "other"}])
    await cluster.create(pod)
    await add_claimed_pod(cluster, "other")
    assert await going(cluster) == ["other"]
    await cluster.advance(21)
    assert (await progress(cluster))[1] == "Completed"
