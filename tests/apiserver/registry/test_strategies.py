"""What kinds decide about their own writes, through the verbs."""

from __future__ import annotations

import base64
from typing import Any

from tests.api.pems import REQUEST_PEM
from tests.apiserver.conftest import Api

DAEMON_SETS = "/apis/apps/v1/namespaces/default/daemonsets"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
MERGE = "application/merge-patch+json"
GENERATION = "deprecated.daemonset.template.generation"
PEM = base64.b64encode(REQUEST_PEM.encode()).decode()


def daemon_set(image: str = "i") -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }


def counts(obj: dict[str, Any]) -> tuple[int, str]:
    return obj["metadata"]["generation"], obj["metadata"]["annotations"][GENERATION]


async def test_a_daemon_set_counts_its_templates(api: Api) -> None:
    made = await api.ok("POST", DAEMON_SETS, daemon_set())
    assert counts(made) == (1, "1")
    change: dict[str, Any] = {"spec": {"minReadySeconds": 5}}
    assert counts(await api.ok("PATCH", f"{DAEMON_SETS}/d", change, content_type=MERGE)) == (2, "1")
    change = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}
    assert counts(await api.ok("PATCH", f"{DAEMON_SETS}/d", change, content_type=MERGE)) == (3, "2")
    # The count is the server's.
    change = {"metadata": {"annotations": {GENERATION: "9", "mine": "yes"}}}
    changed = await api.ok("PATCH", f"{DAEMON_SETS}/d", change, content_type=MERGE)
    assert counts(changed) == (3, "2")
    assert changed["metadata"]["annotations"]["mine"] == "yes"


async def test_a_signing_request_says_who_asked(api: Api) -> None:
    spec = {"request": PEM, "signerName": "a.io/b", "usages": ["client auth"], "username": "mallory"}
    made = await api.ok("POST", REQUESTS, {"metadata": {"name": "r"}, "spec": spec})
    assert (made["spec"]["username"], made["spec"]["groups"]) == ("alice", ["system:masters"])
    change: dict[str, Any] = {"spec": {"signerName": "c.io/d"}, "metadata": {"labels": {"a": "b"}}}
    changed = await api.ok("PATCH", f"{REQUESTS}/r", change, content_type=MERGE)
    assert (changed["spec"], changed["metadata"]["labels"]) == (made["spec"], {"a": "b"})


async def test_a_status_leaves_what_clients_set_in_metadata(api: Api) -> None:
    spec = {"attacher": "a.io", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}
    await api.ok("POST", ATTACHMENTS, {"metadata": {"name": "v", "labels": {"a": "b"}}, "spec": spec})
    change = {"metadata": {"labels": {"a": "c"}}, "status": {"attached": True}}
    changed = await api.ok("PATCH", f"{ATTACHMENTS}/v/status", change, content_type=MERGE)
    assert (changed["metadata"]["labels"], changed["status"]) == ({"a": "b"}, {"attached": True})


async def test_the_status_of_flow_control_leaves_all_metadata(api: Api) -> None:
    path = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
    spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    made = await api.ok("POST", path, {"metadata": {"name": "p"}, "spec": spec})
    change = {"metadata": {"labels": {"a": "b"}, "generateName": "Bad_", "deletionGracePeriodSeconds": 1}}
    changed = await api.ok("PATCH", f"{path}/p/status", change, content_type=MERGE)
    assert changed["metadata"] == made["metadata"]


async def test_a_service_comes_by_its_status_too(api: Api) -> None:
    """As upstream has it: who may be made by a PUT may be made by one of the status."""
    path = "/api/v1/namespaces/default/services"
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
    assert (await api.send("PUT", f"{path}/s/status", service)).status == 201
    assert (
        await api.error(
            "PUT", "/apis/apps/v1/namespaces/default/deployments/d/status", {"metadata": {"name": "d"}}
        )
    ).code == 404


async def test_a_lease_comes_back_to_the_microsecond(api: Api) -> None:
    spec = {"holderIdentity": "me", "renewTime": "2026-01-01T00:00:00.000001Z", "leaseDurationSeconds": 15}
    made = await api.ok("POST", LEASES, {"metadata": {"name": "l"}, "spec": spec})
    assert made["spec"] == spec
    change = {"spec": {"renewTime": "2026-01-01T01:00:00.500000+01:00"}}
    changed = await api.ok("PATCH", f"{LEASES}/l", change, content_type=MERGE)
    assert changed["spec"]["renewTime"] == "2026-01-01T00:00:00.500000Z"


async def test_a_lease_has_no_strategy(api: Api) -> None:
    spec = {"strategy": "OldestEmulationVersion", "preferredHolder": "you", "leaseDurationSeconds": 15}
    made = await api.ok("POST", LEASES, {"metadata": {"name": "l"}, "spec": spec})
    assert made["spec"] == {"leaseDurationSeconds": 15}
    changed = await api.ok("PATCH", f"{LEASES}/l", {"spec": {"strategy": "x"}}, content_type=MERGE)
    assert changed["spec"] == {"leaseDurationSeconds": 15}


async def test_a_claim_names_its_source_twice(api: Api) -> None:
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    source = {"kind": "PersistentVolumeClaim", "name": "other"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for name, field in (("old", "dataSource"), ("new", "dataSourceRef")):
        made = await api.ok("POST", claims, {"metadata": {"name": name}, "spec": {**spec, field: source}})
        assert made["spec"]["dataSource"] == made["spec"]["dataSourceRef"] == {"apiGroup": None, **source}


async def test_a_claim_has_no_source_in_another_namespace(api: Api) -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "other", "namespace": "away"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"metadata": {"name": "c"}, "spec": {**spec, "dataSourceRef": source}}
    made = await api.ok("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)
    assert "dataSource" not in made["spec"] and "dataSourceRef" not in made["spec"]


async def test_a_taint_of_a_device_says_since_when(api: Api) -> None:
    taint = {"key": "a", "effect": "NoSchedule"}
    device = {"name": "d", "taints": [taint, taint | {"key": "b", "timeAdded": "2020-01-01T00:00:00Z"}]}
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": "d.io", "nodeName": "n", "pool": pool, "devices": [device]}
    path = "/apis/resource.k8s.io/v1/resourceslices"
    made = await api.ok("POST", path, {"metadata": {"name": "s"}, "spec": spec})
    times = [each["timeAdded"] for each in made["spec"]["devices"][0]["taints"]]
    assert times == [made["metadata"]["creationTimestamp"], "2020-01-01T00:00:00Z"]


async def test_what_a_claim_gives_back_says_nothing_more_of_itself(api: Api) -> None:
    claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
    requests = [{"name": "r", "exactly": {"deviceClassName": "c"}}]
    await api.ok("POST", claims, {"metadata": {"name": "c"}, "spec": {"devices": {"requests": requests}}})
    device = {"driver": "d.io", "pool": "p", "device": "x"}
    status = {"allocation": {"devices": {"results": [device | {"request": "r"}]}}, "devices": [device]}
    given = await api.ok("PATCH", f"{claims}/c/status", {"status": status}, content_type=MERGE)
    assert given["status"]["devices"] == [device | {"conditions": None}]
    back = await api.ok("PATCH", f"{claims}/c/status", {"status": {"allocation": None}}, content_type=MERGE)
    assert "devices" not in (back.get("status") or {})
