"""Policies in CEL that refuse and change.

Source: kubernetes test/e2e/apimachinery/{validatingadmissionpolicy,mutatingadmissionpolicy}.go.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.errors import Conflict
from tests.conformance.conftest import Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "/apis/admissionregistration.k8s.io/v1"
DEPLOYMENTS = {
    "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"],
}  # fmt: skip


def workload(name: str, replicas: int) -> Obj:
    labels = {"app": "nginx"}
    pod = {"containers": [{"name": "nginx", "image": "nginx"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


async def put_in_force(k8s: Conformance, kind: str, name: str, namespace: str, **spec: Any) -> None:
    """A policy about Deployments, and a binding for one namespace."""
    constraints = {"resourceRules": [DEPLOYMENTS]}
    policy = {"metadata": {"name": name}, "spec": {"matchConstraints": constraints} | spec}
    await k8s.ok("POST", f"{GROUP}/{kind}ies", policy)
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding: Obj = {"policyName": name, "matchResources": {"namespaceSelector": selector}}
    if kind.startswith("validating"):
        binding["validationActions"] = ["Deny"]
    await k8s.ok("POST", f"{GROUP}/{kind}ybindings", {"metadata": {"name": name}, "spec": binding})


async def test_validate_against_a_deployment(k8s: Conformance) -> None:
    namespace = await k8s.namespace()
    await put_in_force(
        k8s,
        "validatingadmissionpolic",
        "replicated",
        namespace,
        validations=[
            {
                "expression": "object.spec.replicas > 1",
                "messageExpression": "'wants replicas > 1, got ' + object.spec.replicas",
            },
            {"expression": f"namespaceObject.metadata.name == '{namespace}'", "message": "not this namespace"},
        ],
    )  # fmt: skip
    path = f"/apis/apps/v1/namespaces/{namespace}"
    error = await k8s.error("POST", f"{path}/deployments", workload("marker", 1))
    # The message is no string: + takes no number, so the expression fails and is spoken of itself.
    assert error.message.endswith("denied request: failed expression: object.spec.replicas > 1")
    await k8s.ok("POST", f"{path}/deployments", workload("replicated", 2))
    await k8s.ok("POST", f"{path}/replicasets", workload("non-replicated", 1))


async def test_allow_expressions_to_refer_variables(k8s: Conformance) -> None:
    namespace = await k8s.namespace()
    await put_in_force(
        k8s,
        "validatingadmissionpolic",
        "variables",
        namespace,
        variables=[
            {"name": "replicas", "expression": "object.spec.replicas"},
            {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
        ],
        validations=[
            {"expression": "variables.replicas > 1"},
            {"expression": "variables.oddReplicas"},
        ],
    )
    path = f"/apis/apps/v1/namespaces/{namespace}"
    for replicas, is_allowed in ((1, False), (2, False), (3, True)):
        made = workload(f"d-{replicas}", replicas)
        if is_allowed:
            await k8s.ok("POST", f"{path}/deployments", made)
        else:
            assert (await k8s.error("POST", f"{path}/deployments", made)).code == 422
    await k8s.ok("POST", f"{path}/replicasets", workload("non-replicated", 1))


@pytest.mark.parametrize(
    ("name", "expression", "field", "value"),
    [
        (
            "annotate",
            'Object{metadata: Object.metadata{annotations: {"my-foo-annotation": "myAnnotationValue"}}}',
            ("metadata", "annotations"),
            {"my-foo-annotation": "myAnnotationValue"},
        ),
        ("scale", "Object{spec: Object.spec{replicas: 1337}}", ("spec", "replicas"), 1337),
    ],
)
async def test_mutate_a_deployment(
    k8s: Conformance, name: str, expression: str, field: tuple[str, str], value: Any
) -> None:
    namespace = await k8s.namespace()
    await put_in_force(
        k8s,
        "mutatingadmissionpolic",
        name,
        namespace,
        reinvocationPolicy="Never",
        mutations=[
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}},
        ],
    )
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
    assert (await k8s.ok("POST", path, workload("marker", 1)))[field[0]][field[1]] == value


SPECS: dict[str, tuple[Obj, Obj, Obj]] = {
    # plural -> (a spec, what is patched, what is updated)
    "validatingadmissionpolicies": (
        {
            "matchConstraints": {"resourceRules": [DEPLOYMENTS]},
            "validations": [{"expression": "object.spec.replicas <= 100", "message": "m"}],
        },
        {"failurePolicy": "Ignore"},
        {"failurePolicy": "Fail"},
    ),
    "validatingadmissionpolicybindings": (
        {"policyName": "replicalimit-policy.example.com", "validationActions": ["Deny"]},
        {"validationActions": ["Warn"]},
        {"validationActions": ["Deny"]},
    ),
    "mutatingadmissionpolicies": (
        {
            "matchConstraints": {"resourceRules": [DEPLOYMENTS]},
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{spec: Object.spec{replicas: 100}}"},
                }
            ],
        },
        {"failurePolicy": "Ignore"},
        {"failurePolicy": "Fail"},
    ),
    "mutatingadmissionpolicybindings": (
        {"policyName": "replicalimit-policy.example.com"},
        {"policyName": "other.example.com"},
        {"policyName": "replicalimit-policy.example.com"},
    ),
}


async def update(k8s: Conformance, path: str, spec: Obj) -> Obj:
    """Against whoever writes its status at the same time."""
    while True:
        found = await k8s.ok("GET", path)
        found["metadata"]["annotations"]["updated"] = "true"
        found["spec"] |= spec
        try:
            made: Obj = await k8s.ok("PUT", path, found)
        except Conflict:
            continue
        return made


async def saw_update(k8s: Conformance, path: str, **query: str) -> None:
    """Between the events of the object's status."""
    annotations: Obj = {}
    count = 0
    while "updated" not in annotations:
        count += 1
        event = (await k8s.events(path, count, **query))[-1]
        assert event["type"] == "MODIFIED"
        annotations = event["object"]["metadata"].get("annotations", {})
    assert annotations == {"patched": "true", "updated": "true"}


