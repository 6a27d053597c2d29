"""The options that requests carry: dryRun, fieldManager, propagationPolicy, ...

Source: apimachinery pkg/apis/meta/v1/validation/validation.go (Validate*Options), meta/internalversion/validation.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.validation.metadata import check_field_manager
from kubepy.api.validation.rules import Errors

_FIELD_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_PROPAGATION_POLICIES = ("Foreground", "Background", "Orphan", "nil")


def validate_write(
    *, dry_run: Sequence[str] = (), field_manager: str = "", field_validation: str = ""
) -> Errors:
    """Options of create and update; also the common part of a patch's."""
    found: Errors = []
    check_field_manager(field_manager, "fieldManager", found)
    _check_dry_run(dry_run, found)
    if field_validation not in _FIELD_VALIDATIONS:
        found.append(errors.not_supported("fieldValidation", field_validation, _FIELD_VALIDATIONS))
    return found


def validate_patch(
    *,
    is_apply: bool,
    force: bool | None,
    dry_run: Sequence[str] = (),
    field_manager: str = "",
    field_validation: str = "",
) -> Errors:
    """Source: ValidatePatchOptions. `force` None = not given."""
    found: Errors = []
    if is_apply:
        if not field_manager:
            found.append(errors.required("fieldManager", "is required for apply patch"))
    elif force is not None:
        found.append(errors.forbidden_field("force", "may not be specified for non-apply patch"))
    return found + validate_write(
        dry_run=dry_run, field_manager=field_manager, field_validation=field_validation
    )


def validate_delete(options: Obj) -> Errors:
    """Of a DeleteOptions dict."""
    found: Errors = []
    policy, orphan = options.get("propagationPolicy"), options.get("orphanDependents")
    if orphan is not None and policy is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        found.append(errors.invalid_value("propagationPolicy", policy, why))
    if policy is not None and policy not in _PROPAGATION_POLICIES[:3]:
        found.append(errors.not_supported("propagationPolicy", policy, _PROPAGATION_POLICIES))
    _check_dry_run(options.get("dryRun") or (), found)
    return found


def validate_list(
    *,
    is_watch: bool = False,
    resource_version: str = "",
    resource_version_match: str = "",
    continue_token: str = "",
    send_initial_events: bool | None = None,
) -> Errors:
    """Source: meta/internalversion/validation ValidateListOptions, with WatchList on."""
    match = resource_version_match
    if is_watch:
        return _validate_watch(match, continue_token, send_initial_events)
    found: Errors = []
    if match:
        if not resource_version:
            why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            found.append(errors.forbidden_field("resourceVersionMatch", why))
        if continue_token:
            found.append(errors.forbidden_field("resourceVersionMatch", _WITH_CONTINUE))
        if match not in ("Exact", "NotOlderThan"):
            values = ("Exact", "NotOlderThan", "")
            found.append(errors.not_supported("resourceVersionMatch", match, values))
        if match == "Exact" and resource_version == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            found.append(errors.forbidden_field("resourceVersionMatch", why))
    if send_initial_events is not None:
        found.append(errors.forbidden_field("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return found


_WITH_CONTINUE = "resourceVersionMatch is forbidden when continue is provided"


def _validate_watch(match: str, continue_token: str, send_initial_events: bool | None) -> Errors:
    found: Errors = []
    if send_initial_events is not None and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        found.append(errors.forbidden_field("resourceVersionMatch", why))
    if match:
        if send_initial_events is None:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            found.append(errors.forbidden_field("resourceVersionMatch", why))
        if match != "NotOlderThan":
            found.append(errors.not_supported("resourceVersionMatch", match, ("NotOlderThan",)))
        if continue_token:
            found.append(errors.forbidden_field("resourceVersionMatch", _WITH_CONTINUE))
    return found


def _check_dry_run(values: Sequence[str], found: Errors) -> None:
    if any(value != "All" for value in values):
        found.append(errors.not_supported("dryRun", list(values), ("All",)))
