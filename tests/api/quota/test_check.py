"""Source of the cases: kubernetes 1.36 plugin/pkg/admission/resourcequota/admission_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Obj
from kubepy.api.quota import amounts, check, evaluators
from kubepy.api.quota.check import Limited, Quota, Refused, Uncovered, Write
from kubepy.testing.builders import make_pod


def quota(hard: Obj, used: Obj | None = None, *requirements: Obj) -> Quota:
    return Quota(
        "q", requirements, amounts.parse(hard), amounts.parse(dict.fromkeys(hard, "0") | (used or {}))
    )


def pod(cpu: str = "1", **spec: Any) -> Obj:
    return make_pod("p").requests(cpu=cpu).spec(**spec).obj()


def after(
    quotas: list[Quota], new: Obj, old: Obj | None = None, *limited: Limited, subresource: str = ""
) -> list[Obj]:
    write = Write("CREATE" if old is None else "UPDATE", subresource, new, old)
    return [
        amounts.render(each.used) for each in check.check(quotas, evaluators.of("pods"), write, 0.0, limited)
    ]


TERMINATING = {"scopeName": "Terminating", "operator": "Exists"}
HIGH = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}


def test_every_quota_that_matches_is_charged_and_no_other() -> None:
    quotas = [
        quota({"pods": "3"}),
        quota({"requests.cpu": "3"}),
        quota({"services": "1"}),
        quota({"pods": "3"}, None, TERMINATING),
    ]
    assert after(quotas, pod()) == [{"pods": "1"}, {"requests.cpu": "1"}, {"services": "0"}, {"pods": "0"}]


def test_one_quota_that_is_exhausted_refuses() -> None:
    with pytest.raises(Refused, match="exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"):
        after([quota({"cpu": "9"}), quota({"pods": "1"}, {"pods": "1"})], pod())


def test_only_what_grows_has_to_fit() -> None:
    # Over the limit already, but this write asks for nothing more of it.
    overdrawn = quota({"cpu": "1", "pods": "1"}, {"cpu": "2", "pods": "2"})
    assert after([overdrawn], pod("100m"), pod("200m"), subresource="resize") == [{"cpu": "2", "pods": "2"}]
    with pytest.raises(Refused, match="requested: cpu=100m, used: cpu=2, limited: cpu=1"):
        after([overdrawn], pod("300m"), pod("200m"), subresource="resize")


def test_a_pod_that_comes_under_a_quota_is_charged_whole() -> None:
    quotas = [quota({"pods": "3"}, None, TERMINATING)]
    assert after(quotas, pod(activeDeadlineSeconds=5), pod()) == [{"pods": "1"}]


@pytest.mark.parametrize(
    ("quotas", "refusal"),
    [
        ([], "insufficient quota to consume: requests.cpu"),
        ([quota({"pods": "3"})], "insufficient quota to consume: requests.cpu"),
        ([quota({"requests.cpu": "3"})], ""),
    ],
)
def test_what_is_limited_needs_a_quota(quotas: list[Quota], refusal: str) -> None:
    limited = Limited("pods", contains=("requests.cpu",))
    if refusal:
        with pytest.raises(Refused, match=refusal):
            after(quotas, pod(), None, limited)
    else:
        after(quotas, pod(), None, limited)


def test_a_limited_scope_needs_a_quota_that_has_it() -> None:
    limited = Limited("pods", scopes=(HIGH,))
    high = pod(priorityClassName="high")
    with pytest.raises(
        Uncovered, match=r"insufficient quota to match these scopes: \[\{PriorityClass In \[high\]\}\]"
    ):
        after([quota({"pods": "3"})], high, None, limited)
    assert after([quota({"pods": "3"}, None, HIGH)], high, None, limited) == [{"pods": "1"}]
    assert after([], pod(), None, limited) == []
