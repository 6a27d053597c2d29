import pytest

from kubepy.api import errors
from kubepy.api.builtins import LEASES
from kubepy.daemon.identity_lease import LABEL, NAMESPACE, is_over, server_id
from kubepy.lib.clock import parse_rfc3339, rfc3339_micro
from kubepy.testing import Cluster

QUIET = {"nodes": 0, "scheduler": "off", "controllers": ()}


async def identities(cluster):
    return await cluster.list(LEASES, NAMESPACE, labels=f"{LABEL}=kube-apiserver")


def test_the_name_is_upstreams():
    assert server_id("vm") == "apiserver-wlv32tlttr4jl3gtroqexyxapa"


async def test_it_is_renewed_every_ten_seconds_and_another_holders_after_a_start():
    async with Cluster(**QUIET) as cluster:
        (lease,) = await identities(cluster)
        spec = lease["spec"]
        assert spec["holderIdentity"].startswith(lease["metadata"]["name"] + "_")
        assert spec["leaseDurationSeconds"] == 3600
        assert lease["metadata"]["annotations"]["kubernetes.io/peer-advertise-address"].endswith(":443")
        await cluster.advance("10.5s")
        (later,) = await identities(cluster)
        waited_s = parse_rfc3339(later["spec"]["renewTime"]) - parse_rfc3339(spec["renewTime"])
        assert 10 <= waited_s <= 10.4
        other = cluster.fork(seed=2)
    async with other:
        (anew,) = await identities(other)
        assert anew["metadata"]["name"] == lease["metadata"]["name"]
        assert anew["metadata"]["uid"] != lease["metadata"]["uid"], "that of the process before is deleted"
        assert anew["spec"]["holderIdentity"] != spec["holderIdentity"]


async def test_it_comes_back_when_somebody_deletes_or_changes_it():
    async with Cluster(**QUIET) as cluster:
        (lease,) = await identities(cluster)
        name = lease["metadata"]["name"]
        await cluster.client.delete(LEASES, name, NAMESPACE)
        with pytest.raises(errors.NotFound):
            await cluster.get(LEASES, name, NAMESPACE)
        await cluster.advance("11s")
        anew = await cluster.get(LEASES, name, NAMESPACE)
        await cluster.client.update(LEASES, anew | {"metadata": {**anew["metadata"], "labels": {}}})
        assert await identities(cluster) == []
        await cluster.advance("11s")
        assert len(await identities(cluster)) == 1


async def test_those_of_servers_that_are_gone_are_collected_once_an_hour():
    async with Cluster(**QUIET) as cluster:
        renewed = rfc3339_micro(cluster.clock.now())
        gone = {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "apiserver-gone", "namespace": NAMESPACE, "labels": {LABEL: "kube-apiserver"}},
            "spec": {"holderIdentity": "gone", "leaseDurationSeconds": 5400, "renewTime": renewed},
        }  # fmt: skip
        await cluster.create(gone)
        await cluster.advance("1h59m")
        assert len(await identities(cluster)) == 2
        await cluster.advance("1m1s")
        assert [lease["metadata"]["name"] for lease in await identities(cluster)] != ["apiserver-gone"]
        assert len(await identities(cluster)) == 1


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 60}, False),
        ({"renewTime": "2025-12-31T23:58:59.000000Z", "leaseDurationSeconds": 60}, True),
        ({"leaseDurationSeconds": 60}, True),
        ({"renewTime": "2026-01-01T00:00:00.000000Z"}, True),
    ],
)
def test_a_lease_is_over(spec, expected):
    assert is_over({"spec": spec}, parse_rfc3339("2026-01-01T00:00:00Z")) is expected
