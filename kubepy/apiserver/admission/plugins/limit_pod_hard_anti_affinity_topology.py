"""Pods may keep others away from their node, but not from a whole zone.

Source: kubernetes plugin/pkg/admission/antiaffinity/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import PODS
from kubepy.api.objects import walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, forbidden

HOSTNAME = "kubernetes.io/hostname"
_TERMS = ("spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")


class LimitPodHardAntiAffinityTopology(Plugin):
    name = "LimitPodHardAntiAffinityTopology"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and not subresource

    async def validate(self, attributes: Attributes) -> None:
        for term in walk(attributes.obj, *_TERMS) or ():
            if (key := term.get("topologyKey", "")) != HOSTNAME:
                raise forbidden(
                    attributes,
                    f"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {key} but only key {HOSTNAME} "
                    "is allowed",
                )
