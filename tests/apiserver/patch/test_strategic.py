"""Cases of apimachinery pkg/util/strategicpatch/patch_test.go, on the schema of that test's MergeItem."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import DEPLOYMENTS, PODS
from kubepy.api.errors import StatusError
from kubepy.api.schema import PatchField, Schemas
from kubepy.apiserver.patch import strategic


class MergeItem:
    """The struct that upstream's cases are about; every field leads to itself."""

    _LISTS = {
        "mergingList": ("merge", "name"),
        "mergingIntList": ("merge", ""),
        "nonMergingList": ("", ""),
        "nonMergingIntList": ("", ""),
        "retainKeysMergingList": ("merge,retainKeys", "name"),
    }
    _MAPS = {"simpleMap": "", "replacingItem": "replace", "retainKeysMap": "retainKeys", "deeper": ""}

    def field(self, name: str) -> PatchField | None:
        me: Any = self
        if name in self._LISTS:
            strategy, key = self._LISTS[name]
            return PatchField(me, True, frozenset(filter(None, strategy.split(","))), key)
        if name in self._MAPS:
            return PatchField(me, False, frozenset(filter(None, self._MAPS[name].split(","))), "")
        return PatchField(None, False, frozenset(), "")


ITEM: Any = MergeItem()


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more} for name in names]


@pytest.mark.parametrize(
    ("current", "patch", "wanted"),
    [
        # scalars and maps
        ({}, {"name": "1", "value": 1}, {"name": "1", "value": 1}),
        ({"name": "1"}, {"name": None}, {}),
        ({"name": "1"}, {"value": None}, {"name": "1"}),
        ({"simpleMap": {"a": "1"}}, {"simpleMap": {"b": "2"}}, {"simpleMap": {"a": "1", "b": "2"}}),
        ({"simpleMap": {"a": "1"}}, {"simpleMap": {"a": None}}, {"simpleMap": {}}),
        (
            {"simpleMap": {"a": "1"}},
            {"simpleMap": {"$patch": "replace", "b": "2"}},
            {"simpleMap": {"b": "2"}},
        ),
        ({"simpleMap": {"a": "1"}}, {"simpleMap": {"$patch": "delete"}}, {"simpleMap": {}}),
        ({"replacingItem": {"a": "1"}}, {"replacingItem": {"b": "2"}}, {"replacingItem": {"b": "2"}}),
        ({}, {"simpleMap": {"a": None, "b": "1"}}, {"simpleMap": {"b": "1"}}),
        ({"value": 1}, {"value": {"a": None, "b": 1}}, {"value": {"b": 1}}),
        ({}, {"simpleMap": {"$patch": "delete"}}, {}),
        # lists that replace
        ({"nonMergingIntList": [1]}, {"nonMergingIntList": [2, 3]}, {"nonMergingIntList": [2, 3]}),
        ({"nonMergingList": named("1")}, {"nonMergingList": named("2")}, {"nonMergingList": named("2")}),
        # lists that merge by a key
        (
            {"mergingList": [{"name": "1"}, {"name": "2", "value": 2}]},
            {"mergingList": [{"name": "1", "value": "a"}, {"name": "3", "value": 3}]},
            {
                "mergingList": [
                    {"name": "1", "value": "a"},
                    {"name": "3", "value": 3},
                    {"name": "2", "value": 2},
                ]
            },
        ),
        ({}, {"mergingList": named("1")}, {"mergingList": named("1")}),
        (
            {"mergingList": named("1", "2")},
            {"mergingList": [{"$patch": "delete", "name": "1"}]},
            {"mergingList": named("2")},
        ),
        (
            {"mergingList": named("1", "2")},
            {"mergingList": [{"name": "3"}, {"$patch": "replace"}]},
            {"mergingList": named("3")},
        ),
        (
            {"mergingList": named("1", "2")},
            {"mergingList": [{"$patch": "replace"}]},
            {"mergingList": []},
        ),
        (
            {"mergingList": [{"name": "1", "simpleMap": {"a": "1"}}]},
            {"mergingList": [{"name": "1", "simpleMap": {"b": "2"}}]},
            {"mergingList": [{"name": "1", "simpleMap": {"a": "1", "b": "2"}}]},
        ),
        ({"mergingList": named("1")}, {"mergingList": None}, {}),
        # lists of scalars that merge
        ({"mergingIntList": [1, 2]}, {"mergingIntList": [2, 3]}, {"mergingIntList": [1, 2, 3]}),
        (
            {"mergingIntList": [1, 2, 3]},
            {"$deleteFromPrimitiveList/mergingIntList": [1, 3]},
            {"mergingIntList": [2]},
        ),
        ({}, {"$deleteFromPrimitiveList/mergingIntList": [1]}, {}),
        (
            {"mergingIntList": [1, 2, 3]},
            {"$deleteFromPrimitiveList/mergingIntList": [1], "$setElementOrder/mergingIntList": [3, 2]},
            {"mergingIntList": [3, 2]},
        ),
        # $setElementOrder
        (
            {"mergingList": named("1", "2", "3")},
            {"$setElementOrder/mergingList": named("3", "1", "2")},
            {"mergingList": named("3", "1", "2")},
        ),
        (
            {"mergingList": named("1", "server", "2")},
            {"$setElementOrder/mergingList": named("2", "1"), "mergingList": [{"name": "2", "value": 2}]},
            {"mergingList": [{"name": "server"}, {"name": "2", "value": 2}, {"name": "1"}]},
        ),
        (
            {"mergingList": named("1", "2")},
            {
                "$setElementOrder/mergingList": named("2", "3"),
                "mergingList": [{"name": "3"}, {"name": "1", "$patch": "delete"}],
            },
            {"mergingList": named("2", "3")},
        ),
        (
            {"mergingIntList": [1, 2, 3]},
            {"$setElementOrder/mergingIntList": [4, 1, 2, 3], "mergingIntList": [4]},
            {"mergingIntList": [4, 1, 2, 3]},
        ),
        ({}, {"$setElementOrder/mergingList": named("1")}, {}),
        (
            {},
            {"$setElementOrder/mergingList": named("2", "1"), "mergingList": named("2", "1")},
            {"mergingList": named("2", "1")},
        ),
        # $retainKeys
        (
            {"retainKeysMap": {"a": "1", "b": "2"}},
            {"retainKeysMap": {"$retainKeys": ["a", "c"], "c": "3"}},
            {"retainKeysMap": {"a": "1", "c": "3"}},
        ),
        (
            {"retainKeysMergingList": [{"name": "1", "a": 1}, {"name": "2"}]},
            {"retainKeysMergingList": [{"$retainKeys": ["name", "b"], "name": "1", "b": 1}]},
            {"retainKeysMergingList": [{"name": "1", "b": 1}, {"name": "2"}]},
        ),
    ],
)
def test_merge(current: Any, patch: Any, wanted: Any) -> None:
    assert strategic.apply(current, patch, ITEM) == wanted


