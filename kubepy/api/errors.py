"""Errors as Kubernetes answers them: an exception that carries a metav1.Status.

Raise one anywhere on the request path; one filter turns it into the answer. Clients raise the same classes when they
receive such an answer, so a component catches `NotFound` whether it talks to this process or to a real cluster.

A `FieldError` is one finding of validation; `invalid` turns a list of them into the 422 that kubectl prints.
Source: apimachinery pkg/api/errors/errors.go, pkg/util/validation/field/errors.go.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from kubepy.api.objects import Obj
from kubepy.api.resources import Resource


class StatusError(Exception):
    """An error answer. `code` is the HTTP status, `reason` the machine-readable word, `details` as in metav1."""

    code = 500
    reason = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        reason: str | None = None,
        details: Obj | None = None,
        metadata: Obj | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason
        self.details = details
        self.metadata = metadata or {}

    @property
    def retry_after_s(self) -> int | None:
        """Seconds for the Retry-After header, None for no header."""
        return (self.details or {}).get("retryAfterSeconds")

    def status(self) -> Obj:
        """The metav1.Status, keys in the order kube-apiserver writes them."""
        status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            # Empty ones are written, too: to Go they are a pointer.
            status["details"] = self.details
        status["code"] = self.code
        return status


class BadRequest(StatusError):
    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    code, reason = 401, "Unauthorized"

    def __init__(self, message: str = "Unauthorized", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class Forbidden(StatusError):
    code, reason = 403, "Forbidden"


class NotFound(StatusError):
    code, reason = 404, "NotFound"


class MethodNotAllowed(StatusError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(StatusError):
    code, reason = 409, "AlreadyExists"


class Conflict(StatusError):
    code, reason = 409, "Conflict"


class Gone(StatusError):
    code, reason = 410, "Gone"


class Expired(StatusError):
    code, reason = 410, "Expired"


class RequestEntityTooLarge(StatusError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    code, reason = 422, "Invalid"


class TooManyRequests(StatusError):
    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    code, reason = 500, "InternalError"

    def __init__(self, message: str, **kwargs: Any) -> None:
        kwargs.setdefault("details", {"causes": [{"message": message}]})
        super().__init__(f"Internal error occurred: {message}", **kwargs)


class ServerTimeout(StatusError):
    code, reason = 500, "ServerTimeout"


class ServiceUnavailable(StatusError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    code, reason = 504, "Timeout"


_BY_REASON: dict[str, type[StatusError]] = {
    cls.reason: cls
    for cls in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, AlreadyExists, Conflict, Gone,
        Expired, RequestEntityTooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServerTimeout,
        ServiceUnavailable, Timeout,
    )
}  # fmt: skip
_BY_CODE: dict[int, type[StatusError]] = {cls.code: cls for cls in reversed(_BY_REASON.values())}


def from_status(status: Obj, code: int) -> StatusError:
    """The exception for an error answer, by reason and then by code; `status` may be any JSON."""
    if not isinstance(status, dict):
        status = {}
    reason = status.get("reason", "")
    cls = _BY_REASON.get(reason) or _BY_CODE.get(code) or StatusError
    error = cls.__new__(cls)
    StatusError.__init__(
        error,
        status.get("message") or f"the server answered {code}",
        code=status.get("code") or code,
        reason=reason or cls.reason,
        details=status.get("details"),
        metadata=status.get("metadata"),
    )
    return error


# -- the texts -------------------------------------------------------------------------------------------------


def _details(resource: Resource, name: str, **more: Any) -> Obj:
    details: Obj = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    return details | more


def not_found(resource: Resource, name: str) -> NotFound:
    return NotFound(f"{resource.group_resource} {quote(name)} not found", details=_details(resource, name))


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    return AlreadyExists(
        f"{resource.group_resource} {quote(name)} already exists", details=_details(resource, name)
    )


def generate_name_conflict(resource: Resource, name: str, retry_s: int = 1) -> AlreadyExists:
    """Every name tried for a generateName was taken. Source: NewGenerateNameConflict."""
    return AlreadyExists(
        f"{resource.group_resource} {quote(name)} already exists, "
        "the server was not able to generate a unique name for the object",
        details=_details(resource, name, retryAfterSeconds=retry_s),
    )


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> Conflict:
    return Conflict(
        f"Operation cannot be fulfilled on {resource.group_resource} {quote(name)}: {why}",
        details=_details(resource, name),
    )


def forbidden(resource: Resource, name: str, why: str) -> Forbidden:
    subject = f"{resource.group_resource} {quote(name)}" if name else resource.group_resource
    return Forbidden(f"{subject} is forbidden: {why}", details=_details(resource, name))


def method_not_allowed() -> MethodNotAllowed:
    """There is such a path, but not for this method. Source: NewGenericServerResponse."""
    return MethodNotAllowed("the server does not allow this method on the requested resource", details={})


def method_not_supported(resource: Resource, verb: str) -> MethodNotAllowed:
    return MethodNotAllowed(
        f'{verb} is not supported on resources of kind "{resource.group_resource}"',
        details=_details(resource, ""),
    )


def page_not_found() -> NotFound:
    """For paths that belong to no API: the answer is plain text "404 page not found", not a Status."""
    return NotFound("404 page not found", reason="")


def unknown_resource() -> NotFound:
    return NotFound("the server could not find the requested resource", details={})


def expired(message: str, *, metadata: Obj | None = None) -> Expired:
    return Expired(message, metadata=metadata)


def too_old_resource_version(requested: int, oldest: int) -> Expired:
    return Expired(f"too old resource version: {requested} ({oldest})")


def too_large_resource_version(requested: int, current: int, *, retry_s: int = 1) -> Timeout:
    """Source: apiserver pkg/storage/errors.go NewTooLargeResourceVersionError."""
    return Timeout(
        f"Timeout: Too large resource version: {requested}, current: {current}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            **({"retryAfterSeconds": retry_s} if retry_s else {}),
        },
    )


def timeout(message: str, retry_s: int) -> Timeout:
    """Source: NewTimeoutError."""
    details = {"retryAfterSeconds": retry_s} if retry_s else {}
    return Timeout(f"Timeout: {message}", details=details)


def request_entity_too_large(limit_bytes: int) -> RequestEntityTooLarge:
    """Source: apiserver pkg/endpoints/handlers/rest.go limitedReadBody."""
    return RequestEntityTooLarge(f"Request entity too large: limit is {limit_bytes}")


# -- findings of validation ------------------------------------------------------------------------------------


class FieldErrorType(enum.Enum):
    """value = (reason in the Status cause, words in the text)."""

    NOT_FOUND = ("FieldValueNotFound", "Not found")
    REQUIRED = ("FieldValueRequired", "Required value")
    DUPLICATE = ("FieldValueDuplicate", "Duplicate value")
    INVALID = ("FieldValueInvalid", "Invalid value")
    NOT_SUPPORTED = ("FieldValueNotSupported", "Unsupported value")
    FORBIDDEN = ("FieldValueForbidden", "Forbidden")
    TOO_LONG = ("FieldValueTooLong", "Too long")
    TOO_SHORT = ("FieldValueTooShort", "Too short")
    TOO_MANY = ("FieldValueTooMany", "Too many")
    INTERNAL = ("InternalError", "Internal error")
    TYPE_INVALID = ("FieldValueTypeInvalid", "Invalid value")


class _Omitted:
    """A bad value that is not shown. Source: field.OmitValueType."""

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED = _Omitted()
_WITHOUT_VALUE = {
    FieldErrorType.REQUIRED, FieldErrorType.FORBIDDEN, FieldErrorType.TOO_LONG, FieldErrorType.TOO_SHORT,
    FieldErrorType.INTERNAL,
}  # fmt: skip


class FieldError(NamedTuple):
    """One finding, e.g. FieldError(INVALID, "spec.replicas", -1, "must be greater than or equal to 0")."""

    type: FieldErrorType
    field: str
    value: Any
    detail: str

    @property
    def body(self) -> str:
        """The text without the field. Source: field.Error.ErrorBody."""
        words = self.type.value[1]
        if self.type in _WITHOUT_VALUE or self.value is OMITTED:
            text = words
        else:
            text = f"{words}: {render_value(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    def cause(self) -> Obj:
        return {"reason": self.type.value[0], "message": self.body, "field": self.field}


def render_value(value: Any) -> str:
    """A bad value as field.Error.ErrorBody shows it: strings quoted, null, numbers bare, the rest as Go's JSON."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    # Go sorts maps and keeps a struct's order of fields; a plain dict of texts only is most likely a map.
    is_map = type(value) is dict and all(isinstance(v, str) for v in value.values())
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS if is_map else 0).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


