"""How a webhook is reached: a URL, or a Service and a path.

Source: apiserver pkg/util/webhook/validation.go.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors


def check_client_config(config: Obj, path: str, found: Errors) -> None:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        found.append(errors.required(path, "exactly one of url or service is required"))
    elif url is not None:
        _check_url(url, f"{path}.url", found)
    else:
        _check_service(service, f"{path}.service", found)


_FORM = "; desired format: https://host[/path]"


def _check_url(url: str, path: str, found: Errors) -> None:
    """Source: ValidateWebhookURL."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        found.append(errors.required(path, f"url must be a valid URL: {error}{_FORM}"))
        return
    if parts.scheme != "https":
        why = f"'https' is the only allowed URL scheme{_FORM}"
        found.append(errors.invalid_value(path, parts.scheme, why))
    user, at, host = parts.netloc.rpartition("@")
    if not host:
        found.append(errors.invalid_value(path, "", f"host must be specified{_FORM}"))
    for value, what in (
        (user if at else "", "user information is"),
        (parts.fragment, "fragments are"),
        (parts.query, "query parameters are"),
    ):
        if value:
            found.append(errors.invalid_value(path, value, f"{what} not permitted in the URL"))


def _check_service(service: Any, path: str, found: Errors) -> None:
    """Source: ValidateWebhookService, which is called with name and namespace swapped."""
    for field in ("name", "namespace"):
        if not service.get("namespace" if field == "name" else "name"):
            found.append(errors.required(f"{path}.{field}"))
    port = service.get("port") or 0
    if messages := names.port_number(port):
        why = f"port is not valid: {', '.join(messages)}"
        found.append(errors.invalid_value(f"{path}.port", port, why))
    target = service.get("path") or ""
    if target in ("", "/"):
        return
    if target == "//":
        found.append(errors.invalid_value(f"{path}.path", target, "segment[0] may not be empty"))
        return
    if not target.startswith("/"):
        found.append(errors.invalid_value(f"{path}.path", target, "must start with a '/'"))
    for index, step in enumerate(target[1:].removesuffix("/").split("/")):
        if not step:
            why = f"segment[{index}] may not be empty"
            found.append(errors.invalid_value(f"{path}.path", target, why))
            continue
        for message in names.dns1123_subdomain(step):
            found.append(errors.invalid_value(f"{path}.path", target, f"segment[{index}]: {message}"))
