"""Rows about what one kind refuses or does by itself.

Source: kubernetes test/e2e, the file named at each test.
"""

from __future__ import annotations

import aiohttp
import pytest

from kubepy.client import kubeconfig
from tests.conformance.conftest import PATIENCE_S, Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")

POD: Obj = {"containers": [{"name": "c", "image": "nginx"}]}


async def test_should_return_a_406_for_a_backend_which_does_not_implement_metadata(k8s: Conformance) -> None:
    """apimachinery/table_conversion.go"""
    assert k8s.cluster.kubeconfig is not None
    access = kubeconfig.load(k8s.cluster.kubeconfig)
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}},
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{access.server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            json=review,
            headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
            ssl=access.ssl_context(),
        ) as response,
    ):
        assert response.status == 406


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
async def test_should_fail_to_create_with_an_empty_key(k8s: Conformance, plural: str) -> None:
    """common/node/configmap.go, common/node/secrets.go"""
    body = {"metadata": {"name": "empty"}, "data": {"": "dmFsdWU="}}
    assert (await k8s.error("POST", f"/api/v1/namespaces/default/{plural}", body)).code == 422


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
async def test_should_be_immutable_if_immutable_field_is_set(k8s: Conformance, plural: str) -> None:
    """common/storage/configmap_volume.go, common/storage/secrets_volume.go"""
    path = f"/api/v1/namespaces/{await k8s.namespace()}/{plural}"
    await k8s.ok("POST", path, {"metadata": {"name": "immutable"}, "data": {"a": "YQ=="}})
    await k8s.merge(f"{path}/immutable", {"data": {"b": "Yg=="}})
    await k8s.merge(f"{path}/immutable", {"immutable": True})
    for change in ({"data": {"c": "Yw=="}}, {"immutable": False}, {"immutable": None}):
        error = await k8s.error(
            "PATCH", f"{path}/immutable", change, content_type="application/merge-patch+json"
        )
        assert error.code == 422
    await k8s.merge(f"{path}/immutable", {"metadata": {"labels": {"still": "there"}}})
    await k8s.ok("DELETE", f"{path}/immutable")


async def test_should_reject_invalid_sysctls(k8s: Conformance) -> None:
    """common/node/sysctl.go"""
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    sysctls = [{"name": name, "value": "100000000"} for name in names]
    body = {"metadata": {"name": "sysctl"}, "spec": POD | {"securityContext": {"sysctls": sysctls}}}
    error = await k8s.error("POST", "/api/v1/namespaces/default/pods", body)
    assert error.code == 422
    for name, is_refused in zip(names, (True, False, False, True)):
        assert (f'Invalid value: "{name}"' in error.message) is is_refused


async def test_should_reject_a_pod_requesting_a_runtime_class_that_is_not_there(k8s: Conformance) -> None:
    """common/node/runtimeclass.go"""
    namespace = await k8s.namespace()
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    body = {"metadata": {"generateName": "p-"}, "spec": POD | {"runtimeClassName": "passing"}}
    path = f"/api/v1/namespaces/{namespace}/pods"
    assert (await k8s.error("POST", path, body)).code == 403
    await k8s.ok("POST", classes, {"metadata": {"name": "passing"}, "handler": "h"})
    await k8s.ok("POST", path, body)
    await k8s.ok("DELETE", f"{classes}/passing")
    assert (await k8s.error("POST", path, body)).code == 403


async def test_should_be_set_on_pods_with_matching_resource_requests_and_limits(k8s: Conformance) -> None:
    """node/pods.go: the QOS class."""
    amounts = {"cpu": "100m", "memory": "100Mi"}
    resources = {"resources": {"requests": amounts, "limits": amounts}}
    body = {"metadata": {"generateName": "qos-"}, "spec": {"containers": [POD["containers"][0] | resources]}}
    path = f"/api/v1/namespaces/{await k8s.namespace()}/pods"
    assert (await k8s.ok("POST", path, body))["status"]["qosClass"] == "Guaranteed"


async def test_should_patch_a_pod_status(k8s: Conformance) -> None:
    """common/node/pods.go"""
    path = f"/api/v1/namespaces/{await k8s.namespace()}/pods"
    await k8s.ok("POST", path, {"metadata": {"name": "p", "labels": {"e2e": "p"}}, "spec": POD})
    status = {"message": "Patched by e2e test", "reason": "E2E"}
    patched = await k8s.merge(f"{path}/p/status", {"status": status})
    assert status.items() <= patched["status"].items()


