"""A service decides: it is sent a SubjectAccessReview, and answers one.

Its answers are believed for a while, those to enormous questions excepted. A request that fails for reasons that pass
(a lost connection, 5xx, 429) is tried five times; what a service that cannot be asked means is its failure policy's to
say: nothing, or no. Expressions (match conditions) tell what it is asked about at all.

Source: apiserver plugin/pkg/authorizer/webhook/webhook.go, pkg/authorization/cel/{compile,matcher}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Struct, field

from kubepy.api import cel, selectors
from kubepy.api.cel import types
from kubepy.api.errors import BadRequest, StatusError
from kubepy.api.objects import Obj
from kubepy.apiserver.authz import NO_OPINION, Decision, Rules, aggregate
from kubepy.apiserver.authz.webhook_metrics import ERROR, SUCCESS, TIMEOUT, WebhookMetrics
from kubepy.apiserver.request import RequestInfo, User
from kubepy.client.transport import ConnectionLost, Transport
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

ATTEMPTS, RETRY_S, RETRY_FACTOR, RETRY_JITTER = 5, 0.5, 1.5, 0.2
ANSWERS_MAX = 8192
# Bytes of what the requester can choose, beyond which an answer is not remembered.
CONTROLLED_MAX = 10_000

_INCOMPLETE = Rules([], [], True, "webhook authorizer does not support user rule resolution")


class Webhook(Struct, frozen=True):
    """How one service is asked."""

    name: str = ""  # "opa"
    version: str = "v1"  # of the reviews it is sent
    timeout_s: float = 30.0
    authorized_s: float = 300.0  # how long a yes is believed; 0: not at all
    unauthorized_s: float = 30.0
    denies_on_failure: bool = False
    conditions: tuple[cel.Program, ...] = ()


class WebhookAuthorizer:
    """`transport` leads to the service."""

    def __init__(
        self, webhook: Webhook, transport: Transport, *, clock: Clock, random: Random, metrics: WebhookMetrics
    ) -> None:
        self._webhook, self._transport, self._metrics = webhook, transport, metrics
        self._clock, self._random = clock, random
        self._answers: dict[bytes, tuple[float, Obj]] = {}

    async def rules(self, user: User, namespace: str) -> Rules:
        return _INCOMPLETE

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        webhook = self._webhook
        spec = spec_of(user, info)
        try:
            if not matches(webhook.conditions, spec):
                self._metrics.excluded()
                return NO_OPINION
        except Failed as error:
            self._metrics.condition_failed()
            return Decision(False, is_denied=webhook.denies_on_failure, error=str(error))
        try:
            status = await self._status(spec, info)
        except Failed as error:
            if not webhook.denies_on_failure:
                self._metrics.failed_open(error.result)
            return Decision(False, is_denied=webhook.denies_on_failure, error=str(error))
        reason = str(status.get("reason") or "")
        if status.get("denied"):
            both = "webhook subject access review returned both allow and deny response"
            return Decision(False, True, reason, both if status.get("allowed") else "")
        return Decision(bool(status.get("allowed")), reason=reason)

    async def _status(self, spec: Obj, info: RequestInfo) -> Obj:
        key, now = orjson.dumps(spec), self._clock.now()
        until, status = self._answers.get(key, (0.0, {}))
        if now < until:
            return status
        status = await self._ask(spec)
        believed_s = self._webhook.authorized_s if status.get("allowed") else self._webhook.unauthorized_s
        if believed_s and _is_small(info):
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            self._answers[key] = (now + believed_s, status)
        return status

    async def _ask(self, spec: Obj) -> Obj:
        version = self._webhook.version
        if version == "v1beta1" and "groups" in spec:
            # The one field that was called otherwise.
            spec = {("group" if name == "groups" else name): value for name, value in spec.items()}
        review = {
            "apiVersion": f"authorization.k8s.io/{version}",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": spec,
        }
        failure: Exception = Failed("not asked")
        for attempt in range(ATTEMPTS):
            if attempt:
                wait_s = RETRY_S * RETRY_FACTOR ** (attempt - 1)
                await self._clock.sleep(self._random.jitter(wait_s, RETRY_JITTER))
            began = self._clock.monotonic()
            try:
                reply = await self._transport.request(
                    "POST", "", body=review, timeout_s=self._webhook.timeout_s
                )
            except (ConnectionLost, StatusError) as error:
                failure = error
                self._metrics.asked(_result_of(error), self._clock.monotonic() - began)
                if isinstance(error, StatusError) and error.code < 500 and error.code != 429:
                    break
            else:
                self._metrics.asked(SUCCESS, self._clock.monotonic() - began)
                status = reply.obj.get("status") if isinstance(reply.obj, dict) else None
                if isinstance(status, dict):
                    return status
                raise Failed("the answer is no SubjectAccessReview")
        raise Failed(str(failure), _result_of(failure)) from failure


class Failed(Exception):
    """The service could not be asked, or an expression about it not be evaluated."""

    def __init__(self, why: str, result: str = ERROR) -> None:
        super().__init__(why)
        self.result = result


def _result_of(error: Exception) -> str:
    if isinstance(error, StatusError):
        return TIMEOUT if error.code == 504 else ERROR
    return TIMEOUT if isinstance(error.__cause__, TimeoutError) else ERROR


def _is_small(info: RequestInfo) -> bool:
    """Source: shouldCache."""
    chosen = (
        (info.namespace, info.verb, info.group, info.version, info.resource, info.subresource, info.name)
        if info.is_resource
        else (info.path, info.verb)
    )
    return sum(map(len, chosen)) < CONTROLLED_MAX


# -- what is sent ------------------------------------------------------------------------------------------------------


def spec_of(user: User, info: RequestInfo) -> Obj:
    """A SubjectAccessReviewSpec; what is empty is left out."""
    spec: Obj = {}
    if info.is_resource:
        spec["resourceAttributes"] = _filled(
            namespace=info.namespace,
            verb=info.verb,
            group=info.group,
            version=info.version,
            resource=info.resource,
            subresource=info.subresource,
            name=info.name,
            fieldSelector=_required(field_requirements(info.field_selector)),
            labelSelector=_required(label_requirements(info.label_selector)),
        )
    else:
        spec["nonResourceAttributes"] = _filled(path=info.path, verb=info.verb)
    return spec | _filled(user=user.name, groups=list(user.groups), extra=user.extra, uid=user.uid)


def _filled(**fields: Any) -> Obj:
    return {name: value for name, value in fields.items() if value}


def _required(requirements: list[Obj]) -> Obj:
    return {"requirements": requirements} if requirements else {}


def field_requirements(selector: str) -> list[Obj]:
    """What cannot be understood is left out: that only asks for more."""
    try:
        parsed = selectors.parse_fields(selector)
    except BadRequest:
        return []
    return [
        {"key": key, "operator": "In" if operator == "=" else "NotIn", "values": [value]}
        for key, operator, value in parsed.requirements
    ]


_OPERATORS = {
    "=": "In", "==": "In", "in": "In", "!=": "NotIn", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist",
}  # fmt: skip


def label_requirements(selector: str) -> list[Obj]:
    try:
        parsed = selectors.parse_labels(selector)
    except BadRequest:
        return []
    return [
        {"key": key, "operator": _OPERATORS[operator]} | ({"values": list(values)} if values else {})
        for key, operator, values in parsed.requirements
        if operator in _OPERATORS
    ]


# -- whom it is asked about --------------------------------------------------------------------------------------------

_S, _STRINGS = types.STRING, types.list_of(types.STRING)


def _struct(title: str, /, **fields: types.Type) -> types.Type:
    """Field names are as they are: `namespace` needs no escape here."""
    declared = {name: types.Field(of, name, False) for name, of in fields.items()}
    return types.Type("struct", f"kubernetes.{title}", fields=declared)


_REQUIREMENT = _struct("SelectorRequirement", key=_S, operator=_S, values=_STRINGS)
_REQUIREMENTS = types.list_of(_REQUIREMENT)
REQUEST = _struct(
    "SubjectAccessReviewSpec",
    user=_S,
    uid=_S,
    groups=_STRINGS,
    extra=types.map_of(types.STRING, _STRINGS),
    nonResourceAttributes=_struct("NonResourceAttributes", path=_S, verb=_S),
    resourceAttributes=_struct(
        "ResourceAttributes", namespace=_S, verb=_S, group=_S, version=_S, resource=_S, subresource=_S, name=_S,
        fieldSelector=_struct("FieldSelectorAttributes", rawSelector=_S, requirements=_REQUIREMENTS),
        labelSelector=_struct("LabelSelectorAttributes", rawSelector=_S, requirements=_REQUIREMENTS),
    ),
)  # fmt: skip


def _environment() -> cel.Environment:
    return cel.Environment({"request": REQUEST})


class Conditions(Struct, frozen=True):
    """Compiles match conditions: expressions over `request`, a SubjectAccessReviewSpec with all its texts."""

    _environment: cel.Environment = field(default_factory=_environment)

    def compile(self, expression: str) -> cel.Program:
        """Raises CompileError."""
        return self._environment.compile(expression, expected=types.BOOL)


def matches(conditions: Sequence[cel.Program], spec: Obj) -> bool:
    """False as soon as one is; raises Failed when one fails and none is false."""
    if not conditions:
        return True
    variables = {"request": _whole(spec)}
    failures: list[str] = []
    for program in conditions:
        try:
            if not program.evaluate(variables):
                return False
        except cel.CelError as error:
            failures.append(f"cel evaluation error: expression '{program.source}' resulted in error: {error}")
    if failures:
        raise Failed(aggregate(failures))
    return True


_ATTRIBUTES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")


def _whole(spec: Obj) -> Obj:
    """With the texts that are empty: expressions need not ask whether they are there."""
    whole = {"user": "", "uid": "", "groups": [], "extra": {}, **spec}
    for field_, names in (
        ("resourceAttributes", _ATTRIBUTES),
        ("nonResourceAttributes", ("path", "verb")),
    ):
        if field_ in spec:
            whole[field_] = dict.fromkeys(names, "") | spec[field_]
    return whole
