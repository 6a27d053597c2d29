"""Source of the cases: apiserver plugin/pkg/authorizer/webhook/webhook_v1_test.go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.apiserver.authz.webhook import (
    Conditions,
    Failed,
    Webhook,
    WebhookAuthorizer,
    matches,
    spec_of,
)
from kubepy.apiserver.authz.webhook_metrics import WebhookMetrics
from kubepy.client.transport import ConnectionLost, Reply
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random
from kubepy.observability.metrics import Metrics
from tests.apiserver.authz.builders import asked, user

JANE = user("jane", "devs")
LIST = asked(
    "GET", "/api/v1/namespaces/ns/pods?fieldSelector=spec.nodeName=n1,a!=b&labelSelector=x in (a,b),!y"
)


class Service:
    """A transport to a service that gives these answers one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Obj] = []

    async def request(self, method: str, path: str, *, body: Any, timeout_s: float) -> Reply:
        self.asked.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(200, {"status": answer}, {})


def authorizer(
    service: Service, clock: VirtualClock, metrics: Metrics | None = None, **settings: Any
) -> WebhookAuthorizer:
    return WebhookAuthorizer(
        Webhook(**settings), service, clock=clock, random=Random(1),  # type: ignore[arg-type]
        metrics=WebhookMetrics(metrics or Metrics(), "opa"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "allowed", "denied", "reason", "error"),
    [
        ({"allowed": True}, True, False, "", ""),
        ({"allowed": False, "reason": "no"}, False, False, "no", ""),
        ({"allowed": False, "denied": True, "reason": "never"}, False, True, "never", ""),
        (
            {"allowed": True, "denied": True}, False, True, "",
            "webhook subject access review returned both allow and deny response",
        ),
    ],
)  # fmt: skip
async def test_answers(
    status: Obj, allowed: bool, denied: bool, reason: str, error: str, clock: VirtualClock
) -> None:
    decision = await authorizer(Service(status), clock).authorize(JANE, LIST)
    assert (decision.is_allowed, decision.is_denied, decision.reason, decision.error) == (
        allowed, denied, reason, error,
    )  # fmt: skip


