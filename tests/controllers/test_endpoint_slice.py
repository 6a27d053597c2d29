"""EndpointSlices: how endpoints are spread over slices, and what is said of each."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Key
from kubepy.controllers import endpoint_slice
from kubepy.controllers.endpoint_hints import Topology
from kubepy.controllers.endpoint_slice import ENDPOINTS_MAX, HEADLESS, MANAGER, TRIGGERED, Plan, TriggerTimes
from kubepy.controllers.owned_slices import MANAGED_BY, SERVICE_NAME

HTTP = [{"name": "", "port": 80, "targetPort": 8080, "protocol": "TCP"}]


def service(**spec: Any) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "uid": "svc", "labels": {"team": "blue"}},
        "spec": {
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": HTTP,
            **spec,
        },
    }


def pod(number: int, *, ready: bool = True, deleting: bool = False, **spec: Any) -> Any:
    metadata = {"name": f"p{number}", "namespace": "default", "uid": f"p{number}", "labels": {"app": "web"}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ip = f"10.1.{number // 250}.{number % 250}"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": metadata,
        "spec": {"nodeName": "n1", "containers": [{"name": "c"}], **spec},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": conditions},
    }


def decide(subject: Any, pods: Any, slices: Any = (), zones: Any = None) -> Plan:
    zone_of = {"n1": ""}.get if zones is None else zones.get
    return endpoint_slice.plan(subject, pods, slices, zone_of, topology=Topology())


def stored(plan: Plan) -> list[Any]:
    """What the server would have after the creations of a plan."""
    return [
        each | {"metadata": each["metadata"] | {"name": f"s{at}", "uid": f"s{at}"}}
        for at, each in enumerate(plan.create)
    ]


def test_the_first_slice_says_all_there_is_to_say() -> None:
    (made,) = decide(service(), [pod(1)], zones={"n1": "z1"}).create
    assert made["metadata"]["generateName"] == "web-"
    assert made["metadata"]["labels"] == {"team": "blue", SERVICE_NAME: "web", MANAGED_BY: MANAGER}
    assert made["metadata"]["ownerReferences"][0]["uid"] == "svc"
    assert made["addressType"] == "IPv4"
    assert made["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    assert made["endpoints"] == [
        {
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {"kind": "Pod", "namespace": "default", "name": "p1", "uid": "p1"},
            "nodeName": "n1",
            "zone": "z1",
        }
    ]


@pytest.mark.parametrize(
    ("ready", "deleting", "publish", "expected"),
    [
        (True, False, False, (True, True, False)),
        (False, False, False, (False, False, False)),
        (True, True, False, (False, True, True)),
        (False, True, False, (False, False, True)),
        (False, False, True, (True, False, False)),
        (True, True, True, (True, True, True)),
    ],
)
def test_conditions_say_what_an_endpoint_is_good_for(
    ready: bool, deleting: bool, publish: bool, expected: tuple[bool, bool, bool]
) -> None:
    subject = service(publishNotReadyAddresses=publish)
    (made,) = decide(subject, [pod(1, ready=ready, deleting=deleting)]).create
    conditions = made["endpoints"][0]["conditions"]
    assert (conditions["ready"], conditions["serving"], conditions["terminating"]) == expected


def test_nothing_changes_when_nothing_changed() -> None:
    pods = [pod(i) for i in range(3)]
    assert decide(service(), pods, stored(decide(service(), pods))) == Plan()


def test_endpoints_fill_slices_of_a_hundred() -> None:
    made = decide(service(), [pod(i) for i in range(250)]).create
    assert [len(each["endpoints"]) for each in made] == [ENDPOINTS_MAX, ENDPOINTS_MAX, 50]


def test_a_new_endpoint_goes_where_there_is_room_and_changes_one_slice() -> None:
    slices = stored(decide(service(), [pod(i) for i in range(250)]))
    plan = decide(service(), [pod(i) for i in range(251)], slices)
    assert (plan.create, plan.delete) == ((), ())
    (changed,) = plan.update
    assert changed["metadata"]["name"] == "s2" and len(changed["endpoints"]) == 51


def test_a_slice_that_changes_anyway_is_filled_first() -> None:
    slices = stored(decide(service(), [pod(i) for i in range(250)]))
    replaced = [pod(i) for i in range(250) if i != 3] + [pod(999)]
    (changed,) = decide(service(), replaced, slices).update
    assert changed["metadata"]["name"] == "s0" and len(changed["endpoints"]) == 100


def test_readiness_changes_an_endpoint_in_place() -> None:
    slices = stored(decide(service(), [pod(1), pod(2)]))
    (changed,) = decide(service(), [pod(1), pod(2, ready=False)], slices).update
    assert [endpoint["conditions"]["ready"] for endpoint in changed["endpoints"]] == [True, False]


def test_a_service_without_endpoints_keeps_one_empty_slice() -> None:
    plan = decide(service(), [])
    (placeholder,) = plan.create
    assert placeholder["endpoints"] == [] and placeholder["ports"] == []
    assert decide(service(), [], stored(plan)) == Plan()


def test_the_last_endpoint_leaves_its_slice_as_the_placeholder() -> None:
    plan = decide(service(), [], stored(decide(service(), [pod(1)])))
    assert (plan.create, plan.delete) == ((), ())
    (changed,) = plan.update
    assert changed["endpoints"] == [] and changed["ports"] == []


def test_other_ports_make_another_slice() -> None:
    named = service(ports=[{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}])
    pods = [
        pod(
            number,
            containers=[{"name": "c", "ports": [{"name": "web", "containerPort": port, "protocol": "TCP"}]}],
        )
        for number, port in ((1, 8080), (2, 9090))
    ]
    made = decide(named, pods).create
    assert sorted(each["ports"][0]["port"] for each in made) == [8080, 9090]


def test_labels_of_the_service_are_followed() -> None:
    slices = stored(decide(service(), [pod(1)]))
    subject = service()
    subject["metadata"]["labels"] = {"team": "red"}
    (changed,) = decide(subject, [pod(1)], slices).update
    assert changed["metadata"]["labels"]["team"] == "red"


def test_a_headless_service_says_so_and_needs_no_ports() -> None:
    (made,) = decide(service(clusterIP="None", ports=None), [pod(1)]).create
    assert made["metadata"]["labels"][HEADLESS] == ""
    assert made["ports"] == [] and len(made["endpoints"]) == 1


def test_slices_of_a_service_that_is_gone_are_not_taken_over() -> None:
    slices = stored(decide(service(), [pod(1)]))
    slices[0]["metadata"]["ownerReferences"][0]["uid"] = "another"
    plan = decide(service(), [pod(1)], slices)
    assert len(plan.create) == 1 and plan.delete == tuple(slices)


def test_two_families_have_slices_of_their_own() -> None:
    both = pod(1)
    both["status"]["podIPs"].append({"ip": "fd00::0001"})
    made = decide(service(ipFamilies=["IPv4", "IPv6"]), [both]).create
    assert {each["addressType"]: each["endpoints"][0]["addresses"] for each in made} == {
        "IPv4": ["10.1.0.1"],
        "IPv6": ["fd00::1"],
    }


def test_pods_on_unknown_nodes_wait() -> None:
    plan = decide(service(), [pod(1, nodeName="n9")])
    assert plan.missing_nodes == ("p1",)
    assert decide(service(publishNotReadyAddresses=True), [pod(1, nodeName="n9")]).missing_nodes == ()


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pods_that_are_over_have_no_endpoint(phase: str) -> None:
    over = pod(1)
    over["status"]["phase"] = phase
    assert decide(service(), [over]).create[0]["endpoints"] == []


def test_nothing_is_made_for_a_service_that_is_being_deleted() -> None:
    subject = service()
    subject["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert decide(subject, [pod(1)]).create == ()


def test_only_what_is_told_wakes_a_service() -> None:
    assert not endpoint_slice.is_told(pod(1, priority=3), pod(1))
    assert endpoint_slice.is_told(pod(1, ready=False), pod(1))
    assert endpoint_slice.is_told(pod(1, deleting=True), pod(1))


# Source: trigger_time_tracker_test.go.
def test_the_oldest_change_since_the_last_run_is_what_was_told() -> None:
    def at(number: int, second: int) -> Any:
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": f"2026-01-01T00:00:{second:02}Z"}
        return pod(number) | {"status": {"conditions": [ready]}}

    subject = service()
    subject["metadata"]["creationTimestamp"] = "2026-01-01T00:00:10Z"
    times, key = TriggerTimes(), Key("default", "web")
    assert times.of(key, subject, [at(1, 20)]) == "2026-01-01T00:00:10Z"
    assert times.of(key, subject, [at(1, 20)]) == ""
    assert times.of(key, subject, [at(1, 30), at(2, 25)]) == "2026-01-01T00:00:25Z"
    assert times.of(key, subject, [at(2, 25)]) == "", "one that went says nothing"
    times.forget(key)
    assert times.of(key, subject, [at(2, 40)]) == "2026-01-01T00:00:10Z"


def test_slices_say_when_that_happened_which_they_tell() -> None:
    def written(triggered: str, slices: Any, *pods: Any) -> Plan:
        return endpoint_slice.plan(
            service(), pods, slices, lambda node: "", topology=Topology(), triggered=triggered
        )

    first = written("2026-01-01T00:00:10Z", (), pod(1))
    assert first.create[0]["metadata"]["annotations"] == {TRIGGERED: "2026-01-01T00:00:10Z"}
    assert written("2026-01-01T00:00:20Z", stored(first), pod(1)) == Plan(), "no reason to write"
    (updated,) = written("", stored(first), pod(1), pod(2)).update
    assert "annotations" not in updated["metadata"]
