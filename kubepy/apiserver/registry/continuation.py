"""The opaque continue token: where a list goes on, and as of which revision.

Upstream's format, so that a token shows the same things to those who look inside: raw URL base64 of
{"v":"meta.k8s.io/v1","rv":1234,"start":"/web-0\u0000"}; `start` is relative to what was listed (upstream's cache
begins it with a slash, its store does not). rv -1 means: go on at the newest revision, knowing that the list as a whole
is then inconsistent.

Source: apiserver pkg/storage/continue.go, pkg/storage/cacher/cacher.go GetList.
"""

from __future__ import annotations

import base64
import posixpath
import re
from typing import NamedTuple

import orjson

from kubepy.api import go_json
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj

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
    return encode(revision, f"/{last}\0")


def decode(text: str) -> Continue:
    """Raises BadRequest with upstream's text."""
    token = _json(text)
    version, revision, start = (token.get(name, zero) for name, zero in _FIELDS.items())
    if version != VERSION:
        raise _invalid(f"server does not recognize this encoded version {version}")
    if revision == 0:
        raise _invalid(f"incorrect encoded start resourceVersion (version {VERSION})")
    if not start:
        raise _invalid(f"encoded start key empty (version {VERSION})")
    # A start like "../secrets/" must not leave what is listed.
    rooted = start if start.startswith("/") else "/" + start
    if posixpath.normpath(rooted.rstrip("\0")) != rooted.rstrip("\0"):
        raise _invalid(start)
    return Continue(revision, rooted[1:])


# Field -> its zero value, which also says what type it has.
_FIELDS: dict[str, str | int] = {"v": "", "rv": 0, "start": ""}
_NO_BASE64 = re.compile(r"[^A-Za-z0-9_-]")
_JSON_KINDS: dict[type, str] = {str: "string", bool: "bool", dict: "object", list: "array"}


def _json(text: str) -> Obj:
    """What Go makes of a continueToken. Source: storage/continue.go, encoding/base64 RawURLEncoding."""
    bad = _NO_BASE64.search(text)
    if bad is not None or len(text) % 4 == 1:
        at = bad.start() if bad is not None else len(text) - 1
        raise _invalid(f"illegal base64 data at input byte {at}")
    try:
        token = go_json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except go_json.SyntaxError as error:
        raise _invalid(str(error))
    if token is None:
        return {}
    if not isinstance(token, dict):
        kind = _JSON_KINDS.get(type(token), "number")
        raise _invalid(f"json: cannot unmarshal {kind} into Go value of type storage.continueToken")
    for name, zero in _FIELDS.items():
        value = token.get(name, zero)
        if type(value) is not type(zero):
            kind, go_type = _JSON_KINDS.get(type(value), "number"), "string" if zero == "" else "int64"
            raise _invalid(
                f"json: cannot unmarshal {kind} into Go struct field continueToken.{name} of type {go_type}"
            )
    return token


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid: {why}")
