"""The opaque continue token: where a list goes on, and as of which revision.

Upstream's format, so that a token shows the same things to those who look inside: raw URL base64 of
{"v":"meta.k8s.io/v1","rv":1234,"start":"web-0\u0000"}; `start` is relative to what was listed. rv -1 means: go on at
the newest revision, knowing that the list as a whole is then inconsistent.

Source: apiserver pkg/storage/continue.go.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from typing import NamedTuple

import orjson

from kubepy.api.errors import BadRequest

VERSION = "meta.k8s.io/v1"
NEWEST = -1


class Continue(NamedTuple):
    revision: int
    start: str  # the first path wanted (inclusive), relative to what is listed


def encode(revision: int, start: str) -> str:
    token = orjson.dumps({"v": VERSION, "rv": revision, "start": start})
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def after(revision: int, last: str) -> str:
    """The token that goes on after `last`: nothing sorts between a path and itself plus a zero byte."""
    return encode(revision, last + "\0")


def decode(text: str) -> Continue:
    """Raises BadRequest with upstream's text."""
    try:
        token = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}")
    if not isinstance(token, dict) or token.get("v") != VERSION:
        version = token.get("v", "") if isinstance(token, dict) else ""
        raise BadRequest(
            "invalid continue token: continue key is not valid: server does not recognize this encoded version "
            f"{version}".rstrip()
        )
    revision, start = token.get("rv", 0), token.get("start", "")
    if not isinstance(revision, int) or revision == 0:
        raise BadRequest(
            "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion "
            f"(version {VERSION})"
        )
    if not isinstance(start, str) or not start:
        raise BadRequest(
            f"invalid continue token: continue key is not valid: encoded start key empty (version {VERSION})"
        )
    # A start like "../secrets/" must not leave what is listed.
    rooted = start if start.startswith("/") else "/" + start
    if posixpath.normpath(rooted.rstrip("\0")) != rooted.rstrip("\0"):
        raise BadRequest(f"invalid continue token: continue key is not valid: {start}")
    return Continue(revision, rooted[1:])
