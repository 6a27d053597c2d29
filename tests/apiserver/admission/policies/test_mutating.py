"""What policies make of objects, and how they fail; texts are a kube-apiserver's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.admission.policies.conftest import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    Policies,
    config_map,
    deployment,
    rule,
)

DENIED = "policy 'p' with binding 'p-0' denied request: "
ABOUT_DEPLOYMENTS = [rule("apps", "v1", "deployments")]
POD = "Object.spec.template.spec"
PARAMS = {"apiVersion": "v1", "kind": "ConfigMap"}


def in_pod(fields: str) -> str:
    return f"Object{{spec: Object.spec{{template: Object.spec.template{{spec: {POD}{{{fields}}}}}}}}}"


def add(key: str, value: str) -> str:
    return f'[JSONPatch{{op: "add", path: "/data/{key}", value: {value}}}]'


@pytest.mark.parametrize(
    ("mutations", "spec", "data"),
    [
        (['Object{data: {"b": object.data.a + "!"}}'], {}, {"a": "1", "b": "1!"}),
        ([add("b", '"2"')], {}, {"a": "1", "b": "2"}),
        (['Object{data: {"b": "1"}}', add("c", "object.data.b")], {}, {"a": "1", "b": "1", "c": "1"}),
        (
            ['[JSONPatch{op: "test", path: "/data/a", value: "2"}, JSONPatch{op: "remove", path: "/data/a"}]'],
            {},
            {"a": "1"},
        ),
        (
            ['[JSONPatch{op: "test", path: "/data/a", value: "1"}, '
             'JSONPatch{op: "move", from: "/data/a", path: "/data/z"}]'],
            {},
            {"z": "1"},
        ),
        (
            [add("b", "variables.v")],
            {"variables": [{"name": "v", "expression": "string(namespaceObject.metadata.labels.team)"}]},
            {"a": "1", "b": "default"},
        ),
        ([add("b", '"2"')], {"matchConditions": [{"name": "c", "expression": "object.data.a == '2'"}]}, {"a": "1"}),
        ([add("b", "object.data.zz")], {"failurePolicy": "Ignore"}, {"a": "1"}),
        (
            ['Object{data: {"b": params.data.v}}'],
            {"paramKind": PARAMS, "bindings": [{"paramRef": {"name": "pp", "parameterNotFoundAction": "Deny"}}]},
            {"a": "1", "b": "7"},
        ),
        # Both bindings, in the order of their names.
        ([add("n", '(has(object.data.n) ? object.data.n : "") + "x"')], {"bindings": [{}, {}]}, {"a": "1", "n": "xx"}),
        # What changes something is asked again, itself too, if it may be.
        (
            [add("n", '(has(object.data.n) ? object.data.n : "") + "x"')],
            {"reinvocationPolicy": "IfNeeded"},
            {"a": "1", "n": "xx"},
        ),
    ],
)  # fmt: skip
async def test_what_becomes_of_a_config_map(
    policies: Policies, mutations: list[str], spec: dict[str, Any], data: dict[str, str]
) -> None:
    await policies.ok("POST", CONFIG_MAPS, config_map("pp", v="7"))
    await policies.mutating("p", *mutations, **spec)
    assert (await policies.ok("POST", CONFIG_MAPS, config_map()))["data"] == data


async def test_a_configuration_is_merged_by_keys_and_defaulted(policies: Policies) -> None:
    item = f"{POD}.containers"
    containers = f'[{item}{{name: "c", image: "new"}}, {item}{{name: "side", image: "s:1"}}]'
    await policies.mutating("p", in_pod(f"containers: {containers}"), rules=ABOUT_DEPLOYMENTS)
    made = await policies.ok("POST", DEPLOYMENTS, deployment())
    found = made["spec"]["template"]["spec"]["containers"]
    assert [(one["name"], one["image"]) for one in found] == [("c", "new"), ("side", "s:1")]
    assert found[1]["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize(
    ("mutation", "code", "why"),
    [
        (
            'Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"a": "b"}}}}',
            403,
            "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
            ".spec.selector",
        ),
        (
            in_pod(f'containers: [{POD}.containers{{name: "c", args: ["x"]}}], nodeSelector: {{"a": "b"}}'),
            403,
            "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
            ".spec.template.spec.containers[0].args, .spec.template.spec.nodeSelector",
        ),
        (
            "Object{spec: Object.spec{replicaz: 3}}",
            403,
            "error applying patch: failed to convert patch object to typed object: .spec.replicaz: field not declared "
            "in schema",
        ),
        (
            'Object{spec: Object.spec{replicas: "3"}}',
            403,
            "error applying patch: failed to convert patch object to typed object: .spec.replicas: expected numeric "
            "(int or float), got string",
        ),
        (
            "Object{spec: Object.spec{replicas: null, paused: null}}",
            403,
            "error applying patch: failed to convert patch object to typed object: errors:\n  .spec.replicas: expected "
            "numeric (int or float), got structpb.NullValue\n  .spec.paused: expected boolean, got &{NULL_VALUE}",
        ),
        (
            "Object{spec: Object.spec{minReadySeconds: 2.5}}",
            403,
            "unable to convert unstructured object to apps/v1, Kind=Deployment: cannot convert float64 to int32",
        ),
        (
            "Object{spec: Object.wrong{replicas: 3}}",
            403,
            'type mismatch: unexpected type name "Object.wrong", expected "Object.spec", which matches field name path '
            "from root Object type",
        ),
        (
            "Object{spec: Object.spec{replicas: object.spec.zz}}",
            403,
            "expression 'Object{spec: Object.spec{replicas: object.spec.zz}}' resulted in error: no such key: zz",
        ),
        (
            '[JSONPatch{op: "replace", path: "/x/y", value: 1}]',
            403,
            "JSON Patch: replace operation does not apply: doc is missing path: /x/y: missing value",
        ),
        ('[JSONPatch{op: "foo", path: "/x", value: 1}]', 403, "JSON Patch: Unexpected kind: foo"),
    ],
)  # fmt: skip
async def test_what_fails(policies: Policies, mutation: str, code: int, why: str) -> None:
    await policies.mutating("p", mutation, rules=ABOUT_DEPLOYMENTS)
    error = await policies.error("POST", DEPLOYMENTS, deployment())
    assert (error.code, error.reason, error.message) == (code, "Invalid", DENIED + why)
    assert error.details == {
        "name": "d", "group": "apps", "kind": "deployments", "causes": [{"message": error.message}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ('[JSONPatch{op: "add", path: "/zz", value: 1}]', 'strict decoding error: unknown field "zz"'),
        (
            '[JSONPatch{op: "add", path: "/spec/replicas", value: "x"}]',
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            '[JSONPatch{op: "replace", path: "/kind", value: "DaemonSet"}]',
            "failed to convert object: converting (v1.DaemonSet) to (apps.Deployment): unknown conversion",
        ),
    ],
)
async def test_patches_that_make_something_else(policies: Policies, patch: str, why: str) -> None:
    await policies.mutating("p", patch, rules=ABOUT_DEPLOYMENTS)
    error = await policies.error("POST", DEPLOYMENTS, deployment())
    assert (error.code, error.message) == (500, f"Internal error occurred: {why}")


async def test_nothing_moves_into_another_namespace(policies: Policies) -> None:
    await policies.mutating("p", '[JSONPatch{op: "replace", path: "/metadata/namespace", value: "other"}]')
    error = await policies.error("POST", CONFIG_MAPS, config_map())
    assert error.message == (
        "the namespace of the provided object does not match the namespace sent on the request"
    )


async def test_params_of_an_unknown_kind(policies: Policies) -> None:
    await policies.mutating("p", "Object{}", paramKind={"apiVersion": "x.y/v1", "kind": "Foo"})
    error = await policies.error("POST", CONFIG_MAPS, config_map())
    assert (error.code, error.reason, error.message) == (
        403, "Forbidden",
        'policy "p" denied request: failed to configure policy: failed to find resource referenced by paramKind: '
        "'x.y/v1, Kind=Foo'",
    )  # fmt: skip


async def test_an_earlier_policy_sees_later_changes_if_it_may_be_asked_again(policies: Policies) -> None:
    note = 'Object{{data: {{"{0}": has(object.data.late) ? "seen" : "unseen"}}}}'
    await policies.mutating("a", note.format("again"), reinvocationPolicy="IfNeeded")
    await policies.mutating("b", note.format("once"))
    await policies.mutating("c", 'Object{data: {"late": "1"}}')
    made = await policies.ok("POST", CONFIG_MAPS, config_map())
    assert made["data"] == {"a": "1", "again": "seen", "once": "unseen", "late": "1"}


async def test_an_update_has_an_old_object(policies: Policies) -> None:
    await policies.ok("POST", CONFIG_MAPS, config_map())
    await policies.mutating("p", 'Object{data: {"was": oldObject.data.a}}')
    made = await policies.ok("PUT", f"{CONFIG_MAPS}/x", config_map(a="2"))
    assert made["data"] == {"a": "2", "was": "1"}


async def test_a_scale_is_mutated_as_one(policies: Policies) -> None:
    await policies.ok("POST", DEPLOYMENTS, deployment())
    await policies.mutating(
        "p", "Object{spec: Object.spec{replicas: 4}}", rules=[rule("apps", "v1", "deployments/scale")]
    )
    patch = {"content_type": "application/merge-patch+json"}
    await policies.ok("PATCH", f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 9}}, **patch)
    assert (await policies.ok("GET", f"{DEPLOYMENTS}/d"))["spec"]["replicas"] == 4
