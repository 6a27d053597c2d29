"""Strategic merge patch: a merge patch that knows which lists are maps by a key.

The schema says for each field whether a list replaces (default) or merges, by which key, and whether a struct keeps
only what the patch names. The patch may carry directives:

    $patch: replace | delete | merge        of the map it stands in, or of the list whose item it is
    $deleteFromPrimitiveList/<field>: [..]  take these out of a merged list of scalars
    $setElementOrder/<field>: [..]          the order the client wants the list to have
    $retainKeys: [..]                       drop every other key of this map

Example, merging by name: [{name: a, image: x}, {name: b}] and
the patch [{name: b, $patch: delete}, {name: a, image: y}] give [{name: a, image: y}].

Both arguments are changed; pass copies. The texts are Go's, printing of values included as far as it is simple.

Source: apimachinery pkg/util/strategicpatch/patch.go (StrategicMergeMapPatchUsingLookupPatchMeta), pkg/util/mergepatch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kubepy.api.errors import BadRequest, StatusError, quote
from kubepy.api.objects import Obj
from kubepy.api.schema import PatchMeta
from kubepy.apiserver.patch import errors

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList"
SET_ORDER = "$setElementOrder"

_BAD_PRIMITIVE_LIST = "invalid patch format of primitive list"
_BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
_BAD_ORDER = "invalid patch format of setElementOrder list"


class PatchError(StatusError):
    """What upstream passes on as it is: 500 without a reason."""

    code, reason = 500, ""


class _How(NamedTuple):
    """What the schema says about one field. `meta` None: nothing is known below."""

    meta: PatchMeta | None
    replaces: bool
    merges: bool
    key: str


_UNKNOWN = _How(None, False, False, "")


def apply(current: Obj, patch: Obj, meta: PatchMeta | None) -> Obj:
    """The wanted object. Raises BadRequest for bad directives, 422 and 500 as upstream."""
    return _merge_map(current, patch, meta)


def _how(meta: PatchMeta | None, field: str) -> _How:
    if meta is None or (found := meta.field(field)) is None:
        return _UNKNOWN
    strategies = found.strategies
    return _How(found.meta, "replace" in strategies, "merge" in strategies, found.merge_key)


def _merge_map(current: Obj, patch: Obj, meta: PatchMeta | None) -> Obj:
    if DIRECTIVE in patch:
        return _directed(patch)
    _retain_keys(current, patch)
    _apply_orders(current, patch, meta)
    for key, value in patch.items():
        deletes = key.startswith(DELETE_FROM)
        field = _field_of(key, DELETE_FROM, _BAD_PRIMITIVE_LIST) if deletes else key
        if value is None:
            current.pop(field, None)
            continue
        existing: Any = current.get(field)
        if field not in current or not _same_type(existing, value):
            if not deletes:
                _take(current, field, _without_nulls(value))
            continue
        if isinstance(value, dict):
            how = _how(meta, field)
            current[field] = value if how.replaces else _merge_map(existing, value, how.meta)
        elif isinstance(value, list):
            how = _how(meta, field)
            if how.merges or deletes:
                current[field] = _merge_list(existing, value, how, deletes=deletes)
            else:
                current[field] = value
        else:
            current[field] = value
    return current


def _directed(patch: Obj) -> Obj:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        del patch[DIRECTIVE]
        return patch
    if directive == "delete":
        return {}
    raise _unknown_type(directive, patch)


def _unknown_type(directive: Any, patch: Obj) -> PatchError:
    """Source: mergepatch.ErrBadPatchType."""
    return PatchError(f"unknown patch type: {_go_string(directive)} in map: {go_text(patch)}")


def _take(current: Obj, field: str, value: Any) -> None:
    kept, is_kept = _without_directives(value)
    if is_kept:
        current[field] = kept
    else:
        current.pop(field, None)


def _same_type(a: Any, b: Any) -> bool:
    # Go has one type for whole numbers and another for fractions.
    return type(a) is type(b)


def _retain_keys(current: Obj, patch: Obj) -> None:
    if RETAIN_KEYS not in patch:
        return
    retained = patch.pop(RETAIN_KEYS)
    if not isinstance(retained, list):
        raise BadRequest(_BAD_RETAIN_KEYS)
    keys = {key for key in retained if isinstance(key, str)}
    for key, value in patch.items():
        if value is not None and not key.startswith((DELETE_FROM, SET_ORDER)) and key not in keys:
            raise BadRequest(_BAD_RETAIN_KEYS)
    for key in [key for key in current if key not in keys]:
        del current[key]


def _field_of(key: str, prefix: str, why: str) -> str:
    head, slash, field = key.partition("/")
    if not slash or head != prefix:
        raise BadRequest(why)
    return field


# -- lists -------------------------------------------------------------------------------------------------------


def _merge_list(current: list[Any], patch: list[Any], how: _How, *, deletes: bool) -> list[Any]:
    if not current and not patch:
        return current
    if not _hold_maps(current, patch):
        if deletes:
            return [item for item in current if item not in patch]
        merged = _unique([*current, *patch])
        named, others = _partition(merged, patch, "")
        return _ordered(named, others, patch, current, "", are_maps=False)
    if not how.key:
        kind = "struct" if how.meta is not None else "string"
        raise PatchError(f"cannot merge lists without merge key for {kind}")
    current, patch = _list_directives(current, patch, how.key)
    before = list(current)
    merged = _merge_items(current, patch, how)
    named, others = _partition(merged, patch, how.key)
    return _ordered(named, others, patch, before, how.key, are_maps=True)


def _list_directives(current: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Carry out the $patch items; what is left of both lists."""
    rest: list[Any] = []
    replaces = False
    for item in patch:
        if DIRECTIVE not in item:
            rest.append(item)
            continue
        directive = item[DIRECTIVE]
        if directive == "delete":
            if key not in item:
                raise _no_merge_key(item, key)
            current = [other for other in current if not (key in other and other[key] == item[key])]
        elif directive == "replace":
            replaces = True
        elif directive == "merge":
            raise PatchError("merging lists cannot yet be specified in the patch")
        else:
            raise _unknown_type(directive, item)
    return (rest, []) if replaces else (current, rest)


