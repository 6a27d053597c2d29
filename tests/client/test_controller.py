import asyncio
from collections import Counter

import pytest

from kubepy.api import errors
from kubepy.api.builtins import PODS, REPLICA_SETS
from kubepy.api.objects import Key
from kubepy.client.controller import After, Controller, ControllerContext, Terminal, key_of, owner_key
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics

WEB = Key("default", "web")


class Scripted(Controller):
    """Reconciles write themselves down and do what `outcomes` says, in turn."""

    name = "scripted"
    workers = 2

    def __init__(self, context):
        super().__init__(context)
        self.seen = []
        self.outcomes = {}

    def setup(self):
        self.replica_sets = self.watch(REPLICA_SETS, key_of)
        self.pods = self.watch(PODS, owner_key("ReplicaSet"))

    async def reconcile(self, key):
        self.seen.append((key.name, self.clock.monotonic()))
        await asyncio.sleep(0)
        script = self.outcomes.get(key.name)
        outcome = script.pop(0) if script else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def times(self, name):
        return [at for seen, at in self.seen if seen == name]


@pytest.fixture
def context(client, factory, clock, random):
    given = Given(clock, random, logs.silent(), Metrics())
    return ControllerContext.of(given, client, factory, EventSink(client, given).recorder("test"))


@pytest.fixture
def run(context, tasks):
    def run(cls, **outcomes):
        controller = cls(context)
        controller.outcomes = outcomes
        tasks.start(controller.run(), name="controller")
        return controller

    return run


def owned_by(*names):
    return {
        "metadata": {
            "ownerReferences": [{"kind": "ReplicaSet", "name": n, "controller": True} for n in names]
        }
    }


async def test_what_changes_is_reconciled(server, clock, run):
    server.put(REPLICA_SETS, "web")
    controller = run(Scripted)
    await clock.settle()
    assert controller.seen == [("web", 0)]
    server.put(REPLICA_SETS, "web")
    await clock.settle()
    server.remove(REPLICA_SETS, "web")
    await clock.settle()
    assert len(controller.seen) == 3


async def test_a_dependents_change_reconciles_its_owners_old_and_new(server, clock, run):
    controller = run(Scripted)
    await clock.settle()
    server.put(PODS, "p", **owned_by("web"))
    await clock.settle()
    assert controller.seen == [("web", 0)]
    server.put(PODS, "p", **owned_by("db"))
    await clock.settle()
    assert Counter(name for name, _ in controller.seen) == {"web": 2, "db": 1}
    server.put(PODS, "p")
    server.put(PODS, "orphan")
    await clock.settle()
    assert Counter(name for name, _ in controller.seen) == {"web": 2, "db": 2}


async def test_nothing_runs_before_all_watches_are_synced(server, clock, run):
    server.put(REPLICA_SETS, "web")
    failures = [errors.ServiceUnavailable("not yet")]
    original = server.watch

    def watch(path, **kwargs):
        if path.endswith("pods") and failures:
            server.failures.append(failures.pop())
        return original(path, **kwargs)

    server.watch = watch
    controller = run(Scripted)
    await clock.settle()
    assert controller.replica_sets.is_synced
    assert controller.seen == []
    await clock.advance(5)
    assert len(controller.seen) == 1


async def test_a_failure_is_retried_later_and_later_and_disturbs_nobody(server, clock, run):
    server.put(REPLICA_SETS, "bad")
    server.put(REPLICA_SETS, "good")
    controller = run(Scripted, bad=[ZeroDivisionError(), errors.Conflict("x"), errors.InternalError("y")])
    await clock.advance(1)
    assert controller.times("bad") == [0, pytest.approx(0.005), pytest.approx(0.015), pytest.approx(0.035)]
    assert controller.times("good") == [0]
    assert controller.queue.failures(Key("default", "bad")) == 0


async def test_terminal_is_not_retried_until_something_changes(server, clock, run):
    server.put(REPLICA_SETS, "web")
    controller = run(Scripted, web=[Terminal("makes no sense")])
    await clock.advance(3600)
    assert controller.times("web") == [0]
    server.put(REPLICA_SETS, "web")
    await clock.settle()
    assert len(controller.times("web")) == 2


async def test_after_comes_again_at_its_time(server, clock, run):
    server.put(REPLICA_SETS, "web")
    controller = run(Scripted, web=[After(30), After(5)])
    await clock.advance(100)
    assert controller.times("web") == [0, 30, 35]


async def test_one_key_is_never_reconciled_twice_at_once(server, clock, run):
    class Slow(Scripted):
        running = 0
        most = 0

        async def reconcile(self, key):
            self.running += 1
            self.most = max(self.most, self.running)
            await self.clock.sleep(1)
            self.running -= 1
            self.seen.append((key.name, self.clock.monotonic()))

    controller = run(Slow)
    await clock.settle()
    for _ in range(5):
        controller.queue.add(WEB)
        await clock.advance(0.1)
    await clock.advance(5)
    assert controller.most == 1
    assert len(controller.seen) == 2
    for name in "abcd":
        controller.queue.add(Key("", name))
    await clock.advance(5)
    assert controller.most == controller.workers


async def test_a_predicate_holds_changes_back(server, clock, run):
    class Picky(Scripted):
        def setup(self):
            self.watch(REPLICA_SETS, key_of, lambda doc, old: old is None)

    controller = run(Picky)
    await clock.settle()
    server.put(REPLICA_SETS, "web")
    await clock.settle()
    server.put(REPLICA_SETS, "web")
    await clock.settle()
    assert len(controller.seen) == 1


async def test_a_costly_key_rests_between_runs(server, clock, run):
    class Costly(Scripted):
        def rest_s(self, key):
            return 1.0

    controller = run(Costly)
    await clock.settle()
    for i in range(20):
        server.put(PODS, f"p{i}", **owned_by("web"))
        await clock.advance(0.1)
    await clock.advance(10)
    assert controller.times("web") == [0, 1, 2]


async def test_metrics_count_what_happened(server, clock, context, run):
    server.put(REPLICA_SETS, "web")
    run(Scripted, web=[ZeroDivisionError(), After(1)])
    await clock.advance(10)
    text = context.metrics.render().decode()
    assert 'controller_runtime_reconcile_total{controller="scripted",result="error"} 1.0' in text
    assert 'controller_runtime_reconcile_total{controller="scripted",result="requeue_after"} 1.0' in text
    assert 'controller_runtime_reconcile_total{controller="scripted",result="success"} 1.0' in text
    assert 'controller_runtime_reconcile_errors_total{controller="scripted"} 1.0' in text
    assert 'workqueue_depth{name="scripted"} 0.0' in text


async def test_cancelling_stops_the_workers(server, clock, tasks, run):
    controller = run(Scripted)
    await clock.settle()
    await tasks.close()
    controller.queue.add(WEB)
    await clock.settle()
    assert controller.seen == []
