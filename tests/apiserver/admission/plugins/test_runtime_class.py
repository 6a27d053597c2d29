"""Upstream's cases of plugin/pkg/admission/runtimeclass/admission_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Api

PODS = "/api/v1/namespaces/default/pods"
OVERHEAD = {"cpu": "100m", "memory": "1Gi"}
SCHEDULING = {
    "nodeSelector": {"foo": "bar"},
    "tolerations": [{"key": "foo", "operator": "Equal", "value": "bar", "effect": "NoSchedule"}],
}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def has_classes(api: Api) -> None:
    for name, more in (
        ("plain", {}),
        ("heavy", {"overhead": {"podFixed": OVERHEAD}}),
        ("placed", {"scheduling": SCHEDULING}),
    ):
        path = "/apis/node.k8s.io/v1/runtimeclasses"
        await api.ok("POST", path, {"metadata": {"name": name}, "handler": "h", **more})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {}),
        ({"runtimeClassName": "plain"}, {}),
        ({"runtimeClassName": "heavy"}, {"overhead": OVERHEAD}),
        ({"runtimeClassName": "heavy", "overhead": OVERHEAD}, {"overhead": OVERHEAD}),
        ({"runtimeClassName": "placed"}, {"nodeSelector": {"foo": "bar"}}),
        (
            {"runtimeClassName": "placed", "nodeSelector": {"fizz": "buzz", "foo": "bar"}},
            {"nodeSelector": {"fizz": "buzz", "foo": "bar"}},
        ),
    ],
)
async def test_what_a_pod_gets_of_its_class(api: Api, spec: dict[str, Any], expected: dict[str, Any]) -> None:
    await has_classes(api)
    made = (await api.ok("POST", PODS, pod(**spec)))["spec"]
    assert {field: made[field] for field in ("overhead", "nodeSelector") if field in made} == expected
    is_placed = spec.get("runtimeClassName") == "placed"
    assert (SCHEDULING["tolerations"][0] in made["tolerations"]) is is_placed  # type: ignore[index]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"runtimeClassName": "none"}, 'pod rejected: RuntimeClass "none" not found'),
        (
            {"overhead": OVERHEAD},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "heavy", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"runtimeClassName": "placed", "nodeSelector": {"foo": "baz"}},
            "conflict: runtimeClass.scheduling.nodeSelector[foo] = bar; pod.spec.nodeSelector[foo] = baz",
        ),
    ],
)
async def test_what_is_refused(api: Api, spec: dict[str, Any], why: str) -> None:
    await has_classes(api)
    error = await api.error("POST", PODS, pod(**spec))
    assert (error.code, error.message) == (403, f'pods "p" is forbidden: {why}')
