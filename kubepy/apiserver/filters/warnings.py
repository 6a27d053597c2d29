"""What handlers put into request.warnings goes out as a Warning header, each text once.

Callers in this process do not get them: they are advice for the person who wrote a manifest.
Source: apiserver pkg/endpoints/filters/warning.go (the limits), apimachinery pkg/util/net/http.go NewWarningHeader.
"""

from __future__ import annotations

import re

from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, Response

# All texts together; beyond it each is cut to TEXT_LENGTH_MAX, and the rest is dropped when that does not help.
TOTAL_LENGTH_MAX = 4096
TEXT_LENGTH_MAX = 256

# Such a text cannot be in a header, and is not sent at all.
_has_control = re.compile(r"[\x00-\x1f\x7f-\x9f]").search


def warnings() -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            response = await next_(request)
            if request.warnings and (value := render(request.warnings)):
                response.headers = {**(response.headers or {}), "Warning": value}
            return response

        return handle

    return wrap


def render(texts: list[str]) -> str:
    """The header's values, a line each: 299 - "first", 299 - "second"."""
    texts = [text for text in dict.fromkeys(texts) if text and not _has_control(text)]
    if sum(map(len, texts)) > TOTAL_LENGTH_MAX:
        texts = [text[:TEXT_LENGTH_MAX] for text in texts]
    values, length = [], 0
    for text in texts:
        length += len(text)
        if length > TOTAL_LENGTH_MAX:
            break
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        values.append(f'299 - "{quoted}"')
    return "\n".join(values)
