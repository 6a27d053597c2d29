"""Which media type goes in and out, and what "as" what.

In: JSON, YAML and protobuf (decode.py). Out: the same, and an object or list may be asked for `as=Table` (not in
protobuf) or `as=PartialObjectMetadata`, discovery `as=APIGroupDiscoveryList`. Custom objects have no protobuf, but
their metadata has. What a client puts first it gets, as from upstream, be it the dearer one.

Source: apiserver pkg/endpoints/handlers/negotiation/{negotiate,errors}.go, github.com/munnerz/goautoneg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from kubepy.api.errors import NotAcceptable, UnsupportedMediaType
from kubepy.api.resources import Resource
from kubepy.apiserver.request import Request

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TEXT = "text/plain"
# As upstream lists them in its answers.
SUPPORTED = (JSON, YAML, PROTOBUF)
PAGED = (JSON, YAML, TEXT)
TABLE, PARTIAL, PARTIAL_LIST = "Table", "PartialObjectMetadata", "PartialObjectMetadataList"

# The same for a watch.
STREAMED = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")

# As far as Go's mime.ParseMediaType is strict about them.
_PARAMETERS = re.compile(r'(?:\s*;\s*[^\s;="]+\s*=\s*(?:"[^"]*"|[^\s;="]+))*\s*;?\s*')


AGGREGATED_GROUP, AGGREGATED = "apidiscovery.k8s.io", "APIGroupDiscoveryList"


class Format(NamedTuple):
    """How an answer is wanted: media type, and `kind` of meta.k8s.io/`version` where it is not the object itself, or of
    apidiscovery.k8s.io/`version`."""

    media_type: str = JSON
    kind: str = ""
    version: str = ""


PLAIN = Format()


def wanted(request: Request, resource: Resource) -> Format:
    """What the answer about a resource is to be. Raises NotAcceptable."""
    return accepted(request.accept, True, not resource.custom)


@lru_cache(maxsize=512)
def accepted(header: str, has_tables: bool = True, has_protobuf: bool = True) -> Format:
    """The best of an Accept header, of what the kind can be shown as. Raises NotAcceptable."""
    if not header or header in (JSON, "*/*"):
        return PLAIN
    for media_type, parameters in _offers(header):
        kind, version = parameters.get("as", ""), parameters.get("v", "")
        if parameters.keys().isdisjoint(_CONVERTING):
            if media_type != PROTOBUF or has_protobuf:
                return PLAIN if media_type == JSON else Format(media_type)
        elif parameters.get("g") == "meta.k8s.io" and version in ("v1", "v1beta1"):
            if kind in (PARTIAL, PARTIAL_LIST) or (kind == TABLE and has_tables and media_type != PROTOBUF):
                return Format(media_type, kind, version)
    raise not_acceptable()


@lru_cache(maxsize=512)
def of_discovery(header: str, aggregated: tuple[str, ...]) -> Format:
    """The same for discovery, of which there is another form in the versions `aggregated`.

    Source: apiserver pkg/endpoints/discovery/aggregated/negotiation.go.
    """
    for media_type, parameters in _offers(header or JSON):
        if parameters.keys().isdisjoint(_CONVERTING):
            return Format(media_type)
        version = parameters.get("v", "")
        if (parameters.get("as"), parameters.get("g")) == (
            AGGREGATED,
            AGGREGATED_GROUP,
        ) and version in aggregated:
            return Format(media_type, AGGREGATED, version)
    raise not_acceptable()


@lru_cache(maxsize=512)
def of_status(header: str) -> str:
    """The media type of a Status: never "as" something else; "" if nothing that is spoken is accepted."""
    if not header or header in (JSON, "*/*"):
        return JSON
    for media_type, parameters in _offers(header):
        if parameters.keys().isdisjoint(_CONVERTING):
            return media_type
    return ""


@lru_cache(maxsize=512)
def best(header: str, offered: tuple[str, ...]) -> str:
    """Of media types without parameters; none given means any. "" if there is none that is accepted."""
    clauses = _clauses(header or "*/*")
    return next(
        (media_type for clause in clauses for media_type in offered if _covers(clause, media_type)), ""
    )


# What asks for something else than the object itself.
_CONVERTING = ("as", "g", "v")


@lru_cache(maxsize=64)
def of_page(header: str, kind: str, group: str, versions: tuple[str, ...]) -> Format:
    """The same for a page that is text to whoever does not name the `kind` that it is also.

    Source: apiserver pkg/server/{statusz,flagz}/negotiate/negotiation.go.
    """
    for media_type, parameters in _offers(header.strip() or TEXT, PAGED):
        if media_type == TEXT:
            if parameters.keys().isdisjoint(_CONVERTING):
                return Format(TEXT)
        elif (parameters.get("as"), parameters.get("g")) == (kind, group) and parameters.get("v") in versions:
            return Format(media_type, kind, parameters["v"])
    raise not_acceptable(PAGED)


def _offers(header: str, supported: tuple[str, ...] = SUPPORTED) -> Iterator[tuple[str, dict[str, str]]]:
    """The media types that there are, and what is wanted of each, the most wanted first."""
    for clause in _clauses(header):
        parameters = clause.parameters
        if parameters.get("sv"):
            continue
        for media_type in supported:
            if not _covers(clause, media_type):
                continue
            stream = parameters.get("stream", "")
            if not stream or (stream == "watch" and media_type != YAML):
                yield media_type, parameters


class _Clause(NamedTuple):
    type: str
    subtype: str
    quality: float
    parameters: dict[str, str]

    def precedes(self, other: _Clause) -> bool:
        """Not an order: a type that is named goes before any, however little it is wanted."""
        return (
            self.quality > other.quality
            or (self.type != "*" and other.type == "*")
            or (self.subtype != "*" and other.subtype == "*")
        )


def _clauses(header: str) -> list[_Clause]:
    """As goautoneg reads and sorts them: names as they are written, no quotes."""
    found: list[_Clause] = []
    for part in header.split(","):
        media_range, *rest = part.strip(" ").split(";")
        type_, slash, subtype = media_range.partition("/")
        if not slash and type_.strip(" ") == "*":
            subtype = "*"
        if not subtype or "/" in subtype:
            continue
        parameters = dict(_parameters(rest))
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        clause = _Clause(type_.strip(" "), subtype.strip(" "), quality, parameters)
        at = len(found)
        while at and clause.precedes(found[at - 1]):
            at -= 1
        found.insert(at, clause)
    return found


def _parameters(texts: list[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        name, _, value = text.partition("=")
        if value and "=" not in value:
            yield name.strip(" "), value.strip(" ")


def _covers(clause: _Clause, media_type: str) -> bool:
    type_, _, subtype = media_type.partition("/")
    return (clause.type, clause.subtype) in ((type_, subtype), (type_, "*"), ("*", "*"))


@lru_cache(maxsize=512)
def content_type(header: str) -> str:
    """What the body of a create, update or delete is in; none given means JSON. Raises UnsupportedMediaType."""
    if not header:
        return JSON
    name, semicolon, parameters = header.partition(";")
    media_type = name.strip().lower()
    if media_type in SUPPORTED and _PARAMETERS.fullmatch(semicolon + parameters):
        return media_type
    raise unsupported(SUPPORTED)


def not_acceptable(supported: tuple[str, ...] = SUPPORTED) -> NotAcceptable:
    return NotAcceptable("only the following media types are accepted: " + ", ".join(supported))


def unsupported(supported: tuple[str, ...]) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(supported)
    )
