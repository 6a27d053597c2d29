"""Admission webhooks, replayed: the steps of upstream's tests against a webhook that behaves as their server does,
behind a Service that leads to this process.

Source: kubernetes test/e2e/apimachinery/webhook.go, test/images/agnhost/webhook. What these ask of kubectl attach is
asked of the API here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.apiserver.aggregation.example import Certificates
from tests.conformance.conftest import DEFINITIONS, Conformance, Obj, define

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = {"mutating": "MutatingWebhookConfiguration", "validating": "ValidatingWebhookConfiguration"}
ROOT = "/apis/admissionregistration.k8s.io/v1"
SERVICE = "e2e-test-webhook"
SKIP = {"key": "skip-webhook-admission", "operator": "NotIn", "values": ["yes"]}


# -- the webhook, as agnhost has it ------------------------------------------------------------------------------------


def _denied(*texts: str) -> Obj:
    return (
        {"allowed": False, "status": {"reason": ", ".join(texts), "message": ", ".join(texts)}}
        if texts
        else ALLOWED
    )


ALLOWED: Obj = {"allowed": True}


def _patched(*operations: Obj) -> Obj:
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def pods(asked: Obj) -> Obj:
    pod = asked["object"] or asked["oldObject"]
    texts = []
    if (pod["metadata"].get("labels") or {}).get("webhook-e2e-test") == "webhook-disallow":
        texts.append("the pod contains unwanted label")
    if any("webhook-disallow" in container["name"] for container in pod["spec"]["containers"]):
        texts.append("the pod contains unwanted container name")
    return _denied(*texts)


def attaching(asked: Obj) -> Obj:
    assert (asked["operation"], asked["object"]["kind"]) == ("CONNECT", "PodAttachOptions")
    if asked["name"] == "to-be-attached-pod":
        return _denied(f"attaching to pod '{asked['name']}' is not allowed")
    return ALLOWED


def mutate_pods(asked: Obj) -> Obj:
    if asked["object"]["metadata"]["name"] != "webhook-to-be-mutated":
        return ALLOWED
    container = {"name": "webhook-added-init-container", "image": "webhook-added-image"}
    return _patched({"op": "add", "path": "/spec/initContainers", "value": [container]})


def _disallowed(asked: Obj, text: str) -> Obj:
    obj = (asked["oldObject"] if asked["operation"] == "DELETE" else asked["object"]) or {}
    values = (obj.get("data") or {}).values()
    return _denied(text) if "webhook-disallow" in values else ALLOWED


def config_maps(asked: Obj) -> Obj:
    return _disallowed(asked, "the configmap contains unwanted key and value")


def custom(asked: Obj) -> Obj:
    return _disallowed(asked, "the custom resource contains unwanted data")


def definitions(asked: Obj) -> Obj:
    labels = (asked["object"]["metadata"].get("labels") or {}) if asked["object"] else {}
    return (
        _denied("the crd contains unwanted label")
        if labels.get("webhook-e2e-test") == "webhook-disallow"
        else ALLOWED
    )


def mutate(asked: Obj) -> Obj:
    data = asked["object"].get("data") or {}
    operations = []
    if data.get("mutation-start") == "yes":
        operations.append({"op": "add", "path": "/data/mutation-stage-1", "value": "yes"})
    if data.get("mutation-stage-1") == "yes":
        operations.append({"op": "add", "path": "/data/mutation-stage-2", "value": "yes"})
    return _patched(*operations) if operations else ALLOWED


def add_label(asked: Obj) -> Obj:
    labels = asked["object"]["metadata"].get("labels")
    if labels is None:
        return _patched({"op": "add", "path": "/metadata/labels", "value": {"added-label": "yes"}})
    return _patched({"op": "add", "path": "/metadata/labels/added-label", "value": "yes"})


ANSWERS = {
    "/pods": pods, "/pods/attach": attaching, "/mutating-pods": mutate_pods, "/configmaps": config_maps,
    "/mutating-configmaps": mutate, "/custom-resource": custom, "/mutating-custom-resource": mutate,
    "/crd": definitions, "/add-label": add_label,
    "/always-deny": lambda asked: _denied("this webhook denies all requests"),
}  # fmt: skip


class Agnhost:
    def __init__(self, k8s: Conformance) -> None:
        self.k8s = k8s
        self.namespace = self.bundle = ""
        self.port = 0
        self.is_over = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        review = await request.json()
        asked = review["request"]
        if "webhook-hang" in json.dumps(asked["object"] or {}) or request.path == "/always-allow-delay-5s":
            await self.is_over.wait()
        response = {"uid": asked["uid"]} | ANSWERS.get(request.path, lambda asked: ALLOWED)(asked)
        return web.json_response(
            {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}
        )

    def hook(self, name: str, path: str, resources: list[str], operations: list[str], **more: Any) -> Obj:
        rule = {
            "apiGroups": [more.pop("group", "")],
            "apiVersions": ["*"],
            "resources": resources,
            "operations": operations,
        }
        service = {"namespace": self.namespace, "name": SERVICE, "path": path, "port": self.port}
        return {
            "name": f"{name}.k8s.io", "rules": [rule], "sideEffects": "None",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"service": service, "caBundle": self.bundle}, **more,
        }  # fmt: skip

    async def register(self, which: str, name: str, *hooks: Obj, labels: dict[str, str] | None = None) -> str:
        """Returns the path; its end is the test's affair."""
        path = f"{ROOT}/{which}webhookconfigurations"
        await self.k8s.ok(
            "POST", path, {"metadata": {"name": name, "labels": labels or {}}, "webhooks": list(hooks)}
        )
        return f"{path}/{name}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agnhost(k8s: Conformance, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agnhost]:
    server = Agnhost(k8s)
    server.namespace = await k8s.namespace()
    certificates = Certificates(tmp_path_factory.mktemp("pki"), f"{SERVICE}.{server.namespace}.svc")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.server, certificates.key)
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.bundle = base64.b64encode(certificates.ca).decode()
    server.port = runner.addresses[0][1]
    # Endpoints may not be on the loopback; a name may.
    service = {"type": "ExternalName", "externalName": "localhost"}
    place = f"/api/v1/namespaces/{server.namespace}/services"
    await k8s.ok("POST", place, {"metadata": {"name": SERVICE}, "spec": service})
    try:
        yield server
    finally:
        server.is_over.set()
        await runner.cleanup()


