from __future__ import annotations

from typing import Any

import pytest

from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

SERVICES = "/api/v1/namespaces/default/services"
MERGE = "application/merge-patch+json"


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}, **spec}}


async def test_a_service_gets_an_address(api: Api) -> None:
    spec = (await api.ok("POST", SERVICES, service()))["spec"]
    assert spec["clusterIP"].startswith("10.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    assert "nodePort" not in spec["ports"][0]


async def test_headless_and_external_services_get_none(api: Api) -> None:
    headless = (await api.ok("POST", SERVICES, service("h", clusterIP="None")))["spec"]
    assert headless["clusterIPs"] == ["None"]
    bare = (await api.ok("POST", SERVICES, service("b", clusterIP="None", selector=None)))["spec"]
    assert (bare["ipFamilies"], bare["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")
    external = (await api.ok("POST", SERVICES, service("e", type="ExternalName", externalName="x.io")))[
        "spec"
    ]
    assert "clusterIP" not in external


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"clusterIP": "10.96.0.77"},
            'spec.clusterIPs: Invalid value: ["10.96.0.77"]: failed to allocate IP 10.96.0.77: provided IP is already '
            "allocated",
        ),
        (
            {"clusterIP": "192.168.0.1"},
            'spec.clusterIPs: Invalid value: ["192.168.0.1"]: failed to allocate IP 192.168.0.1: the provided network '
            "does not match the current range",
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30007}]},
            "spec.ports[0].nodePort: Invalid value: 30007: provided port is already allocated",
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid "
            "ports is 30000-32767",
        ),
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack '
            "services",
        ),
        (
            {"ipFamilies": ["IPv6"]},
            'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
        ),
    ],
)
async def test_what_cannot_be_had(api: Api, spec: dict[str, Any], message: str) -> None:
    taken = service("first", type="NodePort", clusterIP="10.96.0.77", ports=[{"port": 1, "nodePort": 30007}])
    await api.ok("POST", SERVICES, taken)
    error = await api.error("POST", SERVICES, service(**spec))
    assert error.code == 422
    assert message in error.message


async def test_a_dry_run_is_told_of_taken_ports_only(api: Api) -> None:
    """Not of taken addresses, nor of ports that nobody can have: as upstream's allocators, which are not asked then."""
    ports = [{"port": 1, "nodePort": 30007}]
    await api.ok("POST", SERVICES, service("a", type="NodePort", clusterIP="10.96.0.77", ports=ports))
    dry = SERVICES + "?dryRun=All"
    await api.ok("POST", dry, service(clusterIP="10.96.0.77"))
    await api.ok("POST", dry, service(type="NodePort", ports=[{"port": 1, "nodePort": 80}]))
    error = await api.error("POST", dry, service(type="NodePort", ports=ports))
    assert "provided port is already allocated" in error.message
    await api.ok("POST", SERVICES, service("b", type="NodePort", ports=[{"port": 1, "nodePort": 30008}]))


async def test_what_becomes_external_has_no_internal_policy(api: Api) -> None:
    await api.ok("POST", SERVICES, service())
    change = {"spec": {"type": "ExternalName", "externalName": "x.io"}}
    changed = await api.ok("PATCH", f"{SERVICES}/s", change, content_type=MERGE)
    assert "internalTrafficPolicy" not in changed["spec"]


async def test_what_a_failed_create_had_is_free_again(api: Api) -> None:
    bad = service(clusterIP="10.96.0.77", ports=[{"port": 0}])
    assert (await api.error("POST", SERVICES, bad)).code == 422
    await api.ok("POST", SERVICES, service(clusterIP="10.96.0.77"))


async def test_what_a_deleted_service_had_is_free_again(api: Api) -> None:
    first = service("a", type="NodePort", clusterIP="10.96.0.77", ports=[{"port": 1, "nodePort": 30007}])
    for _ in range(2):
        await api.ok("POST", SERVICES, first)
        await api.ok("DELETE", f"{SERVICES}/a")


async def test_a_dry_run_reserves_nothing(api: Api) -> None:
    await api.ok("POST", f"{SERVICES}?dryRun=All", service(clusterIP="10.96.0.77"))
    await api.ok("POST", SERVICES, service(clusterIP="10.96.0.77"))


async def test_what_is_taken_is_known_after_a_restart(api: Api) -> None:
    await api.ok("POST", SERVICES, service("a", clusterIP="10.96.0.77"))
    again = Api(api.clock, api.store)
    assert (await again.error("POST", SERVICES, service("b", clusterIP="10.96.0.77"))).code == 422
    await again.registry.close()


