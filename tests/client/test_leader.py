import pytest

from kubepy.api.builtins import LEASES
from kubepy.api.objects import Key
from kubepy.client.leader import LeaderElector
from kubepy.client.transport import ConnectionLost
from kubepy.observability import logs


class Work:
    """What a leader does: forever, writing down when it began and ended."""

    def __init__(self, clock):
        self.clock, self.log = clock, []

    async def __call__(self):
        self.log.append(("began", self.clock.monotonic()))
        try:
            await self.clock.sleep(1e9)
        finally:
            self.log.append(("ended", self.clock.monotonic()))

    @property
    def is_on(self):
        return bool(self.log) and self.log[-1][0] == "began"


@pytest.fixture
def candidate(client, clock, random, tasks):
    def candidate(identity, via=None):
        elector = LeaderElector(
            via or client, "scheduler", identity=identity, clock=clock, random=random, log=logs.silent()
        )
        work = Work(clock)
        task = tasks.start(elector.run(work), name=identity)
        return elector, work, task

    return candidate


def spec(server):
    return server._live[LEASES][Key("kube-system", "scheduler")].obj["spec"]


async def test_the_first_candidate_leads_and_renews(server, clock, candidate):
    elector, work, _ = candidate("a")
    await clock.settle()
    assert elector.is_leader
    assert work.is_on
    assert spec(server) == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 0,
    }
    await clock.advance(60)
    assert spec(server)["acquireTime"] == "2026-01-01T00:00:00.000000Z"
    assert spec(server)["renewTime"] == "2026-01-01T00:01:00.000000Z"


async def test_the_second_waits_as_long_as_the_first_renews(server, clock, candidate):
    candidate("a")
    await clock.settle()
    elector, work, _ = candidate("b")
    await clock.advance(600)
    assert not elector.is_leader
    assert elector.leader == "a"
    assert work.log == []


async def test_a_cancelled_leader_stops_working_and_then_releases(server, clock, candidate):
    _, work_a, task = candidate("a")
    await clock.settle()
    _, work_b, _ = candidate("b")
    await clock.advance(10)
    task.cancel()
    await clock.settle()
    assert work_a.log[-1] == ("ended", 10)
    assert spec(server)["holderIdentity"] == ""
    await clock.advance(5)
    assert work_b.is_on
    assert spec(server)["holderIdentity"] == "b"
    assert spec(server)["leaseTransitions"] == 1


async def test_a_silent_leader_is_replaced_after_the_lease_has_run_out(server, clock, candidate):
    server.put(
        LEASES, "scheduler", "kube-system",
        spec={"holderIdentity": "dead", "leaseDurationSeconds": 15, "leaseTransitions": 4,
              "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:00.000000Z"},
    )  # fmt: skip
    _, work, _ = candidate("b")
    await clock.advance(14.9)
    assert work.log == []  # the times in the lease are not believed
    await clock.advance(5)
    assert work.is_on
    assert spec(server)["leaseTransitions"] == 5


async def test_a_leader_that_cannot_renew_stops_before_another_may_start(server, clock, candidate):
    _, work, task = candidate("a")
    await clock.advance(1)
    server.failures = [ConnectionLost("refused")] * 100
    await clock.advance(20)
    (_, began), (_, ended) = work.log
    assert ended - began <= 15
    assert task.done()
    assert task.exception() is None


async def test_a_short_outage_costs_nothing(server, clock, candidate):
    _, work, _ = candidate("a")
    await clock.advance(1)
    server.failures = [ConnectionLost("refused")] * 3
    await clock.advance(60)
    assert work.log == [("began", 0)]


async def test_a_leader_whose_lease_was_taken_stops(server, clock, candidate):
    _, work, task = candidate("a")
    await clock.advance(1)
    server.put(LEASES, "scheduler", "kube-system", spec={**spec(server), "holderIdentity": "thief"})
    await clock.advance(15)
    assert not work.is_on
    assert task.done()
    assert spec(server)["holderIdentity"] == "thief"


async def test_a_touched_or_deleted_lease_is_kept(server, clock, candidate):
    elector, work, _ = candidate("a")
    await clock.advance(1)
    server.put(LEASES, "scheduler", "kube-system", spec=spec(server), metadata={"labels": {"x": "y"}})
    await clock.advance(10)
    server.remove(LEASES, "scheduler", "kube-system")
    await clock.advance(10)
    assert work.log == [("began", 0)]
    assert elector.is_leader
    assert spec(server)["holderIdentity"] == "a"


async def test_work_that_ends_or_fails_ends_the_leadership(client, server, clock, random):
    elector = LeaderElector(client, "scheduler", identity="a", clock=clock, random=random, log=logs.silent())

    async def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await elector.run(fail)
    assert spec(server)["holderIdentity"] == ""


def test_deadlines_must_leave_room(client, clock, random):
    with pytest.raises(ValueError, match="renew deadline"):
        LeaderElector(
            client, "x", identity="a", clock=clock, random=random, log=logs.silent(), lease_duration_s=10
        )
