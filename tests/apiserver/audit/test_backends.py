from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson

from kubepy.api.errors import ServiceUnavailable
from kubepy.apiserver.audit.backends import BATCH_MAX, BUFFER_MAX, Log, RotatedFile, Webhook
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


def _webhook(service: _Service, clock: VirtualClock) -> Webhook:
    return Webhook(service, clock=clock, log=silent(), metrics=Metrics())  # type: ignore[arg-type]


async def test_a_webhook_gets_batches(clock: VirtualClock) -> None:
    service = _Service([ConnectionLost("gone"), ServiceUnavailable("not now")])
    webhook = _webhook(service, clock)
    webhook.write(_EVENT)
    await clock.advance(29)
    assert service.batches == []
    await clock.advance(1 + 10 + 15)
    assert service.batches == [1], "the third attempt"
    for _ in range(BATCH_MAX + 1):
        webhook.write(_EVENT)
    await clock.settle()
    assert service.batches == [1, BATCH_MAX, 1]
    webhook.write(_EVENT)
    await webhook.close()
    assert service.batches == [1, BATCH_MAX, 1, 1, 0]


async def test_a_webhook_that_does_not_answer_costs_events_and_nothing_else(clock: VirtualClock) -> None:
    service = _Service([ConnectionLost("gone")] * 100)
    webhook = _webhook(service, clock)
    for _ in range(BUFFER_MAX + BATCH_MAX + 10):
        webhook.write(_EVENT)
        if len(webhook._waiting) == BATCH_MAX:
            await clock.settle()
    assert len(webhook._waiting) <= BUFFER_MAX
    await webhook.close()
