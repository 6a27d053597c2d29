"""Webhooks as a cluster meets them, honest ones and others: a TLS server beside the verbs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from kubepy.api.errors import StatusError
from kubepy.api.objects import stored
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Put
from tests.apiserver.admission.webhooks.server import (
    HookServer,
    Obj,
    allow,
    configuration,
    deny,
    patch,
    serving,
    webhook,
)
from tests.apiserver.conftest import Api

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
CONFIG_MAP: Obj = {"metadata": {"name": "a", "finalizers": ["x.io/y"]}, "data": {"a": "b"}}
FAILED = 'Internal error occurred: failed calling webhook "a.example.com": '


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest_asyncio.fixture
async def hook(directory: Path) -> AsyncIterator[HookServer]:
    async with serving(directory) as server:
        yield server


async def register(api: Api, kind: str, *hooks: Obj, name: str = "test") -> None:
    await api.ok("POST", CONFIGURATIONS.format(kind.lower()), configuration(kind, name, *hooks))


def review(**response: Any) -> web.Response:
    return web.json_response(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
    )


def text(body: str, status: int = 200, **headers: str) -> web.Response:
    return web.Response(text=body, status=status, headers=headers)


# -- who answers wrongly -----------------------------------------------------------------------------------------------

KIND = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
WRONG: list[tuple[Any, str]] = [
    (
        lambda r: review(uid="x", allowed=True),
        'received invalid webhook response: expected response.uid="{uid}", got "x"',
    ),
    (lambda r: web.json_response({}), "received invalid webhook response: webhook response was absent"),
    (
        lambda r: web.json_response({"response": {"uid": r["request"]["uid"], "allowed": True}}),
        "received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, "
        "got /, Kind=",
    ),
    (
        lambda r: web.json_response({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}),
        "failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion",
    ),
    (
        lambda r: web.json_response({"apiVersion": "foo/v1", "kind": "AdmissionReview"}),
        'failed to call webhook: no kind "AdmissionReview" is registered for version "foo/v1" in scheme '
        '"k8s.io/apiserver/pkg/util/webhook/client.go:71"',
    ),
    (
        lambda r: text("<html>hello</html>"),
        "failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go "
        f"value of type {KIND}",
    ),
    (
        lambda r: text('{"a": 1}}'),
        "failed to call webhook: couldn't get version/kind; json parse error: invalid character '}' after top-level "
        "value",
    ),
    (
        lambda r: text(""),
        "failed to call webhook: 0-length response with status code: 200 and content type: text/plain; charset=utf-8",
    ),
    (
        lambda r: {"allowed": "yes"},
        "failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed "
        "of type bool",
    ),
    (
        lambda r: {"allowed": True, "patch": "W10="},
        "received invalid webhook response: webhook returned response.patch but not response.patchType",
    ),
    (
        lambda r: {"allowed": True, "patchType": "JSONPatch"},
        "received invalid webhook response: webhook returned response.patchType but not response.patch",
    ),
    (
        lambda r: {"allowed": True, "patch": base64.b64encode(b'[{"op":"add"}]').decode(), "patchType": "Merge"},
        'unsupported patch type "Merge"',
    ),
    (
        lambda r: {"allowed": True, "patch": "!", "patchType": "JSONPatch"},
        "failed to call webhook: illegal base64 data at input byte 0",
    ),
    (
        lambda r: {"allowed": True, "patch": base64.b64encode(b"{not").decode(), "patchType": "JSONPatch"},
        "received undecodable patch in webhook response: invalid character 'n' looking for beginning of object key "
        "string",
    ),
    (
        lambda r: text("oh", 500),
        'failed to call webhook: an error on the server ("oh") has prevented the request from succeeding',
    ),
    (lambda r: text("x", 404), "failed to call webhook: the server could not find the requested resource"),
    (lambda r: text("mine", 403), "failed to call webhook: mine"),
    (
        lambda r: web.json_response(
            {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "bad"}, status=400
        ),
        "failed to call webhook: bad",
    ),
    (lambda r: text("", 307, Location="/a"), 'failed to call webhook: Post "/a": stopped after 10 redirects'),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "why"), WRONG)
async def test_nonsense_is_a_failed_call(api: Api, hook: HookServer, answer: Any, why: str) -> None:
    hook.answers["/a"] = answer
    await register(api, "Mutating", webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    why = why.replace("{uid}", hook.reviews[-1][1].get("uid", ""))
    assert (error.code, error.reason, error.message) == (500, "InternalError", FAILED + why)


@pytest.mark.parametrize(
    ("operations", "code", "why"),
    [
        ([{"op": "add", "path": "/nope/x", "value": 1}], 500,
         'Internal error occurred: add operation does not apply: doc is missing path: "/nope/x": missing value'),
        ([{"op": "replace", "path": "/data", "value": "x"}], 500,
         "Internal error occurred: json: cannot unmarshal string into Go struct field ConfigMap.data of type "
         "map[string]string"),
        ([{"op": "replace", "path": "/kind", "value": "Foo"}], 500,
         'Internal error occurred: no kind "Foo" is registered for version "v1" in scheme '
         '"pkg/api/legacyscheme/scheme.go:30"'),
        ([{"op": "replace", "path": "/kind", "value": "Secret"}], 500,
         "Internal error occurred: converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
        ([{"op": "replace", "path": "/metadata/namespace", "value": "kube-system"}], 400,
         "the namespace of the provided object does not match the namespace sent on the request"),
        ([{"op": "add", "path": "/data/bad key", "value": "x"}], 422, None),
    ],
)  # fmt: skip
async def test_a_patch_that_breaks_the_object_is_refused(
    api: Api, hook: HookServer, operations: list[Obj], code: int, why: str | None
) -> None:
    hook.answers["/a"] = patch(*operations)
    await register(api, "Mutating", webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    assert error.code == code
    assert why is None or error.message == why
    assert (await api.error("GET", f"{CONFIG_MAPS}/a")).code == 404


async def test_what_is_the_servers_stays_the_servers(api: Api, hook: HookServer) -> None:
    hook.answers["/a"] = patch(
        {"op": "add", "path": "/metadata/uid", "value": "mine"},
        {"op": "add", "path": "/metadata/creationTimestamp", "value": "2001-01-01T00:00:00Z"},
        {"op": "add", "path": "/metadata/managedFields", "value": [{"manager": "x"}]},
        {"op": "add", "path": "/unknown", "value": 1},
        {"op": "add", "path": "/data/mine", "value": "yes"},
    )
    await register(api, "Mutating", webhook("a", hook.client("/a")))
    made = await api.ok("POST", CONFIG_MAPS, CONFIG_MAP, user_agent="me/1")
    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["me"]
    assert made["data"] == {"a": "b", "mine": "yes"}
    assert "unknown" not in made
    assert api.warnings == [
        ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
        "admission controller; please fix your requests: operation must be `Apply` or `Update`"
    ]


async def test_a_slow_one_is_not_waited_for(api: Api, hook: HookServer) -> None:
    await register(api, "Validating", webhook("a", hook.client("/slow"), timeoutSeconds=3))
    asked = asyncio.ensure_future(api.error("POST", CONFIG_MAPS, CONFIG_MAP))
    await hook.is_asked.wait()
    await api.clock.advance(3)
    error = await asked
    url = f"https://127.0.0.1:{hook.port}/slow?timeout=3s"
    assert error.message == f'{FAILED}failed to call webhook: Post "{url}": context deadline exceeded'


@pytest.mark.parametrize(
    ("status", "retry_after", "asked"),
    [(429, "0", 3), (503, "0", 3), (500, "0", 3), (503, "", 1), (503, "soon", 1), (409, "0", 1)],
)
async def test_who_says_when_is_asked_again(
    api: Api, hook: HookServer, status: int, retry_after: str, asked: int
) -> None:
    """Source: client-go rest/request_test.go TestCheckRetryHandles429And5xx."""
    left = 2

    def answer(review: Obj) -> web.Response | Obj:
        nonlocal left
        left -= 1
        return text("", status, **{"Retry-After": retry_after}) if left >= 0 else {"allowed": True}

    hook.answers["/a"] = answer
    await register(api, "Validating", webhook("a", hook.client("/a")))
    if asked == 1:
        await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    else:
        await api.ok("POST", CONFIG_MAPS, CONFIG_MAP)
    assert len(hook.reviews) == asked


async def test_who_never_has_time_is_asked_eleven_times(api: Api, hook: HookServer) -> None:
    hook.answers["/a"] = lambda review: text("", 429, **{"Retry-After": "0"})
    await register(api, "Validating", webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    assert "the server has received too many requests and has asked us to try again later" in error.message
    assert len(hook.reviews) == 11


async def test_an_endless_answer_is_cut(api: Api, hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubepy.apiserver.webhook_client.ANSWER_BYTES_MAX", 100_000)
    hook.answers["/a"] = lambda review: text("x" * 200_000)
    await register(api, "Validating", webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    assert error.message == f"{FAILED}failed to call webhook: the answer is larger than 100000 bytes"


@pytest.mark.parametrize(
    ("client", "why"),
    [
        ({"caBundle": ""},
         'Post "{url}": tls: failed to verify certificate: x509: certificate signed by unknown authority'),
        ({"caBundle": base64.b64encode(b"x").decode()}, None),
        ({"url": "https://127.0.0.1:1/a"}, 'Post "{url}": dial tcp 127.0.0.1:1: connect: connection refused'),
        ({"url": None, "service": {"name": "no", "namespace": "default", "path": "/p/q/"}},
         'Post "https://no.default.svc:443/p/q?timeout=10s": service "no" not found'),
    ],
)  # fmt: skip
async def test_one_that_cannot_be_reached(api: Api, hook: HookServer, client: Obj, why: str | None) -> None:
    wanted = {key: value for key, value in (hook.client("/a") | client).items() if value is not None}
    await register(api, "Validating", webhook("a", wanted))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    url = f"{wanted.get('url')}?timeout=10s"
    expected = (
        f"failed to call webhook: {why.replace('{url}', url)}"
        if why is not None
        else "could not get REST client: unable to load root certificates: unable to parse bytes as PEM block"
    )
    assert error.message == FAILED + expected
    # And with failurePolicy Ignore nobody minds.
    await register(api, "Validating", webhook("a", wanted, failurePolicy="Ignore"), name="other")
    await api.ok("DELETE", f"{CONFIGURATIONS.format('validating')}/test")
    await api.ok("POST", CONFIG_MAPS, CONFIG_MAP)


# -- who says no -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "code", "reason", "message"),
    [
        ({"status": {"message": "no way"}}, 400, "", "denied the request: no way"),
        ({}, 400, "", "denied the request without explanation"),
        ({"status": {"reason": "Because"}}, 400, "Because", "denied the request: Because"),
        ({"status": {"code": 200, "message": "m"}}, 400, "", "denied the request: m"),
        (
            {"status": {"code": 418, "reason": "Teapot", "message": "m"}},
            418,
            "Teapot",
            "denied the request: m",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Mutating", "Validating"])
async def test_denials(
    api: Api, hook: HookServer, kind: str, response: Obj, code: int, reason: str, message: str
) -> None:
    hook.answers["/a"] = lambda review: {"allowed": False, "warnings": ["w", ""], **response}
    await register(api, kind, webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    assert (error.code, error.reason, error.message) == (
        code,
        reason,
        f'admission webhook "a.example.com" {message}',
    )
    assert api.warnings == ["w", ""]


async def test_validating_webhooks_may_not_patch(api: Api, hook: HookServer) -> None:
    hook.answers["/a"] = patch({"op": "add", "path": "/data/x", "value": "y"})
    await register(api, "Validating", webhook("a", hook.client("/a")))
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP)
    why = "received invalid webhook response: validating webhook may not return response.patch"
    assert error.message == FAILED + why


async def test_a_dry_run_needs_one_without_side_effects(api: Api, hook: HookServer) -> None:
    await register(api, "Validating", webhook("a", hook.client("/a")))
    await api.ok("POST", f"{CONFIG_MAPS}?dryRun=All", CONFIG_MAP)
    assert hook.reviews[-1][1]["dryRun"] is True
    # One from before side effects had to be declared.
    old = configuration("Validating", "test", webhook("a", hook.client("/a"), sideEffects="Some"))
    key = b"/registry/validatingwebhookconfigurations.admissionregistration.k8s.io/test"
    await api.store.txn((), (Put(key, stored(old)),))
    error = await api.error("POST", f"{CONFIG_MAPS}?dryRun=All", CONFIG_MAP)
    assert (error.code, error.message) == (400, 'admission webhook "a.example.com" does not support dry run')


# -- who is asked, what, and in which order ----------------------------------------------------------------------------


async def test_what_is_asked(api: Api, hook: HookServer) -> None:
    await register(api, "Validating", webhook("a", hook.client("/a"), timeoutSeconds=7))
    await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=me&fieldValidation=Strict", CONFIG_MAP)
    asked = hook.reviews[0][1]
    assert hook.queries == ["timeout=7s"]
    assert hook.headers[0]["User-Agent"] == "kube-apiserver-admission"
    config_map = {"group": "", "version": "v1"}
    assert asked | {"object": None, "uid": ""} == {
        "uid": "",
        "kind": config_map | {"kind": "ConfigMap"}, "resource": config_map | {"resource": "configmaps"},
        "requestKind": config_map | {"kind": "ConfigMap"},
        "requestResource": config_map | {"resource": "configmaps"},
        "name": "a", "namespace": "default", "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["system:masters"]},
        "object": None, "oldObject": None, "dryRun": False,
        "options": {
            "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me", "fieldValidation": "Strict",
        },
    }  # fmt: skip
    assert asked["object"]["data"] == {"a": "b"}
    await api.ok(
        "PATCH", f"{CONFIG_MAPS}/a", {"data": {"a": "c"}}, content_type="application/merge-patch+json"
    )
    changed = hook.reviews[1][1]
    assert (changed["operation"], changed["options"]["kind"]) == ("UPDATE", "UpdateOptions")
    assert (changed["oldObject"]["data"], changed["object"]["data"]) == ({"a": "b"}, {"a": "c"})
    await api.ok("DELETE", f"{CONFIG_MAPS}/a", {"gracePeriodSeconds": 3})
    gone = hook.reviews[2][1]
    assert (gone["operation"], gone["object"], gone["options"]["gracePeriodSeconds"]) == ("DELETE", None, 3)


async def test_mutating_ones_are_asked_in_order_and_again_if_need_be(api: Api, hook: HookServer) -> None:
    counted = {"op": "add", "path": "/data/n", "value": "1"}
    hook.answers["/b"] = patch(counted)
    await register(api, "Mutating", webhook("b", hook.client("/b")), name="b")
    await register(
        api, "Mutating", webhook("again", hook.client("/again"), reinvocationPolicy="IfNeeded"),
        webhook("once", hook.client("/once")), name="a",
    )  # fmt: skip
    await api.ok("POST", CONFIG_MAPS, CONFIG_MAP)
    assert hook.paths() == ["/again", "/once", "/b", "/again"]
    assert hook.reviews[-1][1]["object"]["data"] == {"a": "b", "n": "1"}
    hook.reviews.clear()
    hook.answers["/b"] = allow
    await api.ok(
        "PATCH", f"{CONFIG_MAPS}/a", {"data": {"q": "c"}}, content_type="application/merge-patch+json"
    )
    assert hook.paths() == ["/again", "/once", "/b"]


async def test_validating_ones_are_asked_at_once(api: Api, hook: HookServer) -> None:
    hooks = [webhook(f"a{index}", hook.client(f"/slow{index}")) for index in range(3)]
    await register(api, "Validating", *hooks)
    asked = asyncio.ensure_future(api.ok("POST", CONFIG_MAPS, CONFIG_MAP))
    async with asyncio.timeout(30):
        while hook.at_once < 3:
            hook.is_asked.clear()
            await hook.is_asked.wait()
    hook.proceed.set()
    await asked


async def test_an_equivalent_version_will_do(api: Api, hook: HookServer) -> None:
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "resources": ["*"], "operations": ["CREATE"]}
    hook.answers["/a"] = patch({"op": "replace", "path": "/spec/maxReplicas", "value": 7})
    await register(
        api, "Mutating", webhook("a", hook.client("/a"), rules=[rule]),
        webhook("exact", hook.client("/exact"), rules=[rule], matchPolicy="Exact"),
    )  # fmt: skip
    target = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
    made = await api.ok(
        "POST", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
        {"metadata": {"name": "h"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}},
    )  # fmt: skip
    assert (made["apiVersion"], made["spec"]["maxReplicas"]) == ("autoscaling/v1", 7)
    assert hook.paths() == ["/a"]
    asked = hook.reviews[0][1]
    assert (asked["kind"]["version"], asked["requestKind"]["version"]) == ("v2", "v1")
    assert asked["object"]["apiVersion"] == "autoscaling/v2"


async def test_conditions_decide_before_anybody_is_called(api: Api, hook: HookServer) -> None:
    def hooked(name: str, expression: str, **more: Any) -> Obj:
        conditions = [{"name": "c", "expression": expression}]
        return webhook(name, hook.client(f"/{name}"), matchConditions=conditions, **more)

    await register(
        api, "Validating", hooked("yes", "object.metadata.name == 'a' && !has(oldObject.metadata)"),
        hooked("no", "request.operation == 'DELETE'"),
        hooked("open", "object.data.nope == ''", failurePolicy="Ignore"),
    )  # fmt: skip
    await api.ok("POST", CONFIG_MAPS, CONFIG_MAP)
    assert hook.paths() == ["/yes"]
    await register(api, "Validating", hooked("closed", "object.data.nope == ''"), name="more")
    error = await api.error("POST", CONFIG_MAPS, CONFIG_MAP | {"metadata": {"name": "b"}})
    why = "expression 'object.data.nope == ''' resulted in error: no such key: nope"
    assert (error.code, error.message) == (403, f'configmaps "b" is forbidden: {why}')


async def test_nobody_is_asked_about_webhooks(api: Api, hook: HookServer) -> None:
    hook.answers["/a"] = deny
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
    for kind in ("Mutating", "Validating"):
        await register(api, kind, webhook("a", hook.client("/a"), rules=[everything]))
    for kind in ("mutating", "validating"):
        await api.ok("DELETE", f"{CONFIGURATIONS.format(kind)}/test")
    assert hook.reviews == []


async def test_what_it_says_is_counted_and_noted(api: Api, hook: HookServer) -> None:
    hook.answers["/a"] = lambda review: {"allowed": True, "auditAnnotations": {"key": "value"}}
    hook.answers["/b"] = patch({"op": "add", "path": "/data/x", "value": "y"})
    down = hook.client() | {"url": "https://127.0.0.1:1/"}
    await register(
        api, "Mutating", webhook("a", hook.client("/a")), webhook("b", hook.client("/b")),
        webhook("c", down, failurePolicy="Ignore"),
    )  # fmt: skip
    request = api.request("POST", CONFIG_MAPS, CONFIG_MAP)
    await api.handler(request)
    at = "webhook.admission.k8s.io/round_0_index_"
    noted = {key: value for key, value in request.audit.items() if "example.com" in key or "webhook" in key}
    assert noted["a.example.com/key"] == "value"
    assert noted[f"failed-open.mutation.{at}2"] == "c.example.com"
    assert [orjson.loads(noted[f"mutation.{at}{index}"])["mutated"] for index in range(3)] == [
        False,
        True,
        False,
    ]
    assert orjson.loads(noted[f"patch.{at}1"]) == {
        "configuration": "test", "webhook": "b.example.com", "patchType": "JSONPatch",
        "patch": [{"op": "add", "path": "/data/x", "value": "y"}],
    }  # fmt: skip


async def test_metrics_have_upstreams_names(clock: Any, store: Any, hook: HookServer) -> None:
    metrics = Metrics()
    api = Api(clock, store, metrics=metrics)
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
    hook.answers["/a"] = deny
    await register(api, "Validating", webhook("a", hook.client("/a")))
    with pytest.raises(StatusError):
        await api.ok("POST", CONFIG_MAPS, CONFIG_MAP)
    rendered = metrics.render().decode()
    await api.registry.close()
    for line in (
        'apiserver_admission_webhook_rejection_count{error_type="no_error",name="a.example.com",operation="CREATE",'
        'rejection_code="400",type="validating"} 1.0',
        'apiserver_admission_webhook_request_total{code="400",name="a.example.com",operation="CREATE",rejected="true",'
        'type="validating"} 1.0',
        'apiserver_admission_controller_admission_duration_seconds_count{name="ValidatingAdmissionWebhook",'
        'operation="CREATE",rejected="true",type="validate"} 1.0',
    ):
        assert line in rendered
