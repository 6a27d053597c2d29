"""The small parts that a kind's rules are put together from.

A `Rule` looks at one object and adds its findings to a list; an `UpdateRule` compares new with old. Most rules of most
kinds are made by a combinator from a dotted path: `required("spec.selector")`, `non_negative("spec.replicas")`,
`enum("spec.type", (...))`, `immutable("data")`. What depends on more than one field is a function of its kind's module.

Paths are spelled as upstream's field.Path prints them; a list's item is `path[3]`, a map's entry `path[key]`.
Source: apimachinery pkg/util/validation/field/path.go, pkg/api/validation/*.go, kubernetes pkg/apis/core/validation.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct, field

from kubepy.api import errors, internals, names, quantity, selectors
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj

Errors = list[FieldError]
Rule = Callable[[Obj, Errors], None]
UpdateRule = Callable[[Obj, Obj, Errors], None]
# A check of one value at a path: check(value, path, errors).
Check = Callable[[Any, str, Errors], None]

IMMUTABLE_TEXT = "field is immutable"
INT32_MAX = 2**31 - 1


class Kind(Struct, frozen=True):
    """How one kind is validated, beyond the metadata rules that hold for all."""

    name: names.NameCheck = names.name_is_dns_subdomain
    rules: tuple[Rule, ...] = ()  # on create and on update
    create: tuple[Rule, ...] = ()  # on create only
    update: tuple[UpdateRule, ...] = ()  # on update only
    # subresource -> its own rules; one that is not named here has only the metadata rules.
    subresources: Mapping[str, tuple[UpdateRule, ...]] = field(default_factory=dict)


# -- reaching in -----------------------------------------------------------------------------------------------


def getter(path: str) -> Callable[[Obj], Any]:
    """A function to the value at a dotted path, None when something on the way is missing."""
    steps = tuple(path.split("."))
    if len(steps) == 1:
        key = steps[0]
        return lambda obj: obj.get(key)
    if len(steps) == 2:
        first, second = steps
        return lambda obj: (obj.get(first) or {}).get(second)

    def get(obj: Obj) -> Any:
        found: Any = obj
        for step in steps:
            found = found.get(step)
            if found is None:
                return None
        return found

    return get


def same(a: Any, b: Any) -> bool:
    """Semantic.DeepEqual, of what was decoded: an empty list equals a missing one, at every depth.

    Decoding drops zero values of fields that are no pointers, and empty maps; so a zero, a false, a "" or a {} that
    is there is a pointer to one, and differs from nothing.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return all(same(a.get(key), b.get(key)) for key in a.keys() | b.keys())
    if isinstance(a, list) or isinstance(b, list):
        a, b = a or [], b or []
        return isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a is b or (a == b and isinstance(a, bool) is isinstance(b, bool))


# -- checks of one value ---------------------------------------------------------------------------------------


def check_messages(messages: Iterable[str], value: Any, path: str, found: Errors) -> None:
    for message in messages:
        found.append(errors.invalid_value(path, value, message))


def check_non_negative(value: Any, path: str, found: Errors) -> None:
    if value is not None and value < 0:
        found.append(errors.invalid_value(path, value, names.NON_NEGATIVE_TEXT))


def check_positive(value: Any, path: str, found: Errors) -> None:
    if value is not None and value <= 0:
        found.append(errors.invalid_value(path, value, "must be greater than 0"))


def check_range(low: int, high: int) -> Check:
    def check(value: Any, path: str, found: Errors) -> None:
        if value is not None and not low <= value <= high:
            found.append(errors.invalid_value(path, value, names.range_text(low, high)))

    return check


def check_enum(values: Sequence[str]) -> Check:
    """Nothing where nothing is set; see `check_required_enum`."""
    allowed = frozenset(values)

    def check(value: Any, path: str, found: Errors) -> None:
        if value is not None and value not in allowed:
            found.append(errors.not_supported(path, value, values))

    return check


def check_required_enum(values: Sequence[str]) -> Check:
    allowed = frozenset(values)

    def check(value: Any, path: str, found: Errors) -> None:
        if not value:
            found.append(errors.required(path))
        elif value not in allowed:
            found.append(errors.not_supported(path, value, values))

    return check