async def marked_namespace(k8s: Conformance, **labels: str) -> tuple[str, Obj]:
    """A namespace, and the selector that finds it only."""
    name = await k8s.namespace()
    await k8s.merge(f"/api/v1/namespaces/{name}", {"metadata": {"labels": {"unique": name, **labels}}})
    return name, {"matchLabels": {"unique": name}, "matchExpressions": [SKIP]}


async def denied(k8s: Conformance, method: str, path: str, body: Obj | None, *texts: str, **how: Any) -> None:
    error = await k8s.error(method, path, body, **how)
    assert all(text in error.message for text in texts), error.message


def config_map(name: str, **data: str) -> Obj:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str, container: str = "webhook", **labels: str) -> Obj:
    spec = {"containers": [{"name": container, "image": "pause"}]}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


UNWANTED = {"webhook-e2e-test": "webhook-disallow"}


# -- the rows ----------------------------------------------------------------------------------------------------------


async def test_should_include_webhook_resources_in_discovery_documents(k8s: Conformance) -> None:
    groups = {group["name"]: group for group in (await k8s.ok("GET", "/apis"))["groups"]}
    version = {"groupVersion": "admissionregistration.k8s.io/v1", "version": "v1"}
    assert version in groups["admissionregistration.k8s.io"]["versions"]
    assert version in (await k8s.ok("GET", "/apis/admissionregistration.k8s.io"))["versions"]
    rows = {row["name"] for row in (await k8s.ok("GET", ROOT))["resources"]}
    assert {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} <= rows


