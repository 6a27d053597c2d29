"""Whom a node ends so that a critical pod has room, where the scheduler did not see to it. Pure.

A critical pod is not refused for what it requests. The node ends as few others as it can, none that is as important:
pods of the quality of service Guaranteed only if all the others would not do, Burstable ones only if BestEffort ones
would not.

Source: kubernetes 1.36 pkg/kubelet/preemption/preemption.go, pkg/kubelet/types/pod_update.go (Preemptable).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubepy.api import pods
from kubepy.api.objects import Obj
from kubepy.kubelet.status import Verdict

# Pods that a node in trouble keeps. Source: pkg/kubelet/types/pod_update.go, IsCriticalPod.
CRITICAL_PRIORITY = 2_000_000_000

PREEMPTED = Verdict(
    "Preempting",
    "Preempted in order to admit critical pod",
    disruption="Pod was preempted by Kubelet to accommodate a critical pod.",
)

_QOS = (pods.BEST_EFFORT, pods.BURSTABLE, pods.GUARANTEED)

Amounts = Mapping[str, int]  # milli for cpu


class NotEnough(Exception):
    """Whatever is ended, there is no room."""

    def __init__(self, missing: Amounts) -> None:
        listed = "".join(f"(res: {name}, q: {amount}), " for name, amount in missing.items())
        super().__init__(f"no set of running pods found to reclaim resources: [{listed}]")


def is_critical(pod: Obj) -> bool:
    return pods.priority(pod) >= CRITICAL_PRIORITY


def victims(preemptor: Obj, others: Iterable[Obj], missing: Amounts) -> list[Obj]:
    """Of the other pods on the node; `missing`: what it lacks for the preemptor. Raises NotEnough."""
    lesser = [pod for pod in others if _is_preemptable(preemptor, pod)]
    of: dict[str, list[Obj]] = {qos: [] for qos in _QOS}
    for pod in lesser:
        of[pods.qos_class(pod)].append(pod)
    if left := _less(missing, lesser):
        raise NotEnough(left)
    best_effort, burstable, guaranteed = of.values()
    guaranteed = _nearest(guaranteed, _less(missing, [*best_effort, *burstable]))
    burstable = _nearest(burstable, _less(missing, [*best_effort, *guaranteed]))
    best_effort = _nearest(best_effort, _less(missing, [*burstable, *guaranteed]))
    return [*best_effort, *burstable, *guaranteed]


def _is_preemptable(preemptor: Obj, pod: Obj) -> bool:
    if is_critical(preemptor) and not is_critical(pod):
        return True
    return pods.priority(preemptor) > pods.priority(pod)


def _nearest(candidates: Iterable[Obj], missing: Amounts) -> list[Obj]:
    """One after the other whose requests come closest to what is still missing; of equals the smaller."""
    candidates, chosen = list(candidates), []
    while missing:
        # Of those that request the same upstream's loop takes the last.
        best = min(reversed(candidates), key=lambda pod: (_distance(pod, missing), *_size(pod)), default=None)
        if best is None:
            raise NotEnough(missing)
        missing = _less(missing, [best])
        chosen.append(best)
        candidates.remove(best)
    return chosen


def _distance(pod: Obj, missing: Amounts) -> float:
    requests = _requests(pod)
    left = ((amount, max(amount - requests.get(name, 0), 0)) for name, amount in missing.items())
    return sum((rest / amount) ** 2 for amount, rest in left)


def _size(pod: Obj) -> tuple[int, int]:
    requests = _requests(pod)
    return requests.get("memory", 0), requests.get("cpu", 0)


def _less(missing: Amounts, gone: Iterable[Obj]) -> Amounts:
    """What is missing still."""
    left = dict(missing)
    for pod in gone:
        for name, amount in _requests(pod).items():
            if name in left:
                left[name] -= amount
    return {name: amount for name, amount in left.items() if amount > 0}


def _requests(pod: Obj) -> Amounts:
    return pods.requests(pod) | {"pods": 1}
