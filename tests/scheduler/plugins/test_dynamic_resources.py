import pytest

from kubepy.api.builtins import DEVICE_CLASSES, DEVICE_TAINT_RULES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from kubepy.client.client import MERGE_PATCH

DRIVER = "gpu.example.com"


def device(name, **fields):
    return {"name": name, **fields}


def resource_slice(*devices, node="node-1", pool=None, **spec):
    where = (
        {}
        if "allNodes" in spec or "nodeSelector" in spec or "perDeviceNodeSelection" in spec
        else {"nodeName": node}
    )
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"slice-{pool or node}"},
        "spec": {
            "driver": DRIVER,
            "pool": {"name": pool or node, "generation": 1, "resourceSliceCount": 1},
            "devices": list(devices),
            **where,
            **spec,
        },
    }


def request(name="gpu", **exactly):
    return {"name": name, "exactly": {"deviceClassName": "gpu", **exactly}}


def claim(name="gpu", *requests, **devices):
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"devices": {"requests": list(requests) or [request()], **devices}},
    }


def uses(*names):
    return [{"name": f"c{at}", "resourceClaimName": name} for at, name in enumerate(names)]


@pytest.fixture
async def gpus(world):
    """One node, a class that takes all devices of the driver."""
    device_class = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": "gpu"},
        "spec": {"selectors": [{"cel": {"expression": f'device.driver == "{DRIVER}"'}}]},
    }
    await world.client.create(DEVICE_CLASSES, device_class)
    await world.add_node("node-1")
    await world.add_node("node-2")
    await world.start()
    return world


async def status_of(world, name="gpu"):
    return (await world.client.get(RESOURCE_CLAIMS, name, "default")).get("status") or {}


async def test_a_claim_is_allocated_and_reserved_before_the_pod_is_bound(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), node="node-2"))
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.add_pod(resourceClaims=uses("gpu"))
    assert await gpus.node_of() == "node-2"
    found = await gpus.client.get(RESOURCE_CLAIMS, "gpu", "default")
    assert found["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]
    pod = await gpus.pod()
    assert found["status"]["reservedFor"] == [
        {"resource": "pods", "name": "web", "uid": pod["metadata"]["uid"]}
    ]
    allocation = found["status"]["allocation"]
    assert allocation["devices"]["results"] == [
        {"request": "gpu", "driver": DRIVER, "pool": "node-2", "device": "gpu-0"}
    ]
    assert allocation["nodeSelector"] == {
        "nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-2"]}]}
        ]
    }


async def test_a_device_is_given_once_and_waited_for(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.client.create(RESOURCE_CLAIMS, claim("one"))
    await gpus.client.create(RESOURCE_CLAIMS, claim("two"))
    await gpus.add_pod("a", resourceClaims=uses("one"))
    await gpus.add_pod("b", resourceClaims=uses("two"))
    assert await gpus.node_of("a") == "node-1"
    _, reason, message = await gpus.condition("b")
    assert (reason, message.split(".")[0]) == (
        "Unschedulable",
        "0/2 nodes are available: 2 cannot allocate all claims",
    )
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), node="node-2"))
    await gpus.clock.advance(2)
    assert await gpus.node_of("b") == "node-2"


async def test_a_claim_that_is_not_there_yet_keeps_the_pod_out_of_the_queue(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.add_pod(resourceClaims=uses("gpu"))
    assert gpus.scheduler.statistics()["queue"]["gated"] == 1
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.clock.settle()
    assert await gpus.node_of() == "node-1"


async def test_two_pods_share_a_claim(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), node="node-2"))
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.add_pod("a", resourceClaims=uses("gpu"))
    await gpus.add_pod("b", resourceClaims=uses("gpu"))
    assert await gpus.node_of("b") == "node-2"
    assert [one["name"] for one in (await status_of(gpus))["reservedFor"]] == ["a", "b"]


