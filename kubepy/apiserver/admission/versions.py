"""The objects of a request in the versions that webhooks and policies want them in.

Custom kinds may need their conversion webhook for that, so asking waits.

Source: apiserver pkg/admission/conversion.go.
"""

from __future__ import annotations

from kubepy.api import conversion
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes
from kubepy.apiserver.crds.pending import settled


class Versions:
    """Of one request. What comes out is shared: read-only."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self._old: dict[str, Obj] = {}

    async def obj(self, resource: Resource) -> Obj | None:
        """The object as it is now."""
        return await self._converted(self._attributes.obj, resource)

    async def old(self, resource: Resource) -> Obj | None:
        known = self._old.get(resource.api_version)
        if known is None and self._attributes.old is not None:
            known = self._old[resource.api_version] = await self._convert(self._attributes.old, resource)
        return known

    async def put(self, obj: Obj, resource: Resource) -> None:
        """`obj` of that version in place of the request's object."""
        attributes = self._attributes
        assert attributes.obj is not None, "what is not there is not replaced"
        if not self._is_other(obj, resource):
            stored = obj
        else:
            storage = attributes.resource
            stored = await settled(lambda: conversion.convert(obj, resource, storage))
        if stored is not attributes.obj:
            stored = dict(stored)
            attributes.obj.clear()
            attributes.obj.update(stored)

    async def _converted(self, obj: Obj | None, resource: Resource) -> Obj | None:
        return None if obj is None else await self._convert(obj, resource)

    async def _convert(self, obj: Obj, resource: Resource) -> Obj:
        if not self._is_other(obj, resource):
            return obj
        return await settled(lambda: conversion.convert(obj, self._attributes.resource, resource))

    def _is_other(self, obj: Obj, resource: Resource) -> bool:
        """Whether there is anything to convert: a Scale or Eviction is the same through every version."""
        return resource.api_version != self._attributes.resource.api_version and obj.get("apiVersion") in (
            resource.api_version,
            self._attributes.resource.api_version,
        )
