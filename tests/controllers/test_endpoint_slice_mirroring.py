"""Endpoints of Services without a selector. Source: endpointslicemirroring/{reconciler,utils}_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import ENDPOINT_SLICES, ENDPOINTS, EVENTS
from kubepy.controllers import endpoint_slice_mirroring as mirroring
from kubepy.testing.cluster import Cluster

SERVICE: Any = {"metadata": {"namespace": "ns", "name": "svc"}, "spec": {}}
PORTS = [{"name": "http", "port": 80, "protocol": "TCP"}]


def endpoints(*subsets: Any, labels: Any = None, annotations: Any = None) -> Any:
    metadata = {
        "namespace": "ns",
        "name": "svc",
        "uid": "u",
        "labels": labels or {},
        "annotations": annotations or {},
    }
    return {"metadata": metadata, "subsets": list(subsets)}


def subset(*ips: str, not_ready: tuple[str, ...] = (), ports: Any = PORTS) -> Any:
    return {
        "addresses": [{"ip": ip} for ip in ips],
        "notReadyAddresses": [{"ip": ip} for ip in not_ready],
        "ports": ports,
    }


def test_one_slice_for_each_family_and_set_of_ports() -> None:
    made = mirroring.plan(
        endpoints(
            subset("10.0.0.1", "2001:db8::1", not_ready=("10.0.0.2",)),
            subset("10.0.0.3", ports=[{"port": 100}]),
        ),
        SERVICE,
        [],
    ).create
    assert [(each["addressType"], [p["port"] for p in each["ports"]]) for each in made] == [
        ("IPv4", [100]), ("IPv4", [80]), ("IPv6", [80]),
    ]  # fmt: skip
    assert [(e["addresses"], e["conditions"]) for e in made[1]["endpoints"]] == [
        (["10.0.0.1"], {"ready": True}), (["10.0.0.2"], {"ready": False}),
    ]  # fmt: skip
    metadata = made[0]["metadata"]
    assert metadata["generateName"] == "svc-"
    assert metadata["labels"] == {
        "kubernetes.io/service-name": "svc",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }


def test_labels_and_annotations_go_along_but_for_two() -> None:
    given = endpoints(
        subset("10.0.0.1"),
        labels={"a": "b", "kubernetes.io/service-name": "x"},
        annotations={
            "c": "d",
            "endpoints.kubernetes.io/last-change-trigger-time": "t",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    )
    (made,) = mirroring.plan(given, SERVICE, []).create
    assert made["metadata"]["labels"]["a"] == "b"
    assert made["metadata"]["labels"]["kubernetes.io/service-name"] == "svc"
    assert made["metadata"]["annotations"] == {"c": "d"}


def _stored(slice_: Any, name: str = "svc-abc") -> Any:
    metadata = {k: v for k, v in slice_["metadata"].items() if k != "generateName"}
    return slice_ | {"metadata": metadata | {"name": name, "resourceVersion": "5"}}


def test_a_mirror_that_is_right_stays_and_one_that_is_not_is_updated_in_place() -> None:
    given = endpoints(subset("10.0.0.1"))
    present = _stored(mirroring.plan(given, SERVICE, []).create[0])
    assert mirroring.plan(given, SERVICE, [present]) == mirroring.Plan()
    changed = mirroring.plan(endpoints(subset("10.0.0.1", "10.0.0.2")), SERVICE, [present])
    assert (changed.create, changed.delete) == ((), ())
    assert changed.update[0]["metadata"]["name"] == "svc-abc"
    assert changed.update[0]["metadata"]["resourceVersion"] == "5"
    other_ports = mirroring.plan(endpoints(subset("10.0.0.1", ports=[{"port": 9}])), SERVICE, [present])
    assert [each["ports"][0]["port"] for each in other_ports.update] == [9]


@pytest.mark.parametrize(
    ("given", "service"),
    [
        (None, SERVICE),
        (endpoints(subset("10.0.0.1")), None),
        (endpoints(subset("10.0.0.1")), SERVICE | {"spec": {"selector": {"a": "b"}}}),
        (endpoints(subset("10.0.0.1"), labels={"endpointslice.kubernetes.io/skip-mirror": "true"}), SERVICE),
        (
            endpoints(subset("10.0.0.1"), annotations={"control-plane.alpha.kubernetes.io/leader": "x"}),
            SERVICE,
        ),
    ],
)
def test_what_is_not_mirrored_any_more_goes(given: Any, service: Any) -> None:
    present = _stored(mirroring.plan(endpoints(subset("10.0.0.1")), SERVICE, []).create[0])
    assert mirroring.plan(given, service, [present]) == mirroring.Plan(delete=(present,))


def test_what_is_left_out_is_counted() -> None:
    many = [f"10.0.{i // 250}.{i % 250}" for i in range(1100)]
    decided = mirroring.plan(endpoints(subset("not-an-ip", *many)), SERVICE, [])
    # In the order of their text, and what is no address is behind the thousand.
    assert (decided.invalid, decided.skipped) == (0, 101)
    assert len(decided.create[0]["endpoints"]) == 1000
    few = mirroring.plan(endpoints(subset("0-not-an-ip", *many)), SERVICE, [])
    assert (few.invalid, few.skipped) == (1, 101)


def test_ports_of_the_same_addresses_share_a_slice() -> None:
    http, https = [{"name": "http", "port": 80}], [{"name": "https", "port": 443}]
    given = endpoints(subset("10.0.0.1", ports=https), subset("10.0.0.1", ports=http))
    (made,) = mirroring.plan(given, SERVICE, []).create
    assert [port["port"] for port in made["ports"]] == [80, 443]
    assert [each["addresses"] for each in made["endpoints"]] == [["10.0.0.1"]]


@pytest.mark.parametrize(
    ("owners", "is_rewritten"),
    [([], False), ([("svc", "uid-1")], False), ([("svc", "gone")], True), ([("other", "gone")], False)],
)
def test_only_a_slice_of_an_earlier_namesake_changes_its_owner(
    owners: list[tuple[str, str]], is_rewritten: bool
) -> None:
    given = endpoints(subset("10.0.0.1"))
    given["metadata"]["uid"] = "uid-1"
    present = _stored(mirroring.plan(given, SERVICE, []).create[0])
    present["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Endpoints", "name": name, "uid": uid} for name, uid in owners
    ]
    assert bool(mirroring.plan(given, SERVICE, [present]).update) is is_rewritten


async def test_mirrored_through_create_update_and_delete(cluster: Cluster) -> None:
    port = {"name": "example", "port": 80}
    metadata = {"name": "svc", "namespace": "default"}
    await cluster.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}}
    )
    made = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": metadata,
        "subsets": [subset("10.1.2.3", ports=[port])],
    }
    await cluster.create(made)
    await cluster.settle()
    labels = "kubernetes.io/service-name=svc"
    (mirror,) = await cluster.list(ENDPOINT_SLICES, "default", labels=labels)
    assert mirror["endpoints"][0]["addresses"] == ["10.1.2.3"]
    await cluster.client.update(
        ENDPOINTS, made | {"subsets": [subset("10.2.3.4", ports=[port | {"port": 81}])]}
    )
    await cluster.settle()
    (mirror,) = await cluster.list(ENDPOINT_SLICES, "default", labels=labels)
    assert (mirror["endpoints"][0]["addresses"], mirror["ports"][0]["port"]) == (["10.2.3.4"], 81)
    await cluster.client.delete(ENDPOINTS, "svc", "default")
    await cluster.settle()
    assert await cluster.list(ENDPOINT_SLICES, "default", labels=labels) == []
    assert [each for each in await cluster.list(EVENTS) if "Mirror" in each["reason"]] == []
