from __future__ import annotations

from typing import Any

from kubepy.api.builtins import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, PODS
from kubepy.api.objects import Obj, condition
from kubepy.client.client import MERGE_PATCH
from kubepy.testing.builders import make_custom_kind, make_deployment
from tests.controllers.conftest import World

LOAD = "kubepy.io/usage-cpu"


def autoscaler(name: str = "web", *, target: str = "web", kind: str = "Deployment", **spec: Any) -> Obj:
    api_version = {"Deployment": "apps/v1"}.get(kind, "example.com/v1")
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": target}, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": metric}], **spec,
        },
    }  # fmt: skip


async def start(world: World, load: str, **spec: Any) -> None:
    """A Deployment whose pods ask for 100m and use `load`, and its autoscaler."""
    wanted = make_deployment("web").replicas(1).requests(cpu="100m").obj()
    wanted["spec"]["template"]["metadata"]["annotations"] = {LOAD: load}
    await world.cluster.create(wanted, autoscaler(**spec))
    await world.rolled_out()


async def load(world: World, amount: str) -> None:
    """Of the pods that there are."""
    for name in await world.names(PODS):
        await world.patch(PODS, name, {"metadata": {"annotations": {LOAD: amount}}}, content_type=MERGE_PATCH)


async def replicas(world: World) -> int:
    return (await world.deployment())["spec"]["replicas"]


async def status(world: World, name: str = "web") -> Obj:
    return (await world.cluster.get(HORIZONTAL_POD_AUTOSCALERS, name))["status"]


async def test_load_goes_up_and_down(world: World) -> None:
    await start(world, "50m")
    await world.cluster.advance("1m")
    assert await replicas(world) == 1
    await load(world, "200m")
    await world.cluster.advance("15s")
    assert await replicas(world) == 4
    assert await world.events("SuccessfulRescale") == [
        "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    ]
    await world.cluster.advance("30s")
    await load(world, "10m")
    # Five minutes of lower figures, and not a look less.
    before = await replicas(world)
    await world.cluster.advance("4m45s")
    assert await replicas(world) == before

    async def is_one() -> bool:
        return await replicas(world) == 1

    assert await world.cluster.until(is_one, within="20m") <= 600
    found = condition({"status": await status(world)}, "AbleToScale")
    assert found is not None
    assert found["message"] == "the HPA controller was able to update the target scale to 1"
    assert (await status(world))["observedGeneration"] == 1


async def test_a_behavior_sets_the_pace(world: World) -> None:
    down = {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
    up = {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}
    await start(world, "500m", behavior={"scaleUp": up, "scaleDown": down})
    sizes = []
    for _ in range(3):
        await world.cluster.advance("60s")
        sizes.append(await replicas(world))
    assert sizes == [3, 5, 7]
    found = condition({"status": await status(world)}, "ScalingLimited")
    assert found is not None
    assert (found["status"], found["reason"]) == ("True", "ScaleUpLimit")


async def test_a_target_that_is_not_there(world: World) -> None:
    await world.cluster.create(autoscaler())
    await world.cluster.advance("20s")
    found = condition({"status": await status(world)}, "AbleToScale")
    assert found is not None
    assert (found["status"], found["reason"]) == ("False", "FailedGetScale")
    assert found["message"] == (
        'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found'
    )
    assert await world.events("FailedGetScale") == ['deployments.apps "web" not found']


async def test_nobody_turns_on_what_was_turned_off(world: World) -> None:
    await start(world, "500m")
    await world.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 0}})
    await world.cluster.advance("1m")
    assert await replicas(world) == 0
    found = condition({"status": await status(world)}, "ScalingActive")
    assert found is not None
    assert found["reason"] == "ScalingDisabled"


async def test_two_autoscalers_of_the_same_pods_stand_still(world: World) -> None:
    await start(world, "500m", maxReplicas=3)
    await world.cluster.create(autoscaler("other"))
    await world.cluster.advance("2m")
    found = condition({"status": await status(world)}, "ScalingActive")
    assert found is not None
    assert found["reason"] == "AmbiguousSelector"
    assert "[default/other default/web]" in found["message"]


async def test_anything_with_a_scale_is_scaled(world: World) -> None:
    await world.cluster.create(make_custom_kind("Shop").with_scale().with_status())
    await world.cluster.settle()
    shop = {
        "apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 20},
    }  # fmt: skip
    await world.cluster.create(shop, autoscaler(kind="Shop"))
    await world.cluster.advance("20s")
    assert (await world.cluster.get(world.cluster.resource(shop), "web"))["spec"]["replicas"] == 10
    assert await world.events("SuccessfulRescale") == [
        "New size: 10; reason: Current number of replicas above Spec.MaxReplicas"
    ]