def _merge_items(current: list[Any], patch: list[Any], how: _How) -> list[Any]:
    for item in patch:
        if how.key not in item:
            raise _no_merge_key(item, how.key)
        at = _find(current, how.key, item[how.key])
        if at is None:
            current.append(item)
        else:
            current[at] = _merge_map(current[at], item, how.meta)
    return current


def _find(items: Sequence[Any], key: str, value: Any) -> int | None:
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise PatchError(f"value for key {index} is not a map")
        if key in item and item[key] == value:
            return index
    return None


def _partition(items: list[Any], by: Sequence[Any], key: str) -> tuple[list[Any], list[Any]]:
    """(those that `by` names, the others)."""
    if not key:
        return [item for item in items if item in by], [item for item in items if item not in by]
    named: list[Any] = []
    others: list[Any] = []
    for item in items:
        is_named = _find(by, key, _identity(item, key)) is not None
        (named if is_named else others).append(item)
    return named, others


def _apply_orders(current: Obj, patch: Obj, meta: PatchMeta | None) -> None:
    """Each $setElementOrder together with the list it orders; both are then done with."""
    for directive in [key for key in patch if key.startswith(SET_ORDER)]:
        order = patch.pop(directive)
        if not isinstance(order, list):
            raise _bad_type("[]interface {}", order)
        field = _field_of(directive, SET_ORDER, _BAD_ORDER)
        has_current, has_patch = field in current, field in patch
        mine, theirs = current.get(field), patch.get(field)
        for found, value in ((has_current, mine), (has_patch, theirs)):
            if found and not isinstance(value, list):
                raise _bad_type("[]interface {}", value)
        if meta is not None and meta.field(field) is None:
            raise PatchError(
                f"unable to find api field in struct {meta.struct} for the json field {quote(field)}"
            )
        how = _how(meta, field)
        _check_order(theirs or [], order, how.key)
        before = list(mine or [])
        if has_current and has_patch:
            assert mine is not None and theirs is not None
            merged = _merge_list(mine, theirs, how, deletes=False) if how.merges else theirs
        elif has_current:
            merged = list(mine or [])
        elif has_patch:
            merged = _without_directives(theirs)[0]
        else:
            continue
        named, others = _partition(merged, order, how.key)
        are_maps = _hold_maps(before, theirs or [])
        current[field] = _ordered(named, others, order, before, how.key, are_maps=are_maps)
        patch.pop(field, None)


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """What the patch adds must come in the order it asks for. Source: validatePatchWithSetOrderList."""
    if not order or not patch:
        return
    items = patch
    if key:
        items = [item for item in patch if _as_map(item).get(DIRECTIVE) != "delete"]
    at = place = 0
    while at < len(items) and place < len(order):
        item = items[at]
        if isinstance(item, dict) and DIRECTIVE in item:
            at += 1
            continue
        if _identity(item, key) == _identity(order[place], key):
            at += 1
        place += 1
    if at < len(items) and place >= len(order):
        raise PatchError(
            f"The order in patch list:\n{go_text(patch)}\n doesn't match {SET_ORDER} list:\n{go_text(order)}\n"
        )


