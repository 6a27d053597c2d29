from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.jsonpath import compile_path

OBJ = {
    "spec": {"color": "red", "a.b": 1, "list": [1, 2, 3]},
    "status": {"conditions": [{"type": "A", "status": "False"}, {"type": "Ready", "status": "True", "n": 3}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.color", ["red"]),
        (".spec['a.b']", [1]),
        (r".spec.a\.b", [1]),
        (".spec.none", []),
        (".none.color", []),
        (".spec.list[1]", [2]),
        (".spec.list[-1]", [3]),
        (".spec.list[9]", []),
        (".spec.list[1:]", [2, 3]),
        (".spec.list[*]", [1, 2, 3]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='A')].status", ["False"]),
        (".status.conditions[?(@.n>2)].type", ["Ready"]),
        (".status.conditions[?(@.n)].type", ["Ready"]),
        (".status.conditions[*].type", ["A", "Ready"]),
    ],
)
def test_paths_find(path: str, found: list[Any]) -> None:
    assert compile_path(path)(OBJ) == found


@pytest.mark.parametrize("path", ["spec", "..a", ".a[", ".a[b]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="unrecognized path"):
        compile_path(path)
