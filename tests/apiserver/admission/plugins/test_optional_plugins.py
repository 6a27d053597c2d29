"""Plugins that are off by default: upstream's cases of plugin/pkg/admission/*/admission_test.go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kubepy.apiserver.admission.plugins import extended_resource_toleration, pod_node_selector
from kubepy.apiserver.admission.plugins.owner_references_permission_enforcement import newly_blocking
from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

NAMESPACES = "/api/v1/namespaces"
PODS = f"{NAMESPACES}/default/pods"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@asynccontextmanager
async def enabled(
    clock: VirtualClock,
    store: MemoryStore,
    name: str,
    configuration: Obj | None = None,
    *,
    is_new: bool = True,
    **settings: Any,
) -> AsyncIterator[Api]:
    """A server with one plugin more; `is_new` False: on what another has left."""
    given = {name: configuration} if configuration else {}
    api = Api(clock, store, enable_admission_plugins=[name], admission_configuration=given, **settings)
    if is_new:
        await api.namespace("default")
    yield api
    await api.registry.close()


@pytest.fixture
def with_plugin(clock: VirtualClock, store: MemoryStore) -> Callable[..., Any]:
    return lambda name, configuration=None, **settings: enabled(clock, store, name, configuration, **settings)


def pod(name: str = "p", **spec: Any) -> Obj:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def annotate(api: Api, **annotations: str) -> None:
    values = {
        f"scheduler.alpha.kubernetes.io/{key.replace('_', '-')}": value for key, value in annotations.items()
    }
    await api.ok("PATCH", f"{NAMESPACES}/default", {"metadata": {"annotations": values}}, content_type=MERGE)


async def test_always_deny(clock: VirtualClock, store: MemoryStore) -> None:
    api = Api(clock, store, enable_admission_plugins=["AlwaysAdmit", "AlwaysDeny"])
    error = await api.error("POST", NAMESPACES, {"metadata": {"name": "n"}})
    assert error.message == 'namespaces "n" is forbidden: admission control is denying all modifications'
    await api.registry.close()


# -- AlwaysPullImages --------------------------------------------------------------------------------------------


async def test_images_are_always_pulled(with_plugin: Callable[..., Any]) -> None:
    async with with_plugin("AlwaysPullImages") as api:
        obj = pod(
            initContainers=[{"name": "i", "image": "i", "imagePullPolicy": "Never"}],
            volumes=[{"name": "v", "image": {"reference": "r", "pullPolicy": "Never"}}],
        )
        spec = (await api.ok("POST", PODS, obj))["spec"]
        assert [spec[kind][0]["imagePullPolicy"] for kind in ("initContainers", "containers")] == [
            "Always"
        ] * 2
        assert spec["volumes"][0]["image"]["pullPolicy"] == "Always"


async def test_pods_from_before_are_left_alone_until_an_image_changes(
    api: Api, with_plugin: Callable[..., Any]
) -> None:
    before = pod()
    before["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    await api.ok("POST", PODS, before)
    async with with_plugin("AlwaysPullImages", is_new=False) as later:
        await later.ok("PATCH", f"{PODS}/p", {"metadata": {"labels": {"a": "b"}}}, content_type=STRATEGIC)
        other = {"spec": {"containers": [{"name": "c", "image": "other"}]}}
        # The policy becomes Always, and that is a change that no pod may make.
        error = await later.error("PATCH", f"{PODS}/p", other, content_type=STRATEGIC)
        assert error.reason == "Invalid"


# -- PodNodeSelector ---------------------------------------------------------------------------------------------


CONFLICT = "node label selector conflicts with its namespace node label selector"
OUTSIDE = "node label selector labels conflict with its namespace whitelist"


@pytest.mark.parametrize(
    ("default", "of_namespace", "of_pod", "allowed", "expected"),
    [
        ("", None, {}, "", {}),
        ("infra=false", None, {}, "", {"infra": "false"}),
        ("infra=false", "", {}, "", {}),
        ("infra=false", "infra=true", {}, "", {"infra": "true"}),
        ("infra=false", "infra=true", {"env": "test"}, "", {"infra": "true", "env": "test"}),
        ("", "infra=true", {"infra": "true", "a": ""}, "", {"infra": "true", "a": ""}),
        ("", "infra=true, env=prod", {}, "infra=true,env=prod", {"infra": "true", "env": "prod"}),
        ("", "infra=true", {"infra": "false"}, "", CONFLICT),
        ("", "infra=true", {}, "env=test", OUTSIDE),
        ("", None, {"env": "prod"}, "env=test", OUTSIDE),
    ],
)
async def test_pods_go_where_their_namespace_says(
    with_plugin: Callable[..., Any],
    default: str,
    of_namespace: str | None,
    of_pod: dict[str, str],
    allowed: str,
    expected: dict[str, str] | str,
) -> None:
    configuration = {
        "podNodeSelectorPluginConfig": {"clusterDefaultNodeSelector": default, "default": allowed}
    }
    async with with_plugin("PodNodeSelector", configuration) as api:
        if of_namespace is not None:
            await annotate(api, node_selector=of_namespace)
        obj = pod(nodeSelector=of_pod)
        if isinstance(expected, str):
            assert (await api.error("POST", PODS, obj)).message == f'pods "p" is forbidden: pod {expected}'
        else:
            assert (await api.ok("POST", PODS, obj))["spec"].get("nodeSelector", {}) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a", "invalid selector: [a]"),
        ("a=b=c", "invalid selector: [a b c]"),
        ("a=b,", "invalid selector: []"),
    ],
)
def test_selectors_that_are_none(text: str, why: str) -> None:
    with pytest.raises(Exception, match="^" + why.replace("[", r"\[").replace("]", r"\]") + "$"):
        pod_node_selector.parse(text)


# -- PodTolerationRestriction ------------------------------------------------------------------------------------

KEY = {"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}
NODE = [
    {
        "key": f"node.kubernetes.io/{why}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for why in ("not-ready", "unreachable")
]
TOLERATED = '[{"key":"k","operator":"Equal","value":"v","effect":"NoSchedule"}]'
ALLOWED = '[{"key":"node.kubernetes.io/not-ready"},{"key":"k","operator":"Exists"}]'


async def test_namespaces_add_tolerations(with_plugin: Callable[..., Any]) -> None:
    async with with_plugin(
        "PodTolerationRestriction", {"default": [{"key": "c", "operator": "Exists"}]}
    ) as api:
        made = await api.ok("POST", PODS, pod("a"))
        assert made["spec"]["tolerations"] == [*NODE, {"key": "c", "operator": "Exists"}]
        await annotate(api, defaultTolerations=TOLERATED)
        assert (await api.ok("POST", PODS, pod("b")))["spec"]["tolerations"] == [*NODE, KEY]
        # Said to be none: the configured ones do not count.
        await annotate(api, defaultTolerations="")
        assert (await api.ok("POST", PODS, pod("c")))["spec"]["tolerations"] == NODE
        busy = pod("d")
        busy["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
        pressure = {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}
        assert (await api.ok("POST", PODS, busy))["spec"]["tolerations"] == [*NODE, pressure]


@pytest.mark.parametrize(
    ("configured", "annotation", "scope"),
    [([], None, ""), ([KEY], None, "cluster"), ([KEY], "", ""), ([], ALLOWED, "namespace")],
)
async def test_tolerations_are_restricted(
    with_plugin: Callable[..., Any], configured: list[Obj], annotation: str | None, scope: str
) -> None:
    async with with_plugin("PodTolerationRestriction", {"whitelist": configured}) as api:
        if annotation is not None:
            await annotate(api, tolerationsWhitelist=annotation)
        obj = pod(tolerations=[{"key": "other", "operator": "Exists"}])
        if not scope:
            await api.ok("POST", PODS, obj)
            return
        error = await api.error("POST", PODS, obj)
        assert (error.code, error.reason, error.message) == (
            500,
            "",
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its "
            f"{scope} whitelist",
        )


# -- ExtendedResourceToleration ----------------------------------------------------------------------------------

GPU: Obj = {"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


async def test_devices_are_tolerated(with_plugin: Callable[..., Any]) -> None:
    async with with_plugin("ExtendedResourceToleration") as api:
        obj = pod()
        obj["spec"]["containers"][0]["resources"] = {
            "limits": {"example.com/gpu": "1", "a.b/c": "1", "cpu": "1"}
        }
        made = await api.ok("POST", PODS, obj)
        assert made["spec"]["tolerations"] == [*NODE, GPU | {"key": "a.b/c"}, GPU]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [GPU]),
        ([GPU], [GPU]),
        ([GPU | {"tolerationSeconds": 5}, KEY], [GPU, KEY]),
        ([GPU | {"effect": "NoExecute"}], [GPU | {"effect": "NoExecute"}, GPU]),
    ],
)
def test_a_toleration_is_added_once(before: list[Obj], after: list[Obj]) -> None:
    assert extended_resource_toleration.with_toleration(before, "example.com/gpu") == after


# -- LimitPodHardAntiAffinityTopology, DenyServiceExternalIPs, namespaces ----------------------------------------


async def test_pods_keep_others_away_from_nodes_only(with_plugin: Callable[..., Any]) -> None:
    def away_from(key: str) -> Obj:
        term = {"topologyKey": key, "labelSelector": {}}
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}

    async with with_plugin("LimitPodHardAntiAffinityTopology") as api:
        await api.ok("POST", PODS, pod("a", affinity=away_from("kubernetes.io/hostname")))
        error = await api.error("POST", PODS, pod("b", affinity=away_from("zone")))
        assert error.message == (
            'pods "b" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only '
            "key kubernetes.io/hostname is allowed"
        )


async def test_services_get_no_new_external_addresses(api: Api, with_plugin: Callable[..., Any]) -> None:
    path = f"{NAMESPACES}/default/services"
    spec = {"ports": [{"port": 1}], "externalIPs": ["1.2.3.4", "2.3.4.5"]}
    await api.ok("POST", path, {"metadata": {"name": "s"}, "spec": spec})
    why = 'services "{}" is forbidden: Use of external IPs is denied by admission control'
    async with with_plugin("DenyServiceExternalIPs", is_new=False) as later:
        error = await later.error("POST", path, {"metadata": {"name": "t"}, "spec": spec})
        assert error.message == why.format("t")
        for addresses, is_allowed in ((["2.3.4.5"], True), (["2.3.4.5", "9.9.9.9"], False), ([], True)):
            patch = {"spec": {"externalIPs": addresses}}
            if is_allowed:
                await later.ok("PATCH", f"{path}/s", patch, content_type=MERGE)
            else:
                error = await later.error("PATCH", f"{path}/s", patch, content_type=MERGE)
                assert error.message == why.format("s")


async def test_nothing_is_deleted_nowhere(clock: VirtualClock, store: MemoryStore) -> None:
    api = Api(
        clock,
        store,
        enable_admission_plugins=["NamespaceExists"],
        disable_admission_plugins=["NamespaceLifecycle"],
    )
    error = await api.error("POST", f"{NAMESPACES}/nope/configmaps", {"metadata": {"name": "a"}})
    assert (error.code, error.message) == (404, 'namespaces "nope" not found')
    await api.registry.close()


# -- EventRateLimit ----------------------------------------------------------------------------------------------


def event(name: str, namespace: str = "default", **more: Any) -> Obj:
    involved = {"kind": "Pod", "namespace": namespace, "name": "p"}
    return {"metadata": {"name": name}, "involvedObject": involved, "reason": "r", "message": "m", **more}


@pytest.mark.parametrize(
    ("limit", "key"),
    [
        ({"type": "Server"}, ""),
        ({"type": "Namespace"}, "default"),
        ({"type": "User", "cacheSize": 2}, "alice"),
        ({"type": "SourceAndObject"}, "kubeletn1Poddefaultp"),
    ],
)
async def test_events_come_at_a_rate(
    with_plugin: Callable[..., Any], clock: VirtualClock, limit: Obj, key: str
) -> None:
    path = f"{NAMESPACES}/default/events"
    source = {"component": "kubelet", "host": "n1"}
    async with with_plugin("EventRateLimit", {"limits": [{"qps": 1, "burst": 2, **limit}]}) as api:
        for name in ("a", "b"):
            await api.ok("POST", path, event(name, source=source))
        await api.ok("POST", f"{path}?dryRun=All", event("c", source=source))
        error = await api.error("POST", path, event("c", source=source))
        assert (error.code, error.reason, error.details) == (429, "TooManyRequests", None)
        assert error.message == (f"Too many requests: limit reached on type {limit['type']} for key {key}")
        await clock.advance(1.0)
        await api.ok("POST", path, event("c", source=source))


async def test_each_limit_is_charged_and_named(with_plugin: Callable[..., Any]) -> None:
    limits = [{"type": "Server", "qps": 1, "burst": 1}, {"type": "Namespace", "qps": 1, "burst": 1}]
    async with with_plugin("EventRateLimit", {"limits": limits}) as api:
        path = f"{NAMESPACES}/default/events"
        await api.ok("POST", path, event("a"))
        error = await api.error("POST", path, event("b"))
        assert error.message == (
            "Too many requests: [limit reached on type Server for key , limit reached on type Namespace for key "
            "default]"
        )


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ([], "limits: Invalid value: null: must not be empty"),
        ([{"type": "Server", "qps": 0, "burst": 1}], "limits[0].qps: Invalid value: 0: must be positive"),
        (
            [{"type": "User", "qps": 1, "burst": 1, "cacheSize": -1}],
            "limits[0].cacheSize: Invalid value: -1: must not be negative",
        ),
    ],
)
def test_limits_that_make_no_sense(
    clock: VirtualClock, store: MemoryStore, limits: list[Obj], why: str
) -> None:
    with pytest.raises(ValueError) as error:
        Api(
            clock,
            store,
            enable_admission_plugins=["EventRateLimit"],
            admission_configuration={"EventRateLimit": {"limits": limits}},
        )
    assert str(error.value) == why


# -- OwnerReferencesPermissionEnforcement ------------------------------------------------------------------------

SETS = "/apis/apps/v1/namespaces/default/replicasets"


def owner(uid: str = "1", kind: str = "ReplicaSet", version: str = "apps/v1", **more: Any) -> Obj:
    return {"apiVersion": version, "kind": kind, "name": f"o{uid}", "uid": uid, **more}


BLOCKING = owner(blockOwnerDeletion=True)


async def ask(user: User, info: RequestInfo) -> Decision:
    """Admins may all; deleters may delete pods; finalizers may also set finalizers of ReplicaSets."""
    rights = {
        "deleter": {("delete", "pods", "")},
        "finalizer": {("delete", "pods", ""), ("update", "replicasets", "finalizers")},
    }
    asked = (info.verb, info.resource, info.subresource)
    is_allowed = user.name == "alice" or asked in rights.get(user.name, set())
    return ALLOW if is_allowed else NO_OPINION


NO_DELETE = "cannot set an ownerRef on a resource you can't delete: , <nil>"
NO_FINALIZE = (
    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
    ", <nil>"
)


@pytest.mark.parametrize(
    ("user", "method", "owners", "why"),
    [
        ("alice", "PATCH", [BLOCKING], ""),
        ("nobody", "POST", [owner()], ""),
        ("nobody", "POST", [BLOCKING], NO_FINALIZE),
        ("nobody", "PATCH", [owner()], NO_DELETE),
        ("deleter", "PATCH", [owner()], ""),
        ("deleter", "PATCH", [BLOCKING], NO_FINALIZE),
        ("finalizer", "PATCH", [BLOCKING], ""),
        ("finalizer", "PATCH", [BLOCKING, owner("2", "Node", "v1", blockOwnerDeletion=True)], NO_FINALIZE),
        (
            "finalizer",
            "POST",
            [owner("1", "Unknown", "some/v9", blockOwnerDeletion=True)],
            "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion some/v9 Kind "
            'Unknown: no matches for kind "Unknown" in version "some/v9"',
        ),
    ],
)
async def test_owners_need_permissions(
    with_plugin: Callable[..., Any], user: str, method: str, owners: list[Obj], why: str
) -> None:
    async with with_plugin("OwnerReferencesPermissionEnforcement", ask=ask) as api:
        obj = pod()
        if method == "PATCH":
            await api.ok("POST", PODS, obj)
        api.user = User(user)
        obj["metadata"]["ownerReferences"] = owners
        body = {"metadata": {"ownerReferences": owners}} if method == "PATCH" else obj
        path = f"{PODS}/p" if method == "PATCH" else PODS
        content_type = MERGE if method == "PATCH" else "application/json"
        if why:
            error = await api.error(method, path, body, content_type=content_type)
            assert error.message == f'pods "p" is forbidden: {why}'
        else:
            await api.ok(method, path, body, content_type=content_type)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ([owner()], [], []),
        ([BLOCKING], [], [BLOCKING]),
        ([BLOCKING], [owner()], [BLOCKING]),
        ([BLOCKING], [BLOCKING], []),
        ([BLOCKING, owner("2", blockOwnerDeletion=False)], [BLOCKING], []),
    ],
)
def test_what_blocks_newly(new: list[Obj], old: list[Obj], expected: list[Obj]) -> None:
    assert newly_blocking(new, old) == expected


# -- NamespaceAutoProvision --------------------------------------------------------------------------------------


async def test_namespaces_are_made_on_first_use(with_plugin: Callable[..., Any]) -> None:
    path = f"{NAMESPACES}/fresh/configmaps"
    async with with_plugin("NamespaceAutoProvision") as api:
        error = await api.error("POST", f"{path}?dryRun=All", {"metadata": {"name": "a"}})
        assert error.code == 404
        for name in ("a", "b"):
            await api.ok("POST", path, {"metadata": {"name": name}})
        made = await api.ok("GET", f"{NAMESPACES}/fresh")
        assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "fresh"}
        assert (made["spec"], made["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
