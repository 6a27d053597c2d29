import ipaddress

from kubepy.api.builtins import ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, PRIORITY_CLASSES, SERVICES
from kubepy.daemon import bootstrap
from kubepy.testing import Cluster


async def test_every_cluster_begins_with_the_same_objects():
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        names = {n["metadata"]["name"] for n in await cluster.list(NAMESPACES)}
        assert names == {"default", "kube-system", "kube-public", "kube-node-lease"}
        classes = {c["metadata"]["name"]: c["value"] for c in await cluster.list(PRIORITY_CLASSES)}
        assert classes == {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
        service = await cluster.client.get(SERVICES, "kubernetes", "default")
        assert (
            service["spec"]["clusterIP"] == "10.96.0.1"
            and service["metadata"]["labels"]["provider"] == "kubernetes"
        )
        (entry,) = service["metadata"]["managedFields"]
        assert entry["manager"] == "kube-apiserver" and "f:ipFamilyPolicy" in entry["fieldsV1"]["f:spec"]


async def test_what_a_person_changed_stays_but_endpoints_say_where_we_listen_now():
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        service = await cluster.client.get(SERVICES, "kubernetes", "default")
        await cluster.client.patch(
            SERVICES, "kubernetes", {"metadata": {"labels": {"mine": "1"}}}, namespace="default"
        )
        await bootstrap.apply(
            cluster.client, cluster.plane.catalog, bootstrap_directory(), service_range="10.96.0.0/16",
            host="192.0.2.55", port=7443, now=cluster.clock.now(),
        )  # fmt: skip
        again = await cluster.client.get(SERVICES, "kubernetes", "default")
        assert (
            again["metadata"]["uid"] == service["metadata"]["uid"]
            and again["metadata"]["labels"]["mine"] == "1"
        )
        endpoints = await cluster.client.get(ENDPOINTS, "kubernetes", "default")
        assert endpoints["subsets"][0]["addresses"] == [{"ip": "192.0.2.55"}]
        (piece,) = [
            s for s in await cluster.list(ENDPOINT_SLICES, "default") if s["metadata"]["name"] == "kubernetes"
        ]
        assert piece["endpoints"][0]["addresses"] == ["192.0.2.55"] and piece["ports"][0]["port"] == 7443


async def test_the_kubernetes_service_comes_back_at_once_and_its_endpoints_stay_true():
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        await cluster.client.delete(SERVICES, "kubernetes", "default")
        await cluster.client.patch(ENDPOINTS, "kubernetes", {"subsets": []}, namespace="default")
        await cluster.settle()
        service = await cluster.client.get(SERVICES, "kubernetes", "default")
        assert service["spec"]["clusterIP"] == "10.96.0.1"
        assert (await cluster.client.get(ENDPOINTS, "kubernetes", "default"))["subsets"]


def bootstrap_directory():
    from kubepy.daemon.config import files_dir

    return files_dir() / "bootstrap"


def test_the_advertised_address_is_never_loopback():
    assert bootstrap.advertised("192.0.2.1") == "192.0.2.1"
    for bind in ("127.0.0.1", "0.0.0.0", "::1"):
        address = ipaddress.ip_address(bootstrap.advertised(bind))
        assert not address.is_loopback and not address.is_unspecified