def check_name(name_check: names.Check) -> Check:
    """Nothing where nothing is set; else the messages of a name check."""

    def check(value: Any, path: str, found: Errors) -> None:
        if value:
            check_messages(name_check(value), value, path, found)

    return check


def check_required_path_segment(value: Any, path: str, found: Errors) -> None:
    """What becomes a part of a URL's path: a kind, a resource, a name."""
    if not value:
        found.append(errors.required(path))
    else:
        check_messages(names.path_segment(value), value, path, found)


def check_port(value: Any, path: str, found: Errors) -> None:
    """A port number or the name of one. Source: ValidatePortNumOrName."""
    if isinstance(value, str):
        check_messages(names.port_name(value), value, path, found)
    else:
        check_messages(names.port_number(value or 0), value or 0, path, found)


def check_int_or_percent(value: Any, path: str, found: Errors) -> None:
    """Source: apps ValidatePositiveIntOrPercent, which lets 0 pass."""
    if isinstance(value, str):
        check_messages(names.percent(value), value, path, found)
    else:
        check_non_negative(value, path, found)


def percent_of(value: Any) -> int | None:
    """25 for "25%", None for anything that is no percentage."""
    return int(value[:-1]) if isinstance(value, str) and not names.percent(value) else None


def check_at_most_100_percent(value: Any, path: str, found: Errors) -> None:
    amount = percent_of(value)
    if amount is not None and amount > 100:
        found.append(errors.invalid_value(path, value, "must not be greater than 100%"))


def check_labels(labels: Any, path: str, found: Errors) -> None:
    """Keys and values of a label map. Source: meta/v1/validation ValidateLabels."""
    if not labels:
        return
    for key, value in labels.items():
        if messages := names.label_key(key):
            check_messages(messages, key, path, found)
        if messages := names.label_value(value):
            check_messages(messages, value, path, found)


def check_label_key(value: Any, path: str, found: Errors) -> None:
    check_messages(names.label_key(value or ""), value or "", path, found)


def check_label_selector(selector: Any, path: str, found: Errors) -> None:
    """Source: meta/v1/validation ValidateLabelSelector."""
    if not selector:
        return
    check_labels(selector.get("matchLabels"), f"{path}.matchLabels", found)
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        at = f"{path}.matchExpressions[{index}]"
        operator, values = expression.get("operator", ""), expression.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                why = "must be specified when `operator` is 'In' or 'NotIn'"
                found.append(errors.required(f"{at}.values", why))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(errors.forbidden_field(f"{at}.values", why))
        else:
            found.append(errors.invalid_value(f"{at}.operator", operator, "not a valid selector operator"))
        check_label_key(expression.get("key"), f"{at}.key", found)
        for number, value in enumerate(values):
            check_messages(names.label_value(value), value, f"{at}.values[{number}]", found)


def selects_nothing_in_particular(selector: Obj) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def selector_of(selector: Obj) -> selectors.LabelSelector | None:
    """The compiled selector, None when it is invalid."""
    try:
        return selectors.from_label_selector(selector)
    except ValueError:
        return None


def check_quantity_non_negative(value: Any, path: str, found: Errors) -> None:
    if value is not None and quantity.nano(value) < 0:
        found.append(errors.invalid_value(path, value, names.NON_NEGATIVE_TEXT))


# -- addresses -------------------------------------------------------------------------------------------------

