"""What one object counts for, kind by kind.

`of(group_resource)` gives the evaluator of a kind; every kind has one, most only count objects
(`count/deployments.apps`). An evaluator holds no state.

Not here: device classes that stand for extended resources (DRAExtendedResource): their claims count by class only.

Source: kubernetes pkg/quota/v1/evaluator/core/*.go, pkg/quota/v1/install/*.go, apiserver
pkg/quota/v1/generic/evaluator.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

from kubepy.api import names, pods, quantity
from kubepy.api.objects import Obj, annotations_of, walk
from kubepy.api.quantity import NANOS, Quantity
from kubepy.api.quota import scopes
from kubepy.api.quota.amounts import ONE, Amounts, add
from kubepy.lib.clock import parse_rfc3339

Amount = TypeVar("Amount")

CREATE, UPDATE = "CREATE", "UPDATE"

# Questions and records that nobody pays for. Source: pkg/quota/v1/install/registry.go ignoredResources.
IGNORED = frozenset((
    "bindings", "componentstatuses", "events", "events.events.k8s.io", "tokenreviews.authentication.k8s.io",
    "selfsubjectreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io",
    "selfsubjectaccessreviews.authorization.k8s.io", "localsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
))  # fmt: skip
# Object counts that had names before count/ came. Source: core/registry.go legacyObjectCountAliases.
_ALIASED = ("configmaps", "resourcequotas", "replicationcontrollers", "secrets")


def count_name(group_resource: str) -> str:
    return f"count/{group_resource}"


class Evaluator:
    """Counts objects. Other kinds override what they do differently."""

    # Whether every object counts the same, whatever is in it.
    is_plain = True

    def __init__(self, group_resource: str) -> None:
        self.group_resource = group_resource
        self.names = (count_name(group_resource), *((group_resource,) if group_resource in _ALIASED else ()))

    def operations(self, subresource: str) -> tuple[str, ...]:
        """Which writes may concern a quota at all."""
        return () if subresource else (CREATE,)

    def handles(self, operation: str, subresource: str, new: Obj, old: Obj | None) -> bool:
        return operation in self.operations(subresource)

    def is_counted_in(self, name: str) -> bool:
        """Whether objects of this kind count for the resource `name` of a quota."""
        return name in self.names

    def matching(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if self.is_counted_in(name)}

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return False

    def matches_scopes(self, requirements: Iterable[Obj], obj: Obj) -> bool:
        return all(self.matches_scope(requirement, obj) for requirement in requirements)

    def missing(self, required: set[str], obj: Obj) -> str:
        """What the object must say of itself and does not, "" if nothing."""
        return ""

    def usage(self, obj: Obj, now: float) -> Amounts:
        return dict.fromkeys(self.names, ONE)

    def frees(self, new: Obj, old: Obj, now: float) -> bool:
        """Whether an update may have changed what the object counts for, so that it must be counted again."""
        return False


# -- pods ------------------------------------------------------------------------------------------------------

_REQUESTED, _LIMITED = ("cpu", "memory", "ephemeral-storage"), ("cpu", "memory", "ephemeral-storage")
_POD_NAMES = frozenset((
    "count/pods", "pods", *_REQUESTED, *(f"requests.{name}" for name in _REQUESTED),
    *(f"limits.{name}" for name in _LIMITED),
))  # fmt: skip
# What a pod must ask for where a quota counts it.
_DEMANDED = frozenset((
    "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
))  # fmt: skip
_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"


def is_extended(name: str) -> bool:
    """Whether a resource is none of Kubernetes' own: "example.com/gpu". Source: helper.IsExtendedResourceName."""
    return "/" in name and not names.is_native_resource(name) and not name.startswith("requests.")


