"""What policies refuse, and in which words; these are a kube-apiserver's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api.errors import StatusError
from kubepy.apiserver.authz import Decision
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import VirtualClock
from kubepy.observability.metrics import Metrics
from kubepy.store.memory import MemoryStore
from tests.apiserver.admission.policies.conftest import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    GROUP,
    Policies,
    config_map,
    deployment,
    rule,
)

DENIED = "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-0' denied request: "
NESTED = "[1,2,3,4,5,6,7,8,9,10]"
# Some 300 000 units.
EXPENSIVE = (
    f"{NESTED}.all(a,{NESTED}.all(b,{NESTED}.all(c,{NESTED}.all(d,[1,2,3,4,5,6,7].all(e,a+b+c+d+e > 0)))))"
)
PARAMS = {"apiVersion": "v1", "kind": "ConfigMap"}


def bound(**reference: Any) -> dict[str, Any]:
    return {
        "bindings": [
            {"validationActions": ["Deny"], "paramRef": {"parameterNotFoundAction": "Deny"} | reference}
        ]
    }


@pytest.mark.parametrize(
    ("validations", "spec", "why"),
    [
        ([{"expression": "object.data.a == '2'"}], {}, "failed expression: object.data.a == '2'"),
        ([{"expression": "false", "message": " no good "}], {}, "no good"),
        (
            [{"expression": "false", "message": "m", "messageExpression": "'got ' + object.data.a"}],
            {},
            "got 1",
        ),
        ([{"expression": "false", "message": "m", "messageExpression": "'' + object.data.zz"}], {}, "m"),
        ([{"expression": "false", "messageExpression": r"'a\nb'"}], {}, "failed expression: false"),
        ([{"expression": "true"}, {"expression": "false"}, {"expression": "1 == 2"}], {}, "failed expression: false"),
        (
            [{"expression": "object.data.b == '2'"}],
            {},
            "expression 'object.data.b == '2'' resulted in error: no such key: b",
        ),
        ([{"expression": "object.data.b == '2'"}], {"failurePolicy": "Ignore"}, ""),
        (
            [{"expression": "variables.b", "messageExpression": "'x'"}],
            {"variables": [{"name": "a", "expression": "object.data.zz"},
                           {"name": "b", "expression": "variables.a == 'x'"}]},
            "expression 'variables.b' resulted in error: composited variable \"b\" fails to evaluate: composited "
            "variable \"a\" fails to evaluate: no such key: zz",
        ),
        (
            [{"expression": "has(variables.a) && has(object.metadata.labels)"}],
            {"variables": [{"name": "a", "expression": "object.data.zz"}]},
            "failed expression: has(variables.a) && has(object.metadata.labels)",
        ),
        (
            [{"expression": EXPENSIVE}] * 40,
            {},
            "validation failed due to running out of cost budget, no further validation rules will be run",
        ),
        (
            [{"expression": f"{NESTED}.all(f, {EXPENSIVE})"}],
            {},
            f"expression '{NESTED}.all(f, {EXPENSIVE})' resulted in error: operation cancelled: actual cost limit "
            "exceeded",
        ),
        ([{"expression": "false"}], {"matchConditions": [{"name": "c", "expression": "object.data.a == '2'"}]}, ""),
        (
            [{"expression": "false"}],
            {"matchConditions": [{"name": "c", "expression": "object.data.z == '2'"}]},
            "expression 'object.data.z == '2'' resulted in error: no such key: z",
        ),
        (
            [{"expression": "true"}],
            {"auditAnnotations": [{"key": "k", "valueExpression": "authorizer.path('/x').check('get').reason()"}]},
            "expression 'authorizer.path('/x').check('get').reason()' resulted in error: no such attribute(s): "
            "authorizer",
        ),
        (
            [{"expression": "namespaceObject.metadata.labels.team == 'other'"}],
            {},
            "failed expression: namespaceObject.metadata.labels.team == 'other'",
        ),
        (
            [{"expression": "false", "messageExpression": "request.operation + request.kind.kind + "
              "request.resource.resource + request.name + request.namespace + string(request.dryRun) + "
              "request.userInfo.username + string(has(request.subResource)) + string(request.options.kind)"}],
            {},
            "CREATEConfigMapconfigmapsxdefaultfalsealicefalseCreateOptions",
        ),
        (
            [{"expression": "false"}],
            {"paramKind": PARAMS} | bound(name="none"),
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
        ),
        ([{"expression": "false"}], {"paramKind": PARAMS} | bound(name="none", parameterNotFoundAction="Allow"), ""),
        ([{"expression": "params != null"}], {"paramKind": PARAMS}, "failed expression: params != null"),
        (
            [{"expression": "object.data.a == params.data.want", "messageExpression": "'' + params.kind"}],
            {"paramKind": PARAMS} | bound(name="wanted"),
            "ConfigMap",
        ),
        (
            [{"expression": "object.data.a == params.data.want"}],
            {"paramKind": PARAMS} | bound(selector={"matchLabels": {"of": "policy"}}),
            "failed expression: object.data.a == params.data.want",
        ),
        (
            [{"expression": "false"}],
            {"paramKind": {"apiVersion": "v1", "kind": "Node"}} | bound(name="n", namespace="x"),
            "failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
        ),
    ],
)  # fmt: skip
async def test_texts(policies: Policies, validations: list[Any], spec: dict[str, Any], why: str) -> None:
    await policies.ok("POST", CONFIG_MAPS, config_map("wanted", {"of": "policy"}, want="7"))
    await policies.validating("p", validations=validations, **spec)
    if not why:
        await policies.ok("POST", CONFIG_MAPS, config_map())
        return
    error = await policies.error("POST", CONFIG_MAPS, config_map())
    assert (error.code, error.reason, error.message) == (422, "Invalid", DENIED + why)
    assert error.details is not None
    assert error.details["causes"] == [{"message": error.message.partition("forbidden: ")[2]}]


@pytest.mark.parametrize(
    ("reason", "code"), [("Forbidden", 403), ("Invalid", 422), ("RequestEntityTooLarge", 413)]
)
async def test_a_reason_has_its_code(policies: Policies, reason: str, code: int) -> None:
    await policies.validating("p", validations=[{"expression": "false", "reason": reason}])
    error = await policies.error("POST", CONFIG_MAPS, config_map())
    assert (error.code, error.reason) == (code, reason)


async def test_a_param_kind_that_nobody_serves(policies: Policies) -> None:
    await policies.validating("p", "true", paramKind={"apiVersion": "v1", "kind": "Bar"})
    error = await policies.error("POST", CONFIG_MAPS, config_map())
    assert error.message == (
        "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: "
        "failed to find resource referenced by paramKind: '/v1, Kind=Bar'"
    )


async def test_actions(policies: Policies) -> None:
    """Warnings and annotations come of all bindings, and do not keep the object out."""
    actions = [["Warn"], ["Audit"], ["Warn", "Audit"]]
    await policies.validating("p", "false", bindings=[{"validationActions": some} for some in actions])
    request = policies.request("POST", CONFIG_MAPS, config_map())
    await policies.handler(request)
    assert request.warnings == [
        f"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-{index}': failed expression: false"
        for index in (0, 2)
    ]
    (failure,) = orjson.loads(request.audit["validation.policy.admission.k8s.io/validation_failure"])
    assert failure == {
        "message": "failed expression: false", "policy": "p", "binding": "p-1", "expressionIndex": 0,
        "validationActions": ["Audit"],
    }  # fmt: skip


async def test_annotations_are_joined_over_bindings(policies: Policies) -> None:
    for name in ("one", "two"):
        await policies.ok("POST", CONFIG_MAPS, config_map(name, {"of": "policy"}))
    await policies.validating(
        "p",
        "true",
        paramKind=PARAMS,
        auditAnnotations=[
            {"key": "who", "valueExpression": "string(params.metadata.name)"},
            {"key": "same", "valueExpression": "' x '"},
            {"key": "none", "valueExpression": "null"},
        ],
        **bound(selector={"matchLabels": {"of": "policy"}}),
    )
    request = policies.request("POST", CONFIG_MAPS, config_map())
    await policies.handler(request)
    assert request.audit == {"p/who": "one, two", "p/same": "x"}


@pytest.mark.parametrize(
    ("spec", "made", "is_refused"),
    [
        ({"rules": [rule("", "v1", "configmaps", resourceNames=["y"])]}, config_map(), False),
        ({"rules": [rule("", "v1", "configmaps", resourceNames=["x"])]}, config_map(), True),
        ({"rules": [rule("", "v1", "configmaps", "UPDATE")]}, config_map(), False),
        ({"rules": [rule("*", "*", "*")]}, config_map(), True),
        ({"rules": [rule("", "v1", "secrets")]}, config_map(), False),
        ({"match": {"excludeResourceRules": [rule("", "v1", "configmaps", resourceNames=["x"])]}}, config_map(), False),
        ({"match": {"namespaceSelector": {"matchLabels": {"team": "other"}}}}, config_map(), False),
        ({"match": {"namespaceSelector": {"matchLabels": {"team": "default"}}}}, config_map(), True),
        ({"match": {"objectSelector": {"matchLabels": {"l": "1"}}}}, config_map(), False),
        ({"match": {"objectSelector": {"matchLabels": {"l": "1"}}}}, config_map(labels={"l": "1"}), True),
        ({"bindings": []}, config_map(), False),
        (
            {"bindings": [{"validationActions": ["Deny"],
                           "matchResources": {"resourceRules": [rule("", "v1", "configmaps", "DELETE")]}}]},
            config_map(),
            False,
        ),
    ],
)  # fmt: skip
async def test_what_is_matched(
    policies: Policies, spec: dict[str, Any], made: dict[str, Any], is_refused: bool
) -> None:
    await policies.validating("p", "false", **spec)
    try:
        await policies.ok("POST", CONFIG_MAPS, made)
    except StatusError:
        assert is_refused
    else:
        assert not is_refused


async def test_an_equivalent_version_is_what_the_policy_sees(policies: Policies) -> None:
    scaler = {
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}},
    }  # fmt: skip
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    shown = "object.apiVersion + request.kind.version + request.requestKind.version"
    rules = [rule("autoscaling", "v1", "horizontalpodautoscalers")]
    await policies.validating(
        "p", rules=rules, validations=[{"expression": "false", "messageExpression": f"'' + {shown}"}]
    )
    error = await policies.error("POST", path, scaler)
    assert error.message.endswith("denied request: autoscaling/v1v1v2")
    await policies.ok("DELETE", f"{GROUP}/validatingadmissionpolicies/p")
    await policies.validating("exact", "false", rules=rules, match={"matchPolicy": "Exact"})
    await policies.ok("POST", path, scaler)


async def test_deletions_have_an_old_object(policies: Policies) -> None:
    await policies.ok("POST", CONFIG_MAPS, config_map())
    await policies.validating(
        "p",
        validations=[
            {"expression": "object != null", "messageExpression": "'not ' + oldObject.metadata.name"}
        ],
        rules=[rule("", "v1", "configmaps", "DELETE")],
    )
    error = await policies.error("DELETE", f"{CONFIG_MAPS}/x")
    assert error.message == DENIED + "not x"
    # A collection is deleted without naming anybody.
    error = await policies.error("DELETE", CONFIG_MAPS)
    assert error.message == DENIED.replace('"x"', '"Unknown"') + "not x"


async def test_scaling_shows_a_scale(policies: Policies) -> None:
    await policies.ok("POST", DEPLOYMENTS, deployment())
    await policies.validating(
        "p",
        validations=[{"expression": "object.spec.replicas <= 5", "messageExpression": "'' + object.kind"}],
        rules=[rule("apps", "v1", "deployments/scale")],
    )
    scale = {"spec": {"replicas": 7}}
    patch = {"content_type": "application/merge-patch+json"}
    error = await policies.error("PATCH", f"{DEPLOYMENTS}/d/scale", scale, **patch)
    assert error.message.endswith("denied request: Scale")
    await policies.ok("PATCH", f"{DEPLOYMENTS}/d", scale, **patch)


async def test_policies_are_not_asked_about_policies(policies: Policies) -> None:
    await policies.validating("p", "false", rules=[rule("*", "*", "*")])
    await policies.validating("q", "true")
    await policies.ok("DELETE", f"{GROUP}/validatingadmissionpolicies/p")
    await policies.ok("POST", CONFIG_MAPS, config_map())


async def test_changes_count_at_once(policies: Policies) -> None:
    await policies.validating("p", "false")
    await policies.error("POST", CONFIG_MAPS, config_map())
    path = f"{GROUP}/validatingadmissionpolicies/p"
    change = {"spec": {"validations": [{"expression": "true"}]}}
    await policies.ok("PATCH", path, change, content_type="application/merge-patch+json")
    await policies.ok("POST", CONFIG_MAPS, config_map())
    await policies.ok("PATCH", path, {"spec": {"validations": [{"expression": "false"}]}},
                      content_type="application/merge-patch+json")  # fmt: skip
    await policies.error("POST", CONFIG_MAPS, config_map("y"))
    await policies.ok("DELETE", f"{GROUP}/validatingadmissionpolicybindings/p-0")
    await policies.ok("POST", CONFIG_MAPS, config_map("y"))


async def test_the_authorizer_is_asked_once_for_each_question(clock: VirtualClock) -> None:
    asked: list[tuple[str, str, str]] = []

    async def ask(user: User, info: RequestInfo) -> Decision:
        asked.append((user.name, info.verb, info.resource or info.path))
        return Decision(info.resource == "pods", reason="because")

    made = Policies(clock, MemoryStore(), ask=ask)
    await made.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
    pods = "authorizer.group('').resource('pods').check('get')"
    await made.validating(
        "p",
        f"{pods}.allowed() && {pods}.reason() == 'because'",
        "!authorizer.path('/metrics').check('get').allowed()",
        "!authorizer.requestResource.check('mangle').allowed()",
        "authorizer.serviceAccount('default', 'robot').group('').resource('pods').check('get').allowed()",
    )
    await made.ok("POST", CONFIG_MAPS, config_map())
    assert asked == [
        ("alice", "get", "pods"),
        ("alice", "get", "/metrics"),
        ("alice", "mangle", "configmaps"),
        ("system:serviceaccount:default:robot", "get", "pods"),
    ]
    await made.registry.close()


async def test_what_came_of_it_is_counted(clock: VirtualClock) -> None:
    metrics = Metrics()
    made = Policies(clock, MemoryStore(), metrics=metrics)
    await made.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
    await made.validating("denies", "false")
    await made.validating("ignores", "object.data.zz == 1", failurePolicy="Ignore")
    await made.mutating("changes", 'Object{data: {"b": "2"}}')
    await made.error("POST", CONFIG_MAPS, config_map())
    text = metrics.render().decode()
    for kind, name, labels in (
        ("validating", "denies", 'error_type="invalid_error",enforcement_action="deny"'),
        ("validating", "ignores", 'error_type="invalid_error",enforcement_action="allow"'),
        ("mutating", "changes", 'error_type="no_error"'),
    ):
        start = f"apiserver_{kind}_admission_policy_check_total{{"
        (line,) = [
            line for line in text.splitlines() if line.startswith(start) and f'policy="{name}"' in line
        ]
        assert all(label in line for label in labels.split(","))
        assert line.endswith(" 1.0")
    await made.registry.close()
