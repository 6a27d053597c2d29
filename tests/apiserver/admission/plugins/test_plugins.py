from __future__ import annotations

import re
from typing import Any

import pytest

from kubepy.apiserver.admission.chain import enabled
from kubepy.apiserver.admission.plugins import service_account
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

PODS = "/api/v1/namespaces/default/pods"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


# -- NamespaceLifecycle ------------------------------------------------------------------------------------------


async def test_nothing_is_created_nowhere(api: Api) -> None:
    error = await api.error("POST", "/api/v1/namespaces/nope/configmaps", {"metadata": {"name": "a"}})
    assert (error.code, error.reason, error.message) == (404, "NotFound", 'namespaces "nope" not found')


async def test_nothing_new_in_a_namespace_on_its_way_out(api: Api) -> None:
    path = "/api/v1/namespaces/other/configmaps"
    await api.ok("POST", path, {"metadata": {"name": "old"}})
    await api.ok("DELETE", "/api/v1/namespaces/other")
    error = await api.error("POST", path, {"metadata": {"name": "a"}})
    assert (error.code, error.reason) == (403, "Forbidden")
    assert error.message == (
        'configmaps "a" is forbidden: unable to create new content in namespace other because it is being terminated'
    )
    assert error.details is not None
    assert error.details["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace other is being terminated",
            "field": "metadata.namespace",
        }
    ]
    await api.ok("PUT", f"{path}/old", {"metadata": {"name": "old"}, "data": {"a": "b"}})
    await api.ok("DELETE", f"{path}/old")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_some_namespaces_stay(api: Api, name: str) -> None:
    if name != "default":
        await api.namespace(name)
    error = await api.error("DELETE", f"/api/v1/namespaces/{name}")
    assert error.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


# -- ServiceAccount ----------------------------------------------------------------------------------------------


async def test_a_pod_gets_its_account_and_token(api: Api) -> None:
    spec = (await api.ok("POST", PODS, pod(initContainers=[{"name": "i", "image": "i"}])))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]
    mount = {
        "name": volume["name"],
        "readOnly": True,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    }
    assert spec["containers"][0]["volumeMounts"] == spec["initContainers"][0]["volumeMounts"] == [mount]


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounts"),
    [
        (None, None, True),
        (False, None, False),
        (False, True, True),
        (None, False, False),
        (True, False, False),
    ],
)
def test_who_wants_the_token(of_account: bool | None, of_pod: bool | None, mounts: bool) -> None:
    account = {} if of_account is None else {"automountServiceAccountToken": of_account}
    spec = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    assert service_account.should_automount(account, spec) is mounts


def test_a_container_that_mounts_something_there_is_left_alone() -> None:
    mine = {"name": "x", "mountPath": service_account.MOUNT_PATH}
    spec: dict[str, Any] = {"containers": [{"name": "a", "volumeMounts": [mine]}]}
    service_account.mount_token(spec, "kube-api-access-1")
    assert spec == {"containers": [{"name": "a", "volumeMounts": [mine]}]}


def test_an_existing_token_volume_is_used() -> None:
    spec: dict[str, Any] = {"containers": [{"name": "a"}], "volumes": [{"name": "kube-api-access-old"}]}
    service_account.mount_token(spec, "kube-api-access-new")
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-old"
    assert len(spec["volumes"]) == 1


async def test_pull_secrets_of_the_account(api: Api) -> None:
    await api.ok("POST", ACCOUNTS, {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "s"}]})
    made = await api.ok("POST", PODS, pod(serviceAccountName="puller"))
    assert made["spec"]["imagePullSecrets"] == [{"name": "s"}]


async def test_an_account_that_is_not_there(api: Api) -> None:
    error = await api.error("POST", PODS, pod(serviceAccountName="nobody"))
    assert error.message == (
        'pods "p" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found'
    )


async def test_the_default_account_is_waited_for(clock: VirtualClock, store: MemoryStore) -> None:
    import asyncio

    api = Api(clock, store)
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
    waiting = asyncio.ensure_future(api.ok("POST", PODS, pod()))
    await clock.advance(0.5)
    assert not waiting.done()
    await api.ok("POST", ACCOUNTS, {"metadata": {"name": "default"}})
    await clock.advance(1)
    assert (await waiting)["spec"]["serviceAccountName"] == "default"
    await api.ok("DELETE", f"{ACCOUNTS}/default")
    refused = asyncio.ensure_future(api.error("POST", PODS, {**pod(), "metadata": {"name": "q"}}))
    await clock.advance(3)
    assert (await refused).code == 403
    await api.registry.close()


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            'volume with secret.secretName="s" is not allowed because service account a does not reference that secret',
        ),
        (
            {
                "containers": [
                    {"name": "c", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}
                ]
            },
            'container c with envVar E referencing secret.secretName="s" is not allowed because service account a does '
            "not reference that secret",
        ),
        (
            {"initContainers": [{"name": "c", "envFrom": [{"secretRef": {"name": "s"}}]}]},
            'init container c with envFrom referencing secret.secretName="s" is not allowed because service account a '
            "does not reference that secret",
        ),
        (
            {"imagePullSecrets": [{"name": "s"}]},
            'imagePullSecrets[0].name="s" is not allowed because service account a does not reference that '
            "imagePullSecret",
        ),
        ({"volumes": [{"name": "v", "secret": {"secretName": "mine"}}]}, ""),
    ],
)
def test_accounts_that_restrict_secrets(spec: dict[str, Any], why: str) -> None:
    account = {"metadata": {"name": "a"}, "secrets": [{"name": "mine"}]}
    assert service_account.secret_refusal(account, spec) == why


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, ""),
        ({"serviceAccountName": "x"}, "a mirror pod may not reference service accounts"),
        ({"volumes": [{"name": "v", "secret": {}}]}, "a mirror pod may not reference secrets"),
        ({"imagePullSecrets": [{"name": "s"}]}, "a mirror pod may not reference secrets"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
            "a mirror pod may not reference secrets",
        ),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {}}]}}]},
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ],
)
def test_mirror_pods(spec: dict[str, Any], why: str) -> None:
    assert service_account.mirror_pod_refusal(spec) == why