class Pods(Evaluator):
    is_plain = False

    def operations(self, subresource: str) -> tuple[str, ...]:
        return {"": (CREATE, UPDATE), "resize": (UPDATE,)}.get(subresource, ())

    def handles(self, operation: str, subresource: str, new: Obj, old: Obj | None) -> bool:
        if operation == UPDATE and not subresource:
            # Only a pod that changes between Terminating and not falls under other quotas.
            return old is not None and scopes.is_terminating(old) != scopes.is_terminating(new)
        return operation in self.operations(subresource)

    def is_counted_in(self, name: str) -> bool:
        if name in _POD_NAMES or name.startswith(("hugepages-", "requests.hugepages-")):
            return True
        bare = name.removeprefix("requests.")
        return bare != name and (bare.startswith(_DEVICE_CLASS) or not names.is_native_resource(bare))

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return scopes.pod_matches(requirement, obj)

    def missing(self, required: set[str], obj: Obj) -> str:
        spec = obj["spec"]
        resources = spec.get("resources") or {}
        if any(
            pods.is_pod_level_resource(name)
            for side in ("requests", "limits")
            for name in resources.get(side) or ()
        ):
            return ""
        demanded = required & _DEMANDED
        by_resource: dict[str, set[str]] = {}
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            own = container.get("resources") or {}
            said = _charged(own.get("requests") or {}, own.get("limits") or {})
            for name in demanded - said.keys():
                by_resource.setdefault(name, set()).add(container["name"])
        if not by_resource:
            return ""
        texts = (f"{name} for: {','.join(sorted(by_resource[name]))}" for name in sorted(by_resource))
        return f"must specify {'; '.join(texts)}"

    def usage(self, obj: Obj, now: float) -> Amounts:
        if not is_charged(obj, now):
            return {"count/pods": ONE}
        spec = _in_effect(obj)
        charged = _charged(total(spec, "requests"), total(spec, "limits"))
        return {"count/pods": ONE, "pods": ONE} | {
            name: amount if isinstance(amount, Quantity) else quantity.parse(amount)
            for name, amount in charged.items()
        }

    def frees(self, new: Obj, old: Obj, now: float) -> bool:
        if _resources_in_status(old) != _resources_in_status(new):
            return True
        if scopes.is_terminating(old) != scopes.is_terminating(new):
            return True
        return is_charged(old, now) and not is_charged(new, now)


def is_charged(pod: Obj, now: float) -> bool:
    """Whether a pod still takes resources: not when it is over, nor when its deletion is overdue.

    Source: QuotaV1Pod.
    """
    if pods.is_terminal(pod):
        return False
    metadata = pod["metadata"]
    deleted, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    return deleted is None or grace is None or now <= parse_rfc3339(deleted) + grace


def total(spec: Obj, side: str) -> Amounts:
    """Requests or limits of a whole pod, exact; printed in the format in which they were first said."""
    formats: dict[str, str] = {}
    sections = [spec.get("resources") or {}]
    sections += [container.get("resources") or {} for container in pods.all_containers(spec)]
    for texts in (*(section.get(side) or {} for section in sections), spec.get("overhead") or {}):
        for name, text in texts.items():
            if name not in formats and (amount := quantity.parse(text)):
                formats[name] = amount.format
    nanos = pods.totals(spec, side)
    return {name: Quantity(amount, formats.get(name, quantity.DECIMAL_SI)) for name, amount in nanos.items()}


def _charged(requests: Mapping[str, Amount], limits: Mapping[str, Amount]) -> dict[str, Amount]:
    """Under which names requests and limits are counted. Source: podComputeUsageHelper."""
    found: dict[str, Amount] = {}
    for name, amount in requests.items():
        if name in _REQUESTED or name.startswith("hugepages-"):
            found[name] = found[f"requests.{name}"] = amount
        elif is_extended(name) or name.startswith(_DEVICE_CLASS):
            found[f"requests.{name}"] = amount
    for name in _LIMITED:
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    return found


