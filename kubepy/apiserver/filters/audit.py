"""Records a request as the policy wants it: when it came, when a long answer begins, how it ended.

Two filters: the one behind authentication sees everybody who is somebody; the one before it only those who are not let
in at all.

Source: apiserver pkg/endpoints/filters/{audit,authn_audit}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubepy.api.errors import StatusError, Unauthorized
from kubepy.apiserver.audit.backends import Backend
from kubepy.apiserver.audit.event import Record
from kubepy.apiserver.audit.policy import (
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
from kubepy.lib.clock import Clock


class Auditor:
    def __init__(self, policy: Policy, backends: Sequence[Backend], clock: Clock) -> None:
        self._policy, self._backends, self._clock = policy, tuple(backends), clock

    def begin(self, request: Request) -> Record | None:
        """None: this one is not recorded."""
        recording = self._policy.recording(request.user, request.info)
        return None if recording.level == NONE else Record(request, recording, self._clock)

    def write(self, record: Record, stage: str) -> None:
        if stage not in record.recording.omitted:
            event = record.stage(stage)
            for backend in self._backends:
                backend.write(event)

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()


def audit(auditor: Auditor) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            record = auditor.begin(request)
            if record is None:
                return await next_(request)
            request.record = record
            auditor.write(record, REQUEST_RECEIVED)
            is_long = is_long_running(request.info)
            try:
                response = await next_(request)
            except StatusError as error:
                record.failed(error)
                if is_long:
                    auditor.write(record, RESPONSE_STARTED)
                auditor.write(record, RESPONSE_COMPLETE)
                raise
            except asyncio.CancelledError:
                record.ended("Success", "Connection closed early", 200)
                auditor.write(record, RESPONSE_COMPLETE)
                raise
            except Exception as error:
                record.ended("Failure", f"APIServer panic'd: {error}", 500, "InternalError")
                auditor.write(record, PANIC)
                raise
            record.answered(response)
            if is_long:
                auditor.write(record, RESPONSE_STARTED)
            if not at_end(response, lambda: auditor.write(record, RESPONSE_COMPLETE)):
                auditor.write(record, RESPONSE_COMPLETE)
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
                    auditor.write(record, RESPONSE_STARTED)
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
