"""The rules of resources: their names, their amounts, and what containers and pods ask for.

Source: kubernetes pkg/apis/core/validation/validation.go, ValidateResourceRequirements, validatePodResources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from kubepy.api import errors, internals, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, check_messages

_NONE: tuple[Any, ...] = ()


_CONTAINER_RESOURCES = frozenset(("cpu", "memory", "ephemeral-storage"))
_STANDARD_RESOURCES = _CONTAINER_RESOURCES | {
    f"{side}.{name}" for side in ("requests", "limits") for name in _CONTAINER_RESOURCES
}
_COUNTED_RESOURCES = frozenset(
    (
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    )
)
STANDARD_RESOURCES = _STANDARD_RESOURCES | _COUNTED_RESOURCES | {"storage", "requests.storage"}


def is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def is_extended(name: str) -> bool:
    """Source: helper.IsExtendedResourceName."""
    return (
        not names.is_native_resource(name)
        and not name.startswith("requests.")
        and not names.label_key(f"requests.{name}")
    )


def is_overcommittable(name: str) -> bool:
    return names.is_native_resource(name) and not is_huge_page(name)


def check_resource_name(name: str, path: str, found: Errors) -> None:
    """Source: validateResourceName."""
    if messages := names.label_key(name):
        check_messages(messages, name, path, found)
    elif (
        "/" not in name
        and name not in STANDARD_RESOURCES
        and not is_huge_page(name.removeprefix("requests."))
    ):
        why = "must be a standard resource type or fully qualified"
        found.append(errors.invalid_value(path, name, why))


def check_amount(name: str, amount: Any, path: str, found: Errors) -> None:
    """Source: ValidateResourceQuantityValue."""
    nanos = quantity.nano(amount)
    if nanos < 0:
        found.append(errors.invalid_value(path, amount, names.NON_NEGATIVE_TEXT))
    if nanos % quantity.NANOS and (name in _COUNTED_RESOURCES or is_extended(name)):
        found.append(errors.invalid_value(path, amount, "must be an integer"))


def check_container_resource_name(name: str, path: str, found: Errors) -> None:
    """Source: ValidateContainerResourceName."""
    # The three names of nearly every pod need no further look.
    if name in _CONTAINER_RESOURCES:
        return
    check_resource_name(name, path, found)
    if "/" not in name:
        if not is_huge_page(name):
            why = "must be a standard resource for containers"
            found.append(errors.invalid_value(path, name, why))
    elif not names.is_native_resource(name) and not is_extended(name):
        why = "doesn't follow extended resource name standard"
        found.append(errors.invalid_value(path, name, why))


def check_resources(
    resources: Obj,
    path: str,
    found: Errors,
    *,
    claims: Collection[str] = (),
    check_name: Callable[[str, str, Errors], None] = check_container_resource_name,
) -> None:
    """requests and limits, of one container if nothing else is said. Source: validateResourceRequirements."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in limits.items():
        check_name(name, f"{path}.limits[{name}]", found)
        check_amount(name, amount, f"{path}.limits[{name}]", found)
    for name, amount in requests.items():
        check_name(name, f"{path}.requests[{name}]", found)
        check_amount(name, amount, f"{path}.requests[{name}]", found)
        limit = limits.get(name)
        if limit is None:
            if not is_overcommittable(name):
                why = "Limit must be set for non overcommitable resources"
                found.append(errors.required(f"{path}.limits", why))
            continue
        asked, allowed = quantity.nano(amount), quantity.nano(limit)
        if asked != allowed and not is_overcommittable(name):
            why = f"must be equal to {name} limit of {limit}"
            found.append(errors.invalid_value(f"{path}.requests", str(amount), why))
        elif asked > allowed:
            why = f"must be less than or equal to {name} limit of {limit}"
            found.append(errors.invalid_value(f"{path}.requests", str(amount), why))
    _check_huge_pages(limits, requests, path, found)
    _check_claim_names(resources.get("claims") or _NONE, f"{path}.claims", claims, found)


def _check_claim_names(used: Sequence[Obj], path: str, claims: Collection[str], found: Errors) -> None:
    """Source: validateResourceClaimNames."""
    seen: set[str] = set()
    for index, claim in enumerate(used):
        at, name, request = f"{path}[{index}]", claim.get("name") or "", claim.get("request") or ""
        if not name:
            found.append(errors.required(at))
            continue
        key = f"{name}/{request}" if request else name
        if name in seen:
            found.append(errors.duplicate(at, name))
        else:
            if request:
                check_messages(names.dns1123_label(request), request, f"{at}.request", found)
            if key in seen:
                found.append(errors.duplicate(at, key))
            elif not request:
                found += [errors.duplicate(at, name) for other in seen if other.partition("/")[0] == name]
            seen.add(key)
        if name not in claims:
            known = f": {', '.join(sorted(claims))}" if claims else " which is empty"
            why = f"must be one of the names in pod.spec.resourceClaims{known}"
            found.append(errors.not_found_field(at, name)._replace(detail=why))


def _check_huge_pages(limits: Obj, requests: Obj, path: str, found: Errors) -> None:
    wanted = limits.keys() | requests.keys()
    if any(map(is_huge_page, wanted)) and not wanted & {"cpu", "memory"}:
        found.append(errors.forbidden_field(path, "HugePages require cpu or memory"))


def _check_pod_resource_name(name: str, path: str, found: Errors) -> None:
    """Source: validatePodResourceName."""
    before = len(found)
    check_resource_name(name, path, found)
    if len(found) == before and name not in ("cpu", "memory") and not is_huge_page(name):
        found.append(errors.not_supported(path, name, ("cpu", "hugepages-", "memory")))


def check_pod_resources(spec: Obj, path: str, found: Errors, claims: Collection[str]) -> None:
    """Source: validatePodResources and validatePodResourceConsistency."""
    resources = spec["resources"]
    if resources.get("claims") is not None:
        why = "claims may not be set for Resources at pod-level"
        found.append(errors.forbidden_field(f"{path}.claims", why))
    check_resources(resources, path, found, claims=claims, check_name=_check_pod_resource_name)
    containers = spec.get("containers") or _NONE
    for name, amount in (resources.get("requests") or {}).items():
        total = sum(
            quantity.nano(((c.get("resources") or {}).get("requests") or {}).get(name, "0"))
            for c in containers
        )
        if total > quantity.nano(amount):
            summed = quantity.Quantity(total, quantity.parse(amount).format)
            why = f"must be greater than or equal to aggregate container requests of {summed}"
            found.append(errors.invalid_value(f"{path}.requests[{name}]", str(amount), why))
    limits = resources.get("limits") or {}
    for index, container in enumerate(containers):
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and quantity.nano(amount) > quantity.nano(limits[name]):
                why = f"must be less than or equal to pod limits of {limits[name]}"
                at = f"{path}.containers[{index}][{name}].limits"
                found.append(errors.invalid_value(at, str(amount), why))


def check_resource_claims(claims: Sequence[Obj], path: str, found: Errors) -> set[str]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        at = f"{path}[{index}]"
        name = claim.get("name") or ""
        if not name:
            found.append(errors.required(f"{at}.name"))
        elif name in seen:
            found.append(errors.duplicate(f"{at}.name", name))
        else:
            check_messages(names.dns1123_label(name), name, f"{at}.name", found)
            seen.add(name)
        by_name, by_template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        if by_name and by_template:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            found.append(errors.invalid_value(at, internals.of("PodResourceClaim", claim), why))
        if not by_name and not by_template:
            why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            found.append(errors.invalid_value(at, internals.of("PodResourceClaim", claim), why))
    return seen