_STATUSES = (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"))


def _resources_in_status(pod: Obj) -> dict[str, Obj | None]:
    status = pod.get("status") or {}
    return {
        one["name"]: one["resources"]
        for _, key in _STATUSES
        for one in status.get(key) or ()
        if one.get("resources")
    }


def _in_effect(pod: Obj) -> Obj:
    """The spec with what running containers still hold: of a resize, the larger of old and new counts.

    Source: component-helpers resource/helpers.go determineContainerReqs, determineContainerLimits.
    """
    held = _resources_in_status(pod)
    if not held:
        return pod["spec"]
    spec = dict(pod["spec"])
    is_infeasible = any(
        c.get("type") == "PodResizePending" and c.get("reason") == "Infeasible"
        for c in walk(pod, "status", "conditions") or ()
    )
    for key, statuses in _STATUSES:
        by_name = {one["name"]: one for one in walk(pod, "status", statuses) or ()}
        spec[key] = [
            _held(container, by_name[container["name"]], is_infeasible)
            if container["name"] in held and container["name"] in by_name
            else container
            for container in spec.get(key) or ()
        ]
    return spec


def _held(container: Obj, status: Obj, is_infeasible: bool) -> Obj:
    wanted = {} if is_infeasible else container.get("resources") or {}
    actual = status.get("resources") or {}
    allocated = status.get("allocatedResources") or {}
    requests = _largest(wanted.get("requests"), actual.get("requests"), allocated)
    limits = _largest(wanted.get("limits"), actual.get("limits"))
    return container | {"resources": {"requests": requests, "limits": limits}}


def _largest(*lists: Obj | None) -> Obj:
    found: Obj = {}
    for texts in lists:
        for name, text in (texts or {}).items():
            if name not in found or quantity.nano(text) > quantity.nano(found[name]):
                found[name] = text
    return found


# -- services, claims ------------------------------------------------------------------------------------------


class Services(Evaluator):
    is_plain = False

    def __init__(self, group_resource: str) -> None:
        super().__init__(group_resource)
        self.names = ("count/services", "services", "services.nodeports", "services.loadbalancers")

    def operations(self, subresource: str) -> tuple[str, ...]:
        return () if subresource else (CREATE, UPDATE)

    def usage(self, obj: Obj, now: float) -> Amounts:
        spec = obj.get("spec") or {}
        ports, type_ = spec.get("ports") or [], spec.get("type")
        is_balanced = type_ == "LoadBalancer"
        node_ports = len(ports) if type_ in ("NodePort", "LoadBalancer") else 0
        if is_balanced and spec.get("allocateLoadBalancerNodePorts") is False:
            node_ports = sum(1 for port in ports if port.get("nodePort"))
        return {
            "count/services": ONE,
            "services": ONE,
            "services.loadbalancers": quantity.of_value(int(is_balanced)),
            "services.nodeports": quantity.of_value(node_ports),
        }

    def frees(self, new: Obj, old: Obj, now: float) -> bool:
        return _counted_type(new) != _counted_type(old)


def _counted_type(service: Obj) -> str:
    type_ = (service.get("spec") or {}).get("type") or ""
    return type_ if type_ in ("NodePort", "LoadBalancer") else ""


_OF_CLASS = ".storageclass.storage.k8s.io/"
_CLAIM_NAMES = ("persistentvolumeclaims", "requests.storage")
# The annotation that named the class before spec.storageClassName did; it wins.
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class PersistentVolumeClaims(Evaluator):
    is_plain = False

    def operations(self, subresource: str) -> tuple[str, ...]:
        return {"": (CREATE, UPDATE), "status": (UPDATE,)}.get(subresource, ())

    def handles(self, operation: str, subresource: str, new: Obj, old: Obj | None) -> bool:
        if subresource == "status":
            return old is not None and self.frees(new, old, 0.0)
        return operation in self.operations(subresource)

    def is_counted_in(self, name: str) -> bool:
        if name == "count/persistentvolumeclaims" or name in _CLAIM_NAMES:
            return True
        return name.endswith(tuple(_OF_CLASS + each for each in _CLAIM_NAMES))

    def matches_scope(self, requirement: Obj, obj: Obj) -> bool:
        return scopes.claim_matches(requirement, obj)

    def usage(self, obj: Obj, now: float) -> Amounts:
        found = {"persistentvolumeclaims": ONE, "count/persistentvolumeclaims": ONE}
        storage_class = annotations_of(obj).get(_CLASS_ANNOTATION, obj["spec"].get("storageClassName") or "")
        if storage_class:
            found[f"{storage_class}{_OF_CLASS}persistentvolumeclaims"] = ONE
        storage = _storage(obj)
        if storage is not None:
            found["requests.storage"] = storage
            if storage_class:
                found[f"{storage_class}{_OF_CLASS}requests.storage"] = storage
        return found

    def frees(self, new: Obj, old: Obj, now: float) -> bool:
        return _allocated(new) != _allocated(old) or scopes.attributes_classes(
            new
        ) != scopes.attributes_classes(old)


def _allocated(claim: Obj) -> str | None:
    return walk(claim, "status", "allocatedResources", "storage")


def _storage(claim: Obj) -> Quantity | None:
    """What is asked for, or what an expansion that is not over holds, if that is more."""
    text = walk(claim, "spec", "resources", "requests", "storage")
    if text is None:
        return None
    amounts = [quantity.parse(each) for each in (text, _allocated(claim)) if each is not None]
    largest = max(amounts)
    return largest if largest.nanos % NANOS == 0 else quantity.of_value(largest.value(), largest.format)


_PER_CLASS = ".deviceclass.resource.k8s.io/devices"
# Source: resource.k8s.io AllocationResultsMaxSize: what "All" is charged as.
_ALL_DEVICES = 32


class ResourceClaims(Evaluator):
    is_plain = False

    def operations(self, subresource: str) -> tuple[str, ...]:
        return () if subresource else (CREATE, UPDATE)

    def is_counted_in(self, name: str) -> bool:
        return name in self.names or name.endswith(_PER_CLASS)

    def usage(self, obj: Obj, now: float) -> Amounts:
        found: Amounts = dict.fromkeys(self.names, ONE)
        for request in walk(obj, "spec", "devices", "requests") or ():
            if alternatives := request.get("firstAvailable"):
                largest: Amounts = {}
                for one in alternatives:
                    for name, amount in _devices(one).items():
                        largest[name] = max(amount, largest.get(name, amount))
                found = add(found, largest)
            elif exactly := request.get("exactly"):
                found = add(found, _devices(exactly))
        return found


def _devices(request: Obj) -> Amounts:
    counts = {"ExactCount": request.get("count", 0), "All": _ALL_DEVICES}
    count = counts.get(request.get("allocationMode", ""), 0)
    return {f"{request['deviceClassName']}{_PER_CLASS}": quantity.of_value(count)}


# -- the table -------------------------------------------------------------------------------------------------

_SPECIAL: dict[str, type[Evaluator]] = {
    "pods": Pods,
    "services": Services,
    "persistentvolumeclaims": PersistentVolumeClaims,
    "resourceclaims.resource.k8s.io": ResourceClaims,
}
# Those that count under more names than count/<resource>: what else a quota may speak of.
KNOWN = (*_SPECIAL, *_ALIASED)


@lru_cache(maxsize=1024)
def of(group_resource: str) -> Evaluator:
    return _SPECIAL.get(group_resource, Evaluator)(group_resource)


def counted_in(name: str) -> list[Evaluator]:
    """The evaluators whose objects count for one resource of a quota; without looking at every kind there is."""
    if name.startswith("count/"):
        return [of(name.removeprefix("count/"))]
    return [evaluator for evaluator in map(of, KNOWN) if evaluator.is_counted_in(name)]
