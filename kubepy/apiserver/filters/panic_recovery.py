"""Errors become answers here, and only here.

A StatusError becomes its Status; any other exception is our fault: logged once with its traceback, answered as 500.
Callers in this process get the StatusError itself, for they would only decode it again.

Source: apiserver pkg/server/filters/wrap.go, pkg/endpoints/handlers/responsewriters/writers.go ErrorNegotiated.
"""

from __future__ import annotations

import orjson

from kubepy.api.errors import InternalError, NotFound, StatusError
from kubepy.api.schema import Schemas
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.request import Handler, Request, Response, Verbatim
from kubepy.lib import yaml
from kubepy.observability.logs import Logger

TEXT = "text/plain; charset=utf-8"


def panic_recovery(log: Logger, schemas: Schemas) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                return await next_(request)
            except StatusError as error:
                if request.in_process:
                    raise
                return answer(error, request.accept, schemas)
            except Exception as error:
                log.error(
                    "request_failed",
                    request_id=request.request_id,
                    method=request.method,
                    path=request.path,
                    exc_info=error,
                )
                failure = InternalError(f"the server's log has the details, request {request.request_id}")
                if request.in_process:
                    raise failure from error
                return answer(failure, request.accept, schemas)

        return handle

    return wrap


def answer(error: StatusError, accept: str, schemas: Schemas) -> Response:
    headers = {} if (seconds := error.retry_after_s) is None else {"Retry-After": str(seconds)}
    if isinstance(error, NotFound) and not error.reason:
        # A path of no API: net/http's own answer. Source: errors.page_not_found.
        headers["X-Content-Type-Options"] = "nosniff"
        return Response(error.code, f"{error.message}\n".encode(), TEXT, headers)
    status = error.status()
    media_type = negotiate.of_status(accept)
    if media_type == negotiate.YAML:
        return Response(error.code, yaml.dump(status, sort_keys=True).encode(), media_type, headers)
    if media_type == negotiate.PROTOBUF:
        return Response(error.code, schemas.as_protobuf(status), media_type, headers, obj=status)
    if not media_type:
        # Source: responsewriters.WriteRawJSON.
        return Verbatim(error.code, orjson.dumps(status, option=orjson.OPT_INDENT_2), headers=headers)
    return Response(error.code, headers=headers or None, obj=status)