async def test_a_full_range_says_so(clock: Any) -> None:
    store = MemoryStore()
    api = Api(clock, store, service_ip_range="10.0.0.0/30", node_port_range=(30000, 30001))
    await api.namespace("default")
    for name in "ab":
        await api.ok("POST", SERVICES, service(name, type="NodePort"))
    error = await api.error("POST", SERVICES, service("c"))
    assert error.message == (
        'Internal error occurred: failed to allocate a serviceIP for Service "c": range is full'
    )
    await api.registry.close()
    await store.close()


async def test_an_update_keeps_what_it_does_not_mention(api: Api) -> None:
    made = (await api.ok("POST", SERVICES, service(type="NodePort")))["spec"]
    changed = (await api.ok("PUT", f"{SERVICES}/s", service(type="NodePort", selector={"x": "y"})))["spec"]
    assert changed["clusterIP"] == made["clusterIP"]
    assert changed["ports"] == made["ports"]


async def test_changing_the_type_takes_and_gives_up(api: Api) -> None:
    await api.ok("POST", SERVICES, service())
    as_node_port = await api.ok("PATCH", f"{SERVICES}/s", {"spec": {"type": "NodePort"}}, content_type=MERGE)
    number = as_node_port["spec"]["ports"][0]["nodePort"]
    assert 30000 <= number <= 32767
    back = await api.ok("PATCH", f"{SERVICES}/s", {"spec": {"type": "ClusterIP"}}, content_type=MERGE)
    assert "nodePort" not in back["spec"]["ports"][0]
    again = service("t", type="NodePort", ports=[{"port": 1, "nodePort": number}])
    await api.ok("POST", SERVICES, again)
    external = {"spec": {"type": "ExternalName", "externalName": "x.io"}}
    gone = await api.ok("PATCH", f"{SERVICES}/s", external, content_type=MERGE)
    assert "clusterIP" not in gone["spec"]


async def test_tcp_and_udp_share_a_number(api: Api) -> None:
    ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]
    made = await api.ok("POST", SERVICES, service(type="NodePort", ports=ports))
    numbers = {port["nodePort"] for port in made["spec"]["ports"]}
    assert len(numbers) == 1


