"""The journey of one pod through the whole house, hop by hop; what it finds is docs/one-pod.md (scripts/docs)."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from kubepy.api import pods
from kubepy.api.objects import condition, controller_of, is_condition_true
from kubepy.testing import journey
from kubepy.testing.journey import WAY, Lost


@pytest.fixture(scope="module")
def travelled():
    return asyncio.run(journey.travel())


def chain(travelled, *names):
    """Positions in the record, to be increasing."""
    return [travelled.step(name).at for name in names]


def test_every_hop_was_made_after_its_cause(travelled):
    before = ""
    for hop in WAY:
        cause = hop.after or before
        if cause:
            assert travelled.step(hop.name).at > travelled.step(cause).at, f"{hop.name} before {cause}"
        before = hop.name
    assert len(travelled.steps) == len(WAY)


def test_the_request_passes_the_filters_in_upstreams_order(travelled):
    passed = travelled.step("filters").text.partition(": ")[2].split(", ")
    upstream = [
        "panic_recovery",
        "request_info",
        "timeout",
        "authentication",
        "impersonation",
        "authorization",
    ]
    assert [name for name in passed if name in upstream] == upstream


def test_the_store_tells_the_cache_before_the_writer_and_the_informers(travelled):
    made = chain(travelled, "store", "store-event", "cache", "written")
    assert made == sorted(made)
    assert travelled.step("cache").at < travelled.step("informer").at
    revisions = {travelled.step(name).revision for name in ("store-event", "cache", "written", "informer")}
    assert revisions == {travelled.first_revision}


def test_each_owner_is_written_before_what_it_owns(travelled):
    revisions = [
        travelled.step(name).revision for name in ("written", "replica-set", "pod", "bound", "running")
    ]
    assert revisions == sorted(set(revisions))
    deployment, replica_set, pod = (
        travelled.written(travelled.step(n)) for n in ("written", "replica-set", "pod")
    )
    assert controller_of(replica_set)["uid"] == deployment["metadata"]["uid"]
    assert controller_of(pod)["uid"] == replica_set["metadata"]["uid"]


def test_the_pod_gets_its_node_then_a_status_then_an_address(travelled):
    waiting, bound, creating, running = (
        travelled.written(travelled.step(name)) for name in ("pod", "bound", "creating", "running")
    )
    assert waiting["status"]["phase"] == "Pending" and "nodeName" not in waiting["spec"]
    assert bound["spec"]["nodeName"] == "node-3" and is_condition_true(bound, "PodScheduled")
    (container,) = creating["status"]["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == "ContainerCreating"
    assert pods.is_ready(running) and running["status"]["podIP"]


def test_the_scheduler_decides_on_the_revision_that_was_created(travelled):
    created = travelled.step("pod").revision
    assert {travelled.step(name).event["seen"] for name in ("queued", "chosen", "bound-told")} == {created}
    chosen = travelled.step("chosen").event
    assert (chosen["evaluated"], chosen["feasible"], chosen["ties"], chosen["node"]) == (3, 2, 1, "node-3")


def test_readiness_flows_up_and_sideways(travelled):
    replica_set = travelled.written(travelled.step("replica-set-status"))
    assert replica_set["status"]["availableReplicas"] == 1
    deployment = travelled.written(travelled.step("available"))
    assert is_condition_true(deployment, "Available")
    assert condition(deployment, "Progressing")["reason"] == "NewReplicaSetAvailable"
    running = travelled.written(travelled.step("running"))
    (endpoint,) = travelled.written(travelled.step("endpoints"))["endpoints"]
    assert endpoint["addresses"] == [running["status"]["podIP"]] and endpoint["conditions"]["ready"]


def test_only_the_containers_start_takes_time(travelled):
    took = {step.hop.name: step.time_s for step in travelled.steps}
    assert all(took[hop.name] == 0 for hop in WAY[: [hop.name for hop in WAY].index("running")])
    assert 0.2 <= took["running"] <= 0.6
    assert took["rolled-out"] == took["running"]


def test_each_revision_has_one_writer_and_none_is_missing(travelled):
    revisions = [write["revision"] for write in travelled.writes]
    assert revisions == list(range(travelled.first_revision, travelled.first_revision + len(revisions)))
    assert set(revisions) == set(travelled.objects)
    requests = {event["request_id"] for event in travelled.record if event["event"] == "request"}
    assert {write["request_id"] for write in travelled.writes} <= requests


def test_people_are_told(travelled):
    events = [obj for obj in travelled.objects.values() if obj["kind"] == "Event"]
    reasons = {event["reason"] for event in events}
    assert reasons == {
        "ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulling", "Pulled", "Created", "Started",
    }  # fmt: skip


async def test_another_seed_takes_the_same_way_and_the_same_seed_the_same_page(travelled):
    other = await journey.travel(seed=2)
    assert [step.hop.name for step in other.steps] == [step.hop.name for step in travelled.steps]
    assert other.pod != travelled.pod
    assert journey.render(await journey.travel()) == journey.render(travelled)


def test_the_page_shows_no_generated_name_and_every_hop(travelled):
    page = journey.render(travelled)
    assert travelled.pod not in page
    assert all(f"]({'../kubepy/' + hop.where})" in page for hop in WAY)
    assert "**100**" in page and 'deployment "web" successfully rolled out' in page


def test_a_hop_that_does_not_happen_is_named(travelled):
    missing = structs.replace(travelled.step("bound").hop, event="pod_teleported")
    with pytest.raises(Lost, match=r"bound: .* did not happen"):
        journey.find(missing, travelled.record, -1)
    step = travelled.step("bound")
    with pytest.raises(Lost, match=r"bound: .* came before its cause"):
        journey.find(step.hop, travelled.record, step.at)


@pytest.mark.parametrize(
    ("generation", "status", "text", "is_done"),
    [
        (2, {"observedGeneration": 1}, "Waiting for deployment spec update to be observed...", False),
        (1, {}, "Waiting for deployment spec update to be observed...", False),
        (
            1, {"observedGeneration": 1, "updatedReplicas": 1},
            'Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...', False,
        ),
        (
            1, {"observedGeneration": 1, "updatedReplicas": 2, "replicas": 3},
            'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...', False,
        ),
        (
            1, {"observedGeneration": 1, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1},
            'Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...', False,
        ),
        (
            1, {"observedGeneration": 1, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2},
            'deployment "web" successfully rolled out', True,
        ),
        (
            1, {
                "observedGeneration": 1,
                "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}],
            },
            'deployment "web" exceeded its progress deadline', True,
        ),
    ],
)  # fmt: skip
def test_rollout_status_says_what_kubectl_says(generation, status, text, is_done):
    deployment = {
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": 2},
        "status": status,
    }
    assert journey.rollout_status(deployment) == (text, is_done)