# -- DefaultTolerationSeconds ------------------------------------------------------------------------------------

NOT_READY = {
    "key": "node.kubernetes.io/not-ready",
    "operator": "Exists",
    "effect": "NoExecute",
    "tolerationSeconds": 300,
}
UNREACHABLE = {**NOT_READY, "key": "node.kubernetes.io/unreachable"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], [NOT_READY, UNREACHABLE]),
        ([{"key": "x", "operator": "Exists"}], [{"key": "x", "operator": "Exists"}, NOT_READY, UNREACHABLE]),
        ([{"operator": "Exists"}], [{"operator": "Exists"}]),
        ([{**NOT_READY, "tolerationSeconds": 5}], [{**NOT_READY, "tolerationSeconds": 5}, UNREACHABLE]),
    ],
)
async def test_tolerations(api: Api, given: list[Any], wanted: list[Any]) -> None:
    made = await api.ok("POST", PODS, pod(tolerations=given))
    assert made["spec"]["tolerations"] == wanted


# -- TaintNodesByCondition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ready", ["False", "Unknown", "True"])
async def test_new_nodes_are_tainted_until_somebody_has_seen_them_ready(api: Api, ready: str) -> None:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    made = await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}, "status": status})
    assert made["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


async def test_a_node_that_brings_the_taint_has_it_once(api: Api) -> None:
    taint = {"key": "node.kubernetes.io/not-ready", "value": "x", "effect": "NoSchedule"}
    made = await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}, "spec": {"taints": [taint]}})
    assert made["spec"]["taints"] == [taint]


# -- Priority ----------------------------------------------------------------------------------------------------


async def priority_class(api: Api, name: str, value: int, **fields: Any) -> None:
    await api.ok("POST", CLASSES, {"metadata": {"name": name}, "value": value, **fields})


async def test_priority_comes_from_the_class(api: Api) -> None:
    await priority_class(api, "high", 1000, preemptionPolicy="Never")
    spec = (await api.ok("POST", PODS, pod(priorityClassName="high")))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")


async def test_without_a_class_it_is_zero_or_the_default_class(api: Api) -> None:
    spec = (await api.ok("POST", PODS, pod()))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    await api.ok("DELETE", f"{PODS}/p")
    await priority_class(api, "usual", 7, globalDefault=True)
    spec = (await api.ok("POST", PODS, pod()))["spec"]
    assert (spec["priority"], spec["priorityClassName"]) == (7, "usual")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"priorityClassName": "nope"}, "no PriorityClass with name nope was found"),
        (
            {"priorityClassName": "high", "priority": 5},
            "the integer value of priority (5) must not be provided in pod spec; priority admission controller "
            "computed 1000 from the given PriorityClass name",
        ),
        (
            {"priorityClassName": "high", "preemptionPolicy": "Never"},
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission "
            "controller computed PreemptLowerPriority from the given PriorityClass name",
        ),
    ],
)
async def test_priorities_that_are_refused(api: Api, spec: dict[str, Any], why: str) -> None:
    await priority_class(api, "high", 1000)
    error = await api.error("POST", PODS, pod(**spec))
    assert (error.code, error.message) == (403, f'pods "p" is forbidden: {why}')


async def test_there_is_one_default_class(api: Api) -> None:
    await priority_class(api, "a", 1, globalDefault=True)
    error = await api.error("POST", CLASSES, {"metadata": {"name": "b"}, "value": 1, "globalDefault": True})
    assert error.message.endswith("PriorityClass a is already marked as default. Only one default can exist")


# -- the chain ---------------------------------------------------------------------------------------------------


async def test_plugins_can_be_switched_off(clock: VirtualClock, store: MemoryStore) -> None:
    api = Api(clock, store, disable_admission_plugins=["ServiceAccount", "NamespaceLifecycle", "PodSecurity"])
    made = await api.ok("POST", PODS, pod())
    assert "serviceAccountName" not in made["spec"]
    assert made["spec"]["priority"] == 0
    await api.registry.close()


@pytest.mark.parametrize(
    ("enable", "disable", "why"),
    [
        (["Nope"], [], 'enable-admission-plugins plugin "Nope" is unknown'),
        ([], ["Nope"], 'disable-admission-plugins plugin "Nope" is unknown'),
        (
            ["Priority", "AlwaysDeny"],
            ["AlwaysDeny", "Priority", "No"],
            '[disable-admission-plugins plugin "No" is unknown, [AlwaysDeny Priority] in enable-admission-plugins and '
            "disable-admission-plugins overlapped]",
        ),
    ],
)
def test_flags_that_make_no_sense_are_refused(enable: list[str], disable: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        enabled(enable, disable)