async def test_should_be_able_to_deny_pod_and_configmap_creation(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    made = await agnhost.register(
        "validating", "deny",
        agnhost.hook("deny-unwanted-pod", "/pods", ["pods"], ["CREATE"], namespaceSelector=selector, timeoutSeconds=1),
        agnhost.hook("deny-unwanted-cm", "/configmaps", ["configmaps"], ["CREATE", "UPDATE", "DELETE"],
                     namespaceSelector=selector),
        agnhost.hook("fail-open", "/configmaps", ["configmaps"], ["CREATE"], namespaceSelector=selector,
                     failurePolicy="Ignore") | {"clientConfig": {"url": "https://127.0.0.1:1/"}},
    )  # fmt: skip
    place, maps = f"/api/v1/namespaces/{name}/pods", f"/api/v1/namespaces/{name}/configmaps"
    unwanted = "the configmap contains unwanted key and value"
    await denied(k8s, "POST", place, pod("bad", "webhook-disallow", **UNWANTED),
                 "the pod contains unwanted container name", "the pod contains unwanted label")  # fmt: skip
    await denied(
        k8s, "POST", place, pod("hang", **{"webhook-e2e-test": "webhook-hang"}), "webhook", "deadline"
    )
    assert (await k8s.error("GET", f"{place}/hang")).code == 404
    await denied(k8s, "POST", maps, config_map("bad", **UNWANTED), unwanted)
    await k8s.ok("POST", maps, config_map("good", admit="this"))
    await denied(k8s, "PUT", f"{maps}/good", config_map("good", **UNWANTED), unwanted)
    strategic = "application/strategic-merge-patch+json"
    await denied(k8s, "PATCH", f"{maps}/good", {"data": UNWANTED}, unwanted, content_type=strategic)
    skipped, _ = await marked_namespace(k8s, unique=name, **{"skip-webhook-admission": "yes"})
    await k8s.ok("POST", f"/api/v1/namespaces/{skipped}/configmaps", config_map("bad", **UNWANTED))
    await k8s.ok("DELETE", made)


async def test_should_be_able_to_deny_attaching_pod(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    hook = agnhost.hook(
        "deny-attaching", "/pods/attach", ["pods/attach"], ["CONNECT"], namespaceSelector=selector
    )
    made = await agnhost.register("validating", "attach", hook)
    place = f"/api/v1/namespaces/{name}/pods"
    await k8s.ok("POST", place, pod("to-be-attached-pod", "container1"))
    path = f"{place}/to-be-attached-pod/attach?container=container1&stdin=true"
    await denied(k8s, "POST", path, None, "attaching to pod 'to-be-attached-pod' is not allowed")
    await k8s.ok("DELETE", made)


async def test_should_be_able_to_deny_custom_resource_creation_update_and_deletion(
    k8s: Conformance, agnhost: Agnhost
) -> None:
    name, selector = await marked_namespace(k8s)
    await define(k8s, "deny.example.com", "things", {"v1": None})
    hook = agnhost.hook("deny-custom", "/custom-resource", ["things"], ["CREATE", "UPDATE", "DELETE"],
                        group="deny.example.com", namespaceSelector=selector)  # fmt: skip
    made = await agnhost.register("validating", "custom", hook)
    place, text = (
        f"/apis/deny.example.com/v1/namespaces/{name}/things",
        "the custom resource contains unwanted data",
    )
    thing = {"apiVersion": "deny.example.com/v1", "kind": "Things"}
    await denied(k8s, "POST", place, thing | config_map("bad", **UNWANTED), text)
    await k8s.ok("POST", place, thing | config_map("good", key="x"))
    merge = "application/merge-patch+json"
    await denied(k8s, "PATCH", f"{place}/good", {"data": UNWANTED}, text, content_type=merge)
    await k8s.ok("DELETE", made)
    await k8s.merge(f"{place}/good", {"data": UNWANTED})
    made = await agnhost.register("validating", "custom", hook)
    await denied(k8s, "DELETE", f"{place}/good", None, text)
    await k8s.ok("DELETE", made)
    await k8s.ok("DELETE", f"{place}/good")


async def test_should_unconditionally_reject_operations_on_fail_closed_webhook(
    k8s: Conformance, agnhost: Agnhost
) -> None:
    name, selector = await marked_namespace(k8s)
    hook = agnhost.hook("fail-closed", "/configmaps", ["configmaps"], ["CREATE"], namespaceSelector=selector)
    # Signed by nobody that is known.
    hook["clientConfig"]["caBundle"] = ""
    made = await agnhost.register("validating", "closed", hook)
    error = await k8s.error("POST", f"/api/v1/namespaces/{name}/configmaps", config_map("foo"))
    assert (error.code, error.reason) == (500, "InternalError")
    await k8s.ok("DELETE", made)


async def test_should_mutate_configmap(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    hooks = [
        agnhost.hook(f"adding-configmap-data-stage-{stage}", "/mutating-configmaps", ["configmaps"], ["CREATE"],
                     namespaceSelector=selector)
        for stage in (1, 2)
    ]  # fmt: skip
    made = await agnhost.register("mutating", "stages", *hooks)
    got = await k8s.ok(
        "POST", f"/api/v1/namespaces/{name}/configmaps", config_map("a", **{"mutation-start": "yes"})
    )
    assert got["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}
    await k8s.ok("DELETE", made)


async def test_should_mutate_pod_and_apply_defaults_after_mutation(
    k8s: Conformance, agnhost: Agnhost
) -> None:
    name, selector = await marked_namespace(k8s)
    hook = agnhost.hook(
        "adding-init-container", "/mutating-pods", ["pods"], ["CREATE"], namespaceSelector=selector
    )
    made = await agnhost.register("mutating", "pods", hook)
    got = await k8s.ok("POST", f"/api/v1/namespaces/{name}/pods", pod("webhook-to-be-mutated"))
    (added,) = got["spec"]["initContainers"]
    assert (added["name"], added["terminationMessagePolicy"]) == ("webhook-added-init-container", "File")
    await k8s.ok("DELETE", made)


async def test_should_not_be_able_to_mutate_or_prevent_deletion_of_webhook_configuration_objects(
    k8s: Conformance, agnhost: Agnhost
) -> None:
    rows = [f"{which}webhookconfigurations" for which in KINDS]
    group = "admissionregistration.k8s.io"
    marked = {"objectSelector": {"matchLabels": {"only": "these"}}, "group": group}
    denying = agnhost.hook("deny-webhooks", "/always-deny", rows, ["DELETE"], **marked)
    labelling = agnhost.hook("label-webhooks", "/add-label", rows, ["CREATE"], **marked)
    made = [
        await agnhost.register("validating", "guard", denying),
        await agnhost.register("mutating", "guard", labelling),
    ]
    for which in KINDS:
        dummy = agnhost.hook("dummy", "/always-deny", ["invalid"], ["CREATE"])
        path = await agnhost.register(which, "dummy", dummy, labels={"only": "these"})
        assert (await k8s.ok("GET", path))["metadata"]["labels"] == {"only": "these"}
        await k8s.ok("DELETE", path)
    for path in made:
        await k8s.ok("DELETE", path)


PRUNING: Obj = {
    "type": "object",
    "properties": {
        "data": {
            "type": "object",
            "properties": {"mutation-start": {"type": "string"}, "mutation-stage-1": {"type": "string"}},
        }
    },
}


@pytest.mark.parametrize(
    ("group", "schema", "stages"), [("mutate.example.com", None, 2), ("prune.example.com", PRUNING, 1)]
)
async def test_should_mutate_custom_resource(
    k8s: Conformance, agnhost: Agnhost, group: str, schema: Obj | None, stages: int
) -> None:
    """And "... with pruning"."""
    name, selector = await marked_namespace(k8s)
    await define(k8s, group, "things", {"v1": schema})
    hooks = [
        agnhost.hook(f"mutate-custom-stage-{stage}", "/mutating-custom-resource", ["things"], ["CREATE", "UPDATE"],
                     group=group, namespaceSelector=selector)
        for stage in (1, 2)
    ]  # fmt: skip
    made = await agnhost.register("mutating", "custom", *hooks)
    thing = {"apiVersion": f"{group}/v1", "kind": "Things"} | config_map("a", **{"mutation-start": "yes"})
    got = await k8s.ok("POST", f"/apis/{group}/v1/namespaces/{name}/things", thing)
    expected = {"mutation-start": "yes"} | {
        f"mutation-stage-{stage}": "yes" for stage in range(1, stages + 1)
    }
    assert got["data"] == expected
    await k8s.ok("DELETE", made)


async def test_should_deny_crd_creation(k8s: Conformance, agnhost: Agnhost) -> None:
    hook = agnhost.hook("deny-crd", "/crd", ["customresourcedefinitions"], ["CREATE"], group="apiextensions.k8s.io",
                        objectSelector={"matchLabels": UNWANTED})  # fmt: skip
    made = await agnhost.register("validating", "crd", hook)
    names = {"plural": "denied", "kind": "Denied"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    definition = {
        "metadata": {"name": "denied.no.example.com", "labels": UNWANTED},
        "spec": {"group": "no.example.com", "scope": "Cluster", "names": names, "versions": [version]},
    }
    await denied(k8s, "POST", DEFINITIONS, definition, "the crd contains unwanted label")
    await k8s.ok("DELETE", made)


async def test_should_mutate_custom_resource_with_different_stored_version(
    k8s: Conformance, agnhost: Agnhost
) -> None:
    name, selector = await marked_namespace(k8s)
    group = "versions.example.com"
    definition = await define(k8s, group, "things", {"v1": None, "v2": None})
    hooks = [
        agnhost.hook(f"stage-{stage}", "/mutating-custom-resource", ["things"], ["CREATE", "UPDATE"], group=group,
                     namespaceSelector=selector)
        for stage in (1, 2)
    ]  # fmt: skip
    made = await agnhost.register("mutating", "versions", *hooks)
    place = f"/apis/{group}/{{}}/namespaces/{name}/things"
    thing = {"apiVersion": f"{group}/v1", "kind": "Things"} | config_map("a", **{"mutation-start": "yes"})
    await k8s.ok("POST", place.format("v1"), thing)
    versions = [version | {"storage": version["name"] == "v2"} for version in definition["spec"]["versions"]]
    await k8s.merge(f"{DEFINITIONS}/things.{group}", {"spec": {"versions": versions}})
    path = f"{place.format('v2')}/a"
    got = await k8s.json_patch(path, [{"op": "add", "path": "/dummy", "value": "test"}])
    assert got["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}
    assert got["dummy"] == "test"
    await k8s.ok("DELETE", made)


async def test_should_honor_timeout(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    maps = f"/api/v1/namespaces/{name}/configmaps"

    def slow(**more: Any) -> Obj:
        return agnhost.hook("allow-with-delay", "/always-allow-delay-5s", ["configmaps"], ["CREATE"],
                            namespaceSelector=selector, **more)  # fmt: skip

    made = await agnhost.register("validating", "slow", slow(timeoutSeconds=1, failurePolicy="Fail"))
    await denied(
        k8s, "POST", maps, config_map("a"), "context deadline exceeded", "/always-allow-delay-5s?timeout=1s"
    )
    await k8s.ok("DELETE", made)
    made = await agnhost.register("validating", "slow", slow(timeoutSeconds=1, failurePolicy="Ignore"))
    await k8s.ok("POST", maps, config_map("a"))
    await k8s.ok("DELETE", made)
    made = await agnhost.register("validating", "slow", slow())
    assert (await k8s.ok("GET", made))["webhooks"][0]["timeoutSeconds"] == 10
    await k8s.ok("DELETE", made)


@pytest.mark.parametrize("how", ["PUT", "PATCH"])
async def test_patching_updating_a_validating_webhook_should_work(
    k8s: Conformance, agnhost: Agnhost, how: str
) -> None:
    name, selector = await marked_namespace(k8s)
    maps = f"/api/v1/namespaces/{name}/configmaps"
    hook = agnhost.hook(
        "deny-unwanted", "/configmaps", ["configmaps"], ["CREATE"], namespaceSelector=selector
    )
    made = await agnhost.register("validating", "changing", hook)
    await denied(k8s, "POST", maps, config_map("a", **UNWANTED), "denied")
    await change_operations(k8s, made, how, ["UPDATE"])
    await k8s.ok("POST", maps, config_map("a", **UNWANTED))
    await k8s.ok("DELETE", f"{maps}/a")
    await change_operations(k8s, made, how, ["CREATE"])
    await denied(k8s, "POST", maps, config_map("a", **UNWANTED), "denied")
    await k8s.ok("DELETE", made)


async def change_operations(k8s: Conformance, path: str, how: str, operations: list[str]) -> None:
    if how == "PATCH":
        await k8s.json_patch(
            path, [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": operations}]
        )
        return
    found = await k8s.ok("GET", path)
    found["webhooks"][0]["rules"][0]["operations"] = operations
    await k8s.ok("PUT", path, found)


async def test_patching_updating_a_mutating_webhook_should_work(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    maps = f"/api/v1/namespaces/{name}/configmaps"
    hook = agnhost.hook(
        "adding-data", "/mutating-configmaps", ["configmaps"], ["CREATE"], namespaceSelector=selector
    )
    made = await agnhost.register("mutating", "changing", hook)
    start = {"mutation-start": "yes"}
    for index, (how, operations, data) in enumerate(
        (("PUT", ["UPDATE"], start), ("PATCH", ["CREATE"], start | {"mutation-stage-1": "yes"}))
    ):
        await change_operations(k8s, made, how, operations)
        got = await k8s.ok("POST", maps, config_map(f"a{index}", **start))
        assert got["data"] == data
    await k8s.ok("DELETE", made)


@pytest.mark.parametrize("which", KINDS)
async def test_listing_webhooks_should_work(k8s: Conformance, agnhost: Agnhost, which: str) -> None:
    """Validating and mutating."""
    name, selector = await marked_namespace(k8s)
    maps, place = f"/api/v1/namespaces/{name}/configmaps", f"{ROOT}/{which}webhookconfigurations"
    labels = {"e2e-list": which}
    path = "/mutating-configmaps" if which == "mutating" else "/configmaps"
    for index in range(3):
        hook = agnhost.hook(f"{which}-{index}", path, ["configmaps"], ["CREATE"], namespaceSelector=selector)
        await agnhost.register(which, f"list-{index}", hook, labels=labels)
    found = await k8s.ok("GET", f"{place}?labelSelector=e2e-list%3D{which}")
    assert len(found["items"]) == 3
    wanted = (
        config_map("a", **{"mutation-start": "yes"}) if which == "mutating" else config_map("a", **UNWANTED)
    )
    if which == "mutating":
        assert len((await k8s.ok("POST", maps, wanted))["data"]) == 3
    else:
        await denied(k8s, "POST", maps, wanted, "denied")
    await k8s.ok("DELETE", f"{place}?labelSelector=e2e-list%3D{which}")
    got = await k8s.ok("POST", maps, wanted | {"metadata": {"name": "b"}})
    assert got["data"] == wanted["data"]


CONDITION = {"name": "expression-1", "expression": "object.metadata.namespace == 'production'"}
BROKEN = {"name": "invalid-expression-1", "expression": "... [] bad expression"}


@pytest.mark.parametrize("which", KINDS)
async def test_should_be_able_to_create_and_update_webhook_configurations_with_match_conditions(
    k8s: Conformance, agnhost: Agnhost, which: str
) -> None:
    """Validating and mutating; and "should reject ... with invalid match conditions"."""
    hook = agnhost.hook("conditions", "/always-deny", ["invalid"], ["CREATE"], matchConditions=[CONDITION])
    path = await agnhost.register(which, "conditions", hook)
    found = await k8s.ok("GET", path)
    assert found["webhooks"][0]["matchConditions"] == [CONDITION]
    more = [CONDITION, {"name": "expression-2", "expression": "request.resource.resource == 'pods'"}]
    found["webhooks"][0]["matchConditions"] = more
    assert (await k8s.ok("PUT", path, found))["webhooks"][0]["matchConditions"] == more
    await k8s.ok("DELETE", path)
    hook["matchConditions"] = [BROKEN]
    body = {"metadata": {"name": "broken"}, "webhooks": [hook]}
    error = await k8s.error("POST", f"{ROOT}/{which}webhookconfigurations", body)
    assert (error.code, error.reason) == (422, "Invalid")
    assert "compilation failed" in error.message


async def test_should_mutate_everything_except_skip_me_configmaps(k8s: Conformance, agnhost: Agnhost) -> None:
    name, selector = await marked_namespace(k8s)
    condition = {"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}
    hook = agnhost.hook("adding-data", "/mutating-configmaps", ["configmaps"], ["CREATE"], namespaceSelector=selector,
                        matchConditions=[condition])  # fmt: skip
    made = await agnhost.register("mutating", "skip", hook)
    maps, start = f"/api/v1/namespaces/{name}/configmaps", {"mutation-start": "yes"}
    assert len((await k8s.ok("POST", maps, config_map("other", **start)))["data"]) == 2
    assert (await k8s.ok("POST", maps, config_map("skip-me", **start)))["data"] == start
    await k8s.ok("DELETE", made)
