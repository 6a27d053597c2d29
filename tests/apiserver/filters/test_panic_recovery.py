from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import structlog

from kubepy.api.errors import BadRequest, InternalError, TooManyRequests, page_not_found
from kubepy.api.protobuf import Decoder, Unknown
from kubepy.api.protoencoder import STATUS
from kubepy.api.schema import Schemas
from kubepy.apiserver.filters.panic_recovery import panic_recovery
from kubepy.apiserver.request import Request, Response
from kubepy.observability import logs


async def _answer(request: Request, error: Exception, log: Any = None) -> Response:
    async def end(request: Request) -> Response:
        raise error

    return await panic_recovery(log or logs.silent(), Schemas())(end)(request)


async def test_status_errors_become_their_status(make_request: Callable[..., Request]) -> None:
    response = await _answer(make_request("/api/v1/pods"), BadRequest("no"))
    assert response.status == 400
    assert orjson.dumps(response.obj) == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"BadRequest",'
        b'"code":400}'
    )


async def test_in_protobuf_for_who_asks_for_it_first(make_request: Callable[..., Request]) -> None:
    accept = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
    response = await _answer(make_request("/api/v1/pods", headers=accept), BadRequest("no"))
    assert response.content_type == "application/vnd.kubernetes.protobuf" and response.body is not None
    unknown = Unknown(response.body)
    assert (unknown.kind, Decoder().decode(STATUS, unknown.raw)["message"]) == ("Status", "no")
    # What audit events show.
    assert response.obj is not None and response.obj["code"] == 400


async def test_retry_after(make_request: Callable[..., Request]) -> None:
    response = await _answer(
        make_request("/api/v1/pods"), TooManyRequests("slow down", details={"retryAfterSeconds": 3})
    )
    assert response.headers == {"Retry-After": "3"}


async def test_unknown_path_is_plain_text(make_request: Callable[..., Request]) -> None:
    response = await _answer(make_request("/foo"), page_not_found())
    assert (response.status, response.body) == (404, b"404 page not found\n")
    assert response.content_type.startswith("text/plain")


async def test_a_bug_is_answered_500_and_logged_once(make_request: Callable[..., Request]) -> None:
    events: list[Any] = []

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        events.append(event)
        raise structlog.DropEvent

    log = structlog.wrap_logger(None, processors=[keep])
    response = await _answer(make_request("/api/v1/pods"), ZeroDivisionError("secret"), log)
    assert response.status == 500
    assert response.obj is not None and response.obj["reason"] == "InternalError"
    assert "secret" not in response.obj["message"] and "request-1" in response.obj["message"]
    assert [event["event"] for event in events] == ["request_failed"]


async def test_callers_in_process_get_the_error_itself() -> None:
    class InProcess(Request):
        in_process = True

    from kubepy.apiserver.request import Query

    request = InProcess("GET", "/api/v1/pods", Query(), "id")
    error = BadRequest("no")
    with pytest.raises(BadRequest) as caught:
        await _answer(request, error)
    assert caught.value is error
    with pytest.raises(InternalError):
        await _answer(request, ZeroDivisionError())
