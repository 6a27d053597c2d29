"""Pods tolerate what their namespace tolerates by default, and nothing that it does not allow.

A namespace says so in two annotations, JSON lists of tolerations; the configuration stands in for either.

Source: kubernetes plugin/pkg/admission/podtolerationrestriction/admission.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import errors, go_json, pods
from kubepy.api.builtins import NAMESPACES, PODS
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.placement import NO_SCHEDULE
from kubepy.api.resources import Resource
from kubepy.api.tolerations import are_within, merged
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools

DEFAULTS = "scheduler.alpha.kubernetes.io/defaultTolerations"
ALLOWED = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
MEMORY_PRESSURE: Obj = {
    "key": "node.kubernetes.io/memory-pressure",
    "operator": "Exists",
    "effect": NO_SCHEDULE,
}


class PodTolerationRestriction(Plugin):
    name = "PodTolerationRestriction"
    mutates = True
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        given = tools.configuration.get(self.name) or {}
        self._defaults: Sequence[Obj] = given.get("default") or ()
        self._allowed: Sequence[Obj] = given.get("whitelist") or ()

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None, "pods are written with a body"
        extra: list[Obj] = []
        if attributes.operation == CREATE:
            of_namespace = await self._annotated(attributes, DEFAULTS)
            extra += self._defaults if of_namespace is None else of_namespace
        if pods.qos_class(pod) != pods.BEST_EFFORT:
            extra.append(dict(MEMORY_PRESSURE))
        if extra:
            pod["spec"]["tolerations"] = merged(pod["spec"].get("tolerations") or (), extra)
        await self.validate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are written with a body"
        tolerations = attributes.obj["spec"].get("tolerations")
        if not tolerations:
            return
        allowed, scope = await self._annotated(attributes, ALLOWED), "namespace"
        if allowed is None:
            allowed, scope = self._allowed, "cluster"
        if not are_within(tolerations, allowed):
            # A bare error there, so it is answered without a reason.
            raise errors.StatusError(
                "pod tolerations (possibly merged with namespace default tolerations) conflict with its "
                f"{scope} whitelist",
                code=500,
                reason="",
            )

    async def _annotated(self, attributes: Attributes, annotation: str) -> Sequence[Obj] | None:
        namespace = await self.lookup.find(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            raise errors.not_found(NAMESPACES, attributes.namespace)
        text = annotations_of(namespace.obj).get(annotation)
        if not text:
            return None if text is None else ()
        try:
            found: list[Obj] = go_json.loads(text.encode())
        except go_json.SyntaxError as error:
            raise errors.StatusError(str(error), code=500, reason="") from error
        return found
