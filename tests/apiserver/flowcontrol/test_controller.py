"""In a whole cluster: the objects count, are kept, and requests wait or are sent away."""

from __future__ import annotations

import asyncio

from kubepy.api.builtins import FLOW_SCHEMAS, NAMESPACES, PRIORITY_LEVEL_CONFIGURATIONS
from kubepy.api.objects import Obj
from kubepy.testing.cluster import Cluster


def _level(name: str, shares: int, response: Obj) -> Obj:
    limited = {"nominalConcurrencyShares": shares, "borrowingLimitPercent": 0, "limitResponse": response}
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": name},
        "spec": {"type": "Limited", "limited": limited},
    }


def _schema(name: str, level: str, user: str) -> Obj:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True}
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": name},
        "spec": {
            "priorityLevelConfiguration": {"name": level},
            "matchingPrecedence": 1000,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [
                {
                    "subjects": [{"kind": "User", "user": {"name": user}}],
                    "resourceRules": [everything | {"namespaces": ["*"]}],
                    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                }
            ],
        },
    }


def _dangling(schema: Obj) -> tuple[str, str, str]:
    (condition,) = schema["status"]["conditions"]
    return condition["status"], condition["reason"], condition["message"]


async def test_objects_are_there_and_kept() -> None:
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        client = cluster.plane.client
        assert len((await client.list(FLOW_SCHEMAS)).documents) == 11
        text = 'This FlowSchema references the PriorityLevelConfiguration object named "exempt"'
        found = _dangling(await client.get(FLOW_SCHEMAS, "probes"))
        assert found == ("False", "Found", f"{text} and it exists")
        await client.delete(PRIORITY_LEVEL_CONFIGURATIONS, "exempt")
        await cluster.settle()
        found = _dangling(await client.get(FLOW_SCHEMAS, "probes"))
        # A mandatory level is there even without its object.
        assert found == ("False", "Found", f"{text} and it exists")
        await client.delete(FLOW_SCHEMAS, "catch-all")
        await client.delete(PRIORITY_LEVEL_CONFIGURATIONS, "workload-low")
        await cluster.settle()
        found = _dangling(await client.get(FLOW_SCHEMAS, "service-accounts"))
        text = 'This FlowSchema references the PriorityLevelConfiguration object named "workload-low"'
        assert found == ("True", "NotFound", f"{text} but there is no such object")
        await cluster.advance("1m")
        for resource, name in (
            (PRIORITY_LEVEL_CONFIGURATIONS, "exempt"),
            (PRIORITY_LEVEL_CONFIGURATIONS, "workload-low"),
            (FLOW_SCHEMAS, "catch-all"),
        ):
            assert (await client.get(resource, name))["metadata"]["name"] == name
        assert _dangling(await client.get(FLOW_SCHEMAS, "service-accounts"))[0] == "False"


async def test_a_level_without_seats_sends_away() -> None:
    async with Cluster(
        nodes=0, controllers=(), scheduler="off", authorization_mode=("AlwaysAllow",)
    ) as cluster:
        client = cluster.plane.client
        await client.create(PRIORITY_LEVEL_CONFIGURATIONS, _level("narrow", 0, {"type": "Reject"}))
        await client.create(FLOW_SCHEMAS, _schema("janes", "narrow", "jane"))
        await cluster.settle()
        jane = client.named("test", user="jane")
        # One that is wider than its level goes when it is alone in it.
        await jane.list(NAMESPACES)

        waits = asyncio.gather(*(jane.list(NAMESPACES) for _ in range(20)))
        await cluster.settle()
        await cluster.advance("1m")
        assert len(await waits) == 20, "in process one comes again"
        await client.list(NAMESPACES)
