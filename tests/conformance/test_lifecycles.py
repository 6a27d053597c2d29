"""The rows that ask of a kind what every kind can do: be found, created, read, watched, patched, replaced, deleted.

Each line is one or more rows of the conformance list; upstream walks them with a test per kind and the same steps.

Source: kubernetes test/e2e, the file named in each line.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.conftest import PATIENCE_S, Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Kind(NamedTuple):
    source: str  # "apps/cronjob.go"
    api: str  # "apis/batch/v1"
    plural: str
    namespaced: bool
    body: Obj
    status: Obj | None = None  # what is patched into /status and found there
    status_keeps_metadata: bool = False  # /status changes nothing else


def request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "e2e-admin")])
    built = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    return base64.b64encode(built.public_bytes(serialization.Encoding.PEM)).decode()


CONTAINER = {"name": "c", "image": "nginx"}
POD = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [CONTAINER]}}
JOB = {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [CONTAINER]}}}
CONDITION = {
    "type": "StatusPatched", "status": "True", "reason": "E2E", "message": "Set by e2e test",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}  # fmt: skip
REQUESTS = {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}
STORAGE = {"requests": {"storage": "1Gi"}}
SLICE = {
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["1.2.3.4"]}],
    "ports": [{"name": "p", "port": 80}],
}
VOLUME = {
    "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
    "csi": {"driver": "d.example.com", "volumeHandle": "h"},
}  # fmt: skip
EVENT = {
    "reportingController": "test-controller", "reportingInstance": "test-node", "action": "Do", "reason": "Test",
    "type": "Normal", "note": "This is a note", "eventTime": "2026-01-01T00:00:00.123456Z",
    "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
}  # fmt: skip

KINDS = [
    Kind("apps/cronjob.go", "apis/batch/v1", "cronjobs", True,
         {"spec": {"schedule": "*/1 * * * ?", "suspend": True, "jobTemplate": {"spec": JOB}}},
         {"lastScheduleTime": "2026-01-01T00:00:00Z"}),
    Kind("apps/disruption.go", "apis/policy/v1", "poddisruptionbudgets", True,
         {"spec": {"minAvailable": "1%", "selector": {"matchLabels": {"foo": "bar"}}}}),
    Kind("auth/certificates.go", "apis/certificates.k8s.io/v1", "certificatesigningrequests", False,
         {"spec": {"request": request(), "signerName": "example.com/e2e-a", "usages": ["digital signature"]}},
         {"conditions": [{"type": "StatusPatched", "status": "True", "reason": "E2E", "message": "m"}]}),
    Kind("auth/service_accounts.go", "api/v1", "serviceaccounts", True, {"automountServiceAccountToken": False}),
    Kind("common/node/configmap.go", "api/v1", "configmaps", True, {"data": {"valueName": "value"}}),
    Kind("common/node/secrets.go", "api/v1", "secrets", True, {"data": {"key": "dmFsdWU="}, "type": "Opaque"}),
    Kind("common/node/lease.go", "apis/coordination.k8s.io/v1", "leases", True,
         {"spec": {"holderIdentity": "h", "acquireTime": "2026-01-01T00:00:00.123456Z", "leaseTransitions": 0}}),
    Kind("common/node/podtemplates.go", "api/v1", "podtemplates", True, {"template": POD}),
    Kind("common/node/runtimeclass.go", "apis/node.k8s.io/v1", "runtimeclasses", False, {"handler": "h"}),
    Kind("dra/dra.go", "apis/resource.k8s.io/v1", "deviceclasses", False, {"spec": {}}),
    Kind("dra/dra.go", "apis/resource.k8s.io/v1", "resourceclaims", True, {"spec": {"devices": REQUESTS}}),
    Kind("dra/dra.go", "apis/resource.k8s.io/v1", "resourceclaimtemplates", True,
         {"spec": {"spec": {"devices": REQUESTS}}}),
    Kind("dra/dra.go", "apis/resource.k8s.io/v1", "resourceslices", False,
         {"spec": {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}}}),
    Kind("instrumentation/core_events.go", "api/v1", "events", True,
         {"message": "m", "reason": "Test", "type": "Normal", "count": 1,
          "involvedObject": {"kind": "Pod", "name": "p", "namespace": "{namespace}"}}),
    Kind("instrumentation/events.go", "apis/events.k8s.io/v1", "events", True,
         EVENT | {"regarding": {"kind": "Pod", "name": "p", "namespace": "{namespace}"}}),
    Kind("network/endpoints.go", "api/v1", "endpoints", True,
         {"subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80}]}]}),
    Kind("network/endpointslice.go", "apis/discovery.k8s.io/v1", "endpointslices", True, SLICE),
    Kind("network/ingress.go", "apis/networking.k8s.io/v1", "ingresses", True,
         {"spec": {"defaultBackend": {"service": {"name": "b", "port": {"number": 80}}}}},
         {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}),
    Kind("network/ingressclass.go", "apis/networking.k8s.io/v1", "ingressclasses", False,
         {"spec": {"controller": "example.com/controller"}}),
    Kind("network/service.go", "api/v1", "services", True,
         {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "loadBalancerClass": "example.com/a"}},
         {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "VIP"}]}}),
    Kind("node/node_lifecycle.go", "api/v1", "nodes", False,
         {"spec": {"unschedulable": True}}, {"phase": "Pending"}),
    Kind("scheduling/limit_range.go", "api/v1", "limitranges", True,
         {"spec": {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]}}),
    Kind("scheduling/preemption.go", "apis/scheduling.k8s.io/v1", "priorityclasses", False, {"value": 1}),
    Kind("storage/csi_inline.go", "apis/storage.k8s.io/v1", "csidrivers", False,
         {"spec": {"volumeLifecycleModes": ["Ephemeral"]}}),
    Kind("storage/csi_node.go", "apis/storage.k8s.io/v1", "csinodes", False, {"spec": {"drivers": []}}),
    Kind("storage/csistoragecapacity.go", "apis/storage.k8s.io/v1", "csistoragecapacities", True,
         {"storageClassName": "c", "capacity": "1Gi", "nodeTopology": {"matchLabels": {"a": "b"}}}),
    Kind("storage/persistent_volumes.go", "api/v1", "persistentvolumes", False, {"spec": VOLUME},
         {"message": "StatusPatched", "reason": "E2E"}),
    Kind("storage/persistent_volumes.go", "api/v1", "persistentvolumeclaims", True,
         {"spec": {"accessModes": ["ReadWriteOnce"], "resources": STORAGE, "storageClassName": "none",
                   "volumeName": "of-another-claim"}},
         {"conditions": [CONDITION | {"type": "StatusPatched"}]}),
    Kind("storage/storageclass.go", "apis/storage.k8s.io/v1", "storageclasses", False, {"provisioner": "e2e"}),
    Kind("storage/volume_attachment.go", "apis/storage.k8s.io/v1", "volumeattachments", False,
         {"spec": {"attacher": "e2e", "nodeName": "node-1", "source": {"persistentVolumeName": "v"}}},
         {"attachmentMetadata": {"a": "b"}}, True),
    Kind("storage/volumeattributesclass.go", "apis/storage.k8s.io/v1", "volumeattributesclasses", False,
         {"driverName": "e2e", "parameters": {"a": "b"}}),
]  # fmt: skip


def _filled(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, namespace) for name, each in value.items()}
    return value.replace("{namespace}", namespace) if isinstance(value, str) else value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.source.split('/')[-1]}:{kind.plural}")
async def test_lifecycle(k8s: Conformance, kind: Kind) -> None:
    await _is_discovered(k8s, kind)
    namespace = await k8s.namespace() if kind.namespaced else ""
    everywhere = f"/{kind.api}/{kind.plural}"
    here = f"/{kind.api}/namespaces/{namespace}/{kind.plural}" if namespace else everywhere
    label = f"e2e-{kind.plural}-{namespace or 'cluster'}"
    only = {"labelSelector": f"e2e={label}"}
    body = _filled(kind.body, namespace)

    created = []
    for number in range(3):
        name = {"name": f"{kind.plural}-{number}"} if number else {"generateName": f"{kind.plural}-e2e-"}
        made = await k8s.ok("POST", here, {"metadata": name | {"labels": {"e2e": label}}} | body)
        created.append(made)
    assert created[0]["metadata"]["name"].startswith(f"{kind.plural}-e2e-")
    first, second = (f"{here}/{each['metadata']['name']}" for each in created[:2])
    again = {"metadata": {"name": created[1]["metadata"]["name"]}} | body
    assert (await k8s.error("POST", here, again)).code == 409

    assert (await k8s.ok("GET", first))["metadata"]["uid"] == created[0]["metadata"]["uid"]
    for path in (here, everywhere):
        assert len((await k8s.ok("GET", path, query=only))["items"]) == 3

    start = (await k8s.ok("GET", first))["metadata"]["resourceVersion"]
    patched = await k8s.merge(first, {"metadata": {"annotations": {"patched": "true"}}})
    assert patched["metadata"]["annotations"]["patched"] == "true"
    assert int(patched["metadata"]["resourceVersion"]) > int(start)
    strategic = await k8s.strategic(first, {"metadata": {"labels": {"patched": "true"}}})
    assert strategic["metadata"]["labels"] == {"e2e": label, "patched": "true"}

    fresh = await k8s.ok("GET", first)
    fresh["metadata"]["annotations"]["updated"] = "true"
    updated = await k8s.ok("PUT", first, fresh)
    assert _within({"patched": "true", "updated": "true"}, updated["metadata"]["annotations"])
    stale = fresh | {"metadata": fresh["metadata"] | {"resourceVersion": start}}
    assert (await k8s.error("PUT", first, stale)).code == 409

    name = created[0]["metadata"]["name"]
    events = await k8s.events(here, 2, resourceVersion=start, fieldSelector=f"metadata.name={name}", **only)
    assert [event["type"] for event in events] == ["MODIFIED", "MODIFIED"]
    assert {event["object"]["metadata"]["uid"] for event in events} == {created[0]["metadata"]["uid"]}

    if kind.status is not None:
        await _has_a_status(k8s, first, kind)

    await k8s.ok("DELETE", second)
    await k8s.gone(second)
    assert len((await k8s.ok("GET", here, query=only))["items"]) == 2
    await k8s.ok("DELETE", here, query=only)

    async def is_empty() -> bool:
        return not (await k8s.ok("GET", here, query=only))["items"]

    await k8s.cluster.until(is_empty, within=PATIENCE_S)


async def _is_discovered(k8s: Conformance, kind: Kind) -> None:
    _, _, group_version = kind.api.partition("/")
    if kind.api.startswith("apis/"):
        group, version = group_version.split("/")
        (found,) = [each for each in (await k8s.ok("GET", "/apis"))["groups"] if each["name"] == group]
        assert {"groupVersion": group_version, "version": version} in found["versions"]
        assert await k8s.ok("GET", f"/apis/{group}") == found | {"kind": "APIGroup", "apiVersion": "v1"}
    listed = await k8s.ok("GET", f"/{kind.api}")
    (resource,) = [each for each in listed["resources"] if each["name"] == kind.plural]
    assert resource["namespaced"] is kind.namespaced
    assert {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"} == set(
        resource["verbs"]
    )


async def _has_a_status(k8s: Conformance, path: str, kind: Kind) -> None:
    status = kind.status
    patched = await k8s.merge(
        f"{path}/status", {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": status}
    )
    assert _within(status, patched["status"])
    assert ("patchedstatus" in patched["metadata"]["annotations"]) is not kind.status_keeps_metadata
    read = await k8s.ok("GET", f"{path}/status")
    assert _within(status, read["status"])
    assert _within(status, (await k8s.ok("PUT", f"{path}/status", read))["status"])
    assert (await k8s.ok("GET", path))["spec"] == read["spec"]


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return all(name in whole and _within(each, whole[name]) for name, each in part.items())
    if isinstance(part, list):
        return all(any(_within(each, other) for other in whole) for each in part)
    return bool(part == whole)