@pytest.mark.parametrize(
    ("before", "change", "code", "message"),
    [
        ({}, {"clusterIP": "1.2.3.4"}, 422, "may not change once set"),
        (
            {"type": "NodePort"},
            {"ports": [{"name": "a", "port": 80, "nodePort": 1}, {"name": "b", "port": 81, "nodePort": 2}]},
            422,
            'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 1: provided port is not in the valid '
            "range. The range of valid ports is 30000-32767",
        ),
        (
            {"type": "NodePort"},
            {"ports": [{"name": name, "port": 80, "nodePort": 30001} for name in "ab"]},
            500,
            "duplicate nodePort: {TCP 30001}",
        ),
        (
            {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
            {"healthCheckNodePort": 1},
            422,
            "spec.healthCheckNodePort: Forbidden: field is immutable",
        ),
        (
            {"type": "LoadBalancer"},
            {"externalTrafficPolicy": "Local", "healthCheckNodePort": 1},
            500,
            "failed to allocate requested HealthCheck NodePort 1: provided port is not in the valid range",
        ),
    ],
)
async def test_what_an_update_may_not_take(
    api: Api, before: Any, change: Any, code: int, message: str
) -> None:
    await api.ok("POST", SERVICES, service("web", **before))
    error = await api.error(
        "PATCH", f"{SERVICES}/web", {"spec": change}, content_type="application/merge-patch+json"
    )
    assert error.code == code
    assert message in error.message


async def test_numbers_asked_for_count_even_where_none_are_given(api: Api) -> None:
    """A load balancer that needs no node ports may name some."""
    asked = service(
        "a", type="LoadBalancer", allocateLoadBalancerNodePorts=False, ports=[{"port": 80, "nodePort": 30007}]
    )
    await api.ok("POST", SERVICES, asked)
    asked["metadata"]["name"] = "b"
    assert "provided port is already allocated" in (await api.error("POST", SERVICES, asked)).message


async def test_local_load_balancers_get_a_health_check_port(api: Api) -> None:
    made = await api.ok("POST", SERVICES, service(type="LoadBalancer", externalTrafficPolicy="Local"))
    assert 30000 <= made["spec"]["healthCheckNodePort"] <= 32767


# -- IPAddresses, ServiceCIDRs -----------------------------------------------------------------------------------

ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"
RANGES = "/apis/networking.k8s.io/v1/servicecidrs"


async def test_each_address_has_its_object(api: Api) -> None:
    await api.ok("POST", SERVICES, service(clusterIP="10.96.0.50"))
    await api.clock.settle()
    made = await api.ok("GET", f"{ADDRESSES}/10.96.0.50")
    assert made["spec"] == {"parentRef": {"resource": "services", "namespace": "default", "name": "s"}}
    assert made["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], list(entry["fieldsV1"])) == ("kube-apiserver", ["f:metadata", "f:spec"])
    await api.ok("DELETE", f"{ADDRESSES}/10.96.0.50")
    await api.clock.settle()
    again = await api.ok("GET", f"{ADDRESSES}/10.96.0.50")
    assert again["metadata"]["uid"] != made["metadata"]["uid"]
    await api.ok("DELETE", f"{SERVICES}/s")
    await api.clock.settle()
    assert (await api.error("GET", f"{ADDRESSES}/10.96.0.50")).code == 404


async def test_a_clients_address_is_kept_from_others(api: Api) -> None:
    parent = {"resource": "gateways", "group": "example.com", "namespace": "default", "name": "g"}
    await api.ok("POST", ADDRESSES, {"metadata": {"name": "10.96.0.60"}, "spec": {"parentRef": parent}})
    error = await api.error("POST", SERVICES, service(clusterIP="10.96.0.60"))
    assert error.message.endswith("failed to allocate IP 10.96.0.60: provided IP is already allocated")
    await api.clock.settle()
    assert (await api.ok("GET", f"{ADDRESSES}/10.96.0.60"))["spec"]["parentRef"] == parent


async def test_the_ends_of_a_range_are_in_it_and_not_to_be_had(api: Api) -> None:
    # Since there are objects of ranges, what is in none of them is another matter.
    await api.ok("POST", SERVICES, service("first"))
    await api.ok("POST", RANGES, {"metadata": {"name": "more"}, "spec": {"cidrs": ["192.168.7.0/24"]}})
    for address, why in (
        (
            "10.96.0.0",
            "the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/12",
        ),
        ("172.16.0.1", "the provided network does not match the current range"),
    ):
        error = await api.error("POST", SERVICES, service(clusterIP=address))
        assert error.message.endswith(f"failed to allocate IP {address}: {why}")


async def test_a_ready_range_can_be_asked_for(api: Api) -> None:
    await api.ok("POST", SERVICES, service("first"))
    await api.ok("POST", RANGES, {"metadata": {"name": "more"}, "spec": {"cidrs": ["192.168.7.0/24"]}})
    wanted = service("s", clusterIP="192.168.7.9")
    assert (await api.error("POST", SERVICES, wanted)).code == 422
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": ""}
    status = {"status": {"conditions": [{**ready, "message": "x"}]}, "metadata": {"labels": {"a": "b"}}}
    changed = await api.ok("PATCH", f"{RANGES}/more/status", status, content_type=MERGE)
    assert "labels" not in changed["metadata"]
    assert (await api.ok("POST", SERVICES, wanted))["spec"]["clusterIP"] == "192.168.7.9"


@pytest.mark.parametrize(
    ("root", "name", "spec", "text"),
    [
        (ADDRESSES, "10.96.0.61", {}, "spec.parentRef: Required value"),
        (
            ADDRESSES,
            "2001:DB8::1",
            {"parentRef": {"resource": "r", "name": "n"}},
            'metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")',
        ),
        (ADDRESSES, "10.96.0.61", {"parentRef": {"name": "n"}}, "spec.parentRef.resource: Required value"),
        (RANGES, "r", {}, "spec.cidrs: Required value: at least one CIDR required"),
        (
            RANGES,
            "r",
            {"cidrs": ["10.0.0.0/8", "11.0.0.0/8"]},
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
        ),
    ],
)
async def test_what_is_no_address_and_no_range(
    api: Api, root: str, name: str, spec: dict[str, Any], text: str
) -> None:
    error = await api.error("POST", root, {"metadata": {"name": name}, "spec": spec})
    assert error.message.endswith(text)


async def test_ranges_may_only_grow_by_the_other_family(api: Api) -> None:
    await api.ok("POST", RANGES, {"metadata": {"name": "r"}, "spec": {"cidrs": ["10.0.0.0/8"]}})
    change = {"spec": {"cidrs": ["11.0.0.0/8"]}}
    error = await api.error("PATCH", f"{RANGES}/r", change, content_type=MERGE)
    assert error.message.endswith('spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable')
    both = {"spec": {"cidrs": ["10.0.0.0/8", "2001:db8::/64"]}}
    assert (await api.ok("PATCH", f"{RANGES}/r", both, content_type=MERGE))["spec"] == both["spec"]


@pytest.mark.parametrize("number", [0, 31234])
async def test_a_health_check_has_a_port_while_it_is_needed(api: Api, number: int) -> None:
    wanted: dict[str, Any] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    if number:
        wanted |= {"healthCheckNodePort": number}
    spec = (await api.ok("POST", SERVICES, service(**wanted)))["spec"]
    port = spec["healthCheckNodePort"]
    assert 30000 <= port <= 32767
    assert not number or port == number
    taken = service("t", type="NodePort", ports=[{"port": 80, "nodePort": port}])
    assert "provided port is already allocated" in (await api.error("POST", SERVICES, taken)).message
    change = {"spec": {"externalTrafficPolicy": "Cluster"}}
    assert (
        "healthCheckNodePort"
        not in (await api.ok("PATCH", f"{SERVICES}/s", change, content_type=MERGE))["spec"]
    )
    await api.ok("POST", SERVICES, taken)


V4, V6 = "10.0.0.", "fd00:"
DUAL_CASES: list[tuple[dict[str, Any], list[str], str, list[str]]] = [
    # spec -> families, policy, beginnings of the addresses. Source: storage_test.go TestCreateInitIPFields.
    ({}, ["IPv4"], "SingleStack", [V4]),
    ({"ipFamilies": ["IPv6"]}, ["IPv6"], "SingleStack", [V6]),
    ({"clusterIP": "fd00::7"}, ["IPv6"], "SingleStack", ["fd00::7"]),
    ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"], "PreferDualStack", [V4, V6]),
    ({"ipFamilyPolicy": "RequireDualStack"}, ["IPv4", "IPv6"], "RequireDualStack", [V4, V6]),
    (
        {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]},
        ["IPv6", "IPv4"], "RequireDualStack", [V6, V4],
    ),
    (
        {"ipFamilyPolicy": "PreferDualStack", "clusterIPs": ["fd00::9", "10.0.0.9"], "clusterIP": "fd00::9"},
        ["IPv6", "IPv4"], "PreferDualStack", ["fd00::9", "10.0.0.9"],
    ),
    (
        {"ipFamilyPolicy": "PreferDualStack", "clusterIP": "None", "ipFamilies": ["IPv6"]},
        ["IPv6", "IPv4"], "PreferDualStack", ["None"],
    ),
]  # fmt: skip


@pytest.fixture
async def dual(clock: Any) -> Any:
    store = MemoryStore()
    api = Api(clock, store, service_ip_range="10.0.0.0/24,fd00::/112")
    await api.namespace("default")
    yield api
    await api.registry.close()
    await store.close()


@pytest.mark.parametrize(("spec", "families", "policy", "addresses"), DUAL_CASES)
async def test_a_cluster_of_two_families(
    dual: Api, spec: dict[str, Any], families: list[str], policy: str, addresses: list[str]
) -> None:
    found = (await dual.ok("POST", SERVICES, service(**spec)))["spec"]
    assert (found["ipFamilies"], found["ipFamilyPolicy"]) == (families, policy)
    assert len(found["clusterIPs"]) == len(addresses) and found["clusterIP"] == found["clusterIPs"][0]
    assert all(ip.startswith(wanted) for ip, wanted in zip(found["clusterIPs"], addresses, strict=True))


async def test_a_second_family_comes_and_goes(dual: Api) -> None:
    one = await dual.ok("POST", SERVICES, service())
    prefer = {"spec": {"ipFamilyPolicy": "PreferDualStack"}}
    two = await dual.ok("PATCH", f"{SERVICES}/s", prefer, content_type=MERGE)
    assert two["spec"]["clusterIPs"][0] == one["spec"]["clusterIP"] and len(two["spec"]["clusterIPs"]) == 2
    less = {"spec": {"clusterIPs": two["spec"]["clusterIPs"][:1]}}
    error = await dual.error("PATCH", f"{SERVICES}/s", less, content_type=MERGE)
    assert "must be 'SingleStack' to release the secondary cluster IP" in error.message
    back = await dual.ok(
        "PATCH", f"{SERVICES}/s", {"spec": {"ipFamilyPolicy": "SingleStack"}}, content_type=MERGE
    )
    assert (back["spec"]["clusterIPs"], back["spec"]["ipFamilies"]) == ([one["spec"]["clusterIP"]], ["IPv4"])
    again = service("t", clusterIP=two["spec"]["clusterIPs"][1])
    assert (await dual.ok("POST", SERVICES, again))["spec"]["ipFamilies"] == ["IPv6"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4", "IPv6"]},
            "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
        ),
        (
            {"clusterIPs": ["10.0.0.5", "fd00::5"], "clusterIP": "10.0.0.5"},
            "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
        ),
        ({"clusterIPs": ["10.0.0.5", "10.0.0.6"], "clusterIP": "10.0.0.5"}, "no more than one IP for each IP family"),
    ],
)  # fmt: skip
async def test_families_that_do_not_agree(dual: Api, spec: dict[str, Any], message: str) -> None:
    assert message in (await dual.error("POST", SERVICES, service(**spec))).message
