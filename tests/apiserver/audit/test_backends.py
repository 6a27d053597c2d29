from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubepy.api.errors import BadRequest, ServiceUnavailable
from kubepy.apiserver.audit.backends import (
    Batching,
    BlockingWebhook,
    Log,
    RotatedFile,
    Sender,
    Truncated,
    Webhook,
)
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import VirtualClock
from kubepy.observability.logs import silent
from kubepy.observability.metrics import Metrics

_EVENT: dict[str, Any] = {
    "auditID": "1", "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/a/pods", "verb": "list",
    "user": {"username": "jane", "groups": ["devs", "ops"]}, "sourceIPs": ["10.0.0.1"], "userAgent": "kubectl",
    "objectRef": {"namespace": "a"}, "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
}  # fmt: skip


async def test_lines_of_json_and_of_the_older_form() -> None:
    stream = io.BytesIO()
    Log(stream, "json").write(_EVENT)
    assert orjson.loads(stream.getvalue()) == _EVENT and stream.getvalue().count(b"\n") == 1
    stream = io.BytesIO()
    Log(stream, "legacy").write(_EVENT)
    assert stream.getvalue().decode() == (
        '2026-01-01T00:00:00.000000Z AUDIT: id="1" stage="ResponseComplete" ip="10.0.0.1" method="list" user="jane" '
        'groups="\\"devs\\",\\"ops\\"" as="<self>" asgroups="<lookup>" user-agent="kubectl" namespace="a" '
        'uri="/api/v1/namespaces/a/pods" response="200"\n'
    )


async def test_old_files_go_by_number_and_age(tmp_path: Path, clock: VirtualClock) -> None:
    file = RotatedFile(tmp_path / "audit.log", clock=clock, size_max=10, count_max=2, age_max_s=3600)
    for _ in range(5):
        file.write(b"0123456\n")
        await clock.advance(60)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "audit-2026-01-01T00-03-00.000.log", "audit-2026-01-01T00-04-00.000.log", "audit.log",
    ]  # fmt: skip
    await clock.advance(7200)
    file.write(b"0123456\n")
    file.close()
    assert len(list(tmp_path.iterdir())) == 2, "the present one, and the one just put away"
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


class _Service:
    """A transport that leads to a list, and fails as often as it is told."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures, self.batches = failures, []

    async def request(
        self, method: str, path: str, *, body: Any = None, timeout_s: float | None = None
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(len(orjson.loads(body)["items"]))

    async def close(self) -> None:
        self.batches.append(0)


def _sender(service: _Service, clock: VirtualClock) -> Sender:
    return Sender(service, clock=clock, log=silent(), metrics=Metrics())  # type: ignore[arg-type]


def _webhook(service: _Service, clock: VirtualClock) -> Webhook:
    return Webhook(_sender(service, clock), clock=clock, log=silent())


@pytest.mark.parametrize(
    ("is_strict", "failures", "waits_s", "is_kept"),
    [
        (False, [], 0, True),
        (True, [], 0, True),
        (True, [ConnectionLost("gone"), ServiceUnavailable("not now")], 10 + 15, True),
        (True, [BadRequest("no")], 0, False),
        (False, [BadRequest("no")], 0, True),
        (True, [ConnectionLost("gone")] * 5, 10 * (1 + 1.5 + 1.5**2 + 1.5**3), False),
    ],
)
async def test_a_request_waits_for_a_webhook_that_blocks(
    is_strict: bool, failures: list[Exception], waits_s: float, is_kept: bool, clock: VirtualClock
) -> None:
    service = _Service(list(failures))
    webhook = BlockingWebhook(_sender(service, clock), is_strict=is_strict)
    task = asyncio.ensure_future(webhook.write(_EVENT))
    await clock.advance(waits_s - 1)
    assert task.done() == (not waits_s)
    await clock.advance(1)
    assert task.result() is is_kept
    assert service.batches == ([1] if len(failures) < 5 and BadRequest not in map(type, failures) else [])


class _Full:
    def write(self, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_full_disk_is_only_a_strict_ones_concern(is_strict: bool) -> None:
    log = Log(_Full(), "json", is_strict=is_strict)  # type: ignore[arg-type]
    assert log.write(_EVENT) is not is_strict


@pytest.mark.parametrize(
    ("level", "size", "written"),
    [
        ("Request", 100, "whole"),
        ("Request", 2000, "without bodies"),
        ("RequestResponse", 2000, "without bodies"),
        ("Metadata", 2000, "nothing"),
    ],
)
async def test_events_that_are_too_large(level: str, size: int, written: str) -> None:
    stream, metrics = io.BytesIO(), Metrics()
    backend = Truncated(Log(stream, "json"), size_max=1000, metrics=metrics)
    body = {"requestObject": orjson.Fragment(orjson.dumps({"data": "x" * size})), "responseObject": {}}
    event = _EVENT | {"level": level, "annotations": {"a": "b"}} | body
    assert backend.write(event) is True
    lost = metrics.registry.get_sample_value("apiserver_audit_error_total", {"plugin": "truncate"})
    assert lost == (1.0 if written == "nothing" else 0.0)
    found = orjson.loads(stream.getvalue() or b"null")
    if written == "whole":
        assert found["requestObject"] and found["annotations"] == {"a": "b"}
    elif written == "without bodies":
        assert "requestObject" not in found and "responseObject" not in found
        assert found["annotations"] == {"a": "b", "audit.k8s.io/truncated": "true"}
    else:
        assert found is None
    assert event["annotations"] == {"a": "b"}, "the event is others', too"


async def test_a_webhook_gets_batches(clock: VirtualClock) -> None:
    service = _Service([ConnectionLost("gone"), ServiceUnavailable("not now")])
    webhook = _webhook(service, clock)
    webhook.write(_EVENT)
    await clock.advance(29)
    assert service.batches == []
    await clock.advance(1 + 10 + 15)
    assert service.batches == [1], "the third attempt"
    for _ in range(Batching().size_max + 1):
        webhook.write(_EVENT)
    await clock.settle()
    assert service.batches == [1, Batching().size_max, 1]
    webhook.write(_EVENT)
    await webhook.close()
    assert service.batches == [1, Batching().size_max, 1, 1, 0]


async def test_a_webhook_that_does_not_answer_costs_events_and_nothing_else(clock: VirtualClock) -> None:
    service = _Service([ConnectionLost("gone")] * 100)
    webhook = _webhook(service, clock)
    for _ in range(Batching().buffer_max + Batching().size_max + 10):
        webhook.write(_EVENT)
        if len(webhook._waiting) == Batching().size_max:
            await clock.settle()
    assert len(webhook._waiting) <= Batching().buffer_max
    await webhook.close()


async def test_batches_are_made_as_one_likes(clock: VirtualClock) -> None:
    service = _Service([])
    batching = Batching(buffer_max=5, size_max=2, wait_s=3, rate=1, burst=1)
    webhook = Webhook(_sender(service, clock), clock=clock, log=silent(), batching=batching)
    for _ in range(7):
        webhook.write(_EVENT)
    await clock.settle()
    assert service.batches == [2]
    await clock.advance(2)
    assert service.batches == [2, 2, 1], "two did not fit"
    webhook.write(_EVENT)
    await clock.advance(3)
    assert service.batches == [2, 2, 1, 1]
    await webhook.close()