@pytest.mark.parametrize(
    ("current", "patch", "code", "why"),
    [
        (
            {"simpleMap": {"a": 1}},
            {"simpleMap": {"$patch": "no"}},
            500,
            "unknown patch type: no in map: map[$patch:no]",
        ),
        ({}, {"$patch": 5}, 500, "unknown patch type: %!s(int64=5) in map: map[$patch:5]"),
        ({}, {"$patch": [None]}, 500, "unknown patch type: [<nil>] in map: map[$patch:[<nil>]]"),
        (
            {"mergingList": named("1")},
            {"$setElementOrder/mergingList": [5]},
            500,
            "value for key 0 is not a map",
        ),
        (
            {"mergingList": named("1")},
            {"$setElementOrder/mergingList": None},
            500,
            "expected a []interface {}, but received a %!s(<nil>)",
        ),
        (
            {"mergingList": named("1")},
            {"mergingList": [{"value": 1}]},
            500,
            "map: map[value:1] does not contain declared merge key: name",
        ),
        (
            {"mergingList": named("1")},
            {"mergingList": [{"$patch": "merge", "name": "1"}]},
            500,
            "merging lists cannot yet be specified in the patch",
        ),
        (
            {"mergingList": named("1")},
            {"mergingList": [{"$patch": "delete"}]},
            500,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        ({"a": {}}, {"$retainKeys": "a"}, 400, "invalid patch format of retainKeys"),
        ({"a": {}}, {"$retainKeys": ["a"], "b": 1}, 400, "invalid patch format of retainKeys"),
        ({}, {"$deleteFromPrimitiveList": [1]}, 400, "invalid patch format of primitive list"),
        ({}, {"$setElementOrder": []}, 400, "invalid patch format of setElementOrder list"),
        (
            {"mergingList": named("1")},
            {"$setElementOrder/mergingList": named("1"), "mergingList": named("2")},
            500,
            "The order in patch list:\n[map[name:2]]\n doesn't match $setElementOrder list:\n[map[name:1]]\n",
        ),
        ({"mergingIntList": [[1]]}, {"mergingIntList": [[2]]}, 422, None),
        (
            {"mergingIntList": [1]},
            {"mergingIntList": ["a"]},
            500,
            "list element types are not identical: [[1] [a]]",
        ),
    ],
)
def test_bad_patches(current: Any, patch: Any, code: int, why: str | None) -> None:
    with pytest.raises(StatusError) as caught:
        strategic.apply(current, patch, ITEM)
    assert caught.value.code == code
    if why is not None:
        assert caught.value.message == why


def test_containers_merge_by_name_and_ports_by_number() -> None:
    meta = Schemas().patch_meta(DEPLOYMENTS)
    ports = [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 81, "protocol": "TCP"}]
    container = {"name": "c", "image": "a", "ports": ports, "args": ["x"]}
    current = {"spec": {"template": {"spec": {"containers": [container, {"name": "d"}]}}}}
    change = {"name": "c", "image": "b", "ports": [{"containerPort": 81, "name": "http"}], "args": ["y", "z"]}
    patch = {"spec": {"template": {"spec": {"containers": [change]}}}}
    wanted = strategic.apply(current, patch, meta)
    assert wanted["spec"]["template"]["spec"]["containers"] == [
        {
            "name": "c",
            "image": "b",
            "ports": [ports[0], {"containerPort": 81, "protocol": "TCP", "name": "http"}],
            "args": ["y", "z"],
        },
        {"name": "d"},
    ]


def test_pod_conditions_merge_by_type() -> None:
    meta = Schemas().patch_meta(PODS)
    current = {
        "status": {
            "conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}]
        }
    }
    patch = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert strategic.apply(current, patch, meta)["status"]["conditions"] == [
        {"type": "Ready", "status": "True"},
        {"type": "Initialized", "status": "True"},
    ]
