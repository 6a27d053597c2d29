"""Endpoints: subsets of addresses with the same ports, and the limit of a thousand."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers import endpoints
from kubepy.controllers.endpoint_slice import TRIGGERED
from kubepy.controllers.endpoints import ADDRESSES_MAX, MANAGED_BY, MANAGER, OVER_CAPACITY, Plan


def service(**spec: Any) -> Any:
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "svc"},
        "spec": {
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": ports,
            **spec,
        },
    }


def pod(number: int, *, ready: bool = True, **metadata: Any) -> Any:
    ip = f"10.1.{number // 250}.{number % 250}"
    return {
        "metadata": {"name": f"p{number}", "namespace": "default", "uid": f"p{number:04}", **metadata},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def address(number: int) -> Any:
    return {
        "ip": f"10.1.0.{number}",
        "nodeName": "n1",
        "targetRef": {"kind": "Pod", "namespace": "default", "name": f"p{number}", "uid": f"p{number:04}"},
    }


def test_ready_and_unready_addresses_are_kept_apart() -> None:
    made = endpoints.plan(service(), [pod(2), pod(1), pod(3, ready=False)], None).create
    assert made is not None
    assert made["metadata"]["labels"] == {MANAGED_BY: MANAGER}
    assert made["subsets"] == [
        {
            "addresses": [address(1), address(2)],
            "notReadyAddresses": [address(3)],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ]
    assert endpoints.plan(service(), [pod(1), pod(2), pod(3, ready=False)], made) == Plan()


def test_pods_on_their_way_out_are_left_out_unless_asked_for() -> None:
    leaving = pod(1, deletionTimestamp="2026-01-01T00:00:00Z")
    assert endpoints.pack(service(), [leaving]) == []
    assert len(endpoints.pack(service(publishNotReadyAddresses=True), [leaving])) == 1


def test_what_is_gone_is_taken_out() -> None:
    made = endpoints.plan(service(), [pod(1)], None).create
    assert made is not None
    emptied = endpoints.plan(service(), [], made).update
    assert emptied is not None and "subsets" not in emptied


def test_a_thousand_addresses_are_the_limit_and_ready_ones_stay() -> None:
    pods = [pod(i) for i in range(900)] + [pod(1000 + i, ready=False) for i in range(200)]
    made = endpoints.plan(service(), pods, None).create
    assert made is not None
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (900, ADDRESSES_MAX - 900)
    assert made["metadata"]["annotations"] == {OVER_CAPACITY: "truncated"}
    relieved = endpoints.plan(service(), pods[:10], made).update
    assert relieved is not None and OVER_CAPACITY not in relieved["metadata"]["annotations"]


def test_endpoints_say_when_that_happened_which_they_tell() -> None:
    made = endpoints.plan(service(), [pod(1)], None, "2026-01-01T00:00:10Z").create
    assert made is not None and made["metadata"]["annotations"] == {TRIGGERED: "2026-01-01T00:00:10Z"}
    assert endpoints.plan(service(), [pod(1)], made, "2026-01-01T00:00:20Z") == Plan(), "no reason to write"
    updated = endpoints.plan(service(), [pod(1), pod(2)], made).update
    assert updated is not None and updated["metadata"]["annotations"] == {}


def _read(text: str) -> list[Any]:
    """Subsets in one line: `1 2 !3 @80 81` are two addresses that are ready, one that is not, and two ports;
    `1=a` has the uid a behind it."""
    subsets = []
    for each in text.split(";"):
        addresses, _, ports = each.partition("@")
        subset: Any = {"addresses": [], "notReadyAddresses": [], "ports": []}
        for word in addresses.split():
            ip, _, uid = word.lstrip("!").partition("=")
            which = "notReadyAddresses" if word.startswith("!") else "addresses"
            subset[which].append({"ip": ip} | ({"targetRef": {"uid": uid}} if uid else {}))
        subset["ports"] = [{"port": int(port), "protocol": "TCP"} for port in ports.split()]
        subsets.append({name: value for name, value in subset.items() if value})
    return [subset for subset in subsets if subset]


@pytest.mark.parametrize(
    ("given", "packed"),
    [
        ("", ""),
        ("@111", ""),
        ("1@", "1@"),
        ("!1@111", "!1@111"),
        ("2 1@111", "1 2@111"),
        ("1 !1@111", "!1@111"),
        ("1@222 111", "1@111 222"),
        ("1 1@111", "1@111"),
        ("1=a 1=b@111", "1=a 1=b@111"),
        ("1@111 111", "1@111"),
        ("1@111; 1@111", "1@111"),
        ("1@111; !1@111", "!1@111"),
        ("1@111; 1@222", "1@111 222"),
        ("1=a@111; !1=a@222", "1=a@111; !1=a@222"),
        ("1@111; 2@111", "1 2@111"),
        ("1=a@111; 1=b@111", "1=a 1=b@111"),
        ("1@111; 1=a@111", "1 1=a@111"),
        ("1@111; 2@222", "1@111; 2@222"),
        ("1 2@111 222; 2 3@222 333", "1 2@111; 1 2 3@222; 2 3@333"),
        ("1@111; 2@222; 1@333; 2 3@222", "1@111 333; 2 3@222"),
    ],
)
def test_subsets_in_canonical_form(given: str, packed: str) -> None:
    """Cases: pkg/api/v1/endpoints/util_test.go, TestPackSubsets."""
    assert endpoints.repack(_read(given)) == _read(packed)


def test_pods_that_lack_a_named_port_share_the_others() -> None:
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"},
        {"name": "metrics", "port": 90, "targetPort": "metrics", "protocol": "TCP"},
    ]
    both, one = pod(1), pod(2)
    offered = {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}
    both["spec"]["containers"] = [{"name": "app", "ports": [offered]}]
    made = endpoints.plan(service(ports=ports), [both, one], None).create
    assert made is not None
    assert [([a["ip"] for a in s["addresses"]], [p["port"] for p in s["ports"]]) for s in made["subsets"]] == [
        (["10.1.0.1", "10.1.0.2"], [8080]), (["10.1.0.1"], [9090]),
    ]  # fmt: skip
