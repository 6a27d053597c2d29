"""PrioritySort: higher priority first, then who waits longer.

Source: pkg/scheduler/framework/plugins/queuesort/priority_sort.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubepy.scheduler.queue import QueuedPod


class PrioritySort:
    name = "PrioritySort"

    def sort_key(self, pod: QueuedPod) -> Any:
        return (-pod.pod.priority, pod.entered_at)
