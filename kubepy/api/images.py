"""How images are named, and what that says about pulling them.

Source: kubernetes pkg/util/parsers ParseImageName, github.com/distribution/reference ParseNormalizedNamed.
"""

from __future__ import annotations

import re
from functools import lru_cache

_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_match_image = re.compile(
    rf"(?P<name>(?:(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
).fullmatch
_is_image_id = re.compile("[a-f0-9]{64}").fullmatch
_IMAGE_NAME_LENGTH_MAX = 255


@lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """Always for :latest and for images with neither tag nor digest; what is no image's name is left to validation."""
    match = _match_image(image)
    if match is None or len(match["name"]) > _IMAGE_NAME_LENGTH_MAX or _is_image_id(image):
        return "IfNotPresent"
    host, slash, rest = match["name"].partition("/")
    is_host = "." in host or ":" in host or host == "localhost" or host != host.lower()
    repository = rest if slash and is_host else match["name"]
    if repository != repository.lower():
        return "IfNotPresent"
    is_latest = match["tag"] == "latest" or not (match["tag"] or match["digest"])
    return "Always" if is_latest else "IfNotPresent"