async def test_what_is_asked(clock: VirtualClock) -> None:
    service = Service({"allowed": True})
    await authorizer(service, clock).authorize(JANE, LIST)
    assert service.asked == [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {
                "user": "jane",
                "groups": ["devs", "system:authenticated"],
                "resourceAttributes": {
                    "namespace": "ns",
                    "verb": "list",
                    "version": "v1",
                    "resource": "pods",
                    "fieldSelector": {
                        "requirements": [
                            {"key": "a", "operator": "NotIn", "values": ["b"]},
                            {"key": "spec.nodeName", "operator": "In", "values": ["n1"]},
                        ]
                    },
                    "labelSelector": {
                        "requirements": [
                            {"key": "x", "operator": "In", "values": ["a", "b"]},
                            {"key": "y", "operator": "DoesNotExist"},
                        ]
                    },
                },
            },
        }
    ]
    older = Service({"allowed": True})
    await authorizer(older, clock, version="v1beta1").authorize(JANE, asked("GET", "/metrics"))
    assert older.asked[0]["apiVersion"] == "authorization.k8s.io/v1beta1"
    assert older.asked[0]["spec"] == {
        "user": "jane",
        "group": ["devs", "system:authenticated"],
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


async def test_answers_are_believed_for_a_while(clock: VirtualClock) -> None:
    service = Service({"allowed": True}, {"allowed": False}, {"allowed": True})
    webhook = authorizer(service, clock, authorized_s=300.0, unauthorized_s=30.0)

    async def may() -> bool:
        return (await webhook.authorize(JANE, LIST)).is_allowed

    assert [await may(), await may()] == [True, True]
    await clock.advance(299)
    assert await may()
    await clock.advance(1)
    assert [await may(), await may()] == [False, False]
    await clock.advance(30)
    assert await may()
    assert len(service.asked) == 3


async def test_enormous_questions_are_not_remembered(clock: VirtualClock) -> None:
    service = Service({"allowed": True})
    webhook = authorizer(service, clock)
    for _ in range(2):
        await webhook.authorize(JANE, asked("GET", f"/api/v1/namespaces/ns/pods/{'x' * 10_000}"))
    assert len(service.asked) == 2


@pytest.mark.parametrize("denies", [False, True])
async def test_a_service_that_is_away(denies: bool, clock: VirtualClock) -> None:
    service = Service(ConnectionLost("gone"))
    webhook = authorizer(service, clock, denies_on_failure=denies)
    answer = asyncio.ensure_future(webhook.authorize(JANE, LIST))
    await clock.advance(60)
    decision = await answer
    assert (decision.is_allowed, decision.is_denied, decision.error) == (False, denies, "gone")
    assert len(service.asked) == 5


async def test_what_does_not_pass_is_not_tried_again(clock: VirtualClock) -> None:
    service = Service(errors.Forbidden("no"))
    decision = await authorizer(service, clock).authorize(JANE, LIST)
    assert decision.error == "no" and len(service.asked) == 1


async def test_its_rules_are_not_known(clock: VirtualClock) -> None:
    rules = await authorizer(Service({}), clock).rules(JANE, "ns")
    assert rules.is_incomplete
    assert rules.error == "webhook authorizer does not support user rule resolution"


@pytest.mark.parametrize(
    ("expressions", "matched"),
    [
        ((), True),
        (("request.user == 'jane'",), True),
        (("request.user == 'jane'", "request.user == 'bob'"), False),
        (("request.resourceAttributes.namespace == 'ns'",), True),
        (("request.resourceAttributes.name == ''",), True),
        (("!('devs' in request.groups)",), False),
        (("has(request.nonResourceAttributes)",), False),
        (("request.resourceAttributes.labelSelector.requirements.exists(r, r.key == 'x')",), True),
        (("request.nonResourceAttributes.path == '/'", "request.user == 'bob'"), False),
    ],
)
def test_conditions(expressions: tuple[str, ...], matched: bool) -> None:
    compiled = [Conditions().compile(expression) for expression in expressions]
    assert matches(compiled, spec_of(JANE, LIST)) is matched


async def test_a_condition_that_fails_is_a_failure(clock: VirtualClock) -> None:
    program = Conditions().compile("request.nonResourceAttributes.path == '/'")
    with pytest.raises(Failed, match="cel evaluation error: expression"):
        matches([program], spec_of(JANE, LIST))
    service = Service({"allowed": True})
    webhook = authorizer(service, clock, conditions=(program,), denies_on_failure=True)
    assert (await webhook.authorize(JANE, LIST)).is_denied
    assert service.asked == []


def _late() -> ConnectionLost:
    error = ConnectionLost("too slow")
    error.__cause__ = TimeoutError()
    return error


@pytest.mark.parametrize(
    ("answer", "settings", "counted"),
    [
        ({"allowed": True}, {}, {"webhook_evaluations_total": ("success", 1.0)}),
        (
            errors.BadRequest("no"), {},
            {"webhook_evaluations_total": ("error", 1.0), "webhook_evaluations_fail_open_total": ("error", 1.0)},
        ),
        (errors.BadRequest("no"), {"denies_on_failure": True}, {"webhook_evaluations_total": ("error", 1.0)}),
        (
            _late(), {},
            {"webhook_evaluations_total": ("timeout", 5.0), "webhook_evaluations_fail_open_total": ("timeout", 1.0)},
        ),
    ],
)  # fmt: skip
async def test_what_is_counted(answer: Any, settings: Obj, counted: Obj, clock: VirtualClock) -> None:
    metrics = Metrics()
    task = asyncio.ensure_future(
        authorizer(Service(answer), clock, metrics, **settings).authorize(JANE, LIST)
    )
    await clock.advance(10)
    await task
    found = {}
    for name in ("webhook_evaluations_total", "webhook_evaluations_fail_open_total"):
        for result in ("success", "error", "timeout"):
            labels = {"name": "opa", "result": result}
            value = metrics.registry.get_sample_value(f"apiserver_authorization_{name}", labels)
            if value:
                found[name] = (result, value)
    assert found == counted


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("request.user == 'joe'", "match_condition_exclusions_total"),
        ("request.groups[7] == 'x'", "match_condition_evaluation_errors_total"),
    ],
)
async def test_whom_it_is_not_asked_about_is_counted(condition: str, name: str, clock: VirtualClock) -> None:
    metrics, service = Metrics(), Service({"allowed": True})
    conditions = (Conditions().compile(condition),)
    await authorizer(service, clock, metrics, conditions=conditions).authorize(JANE, LIST)
    labels = {"type": "Webhook", "name": "opa"}
    assert metrics.registry.get_sample_value(f"apiserver_authorization_{name}", labels) == 1.0
    assert not service.asked
