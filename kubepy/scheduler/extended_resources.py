"""Extended resources that are backed by devices: which class a resource stands for, and the claim it comes to.

A container asks for example.com/gpu: 2. If a DeviceClass has that name (spec.extendedResourceName), or the resource is
deviceclass.resource.kubernetes.io/<class>, nodes whose device plugins offer none of it may have such devices. One claim
per pod, made by the scheduler, then asks for the devices of all its containers; status.extendedResourceClaimStatus
tells the kubelet which of its requests are whose.

Of two classes with the same resource name the younger counts, of two equally old ones the one that comes first by name.

Source: pkg/scheduler/framework/plugins/dynamicresources/extendeddynamicresources.go,
staging/src/k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache/extendedresourcecache.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from kubepy.api.objects import Document, Obj
from kubepy.api.quantity import value
from kubepy.api.validation.pod_resources import is_extended
from kubepy.client.informer import Informer

ANNOTATION = "resource.kubernetes.io/extended-resource-claim"
_IMPLICIT = "deviceclass.resource.kubernetes.io/"

ClassOf = Callable[[str], Obj | None]


class ExtendedResources:
    """What DeviceClasses say, kept at hand."""

    def __init__(self, classes: Informer) -> None:
        self._informer = classes
        self._by_name: dict[str, Obj] | None = None
        self.on_change: Callable[[], None] = lambda: (
            None
        )  # some resource stands for another class than before
        classes.add_handler(
            on_add=self._changed, on_update=lambda old, new: self._changed(new), on_delete=self._changed
        )

    def class_of(self, resource: str) -> Obj | None:
        """The DeviceClass that a resource stands for."""
        if self._by_name is None:
            self._by_name = by_resource(self._informer.list())
        return self._by_name.get(resource) if self._by_name else None

    def backed(self, resources: Mapping[str, int]) -> tuple[str, ...]:
        """Those that are asked for and stand for a class."""
        return tuple(
            name
            for name, amount in resources.items()
            if amount and may_be_backed(name) and self.class_of(name) is not None
        )

    def _changed(self, document: Document) -> None:
        self._by_name = None
        self.on_change()


def by_resource(classes: Sequence[Obj]) -> dict[str, Obj]:
    found: dict[str, Obj] = {}
    # The best last.
    for one in sorted(classes, key=lambda one: one["metadata"]["name"], reverse=True):
        found[_IMPLICIT + one["metadata"]["name"]] = one
    for one in sorted(found.values(), key=lambda one: one["metadata"].get("creationTimestamp") or ""):
        if name := one["spec"].get("extendedResourceName"):
            found[name] = one
    return found


def may_be_backed(resource: str) -> bool:
    """Source: IsDRAExtendedResourceName."""
    return resource.startswith(_IMPLICIT) or is_extended(resource)


def render_claim(pod: Obj) -> Obj:
    """The claim of a pod, before it is known what it asks for on a node."""
    metadata = pod["metadata"]
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {
            "namespace": metadata["namespace"],
            "generateName": f"{metadata['name']}-extended-resources-",
            "ownerReferences": [owner],
            "annotations": {ANNOTATION: "true"},
        },
        "spec": {},
    }


def requests_of(pod: Obj, resources: Sequence[str], class_of: ClassOf) -> tuple[list[Obj], list[Obj]]:
    """(requests of the claim, which container's resource is which request).

    Init containers that end use what later containers ask for, and one request more if that is not enough.
    Source: createRequestsAndMappings.
    """
    spec = pod["spec"]
    init = spec.get("initContainers") or []
    containers = [*init, *spec["containers"]]
    short = [at for at, one in enumerate(init) if one.get("restartPolicy") != "Always"]
    requests: list[Obj] = []
    mappings: list[Obj] = []
    for resource in sorted(resources):
        device_class = class_of(resource)
        if device_class is None:
            continue
        name = device_class["metadata"]["name"]
        lasting: list[Obj | None] = [None] * len(containers)
        for at, container in enumerate(containers):
            if at not in short:
                lasting[at], more = _request(at, container, resource, name, ())
                mappings += more
        passing, of_passing = _passing(containers, short, resource, name, lasting)
        mappings += of_passing
        requests += [one for one in (passing, *lasting) if one is not None]
    return sorted(requests, key=lambda one: str(one["name"])), mappings


def _passing(
    containers: Sequence[Obj], short: Sequence[int], resource: str, name: str, lasting: Sequence[Obj | None]
) -> tuple[Obj | None, list[Obj]]:
    """Init containers run one after the other: the largest of their requests serves them all."""
    largest: Obj | None = None
    own: set[str] = set()
    mappings: list[Obj] = []
    for at in short:
        request, more = _request(at, containers[at], resource, name, lasting[at:])
        mappings += more
        if request is not None:
            own.add(request["name"])
            if largest is None or largest["exactly"]["count"] < request["exactly"]["count"]:
                largest = request
    if largest is not None:
        for mapping in mappings:
            if mapping["requestName"] in own:
                mapping["requestName"] = largest["name"]
    return largest, mappings


def _request(
    at: int, container: Obj, resource: str, device_class: str, usable: Sequence[Obj | None]
) -> tuple[Obj | None, list[Obj]]:
    """What this container asks for beyond what is `usable`, if anything, and whose requests it uses."""
    wanted = (container.get("resources") or {}).get("requests") or {}
    amount = value(wanted[resource]) if resource in wanted else 0
    if not amount:
        return None, []

    def mapping(request: str) -> Obj:
        return {"containerName": container["name"], "resourceName": resource, "requestName": request}

    mappings: list[Obj] = []
    have = 0
    for other in _present(usable):
        have += other["exactly"]["count"]
        mappings.append(mapping(other["name"]))
        if have >= amount:
            return None, mappings
    name = f"container-{at}-request-{sorted(wanted).index(resource)}"
    exactly = {"deviceClassName": device_class, "allocationMode": "ExactCount", "count": amount - have}
    return {"name": name, "exactly": exactly}, [*mappings, mapping(name)]


def _present(requests: Sequence[Obj | None]) -> Iterator[Obj]:
    return (request for request in requests if request is not None)
