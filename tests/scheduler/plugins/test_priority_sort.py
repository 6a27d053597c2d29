from kubepy.scheduler.plugins.priority_sort import PrioritySort
from kubepy.scheduler.queue import QueuedPod
from tests.scheduler.builders import pod_info


def test_priority_first_then_age():
    old, young = QueuedPod(pod_info("old"), 1.0), QueuedPod(pod_info("young"), 2.0)
    important = QueuedPod(pod_info("important", priority=10), 3.0)
    assert sorted([young, old, important], key=PrioritySort().sort_key) == [important, old, young]