async def test_what_is_allocated_elsewhere_is_given_back(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), node="node-1"))
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), node="node-2"))
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.add_pod("a", resourceClaims=uses("gpu"))
    first = await gpus.node_of("a")
    await gpus.client.delete(PODS, "a", "default")
    # The controller of claims takes the pod out of those it is reserved for, and leaves the rest here.
    found = await gpus.client.get(RESOURCE_CLAIMS, "gpu", "default")
    await gpus.client.update(
        RESOURCE_CLAIMS, {**found, "status": {**found["status"], "reservedFor": []}}, subresource="status"
    )
    other = "node-2" if first == "node-1" else "node-1"
    await gpus.add_pod("b", resourceClaims=uses("gpu"), nodeSelector=None, affinity={
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [other]}]}]}}
    })  # fmt: skip
    await gpus.clock.advance(2)
    assert await gpus.node_of("b") == other


async def test_the_first_alternative_that_works_is_taken_and_the_node_of_the_best_one(gpus):
    await gpus.client.create(
        RESOURCE_SLICES, resource_slice(device("small", attributes={"size": {"int": 1}}), node="node-1")
    )
    await gpus.client.create(
        RESOURCE_SLICES, resource_slice(device("large", attributes={"size": {"int": 2}}), node="node-2")
    )
    sizes = [
        {
            "name": name,
            "deviceClassName": "gpu",
            "selectors": [{"cel": {"expression": f'device.attributes["{DRIVER}"].size == {size}'}}],
        }
        for name, size in (("large", 2), ("small", 1))
    ]
    await gpus.client.create(RESOURCE_CLAIMS, claim("gpu", {"name": "gpu", "firstAvailable": sizes}))
    await gpus.add_pod(resourceClaims=uses("gpu"))
    assert await gpus.node_of() == "node-2"
    results = (await status_of(gpus))["allocation"]["devices"]["results"]
    assert [one["request"] for one in results] == ["gpu/large"]


async def test_a_pod_waits_for_devices_that_have_to_be_made_ready(gpus):
    conditions = {
        "bindingConditions": ["example.com/ready"],
        "bindingFailureConditions": ["example.com/broken"],
    }
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0", **conditions)))
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.add_pod(resourceClaims=uses("gpu"))
    assert await gpus.node_of() == ""
    found = await gpus.client.get(RESOURCE_CLAIMS, "gpu", "default")
    ready = {"type": "example.com/ready", "status": "True", "reason": "Done", "message": "",
             "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
    devices = [{"driver": DRIVER, "pool": "node-1", "device": "gpu-0", "conditions": [ready]}]
    await gpus.client.update(
        RESOURCE_CLAIMS, {**found, "status": {**found["status"], "devices": devices}}, subresource="status"
    )
    await gpus.clock.settle()
    assert await gpus.node_of() == "node-1"


async def test_a_class_that_does_not_exist(gpus):
    wanted = request(deviceClassName="other")
    await gpus.client.create(RESOURCE_CLAIMS, claim("gpu", wanted))
    await gpus.add_pod(resourceClaims=uses("gpu"))
    _, _, message = await gpus.condition()
    assert message.startswith("0/2 nodes are available: request gpu: device class other does not exist.")


async def test_devices_that_a_rule_taints_are_given_to_nobody_until_it_goes(gpus):
    rule = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceTaintRule",
        "metadata": {"name": "broken"},
        "spec": {"deviceSelector": {"pool": "node-1"}, "taint": {"key": "broken", "effect": "NoSchedule"}},
    }
    await gpus.client.create(DEVICE_TAINT_RULES, rule)
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    tolerant = request(tolerations=[{"key": "broken", "operator": "Exists"}])
    await gpus.client.create(RESOURCE_CLAIMS, claim("one"))
    await gpus.add_pod("a", resourceClaims=uses("one"))
    assert await gpus.node_of("a") == ""
    await gpus.client.create(RESOURCE_CLAIMS, claim("two", tolerant))
    await gpus.add_pod("b", resourceClaims=uses("two"))
    assert await gpus.node_of("b") == "node-1"
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), pool="other"))
    await gpus.clock.advance(2)
    assert await gpus.node_of("a") == "node-1"


