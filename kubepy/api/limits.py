"""What a LimitRange makes of pods and claims: defaults for containers that say nothing, and bounds. Pure.

Source: kubernetes plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubepy.api import quantity
from kubepy.api.objects import Obj
from kubepy.api.quantity import Quantity
from kubepy.api.quota.amounts import Amounts, parse
from kubepy.api.quota.evaluators import total

ANNOTATION = "kubernetes.io/limit-ranger"
# Above it an amount has no thousandths in 64 bits. Source: resource.MaxMilliValue.
_MILLI_MAX = (2**63 - 1) // 1000


# -- defaults --------------------------------------------------------------------------------------------------


def set_defaults(limit_range: Obj, pod: Obj) -> None:
    """Give each container the requests and limits that it lacks, and say so in an annotation; changes `pod`."""
    requests, limits = _defaults(limit_range, "defaultRequest"), _defaults(limit_range, "default")
    said: list[str] = []
    spec = pod["spec"]
    for kind, containers in (
        ("container", spec["containers"]),
        ("init container", spec.get("initContainers")),
    ):
        for container in containers or ():
            given = {
                "request": _fill(container, "requests", requests),
                "limit": _fill(container, "limits", limits),
            }
            said += [
                f"{', '.join(names)} {what} for {kind} {container['name']}"
                for what, names in given.items()
                if names
            ]
    if said:
        annotations = pod["metadata"].get("annotations") or {}
        pod["metadata"]["annotations"] = annotations | {
            ANNOTATION: f"LimitRanger plugin set: {'; '.join(said)}"
        }


def _items(limit_range: Obj, type_: str) -> Iterator[Obj]:
    return (item for item in limit_range["spec"].get("limits") or () if item.get("type") == type_)


def _defaults(limit_range: Obj, field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in _items(limit_range, "Container"):
        found |= item.get(field) or {}
    return found


def _fill(container: Obj, side: str, defaults: Mapping[str, str]) -> list[str]:
    """The names that were missing."""
    resources = container.get("resources") or {}
    amounts = resources.get(side) or {}
    missing = sorted(defaults.keys() - amounts.keys())
    if missing:
        container["resources"] = resources | {side: amounts | {name: defaults[name] for name in missing}}
    return missing


# -- bounds ----------------------------------------------------------------------------------------------------


def pod_refusal(limit_range: Obj, pod: Obj) -> str:
    """Everything that is wrong with a pod, "" if nothing."""
    found: list[str] = []
    spec = pod["spec"]
    for item in limit_range["spec"].get("limits") or ():
        if item.get("type") == "Container":
            for container in (*spec["containers"], *(spec.get("initContainers") or ())):
                resources = container.get("resources") or {}
                found += _broken(item, parse(resources.get("requests")), parse(resources.get("limits")))
        elif item.get("type") == "Pod":
            whole = _without_overhead(spec)
            found += _broken(item, total(whole, "requests"), total(whole, "limits"))
    return _joined(found)


def claim_refusal(limit_range: Obj, claim: Obj) -> str:
    """Everything that is wrong with a PersistentVolumeClaim."""
    requests = parse((claim["spec"].get("resources") or {}).get("requests"))
    found: list[str] = []
    for item in _items(limit_range, "PersistentVolumeClaim"):
        for name, bound in sorted(parse(item.get("min")).items()):
            found.append(_below_min(item["type"], name, bound, requests, {}))
        for name, bound in sorted(parse(item.get("max")).items()):
            found.append(_above_max_request(item["type"], name, bound, requests))
    return _joined(found)


def _without_overhead(spec: Obj) -> Obj:
    """What is counted for a pod as a whole: of its own resources only CPU and memory, of its overhead nothing."""
    whole = {name: value for name, value in spec.items() if name != "overhead"}
    if own := spec.get("resources"):
        whole["resources"] = {
            side: {name: text for name, text in (own.get(side) or {}).items() if name in ("cpu", "memory")}
            for side in ("requests", "limits")
        }
    return whole


def _joined(found: list[str]) -> str:
    """As Go's aggregate error prints: each text once."""
    texts = list(dict.fromkeys(text for text in found if text))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" if texts else ""


def _broken(item: Obj, requests: Amounts, limits: Amounts) -> list[str]:
    type_ = item["type"]
    checks = (("min", _below_min), ("max", _above_max), ("maxLimitRequestRatio", _above_ratio))
    return [
        check(type_, name, bound, requests, limits)
        for field, check in checks
        for name, bound in sorted(parse(item.get(field)).items())
    ]


def _below_min(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> str:
    request, limit = requests.get(name), limits.get(name)
    text = f"minimum {name} usage per {type_} is {bound}"
    if request is None:
        return f"{text}.  No request is specified"
    request_value, limit_value, bound_value = _comparable(request, limit, bound)
    if request_value < bound_value:
        return f"{text}, but request is {request}"
    if limit is not None and limit_value < bound_value:
        return f"{text}, but limit is {limit}"
    return ""


def _above_max(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> str:
    request, limit = requests.get(name), limits.get(name)
    text = f"maximum {name} usage per {type_} is {bound}"
    if limit is None:
        return f"{text}.  No limit is specified"
    request_value, limit_value, bound_value = _comparable(request, limit, bound)
    if limit_value > bound_value:
        return f"{text}, but limit is {limit}"
    if request is not None and request_value > bound_value:
        return f"{text}, but request is {request}"
    return ""


def _above_max_request(type_: str, name: str, bound: Quantity, requests: Amounts) -> str:
    request = requests.get(name)
    text = f"maximum {name} usage per {type_} is {bound}"
    if request is None:
        return f"{text}.  No request is specified"
    request_value, _, bound_value = _comparable(request, None, bound)
    return f"{text}, but request is {request}" if request_value > bound_value else ""


def _above_ratio(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> str:
    request_value, limit_value, _ = _comparable(requests.get(name), limits.get(name), bound)
    text = f"{name} max limit to request ratio per {type_} is {bound}, but"
    if not request_value:
        return f"{text} no request is specified or request is 0"
    if not limit_value:
        return f"{text} no limit is specified or limit is 0"
    ratio = limit_value / request_value
    allowed = bound.milli() / 1000 if bound.value() <= _MILLI_MAX else float(bound.value())
    return f"{text} provided ratio is {ratio:f}" if ratio > allowed else ""


def _comparable(request: Quantity | None, limit: Quantity | None, bound: Quantity) -> tuple[int, int, int]:
    """In thousandths where all of them fit, else in whole units. Source: requestLimitEnforcedValues."""
    three = (request or quantity.ZERO, limit or quantity.ZERO, bound)
    if all(each.value() <= _MILLI_MAX for each in three):
        return three[0].milli(), three[1].milli(), three[2].milli()
    return three[0].value(), three[1].value(), three[2].value()
