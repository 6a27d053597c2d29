"""Events of both groups, which are one kind in store: `events.k8s.io` is told of the core form too.

Source: kubernetes pkg/apis/core/validation/events.go.
"""

from __future__ import annotations

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    Rule,
    check_label_key,
    check_messages,
    on_update,
    same,
)

_NAME_LENGTH_MAX, _NOTE_LENGTH_MAX = 128, 1024


def _check_event(controller_field: str) -> Rule:
    """`controller_field`: what the group calls the controller that reports. Source: legacyValidateEvent."""

    def check(event: Obj, found: Errors) -> None:
        namespace = event["metadata"].get("namespace") or ""
        about = (event.get("involvedObject") or {}).get("namespace") or ""
        if event.get("eventTime") is None:
            matches = namespace == about if about else namespace in ("", "default")
        else:
            matches = bool(about) or namespace in ("default", "kube-system")
        if not matches:
            why = "does not match event.namespace"
            found.append(errors.invalid_value("involvedObject.namespace", about, why))
        if event.get("eventTime") is not None:
            controller = event.get("reportingComponent") or ""
            if not controller:
                found.append(errors.required(controller_field))
            check_label_key(controller, controller_field, found)
            for field in ("reportingInstance", "action", "reason"):
                value = event.get(field) or ""
                if not value:
                    found.append(errors.required(field))
                _check_length(value, _NAME_LENGTH_MAX, field, found)
            _check_length(event.get("message") or "", _NOTE_LENGTH_MAX, "message", found)
        check_messages(names.dns1123_subdomain(namespace), namespace, "namespace", found)

    return check


def _check_length(value: str, most: int, path: str, found: Errors) -> None:
    if len(value.encode()) > most:
        found.append(errors.invalid_value(path, "", f"can have at most {most} characters"))


def _check_new(event: Obj, found: Errors) -> None:
    """What events.k8s.io asks for on top. Source: ValidateEventCreate."""
    _check_series(event, found)
    if event.get("eventTime") is None:
        found.append(errors.required("eventTime"))
    type_ = event.get("type") or ""
    if type_ not in ("Normal", "Warning"):
        found.append(errors.invalid_value("type", "", f"has invalid value: {type_}"))
    for field in ("firstTimestamp", "lastTimestamp", "count", "source"):
        if event.get(field):
            found.append(errors.invalid_value(field, "", "needs to be unset"))


def _check_series(event: Obj, found: Errors) -> None:
    series = event.get("series")
    if series is not None:
        if (series.get("count") or 0) < 2:
            found.append(errors.invalid_value("series.count", "", "should be at least 2"))
        if series.get("lastObservedTime") is None:
            found.append(errors.required("series.lastObservedTime"))


# (field, what upstream's findings call it, its struct); in upstream's order, "reason" twice as there
_IMMUTABLE = (
    ("involvedObject", "involvedObject", "ObjectReference"),
    ("reason", "reason", ""),
    ("message", "message", ""),
    ("source", "source", "EventSource"),
    ("firstTimestamp", "firstTimestamp", ""),
    ("lastTimestamp", "lastTimestamp", ""),
    ("count", "count", ""),
    ("reason", "reason", ""),
    ("type", "type", ""),
    ("eventTime", "eventTime", ""),
    ("action", "action", ""),
    ("related", "related", "ObjectReference"),
    ("reportingComponent", "reportingController", ""),
    ("reportingInstance", "reportingInstance", ""),
)
_POINTERS = frozenset(("firstTimestamp", "lastTimestamp", "eventTime", "related"))


def _check_update(new: Obj, old: Obj, found: Errors) -> None:
    """Only the series of an event may grow. Source: ValidateEventUpdate."""
    if not same(new.get("series"), old.get("series")):
        _check_series(new, found)
    for field, shown, struct in _IMMUTABLE:
        if same(new.get(field), old.get(field)):
            continue
        value = new.get(field)
        if struct and (value is not None or field not in _POINTERS):
            value = internals.of(struct, value or {})
        elif value is None and field not in _POINTERS:
            value = 0 if field == "count" else ""
        found.append(errors.invalid_value(shown, value, IMMUTABLE_TEXT))


EVENTS: dict[tuple[str, str], Kind] = {
    ("", "Event"): Kind(name=names.name_is_path_segment, rules=(_check_event("reportingComponent"),)),
    ("events.k8s.io", "Event"): Kind(
        create=(_check_event("reportingController"), _check_new),
        update=(*on_update(_check_event("reportingController")), _check_update),
    ),
}
