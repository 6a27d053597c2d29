"""Workloads and PodGroups where they are turned on: served, admitted, kept while they are in use; and where not."""

from __future__ import annotations

import pytest

from kubepy.api import objects
from kubepy.api.builtins import POD_GROUPS, PODS, PRIORITY_CLASSES, WORKLOADS
from kubepy.api.errors import Forbidden
from kubepy.testing.builders import make_node, make_pod
from kubepy.testing.cluster import Cluster
from tests.api.validation.test_workloads import group, template, workload

ON = {
    "runtime_config": ("scheduling.k8s.io/v1beta1=true",),
    "feature_gates": ("GenericWorkload=true",),
    "nodes": 0,
    "scheduler": "off",
    "controllers": ("podgroup-protection-controller", "serviceaccount-controller"),
}


@pytest.mark.kubepy(**ON)
async def test_a_group_is_defaulted_and_its_priority_resolved(cluster: Cluster) -> None:
    high = {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 7,
    }  # fmt: skip
    await cluster.client.create(PRIORITY_CLASSES, high)
    wanted = group(priorityClassName="high", schedulingConstraints={"topology": [{"key": "rack"}]})
    del wanted["metadata"]["resourceVersion"], wanted["spec"]["disruptionMode"]
    made = await cluster.client.create(POD_GROUPS, wanted)
    assert made["spec"] == {
        "schedulingPolicy": {"gang": {"minCount": 2}},
        "disruptionMode": {"single": {}},
        "priorityClassName": "high",
        "priority": 7,
    }
    assert made["metadata"]["finalizers"] == ["scheduling.k8s.io/podgroup-protection"]
    assert made["metadata"]["generation"] == 1


@pytest.mark.kubepy(**ON)
async def test_a_group_names_a_workload_that_is_there(cluster: Cluster) -> None:
    wanted = group(workloadRef={"workloadName": "train", "templateName": "worker"})
    del wanted["metadata"]["resourceVersion"]
    with pytest.raises(Forbidden, match='PodGroup rejected: Workload "train" not found'):
        await cluster.client.create(POD_GROUPS, wanted)
    whole = workload(template("other"))
    del whole["metadata"]["resourceVersion"]
    await cluster.client.create(WORKLOADS, whole)
    why = 'PodGroup rejected: PodGroupTemplate "worker" not found in Workload "train"'
    with pytest.raises(Forbidden, match=why):
        await cluster.client.create(POD_GROUPS, wanted)
    wanted["spec"]["workloadRef"]["templateName"] = "other"
    await cluster.client.create(POD_GROUPS, wanted)


@pytest.mark.kubepy(**ON)
async def test_a_group_stays_while_a_pod_belongs_to_it(cluster: Cluster) -> None:
    await cluster.create(make_node("node-1"))
    wanted = group()
    del wanted["metadata"]["resourceVersion"]
    await cluster.client.create(POD_GROUPS, wanted)
    await cluster.create(make_pod("p").spec(schedulingGroup={"podGroupName": "gang"}))
    await cluster.client.delete(POD_GROUPS, "gang", "default")
    await cluster.settle()
    assert objects.is_deleting(await cluster.get(POD_GROUPS, "gang"))
    await cluster.client.delete(PODS, "p", "default")
    await cluster.settle()
    assert await cluster.list(POD_GROUPS, "default") == []


@pytest.mark.kubepy(nodes=0, scheduler="off", controllers=("serviceaccount-controller",))
async def test_where_groups_are_not_served_pods_belong_to_none(cluster: Cluster) -> None:
    made = await cluster.create(make_pod("p").spec(schedulingGroup={"podGroupName": "gang"}))
    assert "schedulingGroup" not in made["spec"]
