"""JSON patches as mutating policies apply them: RFC 6902 in the words of the library that upstream uses.

`apply` gives a new document; what was given stays as it is and may be shared with it.

Differs: a patch that goes through a list by an index which is none is refused; upstream's library panics at some.

Source: gopkg.in/evanphx/json-patch.v4 patch.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api.objects import Obj


class PatchError(Exception):
    """An operation cannot be carried out."""


class TestFailed(PatchError):
    __test__ = False


def apply(document: Obj, operations: Sequence[Obj]) -> Any:
    """Raises TestFailed, PatchError."""
    root = [_copied(document)]
    for operation in operations:
        act = _OPERATIONS.get(operation["op"])
        if act is None:
            raise PatchError(f"Unexpected kind: {operation['op']}")
        act(root, operation)
    return root[0]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _holder(root: list[Any], path: str) -> tuple[Any, str]:
    """(the object or list that a path ends in, its last step); (None, "") if the way there is not."""
    steps = path.split("/")
    if len(steps) < 2:
        return None, ""
    at = root[0]
    for step in steps[1:-1]:
        try:
            at = _get(at, _decoded(step))
        except PatchError:
            return None, ""
        if not isinstance(at, dict | list):
            return None, ""
    return at, _decoded(steps[-1])


def _decoded(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _get(holder: Any, key: str) -> Any:
    """None for a key that an object does not have. Raises PatchError for an index that a list does not have."""
    return holder.get(key) if isinstance(holder, dict) else holder[_index(holder, key, len(holder) - 1)]


def _index(holder: list[Any], key: str, index_max: int) -> int:
    index = _integer(key)
    if not -len(holder) - (index_max == len(holder)) <= index <= index_max:
        raise PatchError(f"Unable to access invalid index: {index}: invalid index referenced")
    return index if index >= 0 else index + index_max + 1


def _integer(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise PatchError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _put(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    elif key == "-":
        holder.append(value)
    else:
        try:
            _integer(key)
        except PatchError as error:
            raise PatchError(f"value was not a proper array index: '{key}': {error}")
        holder.insert(_index(holder, key, len(holder)), value)


def _drop(holder: Any, key: str) -> None:
    if isinstance(holder, list):
        del holder[_index(holder, key, len(holder) - 1)]
    elif key in holder:
        del holder[key]
    else:
        raise PatchError(f"Unable to remove nonexistent key: {key}: missing value")


def _add(root: list[Any], operation: Obj) -> None:
    path = operation["path"]
    holder, key = _holder(root, path)
    if holder is None:
        raise PatchError(f'add operation does not apply: doc is missing path: "{path}": missing value')
    _within(f"error in add for path: '{path}'", lambda: _put(holder, key, _copied(operation.get("value"))))


def _remove(root: list[Any], operation: Obj) -> None:
    path = operation["path"]
    holder, key = _holder(root, path)
    if holder is None:
        raise PatchError(f'remove operation does not apply: doc is missing path: "{path}": missing value')
    _within(f"error in remove for path: '{path}'", lambda: _drop(holder, key))


def _replace(root: list[Any], operation: Obj) -> None:
    path, value = operation["path"], _copied(operation.get("value"))
    if path == "":
        if not isinstance(value, dict | list):
            raise PatchError("replace operation value must be object or array: %!w(<nil>)")
        root[0] = value
        return
    holder, key = _holder(root, path)
    if holder is None:
        raise PatchError(f"replace operation does not apply: doc is missing path: {path}: missing value")
    try:
        _get(holder, key)
    except PatchError:
        raise PatchError(f"replace operation does not apply: doc is missing key: {path}: missing value")
    holder[key if isinstance(holder, dict) else int(key)] = value


def _move(root: list[Any], operation: Obj) -> None:
    from_, path = _from(operation, "move"), operation["path"]
    holder, key = _holder(root, from_)
    if holder is None:
        raise PatchError(f"move operation does not apply: doc is missing from path: {from_}: missing value")
    where = f"error in move for path: '{key}'"
    value = _within(where, lambda: _get(holder, key))
    _within(where, lambda: _drop(holder, key))
    target, name = _holder(root, path)
    if target is None:
        raise PatchError(
            f"move operation does not apply: doc is missing destination path: {path}: missing value"
        )
    _within(f"error in move for path: '{path}'", lambda: _put(target, name, value))


def _test(root: list[Any], operation: Obj) -> None:
    path, wanted = operation["path"], operation.get("value")
    value = root[0]
    if path:
        holder, key = _holder(root, path)
        if holder is None:
            raise PatchError(f"test operation does not apply: is missing path: {path}: missing value")
        value = _within(f"error in test for path: '{path}'", lambda: _get(holder, key))
    if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
        raise TestFailed(f"testing value {path} failed: test failed")


def _copy(root: list[Any], operation: Obj) -> None:
    from_, path = _from(operation, "copy"), operation["path"]
    holder, key = _holder(root, from_)
    if holder is None:
        raise PatchError(f"copy operation does not apply: doc is missing from path: {from_}: missing value")
    value = _within(f"error in copy for from: '{from_}'", lambda: _get(holder, key))
    target, name = _holder(root, path)
    if target is None:
        raise PatchError(
            f"copy operation does not apply: doc is missing destination path: {path}: missing value"
        )
    _within("error while adding value during copy", lambda: _put(target, name, _copied(value)))


def _from(operation: Obj, what: str) -> str:
    if "from" not in operation:
        raise PatchError(
            f"{what} operation failed to decode from: operation, missing from field: missing value"
        )
    found: str = operation["from"]
    return found


def _within(where: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except PatchError as error:
        raise PatchError(f"{where}: {error}")


_OPERATIONS: dict[str, Callable[[list[Any], Obj], None]] = {
    "add": _add, "remove": _remove, "replace": _replace, "move": _move, "test": _test, "copy": _copy,
}  # fmt: skip
