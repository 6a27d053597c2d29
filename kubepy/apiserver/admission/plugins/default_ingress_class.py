"""A new Ingress that says nothing about its class gets the default one.

Source: kubernetes plugin/pkg/admission/network/defaultingressclass/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api.builtins import INGRESS_CLASSES, INGRESSES
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin
from kubepy.lib.clock import parse_rfc3339

OF_INGRESS = "kubernetes.io/ingress.class"  # the older way to say which
IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


class DefaultIngressClass(Plugin):
    name = "DefaultIngressClass"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == INGRESSES and not subresource

    async def admit(self, attributes: Attributes) -> None:
        ingress = attributes.obj
        assert ingress is not None, "there is one on create"
        spec = ingress.setdefault("spec", {})
        if spec.get("ingressClassName") is not None or OF_INGRESS in annotations_of(ingress):
            return
        classes = [document.obj for document in await self.lookup.all(INGRESS_CLASSES)]
        if name := default_class(classes):
            spec["ingressClassName"] = name


def default_class(classes: Iterable[Obj]) -> str:
    """Of several the newest, then the first by name; "" without one."""
    defaults = [obj["metadata"] for obj in classes if annotations_of(obj).get(IS_DEFAULT) == "true"]
    defaults.sort(key=lambda metadata: (-parse_rfc3339(metadata["creationTimestamp"]), metadata["name"]))
    return defaults[0]["name"] if defaults else ""