async def test_a_pod_that_a_rule_kept_waiting_is_tried_when_the_rule_goes(gpus):
    rule = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceTaintRule",
        "metadata": {"name": "broken"},
        "spec": {"deviceSelector": {}, "taint": {"key": "broken", "effect": "NoExecute"}},
    }
    await gpus.client.create(DEVICE_TAINT_RULES, rule)
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.client.create(RESOURCE_CLAIMS, claim())
    await gpus.add_pod(resourceClaims=uses("gpu"))
    assert await gpus.node_of() == ""
    await gpus.client.delete(DEVICE_TAINT_RULES, "broken")
    await gpus.clock.advance(2)
    assert await gpus.node_of() == "node-1"


def wants(amount, resource="example.com/gpu", **more):
    resources = {"requests": {resource: amount}, "limits": {resource: amount}}
    return {"containers": [{"name": "app", "image": "app", "resources": resources}], **more}


async def name_class(world, resource="example.com/gpu"):
    change = {"spec": {"extendedResourceName": resource}}
    await world.client.patch(DEVICE_CLASSES, "gpu", change, content_type=MERGE_PATCH)
    await world.clock.settle()


async def test_an_extended_resource_comes_to_a_claim(gpus):
    await name_class(gpus)
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0"), device("gpu-1"), node="node-2"))
    await gpus.add_pod(**wants("2"))
    assert await gpus.node_of() == "node-2"
    (found,) = [document.obj for document in (await gpus.client.list(RESOURCE_CLAIMS, "default")).documents]
    metadata, pod = found["metadata"], await gpus.pod()
    assert metadata["name"].startswith("web-extended-resources-")
    assert metadata["annotations"] == {"resource.kubernetes.io/extended-resource-claim": "true"}
    assert metadata["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    assert [r["device"] for r in found["status"]["allocation"]["devices"]["results"]] == ["gpu-0", "gpu-1"]
    assert found["status"]["reservedFor"][0]["name"] == "web"
    assert pod["status"]["extendedResourceClaimStatus"] == {
        "resourceClaimName": metadata["name"],
        "requestMappings": [
            {
                "containerName": "app",
                "resourceName": "example.com/gpu",
                "requestName": "container-0-request-0",
            }
        ],
    }
    # They are taken.
    await gpus.add_pod("other", **wants("1"))
    _, reason, message = await gpus.condition("other")
    assert (reason, message.split(".")[0]) == (
        "Unschedulable",
        "0/2 nodes are available: 2 cannot allocate all claims",
    )


async def test_what_a_device_plugin_offers_needs_no_claim(gpus):
    await name_class(gpus)
    await gpus.add_node("node-3", **{"example.com/gpu": "1"})
    await gpus.add_pod(**wants("1"))
    assert await gpus.node_of() == "node-3"
    assert (await gpus.client.list(RESOURCE_CLAIMS, "default")).documents == []


async def test_a_pod_waits_until_the_resource_stands_for_a_class(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.add_pod(**wants("1"))
    assert "Insufficient example.com/gpu" in (await gpus.condition())[2]
    await name_class(gpus)
    await gpus.clock.advance(2)
    assert await gpus.node_of() == "node-1"


async def test_by_its_own_name_every_class_is_a_resource(gpus):
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.add_pod(**wants("1", "deviceclass.resource.kubernetes.io/gpu"))
    assert await gpus.node_of() == "node-1"


async def test_a_claim_of_an_earlier_try_is_deleted_first(gpus):
    await name_class(gpus)
    await gpus.client.create(RESOURCE_SLICES, resource_slice(device("gpu-0")))
    await gpus.add_pod(**wants("1", schedulingGates=[{"name": "wait"}]))
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web",
        "uid": (await gpus.pod())["metadata"]["uid"],
        "controller": True,
    }
    stale = claim("stale")
    stale["metadata"] |= {
        "ownerReferences": [owner],
        "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"},
        "finalizers": ["resource.kubernetes.io/delete-protection"],
    }
    await gpus.client.create(RESOURCE_CLAIMS, stale)
    await gpus.client.patch(
        PODS, "web", {"spec": {"schedulingGates": None}}, namespace="default", content_type=MERGE_PATCH
    )
    await gpus.clock.advance(20)
    assert await gpus.node_of() == "node-1"
    names = [d.key.name for d in (await gpus.client.list(RESOURCE_CLAIMS, "default")).documents]
    assert len(names) == 1 and names != ["stale"]