async def test_namespaces_are_patched_updated_and_finalized(k8s: Conformance) -> None:
    """apimachinery/namespace.go: patch, status, update, finalizer."""
    name = await k8s.namespace()
    path = f"/api/v1/namespaces/{name}"
    patched = await k8s.strategic(path, {"metadata": {"labels": {"testLabel": "testValue"}}})
    assert patched["metadata"]["labels"]["testLabel"] == "testValue"

    assert (await k8s.ok("GET", f"{path}/status"))["status"]["phase"] == "Active"
    condition = {
        "type": "StatusPatch",
        "status": "True",
        "reason": "E2E",
        "message": "Patched by an e2e test",
    }
    change = {
        "metadata": {"annotations": {"e2e-patched-ns-status": name}},
        "status": {"conditions": [condition]},
    }
    patched = await k8s.merge(f"{path}/status", change)
    assert patched["metadata"]["annotations"]["e2e-patched-ns-status"] == name
    assert condition.items() <= patched["status"]["conditions"][-1].items()
    read = await k8s.ok("GET", f"{path}/status")
    read["status"]["conditions"].append(condition | {"type": "StatusUpdate"})
    updated = await k8s.ok("PUT", f"{path}/status", read)
    assert updated["status"]["conditions"][-1]["type"] == "StatusUpdate"

    read = await k8s.ok("GET", path)
    read["metadata"]["labels"][name] = "updated"
    assert (await k8s.ok("PUT", path, read))["metadata"]["labels"][name] == "updated"

    finalizer = "e2e.example.com/fakeFinalizer"
    read = await k8s.ok("GET", path)
    read["spec"]["finalizers"].append(finalizer)
    finalized = await k8s.ok("PUT", f"{path}/finalize", read)
    assert finalizer in finalized["spec"]["finalizers"]
    finalized["spec"]["finalizers"].remove(finalizer)
    assert finalizer not in (await k8s.ok("PUT", f"{path}/finalize", finalized))["spec"]["finalizers"]