@pytest.mark.parametrize("plural", SPECS)
async def test_api_operations(k8s: Conformance, plural: str) -> None:
    spec, patched, updated = SPECS[plural]
    path, which = f"{GROUP}/{plural}", {"labelSelector": "special=yes"}
    for name in ("one", "two", "three"):
        metadata = {"name": f"{name}.example.com", "labels": {"special": "yes"}}
        await k8s.ok("POST", path, {"metadata": metadata, "spec": spec})
    read = await k8s.ok("GET", f"{path}/one.example.com")
    listed = await k8s.ok("GET", path, query=which)
    assert len(listed["items"]) == 3
    found = await k8s.merge(
        f"{path}/one.example.com", {"metadata": {"annotations": {"patched": "true"}}, "spec": patched}
    )
    assert found["spec"] == read["spec"] | patched
    assert int(found["metadata"]["resourceVersion"]) > int(read["metadata"]["resourceVersion"])
    found = await update(k8s, f"{path}/one.example.com", updated)
    assert found["spec"] == read["spec"]
    await saw_update(k8s, path, resourceVersion=listed["metadata"]["resourceVersion"], **which)
    await k8s.ok("DELETE", f"{path}/one.example.com")
    assert (await k8s.error("GET", f"{path}/one.example.com")).code == 404
    await k8s.ok("DELETE", path, query=which)
    assert (await k8s.ok("GET", path, query=which))["items"] == []


async def test_the_status_of_a_policy(k8s: Conformance) -> None:
    path = f"{GROUP}/validatingadmissionpolicies"
    spec = SPECS["validatingadmissionpolicies"][0]
    await k8s.ok("POST", path, {"metadata": {"name": "status.example.com"}, "spec": spec})
    condition = {
        "type": "StatusPatched", "status": "True", "reason": "E2E", "message": "Set from e2e test",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    status = f"{path}/status.example.com/status"
    patched = await k8s.merge(status, {"status": {"conditions": [condition]}})
    assert patched["status"]["conditions"] == [condition]
    assert (await k8s.ok("GET", status))["kind"] == "ValidatingAdmissionPolicy"
    await k8s.ok("DELETE", f"{path}/status.example.com")
