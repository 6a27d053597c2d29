from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.kubelet import usage
from kubepy.kubelet.usage import CPU, MEMORY, Meter
from kubepy.lib.clock import rfc3339
from kubepy.testing.builders import make_pod

NOW = 1_767_225_600.0
MILLI, MI = 10**6, (1 << 20) * 10**9


def pod(annotations: Obj | None = None, requests: Obj | None = None, limits: Obj | None = None) -> Obj:
    made = make_pod("p").uid("u").requests(**(requests or {})).limits(**(limits or {})).obj()
    made["metadata"]["annotations"] = annotations or {}
    return made


@pytest.mark.parametrize(
    ("made", "resource", "expected"),
    [
        (pod(), CPU, 5 * MILLI),
        (pod(), MEMORY, 32 * MI),
        (pod(requests={"cpu": "200m", "memory": "100Mi"}), CPU, 100 * MILLI),
        (pod(requests={"cpu": "200m", "memory": "100Mi"}), MEMORY, 80 * MI),
        (pod({"kubepy.io/usage-cpu": "250m"}), CPU, 250 * MILLI),
        (pod({"kwok.x-k8s.io/usage-memory": "64Mi"}), MEMORY, 64 * MI),
        (pod({"kubepy.io/usage-cpu": "1", "kubepy.io/usage-cpu.app": "2"}), CPU, 2000 * MILLI),
        (pod({"kubepy.io/usage-cpu.other": "2"}), CPU, 5 * MILLI),
        (pod({"kubepy.io/usage-cpu": "2"}, limits={"cpu": "500m"}), CPU, 500 * MILLI),
        (pod({"kubepy.io/usage-cpu": "-2"}), CPU, 0),
        # Formulas: numbers, texts, quantities; what fails counts as nothing said.
        (pod({"kubepy.io/usage-cpu": "age < 60.0 ? 0.1 : 2.0"}), CPU, 100 * MILLI),
        (pod({"kubepy.io/usage-memory": "1024 * 1024"}), MEMORY, MI),
        (pod({"kubepy.io/usage-cpu": "container.name == 'app' ? '70m' : '0'"}), CPU, 70 * MILLI),
        (pod({"kubepy.io/usage-cpu": "quantity('30m').add(1)"}), CPU, 1030 * MILLI),
        (pod({"kubepy.io/usage-cpu": "pod.spec.missing"}), CPU, 5 * MILLI),
        (pod({"kubepy.io/usage-cpu": "not a formula"}), CPU, 5 * MILLI),
        (pod({"kubepy.io/usage-cpu": "true"}), CPU, 5 * MILLI),
    ],
)
def test_what_is_said_and_what_is_assumed(made: Obj, resource: str, expected: int) -> None:
    container = made["spec"]["containers"][0]
    assert usage.amount(made, container, resource, age=30.0, now=NOW) == expected


def started(made: Obj, at: float) -> Obj:
    state = {"running": {"startedAt": rfc3339(at)}}
    return made | {"status": {"containerStatuses": [{"name": "app", "state": state}]}}


def test_cpu_time_adds_up_over_changes_and_starts_again_with_the_container() -> None:
    now = NOW
    meter = Meter(lambda: now)

    def total(made: Obj, at: float) -> float:
        found = meter.read(started(made, at))
        assert found is not None
        return found.total.cpu_core_nanoseconds / 1e9

    slow, fast = pod({"kubepy.io/usage-cpu": "100m"}), pod({"kubepy.io/usage-cpu": "1"})
    assert total(slow, NOW - 50) == pytest.approx(5)
    now += 100
    # The change is a reading: what came before it was slow.
    assert total(fast, NOW - 50) == pytest.approx(15)
    now += 10
    assert total(fast, NOW - 50) == pytest.approx(25)
    now += 10
    assert total(fast, now - 2) == pytest.approx(2)


def test_what_does_not_run_uses_nothing() -> None:
    assert Meter(lambda: NOW).read(pod()) is None
