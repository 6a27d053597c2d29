from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kubepy.apiserver.handlers.dispatch import ResourceHandler
from kubepy.apiserver.handlers.subresources import Subresources
from tests.apiserver.conftest import Api

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


async def make_pod(api: Api, name: str = "p", **spec: Any) -> dict[str, Any]:
    body = {
        "metadata": {"name": name, "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }
    made: dict[str, Any] = await api.ok("POST", PODS, body)
    return made


def binding(node: str = "n1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", **metadata}, "target": {"kind": "Node", "name": node}}


# -- binding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{PODS}/p/binding", "/api/v1/namespaces/default/bindings"])
async def test_binding_gives_a_pod_its_node(api: Api, path: str) -> None:
    made = await make_pod(api)
    answer = await api.send("POST", path, binding(annotations={"x": "y"}))
    assert answer.status == 201
    bound = await api.ok("GET", f"{PODS}/p")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["metadata"]["annotations"] == {"x": "y"}
    assert bound["metadata"]["generation"] == made["metadata"]["generation"]
    (condition,) = bound["status"]["conditions"]
    assert condition == {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


async def test_a_gated_pod_says_so(api: Api) -> None:
    made = await make_pod(api, schedulingGates=[{"name": "g"}])
    (condition,) = made["status"]["conditions"]
    assert condition == {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }


async def test_binding_happens_once(api: Api) -> None:
    await make_pod(api, nodeName="n0")
    error = await api.error("POST", f"{PODS}/p/binding", binding())
    assert (error.code, error.message) == (
        409,
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n0"',
    )


@pytest.mark.parametrize(
    ("spec", "body", "code", "message"),
    [
        ({"schedulingGates": [{"name": "g"}]}, binding(), 409, "pod p has non-empty .spec.schedulingGates"),
        (
            {},
            binding(uid="other"),
            409,
            'on pods "p": StorageError: invalid object, Code: 4, Key: /registry/pods/default/p, ResourceVersion: 0, '
            "AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object meta: ",
        ),
        (
            {},
            {"metadata": {"name": "q"}, "target": {"name": "n"}},
            400,
            "name in URL does not match name in Binding object",
        ),
        ({}, {"metadata": {"name": "p"}, "target": {}}, 500, "target.name: Required value"),
    ],
)
async def test_bindings_that_are_refused(api: Api, spec: Any, body: Any, code: int, message: str) -> None:
    await make_pod(api, **spec)
    error = await api.error("POST", f"{PODS}/p/binding", body)
    assert error.code == code
    assert message in error.message


async def test_a_binding_needs_a_name(api: Api) -> None:
    error = await api.error("POST", "/api/v1/namespaces/default/bindings", {"target": {"name": "n"}})
    assert (error.code, error.message) == (400, "Name parameter required.")


async def test_what_a_binding_brings_is_not_looked_at(api: Api) -> None:
    await make_pod(api)
    assert (await api.send("POST", f"{PODS}/p/binding", binding(annotations={"a b": "1"}))).status == 201
    assert (await api.ok("GET", f"{PODS}/p"))["metadata"]["annotations"] == {"a b": "1"}


async def test_who_cannot_be_answered_changes_nothing(api: Api) -> None:
    await make_pod(api)
    table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    assert (await api.error("POST", f"{PODS}/p/binding", binding(), accept=table)).code == 406
    assert "nodeName" not in (await api.ok("GET", f"{PODS}/p"))["spec"]


async def test_a_namespace_that_is_not_there_comes_first(api: Api) -> None:
    nowhere = PODS.replace("default", "nowhere")
    error = await api.error("POST", f"{nowhere}/p/binding", binding() | {"target": {}})
    assert error.message == 'namespaces "nowhere" not found'


async def test_binding_nothing(api: Api) -> None:
    assert (await api.error("POST", f"{PODS}/p/binding", binding())).message == 'pods "p" not found'


# -- status, ephemeral containers, resize ------------------------------------------------------------------------


async def test_pod_status(api: Api) -> None:
    await make_pod(api)
    status = {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}
    changed = await api.ok(
        "PATCH", f"{PODS}/p/status", {"status": status, "spec": {"nodeName": "x"}}, content_type=MERGE
    )
    assert changed["status"] == {**status, "qosClass": "BestEffort"}
    assert "nodeName" not in changed["spec"]
    assert changed["metadata"]["generation"] == 1


@pytest.mark.parametrize("content_type", [MERGE, "application/strategic-merge-patch+json"])
async def test_a_services_status_has_defaults_that_depend_on_its_spec(api: Api, content_type: str) -> None:
    services = "/api/v1/namespaces/default/services"
    body = {"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    await api.ok("POST", services, body)
    patch = {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}
    patched = await api.ok("PATCH", f"{services}/web/status", patch, content_type=content_type)
    assert patched["status"]["loadBalancer"]["ingress"] == [{"ip": "203.0.113.1", "ipMode": "VIP"}]


async def test_ephemeral_containers_come_through_their_own_door(api: Api) -> None:
    await make_pod(api)
    wanted = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    changed = await api.ok("PATCH", f"{PODS}/p/ephemeralcontainers", wanted, content_type=MERGE)
    assert changed["spec"]["ephemeralContainers"][0]["name"] == "debug"
    assert changed["metadata"]["generation"] == 2


async def test_resize_changes_resources_only(api: Api) -> None:
    await make_pod(api, containers=[{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}])
    containers = [{"name": "c", "image": "other", "resources": {"requests": {"cpu": "2"}}}]
    changed = await api.ok(
        "PATCH", f"{PODS}/p/resize", {"spec": {"containers": containers}}, content_type=MERGE
    )
    assert changed["spec"]["containers"][0]["image"] == "i"
    assert changed["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "2"}}


# -- scale -------------------------------------------------------------------------------------------------------


def workload(kind: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    selector: Any = {"a": "b"} if kind == "ReplicationController" else {"matchLabels": {"a": "b"}}
    return {"metadata": {"name": "w"}, "spec": {"selector": selector, "template": template, "replicas": 2}}


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        ("/apis/apps/v1/namespaces/default/deployments", "Deployment"),
        ("/apis/apps/v1/namespaces/default/replicasets", "ReplicaSet"),
        ("/apis/apps/v1/namespaces/default/statefulsets", "StatefulSet"),
        ("/api/v1/namespaces/default/replicationcontrollers", "ReplicationController"),
    ],
)
async def test_scale(api: Api, root: str, kind: str) -> None:
    await api.ok("POST", root, workload(kind))
    seen = await api.ok("GET", f"{root}/w/scale")
    assert (seen["kind"], seen["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (seen["spec"], seen["status"]) == ({"replicas": 2}, {"replicas": 0, "selector": "a=b"})
    seen["spec"]["replicas"] = 5
    changed = await api.ok("PUT", f"{root}/w/scale", seen)
    assert changed["spec"] == {"replicas": 5}
    patched = await api.ok("PATCH", f"{root}/w/scale", {"spec": {"replicas": 0}}, content_type=MERGE)
    assert patched["spec"] == {}
    whole = await api.ok("GET", f"{root}/w")
    assert (whole["spec"]["replicas"], whole["metadata"]["generation"]) == (0, 3)


async def test_scales_that_are_refused(api: Api) -> None:
    root = "/apis/apps/v1/namespaces/default/deployments"
    await api.ok("POST", root, workload("Deployment"))
    seen = await api.ok("GET", f"{root}/w/scale")
    error = await api.error("PATCH", f"{root}/w/scale", {"spec": {"replicas": -1}}, content_type=MERGE)
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in error.message
    error = await api.error("PATCH", f"{root}/w/scale", {"spec": {"replicas": "3"}}, content_type=MERGE)
    assert error.code == 422 and error.message.endswith(
        "json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"
    )
    other = {**seen, "metadata": {"name": "w", "uid": "other"}}
    error = await api.error("PUT", f"{root}/w/scale", other)
    assert "StorageError: invalid object, Code: 4, Key: /registry/deployments/default/w" in error.message
    await api.ok("PATCH", f"{root}/w/scale", {"spec": {"replicas": 3}}, content_type=MERGE)
    assert (await api.error("PUT", f"{root}/w/scale", {**seen, "spec": {"replicas": 9}})).code == 409
    assert (await api.error("GET", f"{root}/x/scale")).message == 'deployments.apps "x" not found'


# -- eviction ----------------------------------------------------------------------------------------------------

EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


async def running_pod(api: Api) -> None:
    await make_pod(api, nodeName="n")
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await api.ok("PATCH", f"{PODS}/p/status", {"status": status}, content_type=MERGE)


async def budget(api: Api, name: str, allowed: int) -> None:
    spec = {"selector": {"matchLabels": {"a": "b"}}, "minAvailable": 1}
    await api.ok("POST", BUDGETS, {"metadata": {"name": name}, "spec": spec})
    status = {
        "disruptionsAllowed": allowed,
        "currentHealthy": 1,
        "desiredHealthy": 1,
        "expectedPods": 1,
        "observedGeneration": 1,
    }
    await api.ok("PATCH", f"{BUDGETS}/{name}/status", {"status": status}, content_type=MERGE)


async def test_an_eviction_is_a_delete_that_says_why(api: Api) -> None:
    await running_pod(api)
    assert (await api.send("POST", f"{PODS}/p/eviction", EVICTION)).status == 201
    pod = await api.ok("GET", f"{PODS}/p")
    assert pod["metadata"]["deletionTimestamp"]
    assert pod["status"]["conditions"][-1]["reason"] == "EvictionByEvictionAPI"


async def test_a_budget_allows_or_refuses(api: Api) -> None:
    await running_pod(api)
    await budget(api, "b", 0)
    error = await api.error("POST", f"{PODS}/p/eviction", EVICTION)
    assert (error.code, error.message) == (
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    assert error.details is not None
    assert (
        error.details["causes"][0]["message"]
        == "The disruption budget b needs 1 healthy pods and has 1 currently"
    )
    await api.ok("PATCH", f"{BUDGETS}/b/status", {"status": {"disruptionsAllowed": 1}}, content_type=MERGE)
    await api.ok("POST", f"{PODS}/p/eviction", EVICTION)
    left = await api.ok("GET", f"{BUDGETS}/b")
    assert left["status"]["disruptionsAllowed"] == 0
    assert list(left["status"]["disruptedPods"]) == ["p"]


async def test_two_budgets_are_one_too_many(api: Api) -> None:
    await running_pod(api)
    await budget(api, "a", 1)
    await budget(api, "b", 1)
    error = await api.error("POST", f"{PODS}/p/eviction", EVICTION)
    assert error.code == 500
    assert "more than one PodDisruptionBudget" in error.message


async def test_the_last_allowed_disruption_is_told_in_the_budget(api: Api) -> None:
    await running_pod(api)
    await budget(api, "b", 1)
    await api.ok("POST", f"{PODS}/p/eviction", EVICTION)
    (condition,) = (await api.ok("GET", f"{BUDGETS}/b"))["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("DisruptionAllowed", "False")
    assert condition["reason"] == "InsufficientPods"


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        ({"disruptionsAllowed": 0, "observedGeneration": 0}, 429, "is still being processed by the server."),
        (
            {"disruptionsAllowed": 0, "currentHealthy": 3, "desiredHealthy": 2},
            429,
            "The disruption budget b does not allow evicting pods currently",
        ),
        (
            {
                "conditions": [
                    {
                        "type": "DisruptionAllowed",
                        "status": "False",
                        "reason": "SyncFailed",
                        "message": "oops",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }
                ]
            },
            429,
            "The disruption budget b does not allow evicting pods currently because it failed sync: oops",
        ),
    ],
)
async def test_why_a_budget_refuses(api: Api, status: dict[str, Any], code: int, text: str) -> None:
    await running_pod(api)
    await budget(api, "b", 0)
    await api.ok("PATCH", f"{BUDGETS}/b/status", {"status": status}, content_type=MERGE)
    error = await api.error("POST", f"{PODS}/p/eviction", EVICTION)
    assert error.code == code
    assert error.details is not None
    assert error.details["causes"][0]["message"].endswith(text)


@pytest.mark.parametrize(("policy", "is_gone"), [("AlwaysAllow", True), ("IfHealthyBudget", False)])
async def test_an_unhealthy_pod_may_go_where_the_budget_says_so(api: Api, policy: str, is_gone: bool) -> None:
    await running_pod(api)
    await api.ok("PATCH", f"{PODS}/p/status", {"status": {"conditions": []}}, content_type=MERGE)
    await budget(api, "b", 0)
    await api.ok(
        "PATCH", f"{BUDGETS}/b", {"spec": {"unhealthyPodEvictionPolicy": policy}}, content_type=MERGE
    )
    healthy = {"status": {"currentHealthy": 0, "observedGeneration": 2}}
    await api.ok("PATCH", f"{BUDGETS}/b/status", healthy, content_type=MERGE)
    if is_gone:
        await api.ok("POST", f"{PODS}/p/eviction", EVICTION)
    else:
        assert (await api.error("POST", f"{PODS}/p/eviction", EVICTION)).code == 429
    assert ("deletionTimestamp" in (await api.ok("GET", f"{PODS}/p"))["metadata"]) is is_gone


async def test_an_eviction_in_its_old_version(api: Api) -> None:
    await make_pod(api)
    old = EVICTION | {"apiVersion": "policy/v1beta1"}
    assert (await api.send("POST", f"{PODS}/p/eviction", old)).status == 201


async def test_an_eviction_is_a_dry_run_as_a_whole(api: Api) -> None:
    await make_pod(api)
    odd = EVICTION | {"deleteOptions": {"dryRun": ["x"]}}
    error = await api.error("POST", f"{PODS}/p/eviction?dryRun=All", odd)
    assert (error.code, error.message) == (
        500,
        "Non-matching dry-run options in request and content: [All] and [x]",
    )
    await api.ok("POST", f"{PODS}/p/eviction", EVICTION | {"deleteOptions": {"dryRun": ["All"]}})
    assert "deletionTimestamp" not in (await api.ok("GET", f"{PODS}/p"))["metadata"]


async def test_an_eviction_holds_to_its_preconditions(api: Api) -> None:
    await running_pod(api)
    wanted = {**EVICTION, "deleteOptions": {"preconditions": {"uid": "other"}}}
    error = await api.error("POST", f"{PODS}/p/eviction", wanted)
    assert (error.code, error.reason) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match the UID in record" in error.message
    assert "deletionTimestamp" not in (await api.ok("GET", f"{PODS}/p"))["metadata"]


async def test_an_eviction_that_always_conflicts_gives_up(api: Api) -> None:
    await make_pod(api)
    wanted = {**EVICTION, "deleteOptions": {"preconditions": {"uid": "other"}}}
    asked = asyncio.ensure_future(api.error("POST", f"{PODS}/p/eviction", wanted))
    await api.clock.advance(11)
    assert asked.done()
    assert (await asked).reason == "Conflict"


async def test_a_pod_without_a_node_is_gone_at_once(api: Api) -> None:
    await make_pod(api)
    await budget(api, "b", 0)
    await api.ok("POST", f"{PODS}/p/eviction", EVICTION)
    assert (await api.error("GET", f"{PODS}/p")).code == 404


# -- resize ----------------------------------------------------------------------------------------------------------

STRATEGIC = "application/strategic-merge-patch+json"


async def test_a_resize_changes_amounts_and_nothing_else(api: Api) -> None:
    resources = {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}
    await make_pod(api, containers=[{"name": "c", "image": "i", "resources": resources}])
    change = {
        "metadata": {"labels": {"new": "label"}},
        "spec": {"containers": [{"name": "c", "image": "other", "resources": {"requests": {"cpu": "500m"}}}]},
    }
    pod = await api.ok("PATCH", f"{PODS}/p/resize", change, content_type=STRATEGIC)
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "i"
    assert container["resources"] == {"requests": {"cpu": "500m"}, "limits": {"cpu": "2"}}
    assert (pod["metadata"]["generation"], pod["metadata"]["labels"]) == (2, {"a": "b"})
    seen = await api.ok("GET", f"{PODS}/p/resize")
    assert seen["spec"] == pod["spec"]


async def test_a_resize_may_not_change_the_class(api: Api) -> None:
    await make_pod(api)
    change = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
    error = await api.error("PATCH", f"{PODS}/p/resize", change, content_type=STRATEGIC)
    assert error.message == (
        'Pod "p" is invalid: spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing'
    )


# -- what is computed --------------------------------------------------------------------------------------------


async def test_component_statuses_are_looked_up_when_asked(api: Api) -> None:
    health = {"scheduler": None, "etcd-0": "away"}
    api.handler = ResourceHandler(api.registry, Subresources(components=lambda: health))
    listed = await api.ok("GET", "/api/v1/componentstatuses")
    assert listed["kind"] == "ComponentStatusList"
    assert [item["metadata"]["name"] for item in listed["items"]] == ["etcd-0", "scheduler"]
    assert api.warnings == ["v1 ComponentStatus is deprecated in v1.19+"]
    one = await api.ok("GET", "/api/v1/componentstatuses/scheduler")
    assert one["conditions"] == [{"type": "Healthy", "status": "True", "message": "ok"}]
    bad = await api.ok("GET", "/api/v1/componentstatuses?fieldSelector=metadata.name=etcd-0")
    (condition,) = bad["items"][0]["conditions"]
    assert (condition["status"], condition["error"]) == ("False", "away")
    assert (await api.error("GET", "/api/v1/componentstatuses/x")).code == 404


async def test_warnings_come_with_the_answer(api: Api) -> None:
    await api.ok("GET", "/api/v1/namespaces/default/endpoints")
    assert api.warnings == ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]
    await make_pod(api, nodeSelector={"beta.kubernetes.io/os": "linux"})
    (text,) = api.warnings
    assert text.startswith("spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14")


async def test_who_deletes_a_job_is_told_of_its_pods(api: Api) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    for query in ("", "?propagationPolicy=Background"):
        await api.error("DELETE", f"{path}/none{query}")
        told = [text.partition(" when jobs")[0] for text in api.warnings]
        assert told == ([] if query else ["child pods are preserved by default"])


async def test_nobody_is_connected_as_a_dry_run(api: Api) -> None:
    await make_pod(api)
    assert (await api.error("POST", f"{PODS}/p/exec?dryRun=All")).message == "dryRun is not supported"


# -- questions ---------------------------------------------------------------------------------------------------


async def test_who_am_i(api: Api) -> None:
    answer = await api.ok("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert answer["status"]["userInfo"] == {"username": "alice", "groups": ["system:masters"]}
    odd = {"metadata": {"name": "x", "labels": {"a": "b"}}}
    answer = await api.ok("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", odd)
    assert list(answer["metadata"]) == ["creationTimestamp"]


async def test_may_i(api: Api) -> None:
    attributes = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await api.ok("POST", path, {"spec": attributes}))["status"]["allowed"] is True
    assert (await api.error("POST", path, {"spec": {}})).code == 422


async def test_rules_of_oneself(api: Api) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = (await api.ok("POST", path, {"spec": {"namespace": "default"}}))["status"]
    assert status["incomplete"] is False
    assert status["resourceRules"]
    assert (await api.error("POST", path, {"spec": {}})).message == "no namespace on request"


# -- certificate signing requests --------------------------------------------------------------------------------


async def test_a_signing_request_says_who_asked(api: Api) -> None:
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": pem, "signerName": "x.io/y", "usages": ["client auth"], "username": "root"}
    response = await api.send(
        "POST", f"{path}?fieldValidation=Ignore", {"metadata": {"name": "c"}, "spec": spec}
    )
    assert response.status == 201
    made = await api.ok("GET", f"{path}/c")
    assert made["spec"]["username"] == "alice"
    condition = {"type": "Approved", "status": "True", "reason": "R", "message": "m"}
    made["status"] = {"conditions": [condition], "certificate": "eA=="}
    approved = await api.ok("PUT", f"{path}/c/approval", made)
    assert approved["status"]["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert "certificate" not in approved["status"]


async def test_a_scale_has_columns_of_its_own(api: Api) -> None:
    """Source: printers.go scaleColumnDefinitions."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    await api.ok("POST", deployments, {"metadata": {"name": "web"}, "spec": spec})
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = await api.ok("GET", f"{deployments}/web/scale", accept=accept)
    assert table["columnDefinitions"][0]["format"] == ""
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name",
        "Desired",
        "Available",
        "Age",
    ]
    assert table["rows"][0]["cells"][:3] == ["web", 3, 0]
    assert (await api.ok("GET", f"{deployments}/web/scale"))["kind"] == "Scale"
