"""What only waiting shows, at its exact second, with everything running: time-outs that several rooms make together.

Those of one controller are with it (tests/controllers): the deadline of a rollout, the two minutes of a
PodDisruptionBudget, the five of an autoscaler, the first retries of a Job.
"""

from __future__ import annotations

import itertools

import pytest

from kubepy.api import objects
from kubepy.api.builtins import EVENTS, JOBS, LEASES, NODES, PODS, SERVICE_ACCOUNTS, TOKEN_REVIEWS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing import Cluster
from kubepy.testing.builders import make_deployment, make_pod
from tests.simulation import busy


async def outage(cluster: Cluster, node: str) -> None:
    change = {"metadata": {"annotations": {"kubepy.io/outage": "true"}}}
    await cluster.client.patch(NODES, node, change, content_type=MERGE_PATCH)


async def test_a_dead_node_keeps_its_pods_for_five_minutes_after_its_lease_has_run_out() -> None:
    async with Cluster(nodes=2) as cluster:
        await cluster.create(make_deployment("web").replicas(2))
        await cluster.until(lambda: cluster.pods(ready=True), count=2)
        await outage(cluster, "node-1")
        lease = (await cluster.get(LEASES, "node-1", "kube-node-lease"))["spec"]
        renewed = parse_rfc3339(lease["renewTime"])

        async def is_unknown() -> bool:
            return objects.condition(await cluster.get(NODES, "node-1", ""), "Ready")["status"] == "Unknown"

        async def is_evicted() -> bool:
            return any(objects.is_deleting(pod) for pod in await cluster.pods("default"))

        await cluster.until(is_unknown)
        silent_s = cluster.clock.now() - renewed
        assert 50 <= silent_s < 51, "--node-monitor-grace-period"
        tolerated_s = await cluster.until(is_evicted)
        assert 300 <= tolerated_s < 301, "tolerationSeconds of DefaultTolerationSeconds"
        (pod,) = [pod for pod in await cluster.pods("default") if objects.is_deleting(pod)]
        assert pod["spec"]["nodeName"] == "node-1"
        await cluster.advance("30s")
        ready = await cluster.pods("default", ready=True)
        assert {pod["spec"]["nodeName"] for pod in ready} == {"node-2"} and len(ready) == 2


async def test_a_job_that_always_fails_waits_twice_as_long_each_time_and_ten_minutes_at_most() -> None:
    async with Cluster(nodes=1) as cluster:
        failing = busy.job("sum", completions=1, seconds=1)
        failing["spec"] |= {"parallelism": 1, "backoffLimit": 9}
        failing["spec"]["template"]["metadata"]["annotations"]["kubepy.io/exit-code"] = "1"
        await cluster.create(failing)

        async def is_failed() -> bool:
            return objects.is_condition_true(await cluster.get(JOBS, "sum"), "Failed")

        await cluster.until(is_failed, within="2h")
        created = sorted(
            parse_rfc3339(pod["metadata"]["creationTimestamp"]) for pod in await cluster.pods("default")
        )
        waits = [later - earlier for earlier, later in itertools.pairwise(created)]
        wanted = [10, 20, 40, 80, 160, 320, 600, 600, 600]
        # And the second or two that a pod lives.
        assert len(waits) == 9
        assert all(0 < wait - want <= 5 for wait, want in zip(waits, wanted, strict=True)), waits


async def test_a_token_counts_until_its_second_and_the_minute_that_clocks_may_differ() -> None:
    async with Cluster(nodes=0) as cluster:

        async def is_believed(token: str) -> bool:
            review = {
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
            }  # fmt: skip
            status = (await cluster.client.create(TOKEN_REVIEWS, review))["status"]
            return status.get("authenticated", False)

        await cluster.advance("1s")
        request = {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }  # fmt: skip
        answer = await cluster.client.create(
            SERVICE_ACCOUNTS, request, namespace="default", name="default", subresource="token"
        )
        status = answer["status"]
        assert parse_rfc3339(status["expirationTimestamp"]) == cluster.clock.now() + 3600
        assert await is_believed(status["token"])
        await cluster.advance("1h")
        assert await is_believed(status["token"])
        await cluster.advance("59s")
        assert await is_believed(status["token"])
        await cluster.advance("3s")
        assert not await is_believed(status["token"])


@pytest.mark.parametrize(("settings", "kept_s"), [({}, 3600), ({"event_ttl": "10m"}, 600)])
async def test_an_event_lasts_as_long_as_it_is_to(settings: dict[str, str], kept_s: int) -> None:
    async with Cluster(nodes=1, **settings) as cluster:

        async def about_the_pod() -> list[Obj]:
            found = await cluster.list(EVENTS, "default")
            return [event for event in found if event["involvedObject"]["name"] == "web-0"]

        await cluster.create(make_pod("web-0"))
        await cluster.until(lambda: cluster.pods(ready=True), count=1)
        await cluster.advance("1s")
        assert len(await about_the_pod()) >= 4
        await cluster.advance(kept_s - 10)
        assert len(await about_the_pod()) >= 4
        # Leases of etcd, too, are looked at now and then only.
        await cluster.advance(75)
        assert await about_the_pod() == []
        assert await cluster.get(PODS, "web-0")