async def test_should_ensure_that_all_services_are_removed_when_a_namespace_is_deleted(
    k8s: Conformance,
) -> None:
    """apimachinery/namespace.go"""
    name = await k8s.namespace()
    path = f"/api/v1/namespaces/{name}"
    await k8s.ok("POST", f"{path}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    await k8s.ok("DELETE", path)
    await k8s.gone(path)
    await k8s.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert (await k8s.ok("GET", f"{path}/services"))["items"] == []


async def test_events_of_both_groups_are_the_same(k8s: Conformance) -> None:
    """instrumentation/events.go"""
    namespace = await k8s.namespace()
    core, events = (f"/{api}/namespaces/{namespace}/events" for api in ("api/v1", "apis/events.k8s.io/v1"))
    body = {
        "metadata": {"name": "event"},
        "eventTime": "2026-01-01T00:00:00.123456Z",
        "reportingController": "test-controller",
        "reportingInstance": "test-node",
        "action": "Do",
        "reason": "Test",
        "type": "Normal",
        "note": "This is event-test",
        "regarding": {"kind": "Pod", "namespace": namespace, "name": "p"},
    }
    assert (await k8s.ok("POST", events, body))["eventTime"] == "2026-01-01T00:00:00.123456Z"
    for path, selector in ((events, "reportingController=test-controller"), (core, "source=test-controller"),
                           (core, "reportingComponent=test-controller")):  # fmt: skip
        (found,) = (await k8s.ok("GET", path, query={"fieldSelector": selector}))["items"]
        assert found["metadata"]["name"] == "event"
    series = {"count": 100, "lastObservedTime": "2026-01-01T00:00:30.000001Z"}
    assert (await k8s.strategic(f"{events}/event", {"series": series}))["series"] == series
    assert (await k8s.ok("GET", f"{core}/event"))["series"] == series


async def test_should_provide_secure_master_service(k8s: Conformance) -> None:
    """network/apiserver.go, network/service.go: found from listing all namespaces."""
    service = await k8s.ok("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert {"port": 443, "protocol": "TCP"}.items() <= service["spec"]["ports"][0].items()
    services = (await k8s.ok("GET", "/api/v1/services"))["items"]
    assert ("default", "kubernetes") in [
        (each["metadata"]["namespace"], each["metadata"]["name"]) for each in services
    ]
    endpoints = await k8s.ok("GET", "/api/v1/namespaces/default/endpoints/kubernetes")
    (slice_,) = (
        await k8s.ok(
            "GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            query={"labelSelector": "kubernetes.io/service-name=kubernetes"},
        )
    )["items"]  # fmt: skip
    addresses = [address["ip"] for subset in endpoints["subsets"] for address in subset["addresses"]]
    assert addresses == [address for each in slice_["endpoints"] for address in each["addresses"]]
    assert [port["port"] for port in endpoints["subsets"][0]["ports"]] == [
        port["port"] for port in slice_["ports"]
    ]


async def test_services_without_pods_have_empty_endpoints(k8s: Conformance) -> None:
    """network/endpoints.go, network/endpointslice.go: created and deleted with the service."""
    namespace = await k8s.namespace()
    spec = {"selector": {"does-not-match-anything": "x"}, "ports": [{"port": 80}]}
    await k8s.ok(
        "POST", f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "s"}, "spec": spec}
    )
    endpoints = f"/api/v1/namespaces/{namespace}/endpoints/s"
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    only = {"labelSelector": "kubernetes.io/service-name=s"}

    async def are_there() -> bool:
        return len((await k8s.ok("GET", slices, query=only))["items"]) == 1 and bool(await read())

    async def read() -> Obj:
        items = (await k8s.ok("GET", f"/api/v1/namespaces/{namespace}/endpoints"))["items"]
        return {each["metadata"]["name"]: each for each in items}.get("s", {})

    await k8s.cluster.until(are_there, within=PATIENCE_S)
    (slice_,) = (await k8s.ok("GET", slices, query=only))["items"]
    managed_by = slice_["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
    assert managed_by == "endpointslice-controller.k8s.io"
    assert slice_["endpoints"] is None
    assert not (await read()).get("subsets")
    await k8s.ok("DELETE", f"/api/v1/namespaces/{namespace}/services/s")
    await k8s.gone(endpoints)

    async def are_gone() -> bool:
        return not (await k8s.ok("GET", slices, query=only))["items"]

    await k8s.cluster.until(are_gone, within=PATIENCE_S)


async def test_service_cidrs_and_ip_addresses(k8s: Conformance) -> None:
    """network/service_cidrs.go"""
    path = "/apis/networking.k8s.io/v1"
    default = await k8s.ok("GET", f"{path}/servicecidrs/kubernetes")
    assert default["spec"]["cidrs"]
    status = await k8s.ok("GET", f"{path}/servicecidrs/kubernetes/status")
    assert {each["type"]: each["status"] for each in status["status"]["conditions"]}["Ready"] == "True"
    events = await k8s.events(f"{path}/servicecidrs", 1, sendInitialEvents="true", resourceVersionMatch="NotOlderThan",
                              allowWatchBookmarks="true")  # fmt: skip
    assert events[0]["object"]["metadata"]["name"] == "kubernetes"

    addresses = f"{path}/ipaddresses"
    parent = {"resource": "services", "namespace": "default", "name": "none"}
    body = {"metadata": {"name": "192.168.168.201", "labels": {"e2e": "ip"}}, "spec": {"parentRef": parent}}
    await k8s.ok("POST", addresses, body)
    patched = await k8s.merge(f"{addresses}/192.168.168.201", {"metadata": {"labels": {"patched": "true"}}})
    assert patched["metadata"]["labels"]["patched"] == "true"
    patched["metadata"]["labels"]["updated"] = "true"
    assert (await k8s.ok("PUT", f"{addresses}/192.168.168.201", patched))["metadata"]["labels"][
        "updated"
    ] == "true"
    await k8s.ok("DELETE", addresses, query={"labelSelector": "e2e=ip"})
    await k8s.gone(f"{addresses}/192.168.168.201")
    assert (await k8s.error("POST", addresses, body | {"metadata": {"name": "not-an-ip"}})).code == 422


async def test_a_certificate_request_is_found_by_its_signer_and_approved(k8s: Conformance) -> None:
    """auth/certificates.go"""
    from tests.conformance.test_lifecycles import request

    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {"request": request(), "signerName": "example.com/e2e-signer", "usages": ["digital signature"]}
    name = (await k8s.ok("POST", path, {"metadata": {"generateName": "csr-"}, "spec": spec}))["metadata"][
        "name"
    ]
    only = {"fieldSelector": "spec.signerName=example.com/e2e-signer"}
    (found,) = (await k8s.ok("GET", path, query=only))["items"]
    assert found["metadata"]["name"] == name
    condition = {"type": "Approved", "status": "True", "reason": "E2E", "message": "Set from an e2e test"}
    read = await k8s.ok("GET", f"{path}/{name}/approval")
    approved = await k8s.ok("PUT", f"{path}/{name}/approval", read | {"status": {"conditions": [condition]}})
    assert condition.items() <= approved["status"]["conditions"][0].items()
    assert (await k8s.ok("GET", f"{path}/{name}/status"))["status"]["conditions"]


@pytest.mark.parametrize(
    ("of_account", "of_pod", "is_mounted"),
    [
        (None, None, True),
        (True, None, True),
        (False, None, False),
        (None, True, True),
        (True, True, True),
        (False, True, True),
        (None, False, False),
        (True, False, False),
        (False, False, False),
    ],
)
async def test_should_allow_opting_out_of_api_token_automount(
    k8s: Conformance, of_account: bool | None, of_pod: bool | None, is_mounted: bool
) -> None:
    """auth/service_accounts.go"""
    namespace = f"/api/v1/namespaces/{await k8s.namespace()}"
    account: Obj = {"metadata": {"name": "a"}}
    spec: Obj = POD | {"serviceAccountName": "a"}
    if of_account is not None:
        account["automountServiceAccountToken"] = of_account
    if of_pod is not None:
        spec["automountServiceAccountToken"] = of_pod
    await k8s.ok("POST", f"{namespace}/serviceaccounts", account)
    made = await k8s.ok("POST", f"{namespace}/pods", {"metadata": {"name": "p"}, "spec": spec})
    paths = [mount["mountPath"] for mount in made["spec"]["containers"][0].get("volumeMounts") or ()]
    assert ("/var/run/secrets/kubernetes.io/serviceaccount" in paths) is is_mounted


async def test_should_guarantee_kube_root_ca_crt_exists_in_any_namespace(k8s: Conformance) -> None:
    """auth/service_accounts.go"""
    path = f"/api/v1/namespaces/{await k8s.namespace()}/configmaps"

    async def certificate() -> str:
        maps = {each["metadata"]["name"]: each for each in (await k8s.ok("GET", path))["items"]}
        return (maps.get("kube-root-ca.crt") or {}).get("data", {}).get("ca.crt", "")

    async def is_right() -> bool:
        return "BEGIN CERTIFICATE" in await certificate()

    await k8s.cluster.until(is_right, within=PATIENCE_S)
    await k8s.ok("DELETE", f"{path}/kube-root-ca.crt")
    await k8s.cluster.until(is_right, within=PATIENCE_S)
    await k8s.merge(f"{path}/kube-root-ca.crt", {"data": {"ca.crt": "wrong"}})
    await k8s.cluster.until(is_right, within=PATIENCE_S)


async def test_should_create_a_service_account_token_and_ensure_a_successful_token_review(
    k8s: Conformance,
) -> None:
    """auth/service_accounts.go"""
    namespace = await k8s.namespace()
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    account = await k8s.ok("POST", accounts, {"metadata": {"name": "e2e"}})
    request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
    made = await k8s.ok("POST", f"{accounts}/e2e/token", request)
    (entry,) = made["metadata"]["managedFields"]
    assert entry["subresource"] == "token" and "f:expirationSeconds" in entry["fieldsV1"]["f:spec"]
    token = made["status"]["token"]
    review = await k8s.ok("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert review["status"]["authenticated"] is True
    assert not review["status"].get("error")
    assert review["status"]["user"]["username"] == f"system:serviceaccount:{namespace}:e2e"
    assert review["status"]["user"]["uid"] == account["metadata"]["uid"]


async def test_a_pod_with_a_volume_of_a_csi_driver_is_kept_as_it_is(k8s: Conformance) -> None:
    """storage/csi_inline.go"""
    path = f"/api/v1/namespaces/{await k8s.namespace()}/pods"
    volume = {"name": "v", "csi": {"driver": "e2e.example.com", "volumeAttributes": {"a": "b"}}}
    mounted = POD["containers"][0] | {"volumeMounts": [{"name": "v", "mountPath": "/mnt"}]}
    body = {"metadata": {"name": "inline"}, "spec": {"containers": [mounted], "volumes": [volume]}}
    made = await k8s.ok("POST", path, body)
    assert volume in made["spec"]["volumes"]
    assert (await k8s.error("POST", path, body)).code == 409
    await k8s.ok("DELETE", f"{path}/inline", query={"gracePeriodSeconds": "0"})


async def test_should_create_a_pod_disruption_budget(k8s: Conformance) -> None:
    """apps/disruption.go: the controller has seen what is asked."""
    path = f"/apis/policy/v1/namespaces/{await k8s.namespace()}/poddisruptionbudgets"
    spec = {"minAvailable": "1%", "selector": {"matchLabels": {"foo": "bar"}}}
    await k8s.ok("POST", path, {"metadata": {"name": "foo"}, "spec": spec})

    async def is_observed() -> bool:
        found = await k8s.ok("GET", f"{path}/foo")
        return (found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"]

    await k8s.cluster.until(is_observed, within=PATIENCE_S)
    await k8s.strategic(f"{path}/foo", {"spec": {"minAvailable": "2%"}})
    await k8s.cluster.until(is_observed, within=PATIENCE_S)


async def test_should_have_at_least_two_untainted_nodes(k8s: Conformance) -> None:
    """architecture/conformance.go"""

    async def are_ready() -> bool:
        found = (await k8s.ok("GET", "/api/v1/nodes", query={"fieldSelector": "spec.unschedulable=false"}))[
            "items"
        ]
        return (
            sum(
                not node["spec"].get("taints")
                and any(
                    condition["type"] == "Ready" and condition["status"] == "True"
                    for condition in (node.get("status") or {}).get("conditions") or ()
                )
                for node in found
            )
            >= 2
        )

    await k8s.cluster.until(are_ready, within=PATIENCE_S)


async def test_verify_priority_class_endpoints(k8s: Conformance) -> None:
    """scheduling/preemption.go: a value cannot be changed."""
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    await k8s.ok("POST", path, {"metadata": {"name": "p1"}, "value": 1})
    change = {"value": 2}
    error = await k8s.error("PATCH", f"{path}/p1", change, content_type="application/merge-patch+json")
    assert error.code == 422
    patched = await k8s.merge(f"{path}/p1", {"description": "updated description"})
    assert patched["description"] == "updated description"
    await k8s.ok("DELETE", f"{path}/p1")


async def test_should_mirror_a_custom_endpoints_resource_through_create_update_and_delete(
    k8s: Conformance,
) -> None:
    """network/endpointslicemirroring.go"""
    namespace = await k8s.namespace()
    spec = {"ports": [{"name": "example", "port": 80}]}
    await k8s.ok(
        "POST", f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "s"}, "spec": spec}
    )
    endpoints = f"/api/v1/namespaces/{namespace}/endpoints"
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def subset(address: str, port: int) -> list[Obj]:
        return [
            {"addresses": [{"ip": address}], "ports": [{"name": "example", "port": port, "protocol": "TCP"}]}
        ]

    async def mirrored() -> list[tuple[list[str], int]]:
        items = (await k8s.ok("GET", slices, query={"labelSelector": "kubernetes.io/service-name=s"}))[
            "items"
        ]
        return [(each["endpoints"][0]["addresses"], each["ports"][0]["port"]) for each in items]

    async def becomes(expected: list[tuple[list[str], int]]) -> None:
        async def is_so() -> bool:
            return await mirrored() == expected

        await k8s.cluster.until(is_so, within=PATIENCE_S)

    await k8s.ok("POST", endpoints, {"metadata": {"name": "s"}, "subsets": subset("10.1.2.3", 80)})
    await becomes([(["10.1.2.3"], 80)])
    await k8s.merge(f"{endpoints}/s", {"subsets": subset("10.2.3.4", 81)})
    await becomes([(["10.2.3.4"], 81)])
    await k8s.ok("DELETE", f"{endpoints}/s")
    await becomes([])