IP_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_TEXT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, None when the text is none; zones and leading zeros are refused."""
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


# Zeros before the number of an IPv4 octet, of a prefix length: what older software read past, and newer refuses.
_drop_zeros = partial(re.compile(r"(?<![0-9a-fA-F])0+(?=[0-9]+\.)|(?<=[./])0+(?=[0-9])").sub, "")


def check_ip(value: Any, path: str, found: Errors) -> None:
    """Source: apimachinery pkg/util/validation/ip.go IsValidIPForLegacyField, strict."""
    if why := against_ip(value or ""):
        found.append(errors.invalid_value(path, value or "", why))


def against_ip(text: str) -> str:
    """Why it is no address; "" if it is one."""
    address = parse_ip(text)
    if address is None:
        return IP_TEXT if parse_ip(_drop_zeros(text)) is None else "must not have leading 0s"
    is_mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
    return "must not be an IPv4-mapped IPv6 address" if is_mapped else ""


def check_cidr(value: Any, path: str, found: Errors) -> None:
    """Source: apimachinery pkg/util/validation/ip.go IsValidCIDRForLegacyField, strict."""
    value = value or ""
    interface = _parse_cidr(value)
    if interface is None:
        has_zeros = _parse_cidr(_drop_zeros(value)) is not None
        why = "must not have leading 0s in IP or prefix length" if has_zeros else CIDR_TEXT
        found.append(errors.invalid_value(path, value, why))
    elif isinstance(interface, ipaddress.IPv6Interface) and interface.ip.ipv4_mapped:
        found.append(errors.invalid_value(path, value, "must not have an IPv4-mapped IPv6 address"))
    elif interface.ip != interface.network.network_address:
        found.append(errors.invalid_value(path, value, "must not have bits set beyond the prefix length"))


_match_prefix = re.compile("0|[1-9][0-9]{0,2}").fullmatch


def _parse_cidr(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    if "%" in text or not _match_prefix(text.rpartition("/")[2]):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


# -- rules from checks -----------------------------------------------------------------------------------------


def at(path: str, *checks: Check) -> Rule:
    """Checks of the value at a path."""
    get = getter(path)

    def rule(obj: Obj, found: Errors) -> None:
        value = get(obj)
        for check in checks:
            check(value, path, found)

    return rule


def required(path: str, detail: str = "") -> Rule:
    """There must be something: not missing, "", [] or {}."""
    get = getter(path)

    def rule(obj: Obj, found: Errors) -> None:
        if get(obj) in (None, "", [], {}):
            found.append(errors.required(path, detail))

    return rule


def non_negative(*paths: str) -> Rule:
    return _for_all(paths, check_non_negative)


def positive(*paths: str) -> Rule:
    return _for_all(paths, check_positive)


def _for_all(paths: Sequence[str], check: Check) -> Rule:
    pairs = tuple((path, getter(path)) for path in paths)

    def rule(obj: Obj, found: Errors) -> None:
        for path, get in pairs:
            check(get(obj), path, found)

    return rule


def enum(path: str, values: Sequence[str]) -> Rule:
    return at(path, check_enum(values))


def required_enum(path: str, values: Sequence[str]) -> Rule:
    return at(path, check_required_enum(values))


def each(path: str, check: Check) -> Rule:
    """A check of every item of the list at a path."""
    get = getter(path)

    def rule(obj: Obj, found: Errors) -> None:
        for index, item in enumerate(get(obj) or ()):
            check(item, f"{path}[{index}]", found)

    return rule


def immutable(path: str, detail: str = IMMUTABLE_TEXT, *, struct: str = "", zero: Any = None) -> UpdateRule:
    """`struct` is what Go's internal type is called, for findings that show one; `zero` stands for nothing."""
    get = getter(path)

    def rule(new: Obj, old: Obj, found: Errors) -> None:
        value = get(new)
        if not same(value, get(old)):
            shown = internals.of(struct, value) if struct else zero if value is None else value
            found.append(errors.invalid_value(path, shown, detail))

    return rule


def on_update(*rules: Rule) -> tuple[UpdateRule, ...]:
    """Rules that look at the new object only, in the place of update rules."""

    def bind(rule: Rule) -> UpdateRule:
        return lambda new, old, found: rule(new, found)

    return tuple(bind(rule) for rule in rules)


def not_above(path: str, limit_path: str, detail: str) -> Rule:
    """A count must not be greater than another one."""
    get, get_limit = getter(path), getter(limit_path)

    def rule(obj: Obj, found: Errors) -> None:
        value = get(obj) or 0
        if value > (get_limit(obj) or 0):
            found.append(errors.invalid_value(path, value, detail))

    return rule


def not_decremented(path: str) -> UpdateRule:
    """Source: core validation.IsDecremented."""
    get = getter(path)

    def rule(new: Obj, old: Obj, found: Errors) -> None:
        before = get(old)
        after = get(new) or 0
        if before is not None and after < before:
            found.append(errors.invalid_value(path, after, "cannot be decremented"))

    return rule