def _ordered(
    named: list[Any],
    others: list[Any],
    order: Sequence[Any],
    before: Sequence[Any],
    key: str,
    *,
    are_maps: bool,
) -> list[Any]:
    """`named` in the wanted order, the server's own items between them where they were.
    Source: normalizeElementOrder."""
    if are_maps:
        # Lists that have no merge key have none of these.
        for item in (*named, *order, *others, *before):
            if key not in _as_map(item):
                raise _no_merge_key(item, key)
    named = _sorted_by(named, order, key)
    others = _sorted_by(others, before, key)
    place = _places(before, key)
    result: list[Any] = []
    i = j = 0
    while i < len(others) or j < len(named):
        if i >= len(others):
            result.append(named[j])
            j += 1
        elif j >= len(named):
            result.append(others[i])
            i += 1
        else:
            left, right = place(others[i]), place(named[j])
            if left >= 0 and right >= 0 and left < right:
                result.append(others[i])
                i += 1
            else:
                result.append(named[j])
                j += 1
    return result


def _sorted_by(items: list[Any], order: Sequence[Any], key: str) -> list[Any]:
    """Source: normalizeSliceOrder: sort.SliceStable, of up to twenty items an insertion sort; what is in no order comes
    before what stood there."""
    place = _places(order, key)
    placed = [(place(item), item) for item in items]
    for end in range(1, len(placed)):
        at = end
        while at and _goes_before(placed[at][0], placed[at - 1][0]):
            placed[at - 1], placed[at] = placed[at], placed[at - 1]
            at -= 1
    return [item for _, item in placed]


def _goes_before(place: int, other: int) -> bool:
    return place < other if place >= 0 and other >= 0 else True


def _places(order: Sequence[Any], key: str) -> Callable[[Any], int]:
    identities = [_identity(item, key) for item in order]

    def place(item: Any) -> int:
        try:
            return identities.index(_identity(item, key))
        except ValueError:
            return -1

    return place


def _identity(item: Any, key: str) -> Any:
    if not key:
        return item
    if key not in _as_map(item):
        raise _no_merge_key(item, key)
    return item[key]


def _as_map(item: Any) -> Obj:
    return item if isinstance(item, dict) else _not_a_map(item)


def _not_a_map(item: Any) -> Any:
    raise _bad_type("map[string]interface {}", item)


def _bad_type(expected: str, value: Any) -> PatchError:
    """Source: mergepatch.ErrBadArgType."""
    given = "%!s(<nil>)" if value is None else _go_type(value)
    return PatchError(f"expected a {expected}, but received a {given}")


def _hold_maps(*lists: list[Any]) -> bool:
    """Whether the items are maps; they must all be of one type. Source: sliceElementType."""
    types = {_go_type(item) for items in lists for item in items}
    if not types:
        raise PatchError("no elements in any of the given slices")
    if len(types) > 1:
        texts = " ".join(go_text(items) for items in lists)
        raise PatchError(f"list element types are not identical: [{texts}]")
    (found,) = types
    if found == "[]interface {}":
        # Upstream keeps to itself that lists of lists are not supported.
        raise errors.unprocessable()
    return found.startswith("map")


def _unique(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept


# -- values ------------------------------------------------------------------------------------------------------


def _without_nulls(value: Any) -> Any:
    """In place. Nulls inside lists stay."""
    if isinstance(value, dict):
        for key in [key for key, inner in value.items() if inner is None]:
            del value[key]
        for inner in value.values():
            _without_nulls(inner)
    elif isinstance(value, list):
        for inner in value:
            _without_nulls(inner)
    return value


def _without_directives(value: Any) -> tuple[Any, bool]:
    """(the value without maps that are directives, whether it is to be kept at all)."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None, False
        kept = {}
        for key, inner in value.items():
            new, is_kept = _without_directives(inner)
            if is_kept:
                kept[key] = new
        return kept, True
    if isinstance(value, list):
        return [new for new, is_kept in map(_without_directives, value) if is_kept], True
    return value, True


def _no_merge_key(item: Any, key: str) -> PatchError:
    return PatchError(f"map: {go_text(item)} does not contain declared merge key: {key}")


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return "float64"
    return "string" if isinstance(value, str) else "<nil>"


def _go_string(value: Any, *, is_inner: bool = False) -> str:
    """As fmt's %s prints what need not be a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = (f"{key}:{_go_string(value[key], is_inner=True)}" for key in sorted(value))
        return "map[" + " ".join(inner) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_go_string(item, is_inner=True) for item in value) + "]"
    if value is None:
        return "<nil>" if is_inner else "%!s(<nil>)"
    return f"%!s({_go_type(value)}={go_text(value)})"


def go_text(value: Any) -> str:
    """As fmt's %v prints maps and slices."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_text, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
