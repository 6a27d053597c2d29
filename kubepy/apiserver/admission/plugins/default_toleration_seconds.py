"""Pods stay five minutes on a node that stops answering, unless they say otherwise.

Source: kubernetes plugin/pkg/admission/defaulttolerationseconds/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin

TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
SECONDS = 300


class DefaultTolerationSeconds(Plugin):
    name = "DefaultTolerationSeconds"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        tolerations = pod["spec"].get("tolerations") or []
        missing = [taint for taint in TAINTS if not any(_tolerates(t, taint) for t in tolerations)]
        if missing:
            pod["spec"]["tolerations"] = tolerations + [
                {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
                for taint in missing
            ]


def _tolerates(toleration: Obj, taint: str) -> bool:
    return toleration.get("key", "") in (taint, "") and toleration.get("effect", "") in ("NoExecute", "")
