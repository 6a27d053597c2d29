"""One webhook, asked once: the review out, the answer in, and everything that can go wrong between.

`Failed` means that the webhook could not be asked or made no sense: its failurePolicy decides. A StatusError is the
request's end: the webhook said no, or the server cannot go on.

Source: apiserver pkg/admission/plugin/webhook/{generic/webhook.go,mutating/dispatcher.go,validating/dispatcher.go}.
"""

from __future__ import annotations

import math

import orjson

from kubepy.api.errors import BadRequest, Forbidden, InternalError, StatusError, forbidden, quote
from kubepy.api.objects import Obj
from kubepy.apiserver.admission import metrics
from kubepy.apiserver.admission.base import Attributes, Tools
from kubepy.apiserver.admission.expressions import Answers, bindings
from kubepy.apiserver.admission.match_conditions import Undecided
from kubepy.apiserver.admission.matching import Matching, Selected
from kubepy.apiserver.admission.metrics import AdmissionMetrics
from kubepy.apiserver.admission.versions import Versions
from kubepy.apiserver.admission.webhooks import review
from kubepy.apiserver.admission.webhooks.hooks import Hook
from kubepy.apiserver.admission.webhooks.identities import Identities
from kubepy.apiserver.admission.webhooks.review import Answer, InvalidAnswer, Undecodable
from kubepy.apiserver.webhook_client import CallFailed, Unusable, WebhookClients, finder


class Failed(Exception):
    """`failed calling webhook "x": ...`; `code` is what metrics know it by."""

    def __init__(self, name: str, why: str, code: int) -> None:
        super().__init__(f"failed calling webhook {quote(name)}: {why}")
        self.code = code


class Rejected(Exception):
    """The webhook said no; `status` is for the client."""

    def __init__(self, status: StatusError) -> None:
        super().__init__(status.message)
        self.status = status


class Caller:
    """Asks webhooks for one plugin; `step` is its name in metrics."""

    def __init__(self, tools: Tools, step: str, plugin: str) -> None:
        self._clock, self._random, self._ask = tools.clock, tools.random, tools.ask
        self._step, self._log = step, tools.log
        self._matching = Matching(tools)
        self._metrics = AdmissionMetrics(tools.metrics)
        self._identities = Identities.of(tools.configuration.get(plugin))
        self._clients = WebhookClients(finder(tools.lookup.find, tools.lookup.all), tools.clock, tools.random)

    async def close(self) -> None:
        await self._clients.close()

    async def select(self, hook: Hook, attributes: Attributes, versions: Versions) -> Selected | None:
        """Whether a webhook is concerned, and with which version. Raises NotFound (its namespace), Forbidden
        (conditions that cannot be evaluated)."""
        selected = await self._matching.select(hook.criteria, attributes)
        if selected is None or not hook.conditions:
            return selected
        answers = Answers(self._ask, attributes)
        obj, old = await versions.obj(selected.resource), await versions.old(selected.resource)
        variables = {
            **bindings(attributes, selected, obj, old),
            "namespaceObject": None,
            **answers.variables(),
        }
        kind = (hook.name, "webhook", self._step, attributes.operation)
        start = self._clock.monotonic()
        try:
            matches = await hook.conditions.match(variables, answers)
        except Undecided as error:
            self._metrics.condition_error(*kind)
            raise _forbidden(attributes, str(error)) from error
        finally:
            self._metrics.condition(*kind, self._clock.monotonic() - start)
        if not matches:
            self._metrics.excluded(*kind)
        return selected if matches else None

    async def ask(
        self, hook: Hook, attributes: Attributes, selected: Selected, obj: Obj | None, old: Obj | None
    ) -> Answer | None:
        """None: it could not be asked, and that is fine with it. Raises StatusError."""
        start, operation = self._clock.monotonic(), attributes.operation
        code, error_type, rejected = 0, metrics.INTERNAL_ERROR, True
        try:
            answer = await self._call(hook, attributes, selected, obj, old)
            code, error_type, rejected = 200, "", False
            return answer
        except Rejected as refusal:
            code, error_type = refusal.status.code, metrics.NO_ERROR
            raise refusal.status from None
        except Failed as error:
            code = error.code
            if hook.fails_open:
                error_type, rejected = "", False
                self._metrics.failed_open(hook.name, self._step)
                self._log.warning("webhook_failed_open", object=hook.name, error=str(error))
                return None
            error_type = metrics.CALLING_ERROR
            self._log.warning("webhook_failed_closed", object=hook.name, error=str(error))
            raise InternalError(str(error)) from error
        finally:
            if error_type:
                self._metrics.rejection(hook.name, self._step, operation, error_type, code)
            seconds = self._clock.monotonic() - start
            self._metrics.webhook(hook.name, self._step, operation, seconds, code, rejected=rejected)

    async def _call(
        self, hook: Hook, attributes: Attributes, selected: Selected, obj: Obj | None, old: Obj | None
    ) -> Answer:
        if attributes.dry_run and not hook.bears_dry_run:
            raise BadRequest(f"admission webhook {quote(hook.name)} does not support dry run")
        version = review.version_for(hook.versions)
        if not version:
            why = "webhook does not accept known AdmissionReview versions (v1, v1beta1)"
            raise Failed(hook.name, f"could not create admission objects: {why}", 400)
        uid = self._random.uid()
        question = review.ask(version, uid, attributes, selected, obj, old)
        try:
            raw = await self._clients.post(
                hook.client, orjson.dumps(question), timeout_s=hook.timeout_s,
                query=f"timeout={math.ceil(hook.timeout_s)}s", identity=self._identities.to(hook.client),
            )  # fmt: skip
        except Unusable as error:
            raise Failed(hook.name, f"could not get REST client: {error}", 500) from error
        except CallFailed as error:
            raise Failed(hook.name, f"failed to call webhook: {error}", error.code) from error
        try:
            answer = review.verify(raw, version, uid, mutating=self._step == metrics.ADMIT)
        except Undecodable as error:
            raise Failed(hook.name, f"failed to call webhook: {error}", 503) from error
        except InvalidAnswer as error:
            raise Failed(hook.name, f"received invalid webhook response: {error}", 503) from error
        for key, value in answer.annotations.items():
            attributes.annotate(f"{hook.name}/{key}", value)
        attributes.warnings += answer.warnings
        if not answer.allowed:
            raise Rejected(review.denial(hook.name, answer.result))
        return answer


def _forbidden(attributes: Attributes, why: str) -> Forbidden:
    return forbidden(attributes.served, attributes.name, why)
