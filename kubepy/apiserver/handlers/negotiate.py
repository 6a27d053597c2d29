"""Which media type goes in and out, and what "as" what.

In: JSON, YAML and protobuf (decode.py). Out: JSON and YAML, and an object or list may be asked for `as=Table` or
`as=PartialObjectMetadata`, discovery `as=APIGroupDiscoveryList`. Answers are never protobuf: whoever asks for that
names something else as well, and gets it.

Source: apiserver pkg/endpoints/handlers/negotiation/{negotiate,errors}.go, github.com/munnerz/goautoneg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from kubepy.api.errors import NotAcceptable, UnsupportedMediaType

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
# As upstream lists them in its answers.
SUPPORTED = (JSON, YAML, PROTOBUF)
TABLE, PARTIAL, PARTIAL_LIST = "Table", "PartialObjectMetadata", "PartialObjectMetadataList"

# The same for a watch.
STREAMED = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")

_SPOKEN = (JSON, YAML)
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


@lru_cache(maxsize=512)
def accepted(header: str, has_tables: bool = True) -> Format:
    """The best of an Accept header, of what the kind can be shown as. Raises NotAcceptable."""
    if not header or header in (JSON, "*/*"):
        return PLAIN
    for media_range, parameters in _clauses(header):
        for media_type in _SPOKEN:
            if not _covers(media_range, media_type):
                continue
            kind = parameters.get("as", "")
            if not kind and not parameters.get("g") and not parameters.get("v"):
                return PLAIN if media_type == JSON else Format(media_type)
            version = parameters.get("v", "")
            if (
                kind in ((TABLE, PARTIAL, PARTIAL_LIST) if has_tables else (PARTIAL, PARTIAL_LIST))
                and parameters.get("g") == "meta.k8s.io"
                and version in ("v1", "v1beta1")
            ):
                return Format(media_type, kind, version)
    raise NotAcceptable("only the following media types are accepted: " + ", ".join(SUPPORTED))


@lru_cache(maxsize=512)
def of_discovery(header: str, aggregated: tuple[str, ...]) -> Format:
    """The same for discovery, of which there is another form in the versions `aggregated`.

    Source: apiserver pkg/endpoints/discovery/aggregated/negotiation.go.
    """
    for media_range, parameters in _clauses(header or JSON):
        for media_type in _SPOKEN:
            if not _covers(media_range, media_type):
                continue
            if parameters.keys().isdisjoint(("as", "g", "v")):
                return Format(media_type)
            version = parameters.get("v", "")
            if (parameters.get("as"), parameters.get("g")) == (AGGREGATED, AGGREGATED_GROUP) and (
                version in aggregated
            ):
                return Format(media_type, AGGREGATED, version)
    raise NotAcceptable("only the following media types are accepted: " + ", ".join(SUPPORTED))


@lru_cache(maxsize=512)
def of_status(header: str) -> str:
    """The media type of a Status: never "as" something else; "" if nothing that is spoken is accepted."""
    if not header or header in (JSON, "*/*"):
        return JSON
    for media_range, parameters in _clauses(header):
        if parameters.keys().isdisjoint(("as", "g", "v")):
            for media_type in _SPOKEN:
                if _covers(media_range, media_type):
                    return media_type
    return JSON if PROTOBUF in header else ""


def _clauses(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(media range, parameters), the most wanted first; equally wanted ones in their order."""
    found: list[tuple[float, str, dict[str, str]]] = []
    for part in header.split(","):
        media_range, *rest = part.split(";")
        parameters = {}
        for text in rest:
            name, _, value = text.partition("=")
            parameters[name.strip()] = value.strip().strip('"')
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        found.append((-quality, media_range.strip().lower(), parameters))
    found.sort(key=lambda clause: clause[0])
    return ((media_range, parameters) for _, media_range, parameters in found)


def _covers(media_range: str, media_type: str) -> bool:
    return media_range in (media_type, "*/*", media_type.partition("/")[0] + "/*")


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


def unsupported(supported: tuple[str, ...]) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(supported)
    )
