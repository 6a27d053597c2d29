"""Records a request as the policy wants it: when it came, when a long answer begins, how it ended.

Two filters: the one behind authentication sees everybody who is somebody; the one before it only those who are not let
in at all.

Source: apiserver pkg/endpoints/filters/{audit,authn_audit}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from kubepy.api.errors import InternalError, StatusError, Unauthorized, quote
from kubepy.apiserver.audit.backends import Backend
from kubepy.apiserver.audit.event import Record
from kubepy.apiserver.audit.policy import (
    LEVELS,
    NONE,
    PANIC,
    REQUEST_RECEIVED,
    RESPONSE_COMPLETE,
    RESPONSE_STARTED,
    Policy,
)
from kubepy.apiserver.endings import at_end
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.timeout import is_long_running
from kubepy.apiserver.request import (
    Handler,
    Request,
    Response,
)
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import Clock
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

TEXT = "text/plain; charset=utf-8"


class Auditor:
    def __init__(
        self, policy: Policy, backends: Sequence[Backend], clock: Clock, *, log: Logger, metrics: Metrics
    ) -> None:
        self._policy, self._backends, self._clock = policy, tuple(backends), clock
        self._tasks = Tasks(reported_to(log))
        self._levels = {
            level: metrics.counter(
                "apiserver_audit_level_total",
                "Counter of policy levels for audit events (1 per request).",
                ("level",),
            ).labels(level)
            for level in LEVELS
        }
        self._events = metrics.counter(
            "apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend."
        )
        self._rejected = metrics.counter(
            "apiserver_audit_requests_rejected_total",
            "Counter of apiserver requests rejected due to an error in audit logging backend.",
        )

    def begin(self, request: Request) -> Record | None:
        """None: this one is not recorded."""
        recording = self._policy.recording(request.user, request.info)
        self._levels[recording.level].inc()
        return None if recording.level == NONE else Record(request, recording, self._clock)

    async def write(self, record: Record, stage: str) -> bool:
        """False: it is lost, and its request is not to be served."""
        outcomes = self._written(record, stage)
        return all([outcome if isinstance(outcome, bool) else await outcome for outcome in outcomes])

    def write_last(self, record: Record, stage: str) -> None:
        """When nobody is there any more who could wait."""
        for outcome in self._written(record, stage):
            if not isinstance(outcome, bool):
                self._tasks.start(_finish(outcome), name="audit-event")

    def _written(self, record: Record, stage: str) -> list[bool | Awaitable[bool]]:
        if stage in record.recording.omitted:
            return []
        self._events.inc()
        event = record.stage(stage)
        return [backend.write(event) for backend in self._backends]

    def refuse(self, request: Request) -> Response:
        """What nobody can be told of does not happen."""
        self._rejected.inc()
        if request.in_process:
            raise InternalError(_NOT_STORED)
        text = f"Internal Server Error: {quote(request.target)}: {_NOT_STORED}\n"
        return Response(500, text.encode(), TEXT, {"X-Content-Type-Options": "nosniff"})

    async def close(self) -> None:
        await self._tasks.close()
        for backend in self._backends:
            await backend.close()


_NOT_STORED = "failed to store audit event"


async def _finish(outcome: Awaitable[bool]) -> None:
    await outcome


def audit(auditor: Auditor) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            record = auditor.begin(request)
            if record is None:
                return await next_(request)
            request.record = record
            if not await auditor.write(record, REQUEST_RECEIVED):
                return auditor.refuse(request)
            is_long = is_long_running(request.info)
            try:
                response = await next_(request)
            except StatusError as error:
                record.failed(error)
                if is_long:
                    await auditor.write(record, RESPONSE_STARTED)
                await auditor.write(record, RESPONSE_COMPLETE)
                raise
            except asyncio.CancelledError:
                record.ended("Success", "Connection closed early", 200)
                auditor.write_last(record, RESPONSE_COMPLETE)
                raise
            except Exception as error:
                record.ended("Failure", f"APIServer panic'd: {error}", 500, "InternalError")
                auditor.write_last(record, PANIC)
                raise
            record.answered(response)
            if is_long:
                await auditor.write(record, RESPONSE_STARTED)
            if not at_end(response, lambda: auditor.write_last(record, RESPONSE_COMPLETE)):
                await auditor.write(record, RESPONSE_COMPLETE)
            return response

        return handle

    return wrap


def audit_strangers(auditor: Auditor) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                return await next_(request)
            except Unauthorized as error:
                if request.user is None and (record := auditor.begin(request)) is not None:
                    record.ended("Failure", methods(request), error.code, error.reason)
                    await auditor.write(record, RESPONSE_STARTED)
                raise

        return handle

    return wrap


def methods(request: Request) -> str:
    """How somebody tried to be somebody. Source: authn_audit.go getAuthMethods."""
    scheme, _, credentials = request.header("Authorization").strip().partition(" ")
    attempted = []
    if credentials and scheme.lower() in ("basic", "bearer"):
        attempted.append(scheme.lower())
    if request.query.get("access_token").strip():
        attempted.append("access_token")
    if request.client_certificate is not None:
        attempted.append("x509")
    if attempted:
        return f"Authentication failed, attempted: {', '.join(attempted)}"
    return "Authentication failed, no credentials provided"
