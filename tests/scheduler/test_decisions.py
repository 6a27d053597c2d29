from kubepy.api.objects import Key
from kubepy.scheduler.decisions import Decision, Decisions, rejections
from kubepy.scheduler.framework import Code, Status


def decision(name, attempt):
    return Decision(0.0, Key("default", name), name, attempt, "default-scheduler", "", 3, 0, 0, 0, (), (), "")


def test_the_newest_are_kept_newest_first():
    ring = Decisions(3)
    for attempt in range(3):
        ring.add(decision("web", attempt))
        ring.add(decision("db", attempt))
    assert len(ring) == 3
    assert [found.attempt for found in ring.of(Key("default", "db"))] == [2, 1]


def test_rejections_are_plain_tuples():
    status = Status(Code.UNSCHEDULABLE, "Insufficient cpu", "Too many pods", plugin="NodeResourcesFit")
    assert rejections({status: 3}) == (
        ("NodeResourcesFit", "unschedulable", "Insufficient cpu, Too many pods", 3),
    )
