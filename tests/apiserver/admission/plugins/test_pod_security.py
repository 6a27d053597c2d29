"""Upstream's cases of pod-security-admission admission/admission_test.go; the checks have their tables in tests/api."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubepy.api.errors import Forbidden
from kubepy.apiserver.request import User
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

NAMESPACES = "/api/v1/namespaces"
P = "pod-security.kubernetes.io/"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
HOST = {"hostNetwork": True}
HARDENED = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
}
UNHARDENED = (
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)


def pod(name: str = "p", container: Obj | None = None, **spec: Any) -> Obj:
    containers = [{"name": "c", "image": "i", **(container or {})}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def labels(**values: str) -> dict[str, str]:
    return {P + key.replace("_", "-"): value for key, value in values.items()}


async def has(api: Api, name: str, **values: str) -> str:
    """A namespace with such labels; the path of its pods."""
    await api.namespace(name)
    if values:
        await relabel(api, name, **values)
    return f"{NAMESPACES}/{name}/pods"


async def relabel(api: Api, name: str, **values: str) -> list[str]:
    """What is warned of."""
    await api.ok(
        "PATCH", f"{NAMESPACES}/{name}", {"metadata": {"labels": labels(**values)}}, content_type=MERGE
    )
    return api.warnings


async def test_pods_are_refused_with_all_that_is_wrong(api: Api) -> None:
    pods = await has(api, "n", enforce="restricted")
    error = await api.error("POST", pods, pod(**HOST))
    assert (error.code, error.reason, error.details) == (403, "Forbidden", {"name": "p", "kind": "pods"})
    assert error.message == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), '
        + UNHARDENED
    )
    assert api.warnings == []
    await api.ok("POST", pods, pod(container=HARDENED))
    assert api.warnings == []


async def test_versions_count(api: Api) -> None:
    pods = await has(api, "n", enforce="restricted", enforce_version="v1.7")
    error = await api.error("POST", pods, pod())
    assert error.message == (
        'pods "p" is forbidden: violates PodSecurity "restricted:v1.7": runAsNonRoot != true (pod or container "c" '
        "must set securityContext.runAsNonRoot=true)"
    )


async def test_warnings_and_notes_refuse_nothing(api: Api) -> None:
    pods = await has(api, "n", warn="baseline", audit="restricted")
    await api.ok("POST", pods, pod(**HOST))
    assert api.warnings == ['would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)']


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/apis/apps/v1/namespaces/n/deployments", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        ("/apis/apps/v1/namespaces/n/replicasets", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        ("/apis/apps/v1/namespaces/n/daemonsets", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        ("/apis/apps/v1/namespaces/n/statefulsets", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        ("/apis/batch/v1/namespaces/n/jobs", {"spec": {}}),
        ("/apis/batch/v1/namespaces/n/cronjobs", {"spec": {"schedule": "@daily"}}),
        ("/api/v1/namespaces/n/replicationcontrollers", {"spec": {"selector": {"a": "b"}}}),
        ("/api/v1/namespaces/n/podtemplates", {}),
    ],
)
async def test_workloads_are_let_in_with_a_warning(api: Api, path: str, body: Obj) -> None:
    await has(api, "n", enforce="baseline")
    spec = {"containers": [{"name": "c", "image": "i"}], **HOST}
    if "batch" in path:
        spec["restartPolicy"] = "Never"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    obj: Obj = {"metadata": {"name": "w"}, **body}
    if path.endswith("podtemplates"):
        obj["template"] = template
    elif path.endswith("cronjobs"):
        obj["spec"] = {**obj["spec"], "jobTemplate": {"spec": {"template": template}}}
    else:
        obj["spec"] = {**obj["spec"], "template": template}
    await api.ok("POST", path, obj)
    assert api.warnings == ['would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)']


async def test_a_workload_without_a_template_is_nobodys_business(api: Api) -> None:
    await has(api, "n", enforce="baseline")
    obj = {"metadata": {"name": "w"}, "spec": {"selector": {"a": "b"}}}
    error = await api.error("POST", "/api/v1/namespaces/n/replicationcontrollers", obj)
    assert error.reason == "Invalid"
    assert api.warnings == []


async def test_labels_must_be_readable(api: Api) -> None:
    obj = {"metadata": {"name": "n", "labels": labels(enforce="foo", warn_version="1.2")}}
    error = await api.error("POST", NAMESPACES, obj)
    assert (error.code, error.reason) == (422, "Invalid")
    assert error.message == (
        f'Namespace "n" is invalid: [metadata.labels[{P}enforce]: Invalid value: "foo": must be one of privileged, '
        f'baseline, restricted, metadata.labels[{P}warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]'
    )


async def test_a_stricter_namespace_tells_of_pods_that_are_there(api: Api) -> None:
    pods = await has(api, "n")
    for name in ("b", "a", "c"):
        await api.ok("POST", pods, pod(name, **HOST))
    await api.ok("POST", pods, pod("d", hostPID=True, volumes=[{"name": "v", "hostPath": {"path": "/"}}]))
    await api.ok("POST", pods, pod("e"))
    head = 'existing pods in namespace "n" violate the new PodSecurity enforce level'
    assert await relabel(api, "n", enforce="baseline") == [
        f'{head} "baseline:latest"',
        "a (and 2 other pods): host namespaces",
        "d: host namespaces, hostPath volumes",
    ]
    # The same again, or less, says nothing; another version does.
    assert await relabel(api, "n", warn="baseline") == []
    assert (await relabel(api, "n", enforce_version="v1.2"))[0] == f'{head} "baseline:v1.2"'
    assert await relabel(api, "n", enforce="privileged") == []


async def test_only_some_of_many_pods_are_looked_at(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubepy.apiserver.admission.plugins.pod_security.PODS_MAX", 2)
    pods = await has(api, "n")
    owner = {"apiVersion": "v1", "kind": "Node", "name": "x", "uid": "u", "controller": True}
    for name, owners in (("a", [owner]), ("b", [owner]), ("c", [])):
        obj = pod(name, **HOST)
        obj["metadata"]["ownerReferences"] = owners
        await api.ok("POST", pods, obj)
    # One of each owner first.
    assert await relabel(api, "n", enforce="baseline") == [
        "new PodSecurity enforce level only checked against the first 2 of 3 existing pods",
        'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    ]


async def test_pods_that_are_there_stay_as_they_are(api: Api) -> None:
    pods = await has(api, "n")
    await api.ok("POST", pods, pod(**HOST))
    await relabel(api, "n", enforce="baseline")
    await api.ok("PATCH", f"{pods}/p", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    await api.ok("PATCH", f"{pods}/p/status", {"status": {"message": "m"}}, content_type=MERGE)
    another = {"spec": {"containers": [{"name": "c", "image": "another"}]}}
    debugger = {"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}}
    for path, patch in ((f"{pods}/p", another), (f"{pods}/p/ephemeralcontainers", debugger)):
        error = await api.error("PATCH", path, patch, content_type=STRATEGIC)
        assert error.message == (
            'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
        )


# -- configured --------------------------------------------------------------------------------------------------


@pytest.fixture
async def configured(clock: VirtualClock, store: MemoryStore) -> AsyncIterator[Api]:
    obj = {
        "defaults": {"enforce": "baseline", "warn": "restricted", "warn-version": "v1.7"},
        "exemptions": {"namespaces": ["free"], "usernames": ["boss"], "runtimeClasses": ["vm"]},
    }
    api = Api(clock, store, admission_configuration={"PodSecurity": obj})
    for name in ("free", "n"):
        await api.namespace(name)
    await api.ok("POST", "/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "vm"}, "handler": "h"})
    yield api
    await api.registry.close()


async def test_defaults_hold_without_labels(configured: Api) -> None:
    error = await configured.error("POST", f"{NAMESPACES}/n/pods", pod(**HOST))
    assert "violates PodSecurity" in error.message
    await configured.ok("POST", f"{NAMESPACES}/n/pods", pod())
    assert configured.warnings == [
        'would violate PodSecurity "restricted:v1.7": runAsNonRoot != true (pod or container "c" must set '
        "securityContext.runAsNonRoot=true)"
    ]


@pytest.mark.parametrize(
    ("namespace", "user", "spec"),
    [("free", "alice", {}), ("n", "boss", {}), ("n", "alice", {"runtimeClassName": "vm"})],
)
async def test_who_is_exempt(configured: Api, namespace: str, user: str, spec: Obj) -> None:
    configured.user = User(user, ("system:masters",))
    await configured.ok("POST", f"{NAMESPACES}/{namespace}/pods", pod(**HOST, **spec))
    assert configured.warnings == []


async def test_labels_of_an_exempt_namespace_do_nothing(configured: Api) -> None:
    assert await relabel(configured, "free", enforce="restricted", audit="privileged") == [
        'namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored'
    ]


def test_a_bad_configuration_stops_the_server(clock: VirtualClock, store: MemoryStore) -> None:
    with pytest.raises(ValueError, match=r'^defaults.warn: Invalid value: "x": must be one of'):
        Api(clock, store, admission_configuration={"PodSecurity": {"defaults": {"warn": "x"}}})


async def test_what_is_counted(api: Api) -> None:
    """Source: pod-security-admission metrics/metrics_test.go, admission_test.go (expectedMetrics)."""
    pods = await has(api, "counted", enforce="baseline", enforce_version="v1.30", audit="restricted")
    await api.ok("POST", pods, pod())
    with pytest.raises(Forbidden):
        await api.send("POST", pods, pod("q", **HOST))
    await relabel(api, "counted", enforce="baseline", enforce_version="v1.99", warn="restricted")
    await api.ok("POST", pods, pod("r"))
    free = await has(api, "free")
    await api.ok("POST", free, pod())

    def count(decision: str, level: str, version: str, mode: str) -> float | None:
        labels = {"decision": decision, "policy_level": level, "policy_version": version, "mode": mode}
        labels |= {"request_operation": "create", "resource": "pod", "subresource": ""}
        return api.metrics.registry.get_sample_value("pod_security_evaluations_total", labels)

    assert count("allow", "baseline", "v1.30", "enforce") == 1
    assert count("deny", "baseline", "v1.30", "enforce") == 1
    assert count("allow", "baseline", "future", "enforce") == 1
    assert count("allow", "privileged", "latest", "enforce") == 1
    assert count("deny", "restricted", "latest", "audit") == 3
    assert count("deny", "restricted", "latest", "warn") == 1
