"""Named formats: `format.dns1123Label().validate(name)` answers optional.none(), or the reasons against.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/format.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from kubepy.api import names
from kubepy.api.cel import types
from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.functions.network import parse_url
from kubepy.api.cel.values import NONE, Opaque, Optional, parse_timestamp


@dataclass(frozen=True)
class Format(Opaque):
    """regex_chars_max: of the pattern behind it, for the price of a validation."""

    cel_type: ClassVar[types.Type] = types.Type("struct", "kubernetes.NamedFormat")
    name: str
    check: Callable[[str], list[str]] = field(compare=False)
    regex_chars_max: int = field(compare=False, default=0)

    def validate(self, text: str) -> Optional:
        found = self.check(text)
        return Optional(found) if found else NONE


def _prefix(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return lambda text: check(names.mask_trailing_dash(text))


def _uri(text: str) -> list[str]:
    try:
        parse_url(text)
    except ValueError as error:
        return [str(error)]
    return []


_UUID = re.compile(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z")


def _uuid(text: str) -> list[str]:
    return [] if _UUID.match(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            date.fromisoformat(text)
            return []
    except ValueError:
        pass
    return ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        parse_timestamp(text.upper())
    except (ValueError, CelError):
        return ["invalid datetime"]
    return []


_DATE_TIME_PATTERN_CHARS = 95
FORMATS: dict[str, Format] = {
    "dns1123Label": Format("DNS1123Label", names.dns1123_label, 30),
    "dns1123Subdomain": Format("DNS1123Subdomain", names.dns1123_subdomain, 60),
    "dns1035Label": Format("DNS1035Label", names.dns1035_label, 30),
    "qualifiedName": Format("QualifiedName", names.label_key, 60),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefix(names.dns1123_label), 30),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefix(names.dns1123_subdomain), 60),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefix(names.dns1035_label), 30),
    "labelValue": Format("LabelValue", names.label_value, 40),
    "uri": Format("URI", _uri, 1155),
    "uuid": Format("uuid", _uuid, 78),
    "byte": Format("byte", _byte, 74),
    "date": Format("date", _date, _DATE_TIME_PATTERN_CHARS),
    "datetime": Format("datetime", _datetime, _DATE_TIME_PATTERN_CHARS),
}


def _named(name: str) -> Optional:
    found = FORMATS.get(name)
    return NONE if found is None else Optional(found)


def _constant(of: Format) -> Callable[[], Format]:
    return lambda: of


def library() -> Library:
    lib = Library({"Format": Format.cel_type})
    d = lib.declare
    d("validate", "format-validate", "Format.(string) optional(list(string))", Format.validate)
    d("format.named", "format-named", "(string) optional(Format)", _named)
    for name, of in FORMATS.items():
        d(f"format.{name}", f"format.{name}", "() Format", _constant(of))
    return lib
