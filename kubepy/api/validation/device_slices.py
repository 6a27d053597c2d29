"""ResourceSlices: the devices of a pool, what they are and have, and the counters they share.

Not here: selectors of nodes beyond their terms; whether a driver may publish for a node (admission).

Source: kubernetes pkg/apis/resource/validation/validation.go, validateResourceSliceSpec and below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, internals, names, quantity
from kubepy.api.device_capacity import Steps
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_placement import check_node_selector
from kubepy.api.validation.pod_volumes import check_csi_driver_name
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, check_label_key, check_messages, same

_NONE: tuple[Any, ...] = ()
_POOL_NAME_MAX = 253
_DEVICES_MAX, _DEVICES_ADVANCED_MAX = 128, 64
_COUNTER_SETS_MAX = 8
_COUNTERS_MAX = 32
_CONSUMPTIONS_MAX = 2
_PROPERTIES_MAX, _VALUES_MAX = 32, 48  # attributes and capacities of a device; values of its attributes
_DOMAIN_MAX, _ID_MAX = 63, 32
_KEY_MAX = _DOMAIN_MAX + 1 + _ID_MAX
_VALUE_MAX = 64
_TAINTS_MAX = 16
_CONDITIONS_MAX = 4
_OPTIONS_MAX = 10
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_LISTS = ("bools", "ints", "strings", "versions")
_VALUES = ("bool", "int", "string", "version", *_LISTS)

_NUMBER = r"(0|[1-9]\d*)"
_PRE = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_match_version = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
).fullmatch

Items = Callable[[Any, str, Errors], None]


# -- parts that claims need too --------------------------------------------------------------------------------


def name_of(item: Obj) -> str:
    return item.get("name") or ""


def check_list(items: Sequence[Any], most: int, check: Items, path: str, found: Errors) -> bool:
    """False where there are too many, and none is looked at. Source: validateSlice."""
    if len(items) > most:
        found.append(errors.too_many(path, len(items), most))
        return False
    for index, item in enumerate(items):
        check(item, f"{path}[{index}]", found)
    return True


def check_set(
    items: Sequence[Any], most: int, check: Items, key: Callable[[Any], Any], path: str, found: Errors
) -> None:
    """A list in which each key is there once. Source: validateSet."""
    if not check_list(items, most, check, path, found):
        return
    seen: list[Any] = []
    for index, item in enumerate(items):
        value = key(item)
        if value in seen:
            found.append(errors.duplicate(f"{path}[{index}]", value))
        seen.append(value)


def check_pool_name(name: str, path: str, found: Errors) -> None:
    if not name:
        found.append(errors.required(path))
        return
    if len(name) > _POOL_NAME_MAX:
        found.append(errors.too_long(path, _POOL_NAME_MAX))
    for part in name.split("/"):
        check_messages(names.dns1123_subdomain(part), part, path, found)


def check_device_name(name: str, path: str, found: Errors) -> None:
    check_messages(names.dns1123_label(name), name, path, found)


def check_qualified_name(name: str, path: str, found: Errors) -> None:
    """Source: validateQualifiedName; of a name with more than one slash it has no opinion."""
    domain, slash, identifier = name.partition("/")
    if not slash:
        _check_identifier(name, path, found)
    elif "/" not in identifier:
        if not domain:
            found.append(errors.invalid_value(path, "", "the domain must not be empty"))
        else:
            check_csi_driver_name(domain, path, found)
        if not identifier:
            found.append(errors.invalid_value(path, "", "the name must not be empty"))
        else:
            _check_identifier(identifier, path, found)


def check_fully_qualified_name(name: str, path: str, found: Errors) -> None:
    check_qualified_name(name, path, found)
    if "/" not in name:
        why = "a fully qualified name must be a domain and a name separated by a slash"
        found.append(errors.invalid_value(path, name, why))


def _check_identifier(name: str, path: str, found: Errors) -> None:
    if len(name) > _ID_MAX:
        found.append(errors.too_long(path, _ID_MAX))
    check_messages(names.c_identifier(name), name, path, found)


def check_taint(taint: Obj, path: str, found: Errors, *, before: Obj | None = None) -> None:
    check_label_key(taint.get("key"), f"{path}.key", found)
    if value := taint.get("value"):
        check_messages(names.label_value(value), value, f"{path}.value", found)
    effect = taint.get("effect") or ""
    if before is not None and before.get("effect") == effect:
        return
    if not effect:
        found.append(errors.required(f"{path}.effect"))
    else:
        check_effect(effect, f"{path}.effect", found)


def check_effect(effect: str, path: str, found: Errors) -> None:
    if effect and effect not in _EFFECTS:
        found.append(errors.not_supported(path, effect, _EFFECTS))


def check_binding(holder: Obj, path: str, found: Errors) -> None:
    """Conditions that a binding waits for, and those that end it. Source: validateDeviceBindingParameters."""
    wanted = holder.get("bindingConditions") or []
    failures = holder.get("bindingFailureConditions") or []
    here, there = f"{path}.bindingConditions", f"{path}.bindingFailureConditions"
    check_list(wanted, _CONDITIONS_MAX, check_label_key, here, found)
    check_list(failures, _CONDITIONS_MAX, check_label_key, there, found)
    for index, condition in enumerate(wanted):
        if condition in wanted[:index]:
            found.append(errors.duplicate(f"{here}[{index}]", condition))
    for index, condition in enumerate(failures):
        if condition in failures[:index]:
            found.append(errors.duplicate(f"{there}[{index}]", condition))
        if condition in wanted:
            why = "bindingFailureConditions must not overlap with bindingConditions"
            found.append(errors.invalid_value(f"{there}[{index}]", condition, why))
    if failures and not wanted:
        why = "bindingConditions are required to use bindingFailureConditions"
        found.append(errors.invalid_value(here, holder.get("bindingConditions"), why))
    if wanted and not failures:
        why = "bindingFailureConditions are required to use bindingConditions"
        found.append(errors.invalid_value(there, holder.get("bindingFailureConditions"), why))


# -- the slice -------------------------------------------------------------------------------------------------


def check_created(obj: Obj, found: Errors) -> None:
    _check_slice(obj.get("spec") or {}, None, found)


def check_updated(new: Obj, old: Obj, found: Errors) -> None:
    _check_slice(new.get("spec") or {}, old.get("spec") or {}, found)


def _check_slice(spec: Obj, old: Obj | None, found: Errors) -> None:
    check_csi_driver_name(spec.get("driver") or "", "spec.driver", found)
    _check_pool(spec.get("pool") or {}, "spec.pool", found)
    if old is not None:
        _check_kept(spec, old, found)
    _check_where(spec, found)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        why = "only one of `sharedCounters` or `devices` is allowed"
        found.append(errors.invalid_value("spec", "", why))
    devices = spec.get("devices") or _NONE
    tainted = {name_of(device): device.get("taints") for device in (old or {}).get("devices") or _NONE}
    is_per_device = bool(spec.get("perDeviceNodeSelection"))

    def check_device(device: Obj, path: str, found: Errors) -> None:
        _check_device(device, path, found, tainted=tainted, is_per_device=is_per_device)

    most = _DEVICES_ADVANCED_MAX if any(map(_is_advanced, devices)) else _DEVICES_MAX
    check_set(devices, most, check_device, name_of, "spec.devices", found)
    counters = spec.get("sharedCounters") or _NONE
    check_set(counters, _COUNTER_SETS_MAX, _check_counter_set, name_of, "spec.sharedCounters", found)


def _check_pool(pool: Obj, path: str, found: Errors) -> None:
    check_pool_name(name_of(pool), f"{path}.name", found)
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if count <= 0:
        found.append(errors.invalid_value(f"{path}.resourceSliceCount", count, "must be greater than zero"))
    if generation < 0:
        why = "must be greater than or equal to zero"
        found.append(errors.invalid_value(f"{path}.generation", generation, why))


def _check_kept(spec: Obj, old: Obj, found: Errors) -> None:
    was, now = old.get("pool") or {}, spec.get("pool") or {}
    for path, before, after in (
        ("spec.pool.name", was.get("name"), now.get("name")),
        ("spec.driver", old.get("driver"), spec.get("driver")),
        ("spec.nodeName", old.get("nodeName"), spec.get("nodeName")),
    ):
        if before != after:
            found.append(errors.invalid_value(path, after, IMMUTABLE_TEXT))


def _is_advanced(device: Obj) -> bool:
    attributes = (device.get("attributes") or {}).values()
    return bool(device.get("taints") or device.get("consumesCounters")) or any(
        attribute.get(field) is not None for attribute in attributes for field in _LISTS
    )


def _check_where(spec: Obj, found: Errors) -> None:
    """On which nodes the devices are: said in one way."""
    ways: list[str] = []
    node, selector = spec.get("nodeName"), spec.get("nodeSelector")
    if node:
        ways.append("`nodeName`")
        check_messages(names.dns1123_subdomain(node), node, "spec.nodeName", found)
    elif node is not None:
        why = "must be either unset or set to a non-empty string"
        found.append(errors.invalid_value("spec.nodeName", node, why))
    if selector is not None:
        ways.append("`nodeSelector`")
        check_node_selector(selector, "spec.nodeSelector", found)
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            why = "must have exactly one node selector term"
            shown = internals.each("NodeSelectorTerm", terms)
            found.append(errors.invalid_value("spec.nodeSelector.nodeSelectorTerms", shown, why))
    for field in ("allNodes", "perDeviceNodeSelection"):
        _check_true(spec, field, "spec", ways, found)
    which = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
    if not ways:
        found.append(errors.required("spec", which))
    elif len(ways) > 1:
        why = f"{which}, but multiple fields are set"
        found.append(errors.invalid_value("spec", f"{{{', '.join(ways)}}}", why))


def _check_true(holder: Obj, field: str, path: str, ways: list[str], found: Errors) -> None:
    if holder.get(field):
        ways.append(f"`{field}`")
    elif holder.get(field) is not None:
        why = "must be either unset or set to true"
        found.append(errors.invalid_value(f"{path}.{field}", holder[field], why))


def _check_counter_set(counters: Obj, path: str, found: Errors) -> None:
    _check_counters(counters, "name", _COUNTERS_MAX, path, found)


def _check_consumption(consumption: Obj, path: str, found: Errors) -> None:
    _check_counters(consumption, "counterSet", _COUNTERS_MAX, path, found)


def _check_counters(holder: Obj, field: str, most: int, path: str, found: Errors) -> None:
    name, counters = holder.get(field) or "", holder.get("counters") or {}
    if not name:
        found.append(errors.required(f"{path}.{field}"))
    else:
        check_messages(names.dns1123_label(name), name, f"{path}.{field}", found)
    if not counters:
        found.append(errors.required(f"{path}.counters"))
    elif len(counters) > most:
        found.append(errors.too_many(f"{path}.counters", len(counters), most))
    else:
        for key in counters:
            check_messages(names.dns1123_label(key), key, f"{path}.counters", found)


# -- devices ---------------------------------------------------------------------------------------------------


def _check_device(
    device: Obj, path: str, found: Errors, *, tainted: dict[str, Any], is_per_device: bool
) -> None:
    name = name_of(device)
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    check_device_name(name, f"{path}.name", found)
    _check_amounts(attributes, len(capacity), path, found)
    for key, attribute in attributes.items():
        check_qualified_name(key, f"{path}.attributes", found)
        _check_attribute(attribute or {}, f"{path}.attributes[{_shortened(key)}]", found)
    for key, amount in capacity.items():
        check_qualified_name(key, f"{path}.capacity", found)
        is_shared = bool(device.get("allowMultipleAllocations"))
        _check_capacity(amount or {}, f"{path}.capacity[{_shortened(key)}]", is_shared, found)
    taints = device.get("taints") or []
    if name not in tainted or not same(tainted[name], taints):
        check_list(taints, _TAINTS_MAX, check_taint, f"{path}.taints", found)
    consumed = device.get("consumesCounters") or _NONE
    check_set(
        consumed,
        _CONSUMPTIONS_MAX,
        _check_consumption,
        lambda consumption: consumption.get("counterSet") or "",
        f"{path}.consumesCounters",
        found,
    )
    _check_device_where(device, path, is_per_device, found)
    check_binding(device, path, found)
    _check_mappings(device.get("nodeAllocatableResourceMappings") or {}, capacity, path, found)


def _shortened(key: str) -> str:
    """Source: truncateIfTooLong."""
    if len(key) <= _KEY_MAX:
        return key
    rest = _KEY_MAX - 3
    return f"{key[: (rest + 1) // 2]}...{key[len(key) - rest // 2 :]}"


def _check_amounts(attributes: Obj, capacities: int, path: str, found: Errors) -> None:
    total = len(attributes) + capacities
    if total > _PROPERTIES_MAX:
        why = f"the total number of attributes and capacities must not exceed {_PROPERTIES_MAX}"
        found.append(errors.invalid_value(path, total, why))
    values = sum(
        sum(len(attribute.get(field) or _NONE) for field in _LISTS) or 1 for attribute in attributes.values()
    )
    if values > _VALUES_MAX:
        why = f"the total number of attribute values must not exceed {_VALUES_MAX}"
        found.append(errors.invalid_value(path, values, why))


def _check_text(value: str, path: str, found: Errors) -> None:
    if len(value.encode()) > _VALUE_MAX:
        found.append(errors.too_long(path, _VALUE_MAX))


def _check_version(value: str, path: str, found: Errors) -> None:
    if not _match_version(value):
        why = "must be a string compatible with semver.org spec 2.0.0"
        found.append(errors.invalid_value(path, value, why))
    _check_text(value, path, found)


def _check_anything(value: Any, path: str, found: Errors) -> None:
    """Any number and any truth value will do."""


_CHECKS: dict[str, Items] = {"string": _check_text, "version": _check_version}


def _check_attribute(attribute: Obj, path: str, found: Errors) -> None:
    """One value, or one list of them. Source: validateDeviceAttribute."""
    given = [field for field in _VALUES if attribute.get(field) is not None]
    for field in given:
        check = _CHECKS.get(field.removesuffix("s"), _check_anything)
        if field not in _LISTS:
            check(attribute[field], f"{path}.{field}", found)
            continue
        if not attribute[field]:
            found.append(errors.invalid_value(f"{path}.{field}", [], "must not be empty if specified"))
        for index, item in enumerate(attribute[field]):
            check(item, f"{path}.{field}[{index}]", found)
    if len(given) != 1:
        shown = _internal_attribute(attribute) if given else ""
        found.append(errors.invalid_value(path, shown, "exactly one value must be specified"))


def _internal_attribute(attribute: Obj) -> Obj:
    """As Go prints the internal struct."""
    fields = ("int", "bool", "string", "version", "ints", "bools", "strings", "versions")
    return {
        f"{field.removesuffix('s').title()}Value{'s' * (field in _LISTS)}": attribute.get(field)
        for field in fields
    }


def _check_capacity(capacity: Obj, path: str, is_shared: bool, found: Errors) -> None:
    policy, here = capacity.get("requestPolicy"), f"{path}.requestPolicy"
    if policy is None:
        return
    if not is_shared:
        found.append(errors.forbidden_field(here, "allowMultipleAllocations must be true"))
        return
    values, range_ = policy.get("validValues") or [], policy.get("validRange")
    if values and range_ is not None:
        why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        found.append(errors.forbidden_field(here, why))
        return
    default, most = policy.get("default"), capacity.get("value") or "0"
    if not values and range_ is None:
        return
    if default is None:
        which = "validValues" if values else "validRange"
        found.append(errors.required(f"{here}.default", f"required when {which} is defined"))
    elif values:
        _check_options(values, default, most, f"{here}.validValues", found)
    elif range_ is not None:
        _check_range(range_, default, most, f"{here}.validRange", found)


def _check_options(values: list[str], default: str, most: str, path: str, found: Errors) -> None:
    amounts = [quantity.nano(value) for value in values]
    for index in range(1, len(values)):
        if amounts[index - 1] > amounts[index]:
            why = "values must be sorted in ascending order"
            found.append(errors.invalid_value(f"{path}[{index}]", values[index], why))

    def check_option(value: str, at: str, found: Errors) -> None:
        if quantity.nano(value) > quantity.nano(most):
            why = f"option is larger than capacity value: {most}"
            found.append(errors.invalid_value(at, value, why))

    check_set(values, _OPTIONS_MAX, check_option, lambda value: str(quantity.value(value)), path, found)
    # More than there may be are not looked at, and none of them is the default.
    if len(values) > _OPTIONS_MAX or quantity.nano(default) not in amounts:
        why = "default value is not valid according to the requestPolicy"
        found.append(errors.invalid_value(path, default, why))


def _check_range(range_: Obj, default: str, capacity: str, path: str, found: Errors) -> None:
    low, high, step = range_.get("min"), range_.get("max"), range_.get("step")
    if low is None:
        found.append(errors.required(f"{path}.min", "required when validRange is defined"))
        return
    nano = quantity.nano

    def refuse(field: str, shown: str, why: str) -> None:
        found.append(errors.invalid_value(f"{path}.{field}", shown, why))

    if nano(low) > nano(capacity):
        refuse("min", low, f"min is larger than capacity value: {capacity}")
    if nano(default) < nano(low):
        refuse("min", default, f"default is less than min: {low}")
    if high is not None:
        if nano(low) > nano(high):
            refuse("max", low, f"min is larger than max: {high}")
        if nano(high) > nano(capacity):
            refuse("max", high, f"max is larger than capacity value: {capacity}")
        if nano(default) > nano(high):
            refuse("max", default, f"default is more than max: {high}")
    if step is not None:
        added = quantity.parse(low) + quantity.parse(step)
        if nano(low) + nano(step) > nano(capacity):
            refuse("step", step, f"one step {added.canonical()} is larger than capacity value: {capacity}")
        steps = Steps(range_)
        for value in (default, high):
            if value is not None and not steps.is_on_one(quantity.parse(value)):
                refuse("step", value, f"value is not a multiple of a given step ({step}) from ({low})")


def _check_device_where(device: Obj, path: str, is_per_device: bool, found: Errors) -> None:
    node, selector = device.get("nodeName"), device.get("nodeSelector")
    if not is_per_device:
        if not (node is None and selector is None and device.get("allNodes") is None):
            why = (
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` "
                "is set to true in the ResourceSlice spec"
            )
            found.append(errors.invalid_value(path, None, why))
        return
    ways: list[str] = []
    if node:
        ways.append("`nodeName`")
        check_messages(names.dns1123_subdomain(node), node, f"{path}.nodeName", found)
    elif node is not None:
        found.append(errors.invalid_value(f"{path}.nodeName", node, "must not be empty"))
    if selector is not None:
        ways.append("`nodeSelector`")
        check_node_selector(selector, f"{path}.nodeSelector", found)
    _check_true(device, "allNodes", path, ways, found)
    which = (
        "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` "
        "is set to true in the ResourceSlice spec"
    )
    if not ways:
        found.append(errors.required(path, which))
    elif len(ways) > 1:
        found.append(errors.invalid_value(path, f"{{{', '.join(ways)}}}", which))


def _check_mappings(mappings: Obj, capacity: Obj, path: str, found: Errors) -> None:
    """Source: validateNodeAllocatableResourceMappings."""
    for name, mapping in mappings.items():
        here = f"{path}.nodeAllocatableResourceMappings[{name}]"
        if not names.is_native_resource(name):
            found.append(errors.invalid_value(here, name, "must be a node allocatable resource name"))
        multiplier, key = mapping.get("allocationMultiplier"), mapping.get("capacityKey")
        if multiplier is None and key is None:
            why = "at least one of allocationMultiplier or capacityKey must be set"
            found.append(errors.invalid_value(here, "", why))
        if multiplier is not None and quantity.nano(multiplier) <= 0:
            found.append(errors.invalid_value(f"{here}.allocationMultiplier", multiplier, "must be positive"))
        if key == "":
            why = "capacityKey must not be an empty string"
            found.append(errors.invalid_value(f"{here}.capacityKey", "", why))
        elif key is not None and key not in capacity:
            found.append(errors.not_found_field(f"{here}.capacityKey", key))
