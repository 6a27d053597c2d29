"""Finished Jobs go when their time is over."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import JOBS
from kubepy.controllers.ttl_after_finished import left_s
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

END = "2026-01-01T00:00:00Z"
NOW = parse_rfc3339(END) + 15


def job(ttl: int | None, condition: str = "", **metadata: Any) -> Any:
    conditions = [{"type": condition, "status": "True", "lastTransitionTime": END}] if condition else []
    spec = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    return {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}}


# Source: ttlafterfinished_controller_test.go, TestTimeLeft.
@pytest.mark.parametrize(
    ("subject", "left"),
    [
        (job(10), None),
        (job(None, "Complete"), None),
        (job(10, "SuccessCriteriaMet"), None),
        (job(0, "Complete"), -15),
        (job(10, "Failed"), -5),
        (job(15, "Complete"), 0),
        (job(20, "Complete"), 5),
        (job(0, "Complete", deletionTimestamp=END), None),
    ],
)
def test_the_time_that_is_left(subject: Any, left: float | None) -> None:
    assert left_s(subject, NOW) == left


async def test_a_job_goes_with_its_pods_unless_it_gets_more_time(cluster: Cluster, world: World) -> None:
    container = {"name": "c", "image": "busybox", "command": ["true"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    for name, ttl in (("brief", 60), ("longer", 60), ("ever", None)):
        spec = {"template": template} | ({"ttlSecondsAfterFinished": ttl} if ttl else {})
        metadata = {"name": name, "namespace": "default"}
        await cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
    await cluster.advance(50)
    assert len(await world.names(JOBS)) == 3
    await world.patch(JOBS, "longer", {"spec": {"ttlSecondsAfterFinished": 3600}})
    await cluster.advance(30)
    assert await world.names(JOBS) == ["ever", "longer"]
    await cluster.advance("1h")
    assert await world.names(JOBS) == ["ever"]
    assert len(await world.names()) == 1
