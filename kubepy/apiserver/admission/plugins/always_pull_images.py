"""Images are pulled anew for each container, so that nobody runs another's private image because a node has it.

Source: kubernetes plugin/pkg/admission/alwayspullimages/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubepy.api import errors
from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj
from kubepy.api.pods import all_containers
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, forbidden
from kubepy.apiserver.authz import aggregate

ALWAYS = "Always"


class AlwaysPullImages(Plugin):
    name = "AlwaysPullImages"
    mutates = True
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are written with a body"
        if has_no_new_image(attributes.obj, attributes.old):
            return
        spec = attributes.obj["spec"]
        for container in all_containers(spec):
            container["imagePullPolicy"] = ALWAYS
        for volume in spec.get("volumes") or ():
            if volume.get("image") is not None:
                volume["image"]["pullPolicy"] = ALWAYS

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are written with a body"
        if has_no_new_image(attributes.obj, attributes.old):
            return
        refusals = [
            forbidden(attributes, str(errors.not_supported(path, policy, [ALWAYS])))
            for path, policy in pull_policies(attributes.obj["spec"])
            if policy != ALWAYS
        ]
        if refusals:
            # Upstream forgets the status of what it aggregates.
            raise errors.StatusError(aggregate(map(str, refusals)), code=500, reason="")


def has_no_new_image(pod: Obj, old: Obj | None) -> bool:
    """Whether it is an update that brings no image in; a changed policy alone is looked at by nobody."""
    if old is None:
        return False
    known = {container.get("image") for container in all_containers(old["spec"])}
    return all(container.get("image") in known for container in all_containers(pod["spec"]))


def pull_policies(spec: Obj) -> Iterator[tuple[str, str]]:
    """(path, policy) of all that is pulled."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield f"spec.{field}[{index}].imagePullPolicy", container.get("imagePullPolicy", "")
    for index, volume in enumerate(spec.get("volumes") or ()):
        if volume.get("image") is not None:
            yield f"spec.volumes[{index}].image.pullPolicy", volume["image"].get("pullPolicy", "")
