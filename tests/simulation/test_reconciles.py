"""What every controller promises of its reconciles: one that fails is no other's business, none reads a whole kind.

Each controller of the table works here, those that are off by default as well.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubepy import controllers
from kubepy.api.objects import Document, Key
from kubepy.client.informer import Informer
from kubepy.controllers.manager import CONTROLLERS, ControllerManager
from kubepy.testing import Cluster
from tests.simulation import busy

EVERYBODY = ("*", *(row.name for row in CONTROLLERS if not row.by_default))


def manager_of(cluster: Cluster) -> ControllerManager:
    manager = cluster.plane.controller_manager
    assert manager is not None
    return manager


async def test_a_controller_that_fails_at_one_object_goes_on_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it is that fails, and for however long: as many such keys as there are workers twice over, and after
    them one that is well."""
    async with Cluster(nodes=1, controllers=EVERYBODY, allocate_node_cidrs=True) as cluster:
        controllers = manager_of(cluster).controllers
        everybody = {row.name for row in CONTROLLERS if not row.needs}
        # Nobody signs here: there is no authority to sign with.
        assert everybody - controllers.keys() == {"certificatesigningrequest-signing-controller"}
        seen: dict[str, Counter[str]] = {name: Counter() for name in controllers}

        def reconcile_of(name: str) -> Any:
            async def reconcile(key: Key) -> None:
                seen[name][key.name] += 1
                if key.name.startswith("bad"):
                    raise (RuntimeError, KeyError, AssertionError)[int(key.name[-1]) % 3]("boom")

            return reconcile

        for name, controller in controllers.items():
            monkeypatch.setattr(controller, "reconcile", reconcile_of(name))
            bad = [f"bad-{number}" for number in range(2 * controller.workers)]
            for key in (*bad, "good"):
                controller.queue.add(Key("default", key))
        await cluster.advance("1m")
        for name, controller in controllers.items():
            assert seen[name]["good"] == 1, name
            assert all(seen[name][f"bad-{number}"] > 2 for number in range(2 * controller.workers)), name
        monkeypatch.undo()


async def test_a_handler_that_fails_at_one_object_hears_of_the_others() -> None:
    """What a controller does on the way of an event counts as well: an object that its mapper cannot read."""
    async with Cluster(nodes=1) as cluster:
        heard: list[str] = []

        def mapper(document: Document, old: Document | None) -> Iterator[Key]:
            heard.append(document.key.name)
            if document.key.name == "old-style":
                raise KeyError("spec")
            return iter(())

        controller = manager_of(cluster).controllers["replicationcontroller-controller"]
        controller.watch(next(iter(controller._watched)).resource, mapper)
        await cluster.create(busy.replication_controller("old-style", replicas=1))
        await cluster.create(busy.replication_controller("other", replicas=1))
        await cluster.until(lambda: cluster.pods("default", ready=True), count=2)
        assert {"old-style", "other"} <= set(heard)
        assert cluster.logged("informer_handler_failed")


# Who reads a whole kind, and why it may: a handful of objects in any cluster, or nothing less would do.
WHOLE_KINDS = {
    ("bootstrap_tokens", "secrets"),  # a watch of kube-system's bootstrap tokens only
    ("cluster_role_aggregation", "clusterroles.rbac.authorization.k8s.io"),  # any of them may be chosen by labels
    ("cluster_trust_bundle_publisher", "clustertrustbundles.certificates.k8s.io"),
    ("daemon_set", "nodes"),  # a DaemonSet is about every node
    ("daemon_set", "daemonsets.apps"),  # a node that changed its labels or taints is every DaemonSet's matter
    ("legacy_token_cleaner", "secrets"),  # once a day, of service account tokens only
    ("persistent_volume_binder", "storageclasses.storage.k8s.io"),  # which one is the default?
    ("service_cidrs", "servicecidrs.networking.k8s.io"),
}  # fmt: skip


# The same in the source, where what no busy cluster reaches stands as well: (module, informer).
WHOLE_READS = {
    ("bootstrap_tokens", "secrets"),
    ("cluster_role_aggregation", "roles"),
    ("cluster_trust_bundle_publisher", "bundles"),
    ("daemon_set", "nodes"),
    ("daemon_set", "sets"),
    (
        "endpoint_slice",
        "nodes",
    ),  # one key for all, and only where a Service has hints: zones are shares of the whole
    ("legacy_token_cleaner", "secrets"),
    ("persistent_volume_binder", "classes"),
    ("service_cidrs", "addresses"),  # of a range that is leaving: whether anything is left in it
    ("service_cidrs", "ranges"),
}


def test_who_reads_a_whole_kind_is_listed() -> None:
    found = {
        (path.stem, call.func.value.attr)
        for path in Path(controllers.__path__[0]).glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and not call.args
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("list", "documents", "keys")
        and isinstance(call.func.value, ast.Attribute)
        and not call.func.value.attr.startswith("_")  # an informer is a public attribute of its controller
    }
    assert found == WHOLE_READS


async def test_no_reconcile_reads_a_whole_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour of a busy cluster, with rollouts, failures and deletions."""
    found: set[tuple[str, str]] = set()
    documents = Informer.documents

    def counted(informer: Informer, namespace: str = "") -> Any:
        frame = sys._getframe(1)
        if frame.f_code.co_name == "list":
            assert frame.f_back is not None
            frame = frame.f_back
        module = frame.f_globals["__name__"]
        if not namespace and module.startswith("kubepy.controllers."):
            found.add((module.rpartition(".")[2], str(informer.resource)))
        return documents(informer, namespace)

    monkeypatch.setattr(Informer, "documents", counted)
    async with Cluster(nodes=3, controllers=EVERYBODY, allocate_node_cidrs=True) as cluster:
        await busy.begin(cluster)
        await cluster.advance("10m")
        for node in ("node-1", "node-2"):
            await cluster.client.patch(
                _nodes(cluster), node, {"metadata": {"labels": {"topology.kubernetes.io/zone": node}}}
            )
        for obj in busy.wanted():
            await cluster.client.delete(cluster.resource(obj), obj["metadata"]["name"], "default")
        await cluster.advance("20m")
    assert found - WHOLE_KINDS == set()
    assert ("daemon_set", "nodes") in found, "somebody is counted"


def _nodes(cluster: Cluster) -> Any:
    return cluster.resource({"apiVersion": "v1", "kind": "Node"})
