"""What is used of a quota by the objects that there are.

Source: apiserver pkg/quota/v1/resources.go CalculateUsage, pkg/quota/v1/generic/evaluator.go CalculateUsageStats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubepy.api import quantity
from kubepy.api.objects import Document, Obj
from kubepy.api.quota import amounts, evaluators
from kubepy.api.quota.amounts import Amounts
from kubepy.api.quota.evaluators import Evaluator


def by_evaluator(names: Iterable[str]) -> dict[Evaluator, set[str]]:
    """Which kinds have to be counted, and for which resources of the quota."""
    found: dict[Evaluator, set[str]] = {}
    for name in names:
        for evaluator in evaluators.counted_in(name):
            if evaluator.group_resource not in evaluators.IGNORED:
                found.setdefault(evaluator, set()).add(name)
    return found


def used(
    evaluator: Evaluator,
    documents: Iterable[Document],
    requirements: Sequence[Obj],
    names: set[str],
    now: float,
) -> Amounts:
    """Of `names`, by a namespace's objects of one kind. O(objects); those that all count the same are not decoded."""
    if evaluator.is_plain:
        number = 0 if requirements else sum(1 for _ in documents)
        return dict.fromkeys(names, quantity.of_value(number))
    total: Amounts = dict.fromkeys(names, quantity.ZERO)
    for document in documents:
        obj = document.peek()
        if evaluator.matches_scopes(requirements, obj):
            total = amounts.add(total, amounts.mask(evaluator.usage(obj, now), names))
    return total
