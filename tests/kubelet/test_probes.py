"""When a kubelet finds out what its probes could tell."""

from __future__ import annotations

import pytest

from kubepy.kubelet.probes import Course
from kubepy.kubelet.runtimes.fake import NEVER, Life


def course(life: Life, **probes: dict) -> Course:
    return Course.of({"name": "c", **{f"{kind}Probe": probe for kind, probe in probes.items()}}, life)


@pytest.mark.parametrize(
    ("life", "probes", "started", "ready", "unready", "killed"),
    [
        (Life(), {}, 0, 0, NEVER, NEVER),
        (Life(started_s=3, ready_s=7, unready_s=9, unhealthy_s=11), {}, 3, 7, 9, 11),
        # Readiness: at the first probe, at the next one, and when enough have succeeded.
        (Life(), {"readiness": {}}, 0, 0, NEVER, NEVER),
        (Life(), {"readiness": {"initialDelaySeconds": 7}}, 0, 7, NEVER, NEVER),
        (Life(ready_s=8), {"readiness": {"initialDelaySeconds": 7, "periodSeconds": 5}}, 0, 12, NEVER, NEVER),
        (Life(ready_s=8), {"readiness": {"periodSeconds": 5, "successThreshold": 3}}, 0, 20, NEVER, NEVER),
        (Life(unready_s=12), {"readiness": {"periodSeconds": 5}}, 0, 0, 25, NEVER),
        (Life(unready_s=12), {"readiness": {"periodSeconds": 5, "failureThreshold": 1}}, 0, 0, 15, NEVER),
        # Not three in a row: it never is.
        (Life(unready_s=9), {"readiness": {"periodSeconds": 5, "successThreshold": 3}}, 0, NEVER, 20, NEVER),
        # The startup probe holds the others up; readiness is then asked at once.
        (Life(started_s=12), {"startup": {}, "readiness": {"periodSeconds": 7}}, 20, 20, NEVER, NEVER),
        (Life(started_s=12, ready_s=21), {"startup": {}, "readiness": {"periodSeconds": 7}}, 20, 27, NEVER, NEVER),
        (Life(started_s=NEVER), {"startup": {"initialDelaySeconds": 4}}, NEVER, NEVER, NEVER, 24),
        (Life(started_s=60), {"startup": {"periodSeconds": 5, "failureThreshold": 2}}, NEVER, NEVER, NEVER, 5),
        (Life(started_s=19), {"startup": {}}, 20, 20, NEVER, NEVER),
        # Liveness.
        (Life(unhealthy_s=30), {"liveness": {"periodSeconds": 5}}, 0, 0, NEVER, 40),
        (Life(unhealthy_s=0), {"liveness": {"initialDelaySeconds": 15, "failureThreshold": 1}}, 0, 0, NEVER, 15),
        (Life(started_s=12, unhealthy_s=0), {"startup": {}, "liveness": {}}, 20, 20, NEVER, 40),
    ],
)  # fmt: skip
def test_courses(life, probes, started, ready, unready, killed):
    found = course(life, **probes)
    assert (found.started_s, found.ready_s, found.killed_s) == (started, ready, killed)
    if ready != NEVER:
        assert found.unready_s == unready


def told(found: Course, until_s: float) -> list[tuple[float, str]]:
    """All moments, one look after the other."""
    moments, at_s = [], -1.0
    while (at_s := found.next_moment_s(at_s)) <= until_s:
        moments += found.moments(at_s - 0.5, at_s)
    assert moments == found.moments(-1.0, until_s), "the same at one look"
    return moments


@pytest.mark.parametrize(
    ("life", "probes", "expected"),
    [
        (Life(), {"readiness": {}, "liveness": {}, "startup": {}}, []),
        (Life(ready_s=6), {"readiness": {"periodSeconds": 5}}, [(0, "readiness"), (5, "readiness")]),
        (Life(ready_s=1, unready_s=18), {"readiness": {}}, [(0, "readiness"), (20, "readiness"), (30, "readiness")]),
        (
            Life(unhealthy_s=15),
            {"liveness": {"failureThreshold": 2}, "readiness": {}},
            [(20, "liveness"), (30, "liveness"), (30, "killed")],
        ),
        (
            Life(started_s=NEVER),
            {"startup": {"failureThreshold": 2}, "readiness": {}},
            [(0, "startup"), (10, "startup"), (10, "killed")],
        ),
        (
            Life(started_s=8, ready_s=19),
            {"startup": {"periodSeconds": 5}, "readiness": {"periodSeconds": 6}},
            [(0, "startup"), (5, "startup"), (10, "readiness"), (16, "readiness")],
        ),
        (Life(unhealthy_s=7), {}, [(7, "killed")]),
    ],
)  # fmt: skip
def test_each_probe_that_fails_is_a_moment(life, probes, expected):
    assert told(course(life, **probes), 35.0) == expected
