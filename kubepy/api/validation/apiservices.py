"""APIServices: a name that says what is served, priorities, and a service that can be spoken to.

Source: kube-aggregator pkg/apis/apiregistration/validation/validation.go.
"""

from __future__ import annotations

import base64

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, Kind, check_messages

GROUP_PRIORITY_MAX, VERSION_PRIORITY_MAX = 20000, 1000
_STATUSES = ("True", "False", "Unknown")


def _check_name(obj: Obj, found: Errors) -> None:
    name, spec = obj["metadata"].get("name") or "", obj.get("spec") or {}
    required = f"{spec.get('version') or ''}.{spec.get('group') or ''}"
    if name and name != required and not names.path_segment(name):
        why = f'must be `spec.version+"."+spec.group`: {errors.quote(required)}'
        found.append(errors.invalid_value("metadata.name", name, why))


def _check_spec(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    if group:
        check_messages(names.dns1123_subdomain(group), group, "spec.group", found)
    elif version != "v1":
        why = "only v1 may have an empty group and it better be legacy kube"
        found.append(errors.required("spec.group", why))
    check_messages(names.dns1035_label(version), version, "spec.version", found)
    for field, maximum in (
        ("groupPriorityMinimum", GROUP_PRIORITY_MAX),
        ("versionPriority", VERSION_PRIORITY_MAX),
    ):
        priority = spec.get(field) or 0
        if not 0 < priority <= maximum:
            why = f"must be positive and less than {maximum}"
            found.append(errors.invalid_value(f"spec.{field}", priority, why))
    if spec.get("service") is None:
        _check_local(spec, found)
    else:
        _check_remote(spec, found)


def _check_local(spec: Obj, found: Errors) -> None:
    if spec.get("caBundle"):
        size = f"{len(base64.b64decode(spec['caBundle']))} bytes"
        found.append(errors.invalid_value("spec.caBundle", size, "local APIServices may not have a caBundle"))
    if spec.get("insecureSkipTLSVerify"):
        why = "local APIServices may not have insecureSkipTLSVerify"
        found.append(errors.invalid_value("spec.insecureSkipTLSVerify", True, why))


def _check_remote(spec: Obj, found: Errors) -> None:
    service = spec["service"]
    for field in ("namespace", "name"):
        if not service.get(field):
            found.append(errors.required(f"spec.service.{field}"))
    port = service.get("port") or 0
    if messages := names.port_number(port):
        why = f"port is not valid: {', '.join(messages)}"
        found.append(errors.invalid_value("spec.service.port", port, why))
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        why = "may not be true if caBundle is present"
        found.append(errors.invalid_value("spec.insecureSkipTLSVerify", True, why))


def _check_status(new: Obj, old: Obj, found: Errors) -> None:
    for index, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
        status = condition.get("status") or ""
        if status not in _STATUSES:
            found.append(errors.not_supported(f"status.conditions[{index}].status", status, _STATUSES))


API_REGISTRATION = {
    ("apiregistration.k8s.io", "APIService"): Kind(
        name=names.name_is_path_segment,
        rules=(_check_name, _check_spec),
        subresources={"status": (_check_status,)},
    )
}
