"""Pods go to the nodes that their namespace has.

A namespace says which in an annotation; one that does not gets the configured default. Per namespace the configuration
may also list the labels that its pods may ask for at all.

Source: kubernetes plugin/pkg/admission/podnodeselector/admission.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubepy.api import errors, names
from kubepy.api.builtins import NAMESPACES, PODS
from kubepy.api.objects import annotations_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, Tools, forbidden

ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector"
DEFAULT = "clusterDefaultNodeSelector"


class PodNodeSelector(Plugin):
    name = "PodNodeSelector"
    mutates = True
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        given = tools.configuration.get(self.name) or {}
        self._selectors: Mapping[str, str] = given.get("podNodeSelectorPluginConfig") or {}

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "there is one on create"
        spec = attributes.obj["spec"]
        if selector := {**await self._of_namespace(attributes), **(spec.get("nodeSelector") or {})}:
            spec["nodeSelector"] = selector
        await self.validate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "there is one on create"
        wanted = attributes.obj["spec"].get("nodeSelector") or {}
        own = await self._of_namespace(attributes)
        if any(own.get(key, value) != value for key, value in wanted.items()):
            raise forbidden(
                attributes, "pod node label selector conflicts with its namespace node label selector"
            )
        allowed = parse(self._selectors.get(attributes.namespace, ""))
        if allowed and any(allowed.get(key) != value for key, value in wanted.items()):
            raise forbidden(
                attributes, "pod node label selector labels conflict with its namespace whitelist"
            )

    async def _of_namespace(self, attributes: Attributes) -> dict[str, str]:
        namespace = await self.lookup.find(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            raise errors.InternalError(f"namespace {attributes.namespace} does not exist")
        return parse(annotations_of(namespace.obj).get(ANNOTATION, self._selectors.get(DEFAULT, "")))


def parse(text: str) -> dict[str, str]:
    """`a=b,c=d`. Raises a StatusError without a reason, as upstream. Source: labels.ConvertSelectorToLabelsMap."""
    selector = {}
    for part in text.split(",") if text else ():
        pair = part.split("=")
        if len(pair) != 2:
            raise _bad(f"invalid selector: [{' '.join(pair)}]")
        key, value = pair[0].strip(), pair[1].strip()
        for path, label, why in (
            ("<nil>", key, names.label_key(key)),
            (f"[{key}]", value, names.label_value(value)),
        ):
            if why:
                raise _bad(str(errors.invalid_value(path, label, "; ".join(why))))
        selector[key] = value
    return selector


def _bad(why: str) -> errors.StatusError:
    return errors.StatusError(why, code=500, reason="")
