"""ValidatingAdmissionWebhook: all concerned webhooks are asked at once, and one no is a no.

Source: apiserver pkg/admission/plugin/webhook/validating/{plugin,dispatcher}.go.
"""

from __future__ import annotations

from kubepy.api.builtins import VALIDATING_WEBHOOK_CONFIGURATIONS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Plugin, Tools
from kubepy.apiserver.admission.matching import Selected, is_exempt
from kubepy.apiserver.admission.metrics import VALIDATING
from kubepy.apiserver.admission.versions import Versions
from kubepy.apiserver.admission.webhooks.calls import Caller
from kubepy.apiserver.admission.webhooks.hooks import Hook, Hooks
from kubepy.lib.aio import gather_bounded

# Calls of one request that are under way at once; upstream makes all of them at once.
_PARALLEL_MAX = 64
_FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/round_0_index_{}"


class ValidatingAdmissionWebhook(Plugin):
    name = "ValidatingAdmissionWebhook"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._hooks = Hooks(tools.lookup, VALIDATING_WEBHOOK_CONFIGURATIONS)
        self._caller = Caller(tools, VALIDATING, self.name)

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return not is_exempt(resource)

    async def validate(self, attributes: Attributes) -> None:
        hooks = await self._hooks.all()
        if not hooks:
            return
        versions = Versions(attributes)
        relevant: list[tuple[Hook, Selected, Obj | None, Obj | None]] = []
        for hook in hooks:
            selected = await self._caller.select(hook, attributes, versions)
            if selected is not None:
                obj, old = await versions.obj(selected.resource), await versions.old(selected.resource)
                relevant.append((hook, selected, obj, old))
        if not relevant:
            return
        outcomes = await gather_bounded(
            _PARALLEL_MAX,
            [self._ask(index, attributes, *question) for index, question in enumerate(relevant)],
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _ask(
        self,
        index: int,
        attributes: Attributes,
        hook: Hook,
        selected: Selected,
        obj: Obj | None,
        old: Obj | None,
    ) -> None:
        if await self._caller.ask(hook, attributes, selected, obj, old) is None:
            attributes.annotate(_FAILED_OPEN.format(index), hook.name)

    async def close(self) -> None:
        await self._caller.close()
