"""What is written of requests to a whole cluster. The events themselves were compared with kube-apiserver's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubepy.api.builtins import CONFIG_MAPS, PODS, SECRETS
from kubepy.api.errors import StatusError
from kubepy.apiserver.audit.policy import load
from kubepy.apiserver.filters.audit import Auditor, audit, methods
from kubepy.apiserver.request import Response
from kubepy.lib import yaml
from kubepy.lib.clock import VirtualClock
from kubepy.observability.logs import silent
from kubepy.observability.metrics import Metrics
from kubepy.testing.cluster import Cluster

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["silent"]},
        {"level": "Metadata", "users": ["jane"], "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "Request", "users": ["jane"], "verbs": ["patch"]},
        {"level": "RequestResponse", "users": ["jane"], "omitManagedFields": True},
    ],
}


async def _events(tmp_path: Path, act: Any) -> list[dict[str, Any]]:
    (tmp_path / "policy.yaml").write_text(yaml.dump(_POLICY))
    log = tmp_path / "audit.log"
    async with Cluster(
        nodes=0, controllers=(), scheduler="off", authorization_mode=("AlwaysAllow",),
        audit_policy_file=str(tmp_path / "policy.yaml"), audit_log_path=str(log),
    ) as cluster:  # fmt: skip
        await act(cluster)
        await cluster.settle()
    return [orjson.loads(line) for line in log.read_bytes().splitlines()]


def _config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


async def test_as_much_as_the_policy_wants(tmp_path: Path) -> None:
    async def act(cluster: Cluster) -> None:
        jane = cluster.plane.client.named("test", user="jane")
        await jane.create(CONFIG_MAPS, _config_map("a") | {"data": {"k": "v"}})
        await jane.patch(CONFIG_MAPS, "a", {"data": {"k": "w"}}, namespace="default")
        secret = {"kind": "Secret", "stringData": {"password": "open sesame"}}
        await jane.create(SECRETS, _config_map("s") | secret)
        with pytest.raises(StatusError):
            await jane.get(CONFIG_MAPS, "b", "default")
        await cluster.plane.client.named("test", user="silent").get(CONFIG_MAPS, "a", "default")

    create, patch, secret, missing = await _events(tmp_path, act)
    assert [event["level"] for event in (create, patch, secret)] == ["RequestResponse", "Request", "Metadata"]
    assert create["requestObject"]["data"] == create["responseObject"]["data"] == {"k": "v"}
    assert "managedFields" not in create["responseObject"]["metadata"]
    assert create["objectRef"]["name"] == "a" and create["responseStatus"] == {"metadata": {}, "code": 201}
    assert create["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert patch["requestObject"] == {"data": {"k": "w"}} and "responseObject" not in patch
    assert "requestObject" not in secret and b"sesame" not in orjson.dumps(secret)
    assert secret["objectRef"]["name"] == "s"
    assert missing["responseStatus"] | {"details": None} == {
        "metadata": {}, "status": "Failure", "message": 'configmaps "b" not found', "reason": "NotFound",
        "details": None, "code": 404,
    }  # fmt: skip


async def test_a_watch_begins_and_ends(tmp_path: Path) -> None:
    async def act(cluster: Cluster) -> None:
        jane = cluster.plane.client.named("test", user="jane")

        async def watch() -> None:
            query = {"timeoutSeconds": "5", "resourceVersion": "0"}
            async for _ in jane.transport.watch(PODS.path("default"), query=query):
                pass

        task = asyncio.ensure_future(watch())
        await cluster.advance(10)
        await task

    events = await _events(tmp_path, act)
    assert [event["stage"] for event in events] == ["ResponseStarted", "ResponseComplete"]
    assert {event["verb"] for event in events} == {"watch"}
    assert events[0]["auditID"] == events[1]["auditID"]
    assert events[0]["stageTimestamp"][:19] == "2026-01-01T00:00:00"
    assert events[1]["stageTimestamp"][:19] == "2026-01-01T00:00:05"


class Memory:
    """A backend that keeps what it can, as far as it has room."""

    def __init__(self, room: int = 100) -> None:
        self.written: list[dict[str, Any]] = []
        self._room = room

    def write(self, event: dict[str, Any]) -> bool:
        self.written.append(event)
        return len(self.written) <= self._room

    async def close(self) -> None:
        pass


def _auditor(memory: Memory, clock: VirtualClock, metrics: Metrics) -> Auditor:
    policy = load("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}")
    return Auditor(policy, [memory], clock, log=silent(), metrics=metrics)


async def test_what_cannot_be_recorded_is_not_served(clock: VirtualClock, make_request: Any) -> None:
    served: list[Any] = []

    async def serve(request: Any) -> Response:
        served.append(request)
        return Response()

    metrics = Metrics()
    answer = await audit(_auditor(Memory(room=0), clock, metrics))(serve)(make_request("/api/v1/pods"))
    assert (answer.status, answer.body, served) == (
        500, b'Internal Server Error: "/api/v1/pods": failed to store audit event\n', [],
    )  # fmt: skip
    assert metrics.registry.get_sample_value("apiserver_audit_requests_rejected_total") == 1.0
    # Once it is served it is answered.
    answer = await audit(_auditor(Memory(room=1), clock, metrics))(serve)(make_request("/api/v1/pods"))
    assert answer.status == 200 and len(served) == 1
    assert metrics.registry.get_sample_value("apiserver_audit_event_total") == 3.0
    assert metrics.registry.get_sample_value("apiserver_audit_level_total", {"level": "Metadata"}) == 2.0


async def test_a_panic_has_a_stage_of_its_own(clock: VirtualClock, make_request: Any) -> None:
    memory = Memory()

    async def fail(request: Any) -> Any:
        raise ZeroDivisionError("by zero")

    handler = audit(_auditor(memory, clock, Metrics()))(fail)
    with pytest.raises(ZeroDivisionError):
        await handler(make_request("/api/v1/pods"))
    assert [event["stage"] for event in memory.written] == ["RequestReceived", "Panic"]
    assert memory.written[1]["responseStatus"] == {
        "metadata": {}, "status": "Failure", "message": "APIServer panic'd: by zero", "reason": "InternalError",
        "code": 500,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "headers", "text"),
    [
        ("/api", {}, "Authentication failed, no credentials provided"),
        ("/api", {"Authorization": "Bearer x"}, "Authentication failed, attempted: bearer"),
        ("/api", {"Authorization": "Basic eDp5"}, "Authentication failed, attempted: basic"),
        (
            "/api?access_token=a",
            {"Authorization": "bearer x"},
            "Authentication failed, attempted: bearer, access_token",
        ),
    ],
)
def test_how_somebody_tried_to_be_somebody(
    target: str, headers: dict[str, str], text: str, make_request: Any
) -> None:
    assert methods(make_request(target, headers=headers)) == text
