"""The rules of a container's environment, and of what it and volumes may ask of the downward API.

Source: kubernetes pkg/apis/core/validation/validation.go, ValidateEnv, ValidateEnvFrom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, check_label_key, check_messages

_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
# What the downward API knows at all; others are no field labels.
_DOWNWARD_FIELDS = frozenset((*_ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "status.phase"))
_RESOURCE_FIELDS = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)


def check_env(variables: Sequence[Obj], path: str, found: Errors) -> None:
    for index, variable in enumerate(variables):
        name = variable.get("name")
        if not name:
            found.append(errors.required(f"{path}[{index}].name"))
        elif messages := names.env_var_name(name):
            check_messages(messages, name, f"{path}[{index}].name", found)
        if variable.get("valueFrom") is not None:
            _check_value_from(variable, f"{path}[{index}].valueFrom", found)


def _check_value_from(variable: Obj, path: str, found: Errors) -> None:
    source = variable["valueFrom"]
    count = 0
    for field, check in _VALUE_SOURCES:
        if source.get(field) is not None:
            count += 1
            check(source[field], f"{path}.{field}", found)
    if count == 0:
        words = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        found.append(errors.invalid_value(path, "", f"must specify one of: {words}"))
    elif variable.get("value"):
        found.append(errors.invalid_value(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        found.append(errors.invalid_value(path, "", "may not have more than one field specified at a time"))


def check_field_ref(reference: Obj, path: str, found: Errors, fields: Sequence[str] = _ENV_FIELDS) -> None:
    field = reference.get("fieldPath") or ""
    if not reference.get("apiVersion"):
        found.append(errors.required(f"{path}.apiVersion"))
    elif not field:
        found.append(errors.required(f"{path}.fieldPath"))
    elif reference["apiVersion"] != "v1":
        why = f"error converting fieldPath: unsupported pod version: {reference['apiVersion']}"
        found.append(errors.invalid_value(f"{path}.fieldPath", field, why))
    elif field.endswith("']") and "['" in field:
        base, _, key = field[:-2].partition("['")
        if base == "metadata.annotations":
            check_label_key(key.lower(), path, found)
        elif base == "metadata.labels":
            check_label_key(key, path, found)
        else:
            found.append(errors.invalid_value(path, base, "does not support subscript"))
    elif field not in _DOWNWARD_FIELDS:
        why = f"error converting fieldPath: field label not supported: {field}"
        found.append(errors.invalid_value(f"{path}.fieldPath", field, why))
    elif field not in fields:
        found.append(errors.not_supported(f"{path}.fieldPath", field, fields))


def check_resource_ref(reference: Obj, path: str, found: Errors, *, in_volume: bool = False) -> None:
    resource = reference.get("resource") or ""
    if in_volume and not reference.get("containerName"):
        found.append(errors.required(f"{path}.containerName"))
    elif not resource:
        found.append(errors.required(f"{path}.resource"))
    elif resource not in _RESOURCE_FIELDS and not resource.startswith(
        ("requests.hugepages-", "limits.hugepages-")
    ):
        found.append(errors.not_supported(f"{path}.resource", resource, _RESOURCE_FIELDS))
    _check_divisor(resource, reference.get("divisor"), f"{path}.divisor", found)


_SIZE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
# what a resource's name begins with behind limits. and requests. -> (its divisors, its name in the text)
_DIVISORS = (
    ("cpu", ("1m", "1"), "cpu"),
    ("memory", _SIZE_DIVISORS, "memory"),
    ("ephemeral-storage", _SIZE_DIVISORS, "local ephemeral storage"),
    ("hugepages-", _SIZE_DIVISORS, "hugepages"),
)


def _check_divisor(resource: str, divisor: Any, path: str, found: Errors) -> None:
    if divisor is None or not quantity.nano(divisor):
        return
    name = resource.partition(".")[2]
    for prefix, divisors, word in _DIVISORS:
        if name == prefix or (prefix.endswith("-") and name.startswith(prefix)):
            if quantity.normalize(divisor) not in divisors:
                listed = " and ".join(divisors) if len(divisors) == 2 else ", ".join(divisors)
                why = f"only divisor's values {listed} are supported with the {word} resource"
                found.append(errors.invalid_value(path, resource, why))
            return


def _check_key_ref(reference: Obj, path: str, found: Errors) -> None:
    """Of a ConfigMap or a Secret. Source: validateConfigMapKeySelector."""
    name, key = reference.get("name") or "", reference.get("key")
    check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)
    if not key:
        found.append(errors.required(f"{path}.key"))
    else:
        check_messages(names.config_key(key), key, f"{path}.key", found)


def _no_backsteps(target: str) -> list[str]:
    return ["must not contain '..'"] if ".." in target.split("/") else []


_FILE_REF = (("key", names.env_var_name), ("volumeName", names.dns1123_label), ("path", _no_backsteps))


def _check_file_ref(reference: Obj, path: str, found: Errors) -> None:
    """Source: validateFileKeySelector."""
    for field, check in _FILE_REF:
        if value := reference.get(field):
            check_messages(check(value), value, f"{path}.{field}", found)
        else:
            found.append(errors.required(f"{path}.{field}"))


_VALUE_SOURCES: tuple[tuple[str, Callable[[Obj, str, Errors], None]], ...] = (
    ("fieldRef", check_field_ref),
    ("resourceFieldRef", check_resource_ref),
    ("configMapKeyRef", _check_key_ref),
    ("secretKeyRef", _check_key_ref),
    ("fileKeyRef", _check_file_ref),
)


def check_env_from(sources: Sequence[Obj], path: str, found: Errors) -> None:
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        prefix = source.get("prefix")
        if prefix:
            check_messages(names.env_var_name(prefix), prefix, f"{at}.prefix", found)
        count = 0
        for field in ("configMapRef", "secretRef"):
            if source.get(field) is not None:
                count += 1
                name = source[field].get("name")
                if not name:
                    found.append(errors.required(f"{at}.{field}.name"))
                elif messages := names.name_is_dns_subdomain(name, True):
                    check_messages(messages, name, f"{at}.{field}.name", found)
        if count == 0:
            found.append(errors.invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif count > 1:
            found.append(
                errors.invalid_value(path, "", "may not have more than one field specified at a time")
            )