_QUOTED = {'"': '\\"', "\\": "\\\\"} | {c: f"\\{e}" for c, e in zip("\a\b\f\n\r\t\v", "abfnrtv")}


def quote(text: str) -> str:
    """A text as Go's %q writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_QUOTED.get(c) or (c if c.isprintable() else _escape(ord(c))) for c in text) + '"'


def _escape(code: int) -> str:
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(FieldErrorType.REQUIRED, field, "", detail)


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(FieldErrorType.INVALID, field, value, detail)


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(FieldErrorType.DUPLICATE, field, value, "")


def not_supported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    """Callers pass `supported` in upstream's order (sets come sorted there)."""
    listed = ", ".join(map(quote, supported))
    return FieldError(
        FieldErrorType.NOT_SUPPORTED, field, value, f"supported values: {listed}" if listed else ""
    )


def forbidden_field(field: str, detail: str) -> FieldError:
    return FieldError(FieldErrorType.FORBIDDEN, field, "", detail)


def too_long(field: str, max_length: int) -> FieldError:
    """Source: field.TooLong. max_length in bytes."""
    why = f"may not be more than {_count(max_length, 'byte')}" if max_length >= 0 else "value is too long"
    return FieldError(FieldErrorType.TOO_LONG, field, "", why)


def too_many(field: str, count: int, max_count: int) -> FieldError:
    return FieldError(FieldErrorType.TOO_MANY, field, count, f"must have at most {_count(max_count, 'item')}")


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def not_found_field(field: str, value: Any) -> FieldError:
    return FieldError(FieldErrorType.NOT_FOUND, field, value, "")


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(FieldErrorType.TYPE_INVALID, field, value, detail)


def aggregate(errors: Sequence[FieldError]) -> str:
    """One error alone, several in brackets, repeats once. Source: utilerrors.NewAggregate(...).Error()."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def as_given(findings: Sequence[FieldError], body: bytes) -> Sequence[FieldError]:
    """Findings about nothing say `[]` or `{}` where `body`, JSON, has that: decoding leaves out what is empty."""
    if not body or all(finding.value is not None for finding in findings):
        return findings
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return findings
    return [
        finding._replace(value=_given_at(given, finding.field)) if finding.value is None else finding
        for finding in findings
    ]


def _given_at(given: Any, path: str) -> Any:
    """The empty list or map at "spec.rules[0].values"; None for whatever else."""
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(given, dict):
            given = given.get(step)
        elif isinstance(given, list) and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
        else:
            return None
    return given if given in ([], {}) else None


def invalid(resource: Resource, name: str, errors: Sequence[FieldError]) -> Invalid:
    """422 as kubectl prints it: The Deployment "web" is invalid: ..."""
    details: Obj = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.kind
    details["causes"] = [error.cause() for error in errors]
    why = f": {aggregate(errors)}" if errors else ""
    return Invalid(f"{resource.group_kind} {quote(name)} is invalid{why}", details=details)
