"""Answers are a kube-apiserver 1.36's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api.errors import NotAcceptable
from kubepy.apiserver.pages import FLAGZ, SLIS, STATUSZ, debugging_paths, exposition, pages
from kubepy.apiserver.request import Request, Response
from kubepy.lib.clock import VirtualClock
from kubepy.observability.health import Checks

STRUCTURED = "application/json;v={};g=config.k8s.io;as={}"
PATHS = ["/.well-known/openid-configuration", "/apis", "/flagz", "/metrics", "/metrics/slis", "/readyz/ping"]


class Asking:
    def __init__(self, clock: VirtualClock, make_request: Any) -> None:
        self.checks, self.make_request, self.request = Checks(), make_request, Request
        self.pages = pages(
            lambda: PATHS, checks=self.checks, flags={"b": "[x,y]", "a": "true"}, clock=clock, version="1.37"
        )

    async def __call__(self, path: str, accept: str = "", method: str = "GET") -> Response:
        self.request = self.make_request(path, method, headers={"Accept": accept} if accept else {})
        return await self.pages[path](self.request)


@pytest.fixture
def ask(clock: VirtualClock, make_request: Any) -> Asking:
    return Asking(clock, make_request)


@pytest.mark.parametrize("accept", ["", " ", "text/plain", "*/*", "text/*", "text/html, text/plain;q=0.5"])
async def test_text_for_people(ask: Asking, clock: VirtualClock, accept: str) -> None:
    await clock.advance(3723)
    answer = await ask(STATUSZ, accept)
    assert answer.content_type == "text/plain; charset=utf-8"
    title, warning, *rows = (answer.body or b"").decode().removeprefix("\n").split("\n")
    assert title == "apiserver statusz"
    assert warning.startswith("Warning: This endpoint is not meant to be machine parseable")
    assert rows[2] == "Up: 1 hr 02 min 03 sec"
    assert rows[4:] == [
        "Binary version: 1.37.0", "Emulation version: 1.37", "Paths: /flagz /metrics /readyz", "",
    ]  # fmt: skip
    assert (await ask(FLAGZ, accept)).body.decode().splitlines()[3:] == ["a: true", "b: [x,y]"]


@pytest.mark.parametrize(
    ("version", "warnings"),
    [
        ("v1beta1", []),
        ("v1alpha1", ["This version of the statusz endpoint is deprecated. Please use a newer version."]),
    ],
)
async def test_an_object_for_programs(
    ask: Asking, clock: VirtualClock, version: str, warnings: list[str]
) -> None:
    await clock.advance(5)
    answer = await ask(STATUSZ, STRUCTURED.format(version, "Statusz"))
    assert answer.content_type == f"application/json;g=config.k8s.io;v={version};as=Statusz"
    statusz = orjson.loads(answer.body or b"")
    assert (statusz["kind"], statusz["apiVersion"]) == ("Statusz", f"config.k8s.io/{version}")
    assert (statusz["metadata"], statusz["uptimeSeconds"]) == ({"name": "apiserver"}, 5)
    assert ask.request.warnings == warnings
    flagz = await ask(FLAGZ, STRUCTURED.format(version, "Flagz").replace("json", "yaml"))
    assert b"flags:\n  a: \"true\"\n  b: '[x,y]'\nkind: Flagz\n" in (flagz.body or b"")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/vnd.kubernetes.protobuf",
        "text/html",
        STRUCTURED.format("v1beta1", "Flagz"),
        STRUCTURED.format("v1", "Statusz"),
        "text/plain;as=Statusz",
    ],
)
async def test_nothing_else(ask: Asking, accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        await ask(STATUSZ, accept)
    assert caught.value.message.endswith("accepted: application/json, application/yaml, text/plain")


def test_debugging_paths() -> None:
    listed = [
        "/api",
        "/apis/apps",
        "/openapi/v2",
        "/openid/v1/jwks",
        "/version",
        "/livez/ping",
        "/index.html",
    ]
    assert debugging_paths(listed) == ["/livez", "/version"]


async def test_results_of_health_checks(ask: Asking) -> None:
    failing: list[str] = []
    ask.checks.add("log", lambda: failing[0] if failing else None)
    ask.checks.run("readyz")
    failing.append("full")
    ask.checks.run("readyz")
    ask.checks.run("livez", exclude=["log"])
    assert exposition(ask.checks, 7.5).splitlines() == [
        "# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.",
        "# TYPE kubernetes_healthcheck gauge",
        'kubernetes_healthcheck{name="log",type="readyz"} 0',
        'kubernetes_healthcheck{name="ping",type="livez"} 1',
        'kubernetes_healthcheck{name="ping",type="readyz"} 1',
        "# HELP kubernetes_healthchecks_total [STABLE] This metric records the results of all healthcheck.",
        "# TYPE kubernetes_healthchecks_total counter",
        'kubernetes_healthchecks_total{name="log",status="error",type="readyz"} 1',
        'kubernetes_healthchecks_total{name="log",status="success",type="readyz"} 1',
        'kubernetes_healthchecks_total{name="ping",status="success",type="livez"} 1',
        'kubernetes_healthchecks_total{name="ping",status="success",type="readyz"} 2',
        "# HELP process_start_time_seconds [ALPHA] Start time of the process since unix epoch in seconds.",
        "# TYPE process_start_time_seconds gauge",
        "process_start_time_seconds 7.5",
    ]
    assert (await ask(SLIS, method="DELETE")).body == b"metrics reset\n"
    assert b"kubernetes_healthcheck" not in ((await ask(SLIS)).body or b"")
