"""Which IP families a Service has, of those that the cluster has: ipFamilyPolicy, ipFamilies and clusterIPs agree, and
what nobody said is filled in. Pure.

Source: kubernetes pkg/registry/core/service/storage/alloc.go initIPFamilyFields.
"""

from __future__ import annotations

from collections.abc import Collection

from kubepy.api import errors
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.validation.services import check_cluster_ips
from kubepy.apiserver.registry.strategies.services import NONE, needs_cluster_ip, service_type

SINGLE, PREFER, REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
_POLICY = "spec.ipFamilyPolicy"
_OTHER = {"IPv4": "IPv6", "IPv6": "IPv4"}


def family_of(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def is_settled(spec: Obj, old: Obj | None) -> bool:
    """An update of a Service that prefers two families and leaves its addresses alone: whatever the cluster has now.

    Source: isMatchingPreferDualStackClusterIPFields.
    """
    return (
        old is not None
        and needs_cluster_ip(spec)
        and service_type(spec) == service_type(old)
        and spec.get("ipFamilyPolicy") == PREFER
        and old.get("ipFamilyPolicy") in (None, PREFER)
        and all((spec.get(field) or []) == (old.get(field) or []) for field in ("clusterIPs", "ipFamilies"))
    )


def settle(spec: Obj, old: Obj | None, families: Collection[str]) -> list[FieldError]:
    """Fills in `spec`; families: those of the cluster, its own first."""
    if not needs_cluster_ip(spec) or is_settled(spec, old):
        return []
    is_unmanaged = spec.get("clusterIP") == NONE and not spec.get("selector")
    if spec.get("ipFamilyPolicy") is None:
        kept = (old or {}).get("ipFamilyPolicy")
        spec["ipFamilyPolicy"] = kept or (REQUIRE if is_unmanaged else SINGLE)
    found: list[FieldError] = []
    check_cluster_ips(spec, found)
    if found:
        return found
    policy: str = spec["ipFamilyPolicy"]
    if old is not None:
        _release(spec, old, policy, found)
    if policy == SINGLE:
        for field, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
            if len(spec.get(field) or ()) == 2:
                why = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
                found.append(errors.invalid_value(_POLICY, policy, why))
    _take_from_addresses(spec, families, found)
    if found:
        return found
    if not is_unmanaged:
        _check_configured(spec, policy, families, found)
        if found:
            return found
    wanted = spec.get("ipFamilies") or [next(iter(families))]
    if len(wanted) == 1 and policy != SINGLE and (is_unmanaged or len(families) == 2):
        wanted = [*wanted, _OTHER[wanted[0]]]
    spec["ipFamilies"] = wanted
    return []


def _release(spec: Obj, old: Obj, policy: str, found: list[FieldError]) -> None:
    """The second family goes only with the policy that says so."""
    for field, what in (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")):
        new, before = spec.get(field) or [], old.get(field) or []
        if policy == SINGLE:
            if new == before and len(new) > 1:
                spec[field] = new[:1]
        elif new and len(new) < len(before):
            why = f"must be 'SingleStack' to release the secondary {what}"
            found.append(errors.invalid_value(_POLICY, policy, why))


def _take_from_addresses(spec: Obj, families: Collection[str], found: list[FieldError]) -> None:
    """Addresses that somebody asks for say which families they are of."""
    ips = spec.get("clusterIPs") or []
    if NONE in ips[:1]:
        return
    named = list(spec.get("ipFamilies") or ())
    for index, address in enumerate(ips):
        if index < len(named):
            continue
        family = family_of(address)
        if family in families:
            named.append(family)
        else:
            why = f"{family} is not configured on this cluster"
            found.append(errors.invalid_value(f"spec.clusterIPs[{index}]", ips, why))
    if named:
        spec["ipFamilies"] = named


def _check_configured(spec: Obj, policy: str, families: Collection[str], found: list[FieldError]) -> None:
    if policy == REQUIRE and len(families) < 2:
        why = "this cluster is not configured for dual-stack services"
        found.append(errors.invalid_value(_POLICY, policy, why))
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in families:
            path = f"spec.ipFamilies[{index}]"
            found.append(errors.invalid_value(path, family, "not configured on this cluster"))
