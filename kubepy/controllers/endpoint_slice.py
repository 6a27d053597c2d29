"""EndpointSlices: the addresses of a Service's pods, at most a hundred in each slice.

Watches Services, Pods, EndpointSlices and Nodes (for zones). Owns the EndpointSlices that carry its managed-by label.
Writes them; nothing else.

A plan has three steps for each address family and set of ports: keep what is wanted in the slices where it is and
drop the rest; fill the slices that change anyway; put what is left into one slice with room, or into new ones. So few
slices change at a time, for each change is sent to every node. A slice to be created takes over one to be deleted. A
Service without endpoints has one empty slice.

Every pod with an address is listed, and its conditions say what it is good for: `serving` (it is ready), `terminating`
(it is being deleted), `ready` (both right, or publishNotReadyAddresses). At last they get their hints, which are
endpoint_hints' matter.

Source: kubernetes 1.36 staging/src/k8s.io/endpointslice/{reconciler,utils}.go, util/{controller_utils,
trigger_time_tracker}.go;
pkg/controller/endpointslice/endpointslice_controller.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field

from kubepy.api import errors, names, objects, pods
from kubepy.api.builtins import ENDPOINT_SLICES, NODES, PODS, SERVICES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, ControllerContext, key_of, rest_for
from kubepy.client.informer import Informer
from kubepy.controllers import endpoint_hints
from kubepy.controllers.endpoint_hints import Family, Topology
from kubepy.controllers.job_facts import Event
from kubepy.controllers.owned_slices import MANAGED_BY, SERVICE_NAME, OwnedSlices

MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
TRIGGERED = "endpoints.kubernetes.io/last-change-trigger-time"
_RESERVED = (MANAGED_BY, SERVICE_NAME, HEADLESS)

# Source: kube-controller-manager --max-endpoints-per-slice.
ENDPOINTS_MAX = 100

# A slice that somebody else changed is put right after this. Source: endpointSliceChangeMinSyncDelay.
MEND_S = 1.0


# What identifies an endpoint; a change of anything else updates it in place.
_Identity = tuple[tuple[str, ...], str]
_Ports = tuple[tuple[object, ...], ...]
Zone = Callable[[str], str | None]  # node name -> its zone, "" for none; None: there is no such node


# The key under which the controller looks at how the nodes lie in zones.
_NODES = Key("", "")


class Plan(Struct, frozen=True):
    """Whole objects to write; `missing_nodes` names pods left out because their node is not known yet."""

    create: tuple[Obj, ...] = ()
    update: tuple[Obj, ...] = ()
    delete: tuple[Obj, ...] = ()
    missing_nodes: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


class _Changes(Struct):
    create: list[Obj] = field(default_factory=list)
    update: list[Obj] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)


def plan(
    service: Obj,
    selected: Iterable[Obj],
    slices: Sequence[Obj],
    zone_of: Zone,
    *,
    topology: Topology,
    triggered: str = "",
) -> Plan:
    """selected: the pods that the Service selects; slices: those of this controller for it, none of them leaving;
    triggered: the time of what is told now; topology: remembers the hints that it gives."""
    key = objects.key_of(service)
    families = address_types(service)
    changes = _Changes(delete=[each for each in slices if each["addressType"] not in families])
    selected = [pod for pod in selected if has_endpoint(pod, include_terminating=True)]
    for obsolete in changes.delete:
        topology.forget(key, obsolete["addressType"])
    missing: list[str] = []
    events: list[Event] = []
    publish_all = bool(service["spec"].get("publishNotReadyAddresses"))
    for family in families:
        wanted: dict[_Ports, tuple[list[Obj], dict[_Identity, Obj]]] = {}
        for pod in selected:
            ports = ports_of(service, pod)
            _, endpoints = wanted.setdefault(_ports_key(ports), (ports, {}))
            zone = zone_of(pod["spec"]["nodeName"]) if pod["spec"].get("nodeName") else ""
            if zone is None and not publish_all:
                missing.append(pod["metadata"]["name"])
                continue
            endpoint = render_endpoint(service, pod, family, zone or "")
            if endpoint["addresses"]:
                endpoints[_identity(endpoint)] = endpoint
        present = [each for each in slices if each["addressType"] == family]
        ours = _plan_family(service, family, wanted, present)
        touched = {each["metadata"]["name"] for each in (*ours.update, *ours.delete)}
        left = [each for each in present if each["metadata"]["name"] not in touched]
        hinted = Family(ours.create, ours.update, left)
        events += topology.hint(key, service, family, hinted)
        changes.create += hinted.create
        changes.update += hinted.update
        changes.delete += ours.delete
    create, update, delete = _recycle(service, changes)
    # Nothing new for a Service that is being deleted: the garbage collector would have to sweep it up again.
    create = [] if objects.is_deleting(service) else [_triggered(each, triggered) for each in create]
    update = [_triggered(each, triggered) for each in update]
    return Plan(tuple(create), tuple(update), tuple(delete), tuple(dict.fromkeys(missing)), tuple(events))


def _triggered(object_: Obj, at: str) -> Obj:
    """Annotated with the time of the change that it tells of. Source: addTriggerTimeAnnotation."""
    annotations = {k: v for k, v in objects.annotations_of(object_).items() if k != TRIGGERED}
    if at:
        annotations[TRIGGERED] = at
    metadata = {k: v for k, v in object_["metadata"].items() if k != "annotations"}
    return object_ | {"metadata": metadata | ({"annotations": annotations} if annotations else {})}


class TriggerTimes:
    """When that happened which the next write tells of: the oldest change since the run before.

    Source: trigger_time_tracker.go.
    """

    def __init__(self) -> None:
        self._seen: dict[Key, dict[str, str]] = {}

    def of(self, key: Key, service: Obj, selected: Iterable[Obj]) -> str:
        """As an annotation has it, "" if nothing of that kind happened."""
        times = {"": service["metadata"].get("creationTimestamp") or ""}
        for pod in selected:
            ready = objects.condition(pod, "Ready")
            if ready is not None and (at := ready.get("lastTransitionTime")):
                times[pod["metadata"]["name"]] = at
        seen = self._seen.get(key)
        self._seen[key] = times
        if seen is None:
            return times[""]
        return min((at for name, at in times.items() if at > seen.get(name, "")), default="")

    def forget(self, key: Key) -> None:
        self._seen.pop(key, None)


def _plan_family(
    service: Obj,
    family: str,
    wanted: dict[_Ports, tuple[list[Obj], dict[_Identity, Obj]]],
    slices: Sequence[Obj],
) -> _Changes:
    """Source: reconcileByAddressType."""
    ours = _Changes()
    by_ports: dict[_Ports, list[Obj]] = {}
    for each in slices:
        if is_owned(each, service):
            by_ports.setdefault(_ports_key(each.get("ports") or []), []).append(each)
        else:
            ours.delete.append(each)
    for key, (ports, endpoints) in wanted.items():
        _plan_ports(service, family, ports, endpoints, by_ports.pop(key, []), ours)
    for obsolete in by_ports.values():
        ours.delete += obsolete
    if len(slices) == len(ours.delete) and not ours.create:
        placeholder = render_slice(service, family, [])
        if len(ours.delete) == 1 and _is_placeholder(ours.delete[0], placeholder):
            ours.delete.clear()
        else:
            ours.create.append(placeholder)
    return ours


def _plan_ports(
    service: Obj,
    family: str,
    ports: list[Obj],
    wanted: dict[_Identity, Obj],
    slices: Sequence[Obj],
    changes: _Changes,
) -> None:
    """The slices of one set of ports. Source: reconcileByPortMapping."""
    changed: list[Obj] = []
    unchanged: list[Obj] = []
    labels = render_labels(service)
    for each in slices:
        present = each.get("endpoints") or []
        kept = [endpoint for old in present if (endpoint := wanted.pop(_identity(old), None)) is not None]
        # Hints are no reason to write, they come after this.
        if kept == list(map(endpoint_hints.bare, present)) and _plain(objects.labels_of(each)) == _plain(
            labels
        ):
            unchanged.append(each)
        elif not kept and present:
            changes.delete.append(each)
        else:
            metadata = each["metadata"] | {"labels": labels}
            changed.append(each | {"metadata": metadata, "endpoints": kept})
    left = list(wanted.values())
    for each in sorted(changed, key=lambda slice_: -len(slice_["endpoints"])):
        _fill(each, left)
    while left:
        target = _with_room(unchanged, len(left))
        if target is None:
            new = render_slice(service, family, ports)
            _fill(new, left)
            changes.create.append(new)
        else:
            unchanged.remove(target)
            filled = target | {"endpoints": list(target.get("endpoints") or [])}
            _fill(filled, left)
            changed.append(filled)
    changes.update += changed


def _fill(slice_: Obj, left: list[Obj]) -> None:
    room = ENDPOINTS_MAX - len(slice_["endpoints"])
    slice_["endpoints"] += left[:room]
    del left[:room]


def _with_room(slices: Sequence[Obj], count: int) -> Obj | None:
    """The slice that `count` more endpoints fill best. Source: getSliceToFill."""
    if count >= ENDPOINTS_MAX:
        return None
    rooms = [(ENDPOINTS_MAX - count - len(each.get("endpoints") or []), at) for at, each in enumerate(slices)]
    fitting = [(room, at) for room, at in rooms if room >= 0]
    return slices[min(fitting)[1]] if fitting else None


def _recycle(service: Obj, changes: _Changes) -> tuple[list[Obj], list[Obj], list[Obj]]:
    """A slice to create and one to delete make one to update. Source: finalize."""
    create, update, delete = list(changes.create), list(changes.update), []
    for obsolete in changes.delete:
        heir = next((new for new in reversed(create) if new["addressType"] == obsolete["addressType"]), None)
        if heir is None or not is_owned(obsolete, service):
            delete.append(obsolete)
            continue
        create.remove(heir)
        metadata = obsolete["metadata"] | {"labels": heir["metadata"]["labels"]}
        update.append(
            obsolete | {"metadata": metadata, "ports": heir["ports"], "endpoints": heir["endpoints"]}
        )
    return create, update, delete


# -- what a pod gives ------------------------------------------------------------------------------------------


def has_endpoint(pod: Obj, *, include_terminating: bool) -> bool:
    """Whether a pod has an address that may be told. Source: ShouldPodBeInEndpoints."""
    status = pod.get("status") or {}
    if pods.is_terminal(pod) or not (status.get("podIP") or status.get("podIPs")):
        return False
    return include_terminating or not objects.is_deleting(pod)


def render_endpoint(service: Obj, pod: Obj, family: str, zone: str) -> Obj:
    """Source: podToEndpoint."""
    metadata, spec = pod["metadata"], pod["spec"]
    serving, terminating = pods.is_ready(pod), objects.is_deleting(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    endpoint: Obj = {
        "addresses": addresses_of(pod, family),
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
    if spec.get("nodeName"):
        endpoint["nodeName"] = spec["nodeName"]
    if zone:
        endpoint["zone"] = zone
    if has_hostname(service, pod):
        endpoint["hostname"] = spec["hostname"]
    return endpoint


def has_hostname(service: Obj, pod: Obj) -> bool:
    """Pods that name this headless Service as their subdomain. Source: ShouldSetHostname."""
    spec, metadata = pod["spec"], service["metadata"]
    return (
        bool(spec.get("hostname"))
        and spec.get("subdomain") == metadata["name"]
        and metadata["namespace"] == pod["metadata"]["namespace"]
    )


def addresses_of(pod: Obj, family: str) -> list[str]:
    """The pod's addresses of a family, in their usual spelling."""
    status = pod.get("status") or {}
    listed = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    found = [ipaddress.ip_address(ip) for ip in listed or [status["podIP"]]]
    return [str(ip) for ip in found if ip.version == (6 if family == "IPv6" else 4)]


def ports_of(service: Obj, pod: Obj) -> list[Obj]:
    """The Service's ports as this pod has them; ports that it does not name are left out. Source: getEndpointPorts."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = find_port(pod, port)
        if number is None:
            continue
        rendered = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        if port.get("appProtocol"):
            rendered["appProtocol"] = port["appProtocol"]
        ports.append(rendered)
    return ports


def find_port(pod: Obj, port: Obj) -> int | None:
    """targetPort as a number; a name is looked up in the pod's containers and sidecars. Source: FindPort."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    for container in [*pods.containers(pod), *sidecars]:
        for offered in container.get("ports") or ():
            same_protocol = offered.get("protocol", "TCP") == port.get("protocol", "TCP")
            if offered.get("name") == target and same_protocol:
                return int(offered["containerPort"])
    return None


# -- slices ----------------------------------------------------------------------------------------------------


def render_slice(service: Obj, family: str, ports: list[Obj]) -> Obj:
    """An empty slice."""
    metadata = service["metadata"]
    prefix = f"{metadata['name']}-"
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {
            "generateName": prefix if len(prefix) <= names.SUBDOMAIN_LENGTH_MAX else prefix[:-1],
            "namespace": metadata["namespace"],
            "labels": render_labels(service),
            "ownerReferences": [objects.owner_reference(service)],
        },
        "addressType": family,
        "ports": ports,
        "endpoints": [],
    }


def render_labels(service: Obj) -> dict[str, str]:
    """The Service's labels and ours. Source: setEndpointSliceLabels."""
    labels = _plain(objects.labels_of(service))
    if service["spec"].get("clusterIP") in (None, "", "None"):
        labels[HEADLESS] = ""
    return labels | {SERVICE_NAME: service["metadata"]["name"], MANAGED_BY: MANAGER}


def _plain(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in _RESERVED}


def address_types(service: Obj) -> list[str]:
    """IPv4, IPv6 or both. Source: getAddressTypesForService."""
    spec = service["spec"]
    if families := [family for family in spec.get("ipFamilies") or () if family in ("IPv4", "IPv6")]:
        return families
    address = spec.get("clusterIP")
    if address in (None, "", "None"):
        return ["IPv4", "IPv6"]
    return ["IPv6" if ":" in address else "IPv4"]


def is_owned(slice_: Obj, service: Obj) -> bool:
    uid = service["metadata"]["uid"]
    return any(ref["uid"] == uid and ref["kind"] == "Service" for ref in objects.owner_references(slice_))


def _is_placeholder(slice_: Obj, wanted: Obj) -> bool:
    return (
        not slice_.get("endpoints")
        and not slice_.get("ports")
        and objects.labels_of(slice_) == objects.labels_of(wanted)
        and [ref["uid"] for ref in objects.owner_references(slice_)]
        == [ref["uid"] for ref in objects.owner_references(wanted)]
    )


def _identity(endpoint: Obj) -> _Identity:
    """Source: util/endpointset.go, hashEndpoint; the target's uid stands for the rest of what is hashed there."""
    target = endpoint.get("targetRef") or {}
    return tuple(sorted(endpoint["addresses"])), target.get("uid", "")


def _ports_key(ports: Sequence[Obj]) -> _Ports:
    rows = ((p.get("name") or "", p.get("port"), p.get("protocol"), p.get("appProtocol")) for p in ports)
    return tuple(sorted(rows, key=repr))


def selected_pods(service: Obj, informer: Informer) -> list[Obj]:
    """The pods in its namespace that have all labels of its selector. O(pods in the namespace)."""
    wanted = service["spec"]["selector"].items()
    return [
        pod
        for pod in informer.list(service["metadata"]["namespace"])
        if wanted <= objects.labels_of(pod).items()
    ]


def has_endpoints(service: Obj) -> bool:
    """Whether endpoints are made for it: not without a selector, and not for names that point elsewhere."""
    spec = service["spec"]
    return spec.get("selector") is not None and spec.get("type") != "ExternalName"


def is_told(pod: Obj, old: Obj) -> bool:
    """Whether an update of a pod changes what is told about it. Source: podEndpointsChanged."""
    return _told(pod) != _told(old)


def _told(pod: Obj) -> tuple[object, ...]:
    status, spec = pod.get("status") or {}, pod["spec"]
    return (
        objects.uid_of(pod),
        objects.labels_of(pod),
        objects.is_deleting(pod),
        pods.is_terminal(pod),
        pods.is_ready(pod),
        status.get("podIP"),
        status.get("podIPs"),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
    )


def services_of(informer: Informer, document: Document, old: Document | None) -> list[Key]:
    """The Services that select a pod, or did before its labels changed."""
    if not informer.keys(document.key.namespace):
        return []
    if old is not None and not is_told(document.obj, old.obj):
        return []
    labels = [objects.labels_of(each.obj).items() for each in (document, old) if each is not None]
    return [
        objects.key_of(service)
        for service in informer.list(document.key.namespace)
        if (selector := service["spec"].get("selector"))
        and any(selector.items() <= present for present in labels)
    ]


# -- the controller --------------------------------------------------------------------------------------------


class EndpointSliceController(Controller):
    name = "endpointslice-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.slices = OwnedSlices(self, MANAGER, mend_s=MEND_S)
        self._topology, self._triggers = Topology(), TriggerTimes()
        self._nodes_changed = True

    def setup(self) -> None:
        self.services = self.watch(SERVICES, key_of)
        self.pods = self.watch(PODS, lambda document, old: services_of(self.services, document, old))
        self.nodes = self.watch(NODES, self._keys_of_node)
        self.slices.watch()

    def rest_s(self, key: Key) -> float:
        # Upstream: --endpoint-updates-batch-period and --endpointslice-updates-batch-period.
        return rest_for(len(self.pods.keys(key.namespace)))

    async def reconcile(self, key: Key) -> None:
        if key == _NODES:
            self._look_at_nodes()
            return
        service = self.services.get(key)
        if service is None:
            for memory in (self.slices, self._topology, self._triggers):
                memory.forget(key)
            return
        if not has_endpoints(service) or not self.slices.is_settled(key):
            return
        if self._nodes_changed and endpoint_hints.wants_topology(service):
            self._look_at_nodes()
        selected = selected_pods(service, self.pods)
        decided = plan(
            service, selected, self.slices.of(key), self._zone_of, topology=self._topology,
            triggered=self._triggers.of(key, service, selected),
        )  # fmt: skip
        await self.slices.write(key, create=decided.create, update=decided.update, delete=decided.delete)
        for event in decided.events:
            self.events.event(service, *event)
        if decided.missing_nodes:
            pod = decided.missing_nodes[0]
            message = f"Error updating Endpoint Slices for Service {key}: skipping Pod {pod}: Node Not Found"
            self.events.event(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise errors.NotFound(message)

    def _keys_of_node(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Zones are counted only where some Service has hints after them."""
        if old is not None and _lies(document.obj) == _lies(old.obj):
            return ()
        self._nodes_changed = True
        return (_NODES,) if self._topology.is_used else ()

    def _look_at_nodes(self) -> None:
        """Source: checkNodeTopologyDistribution."""
        self._nodes_changed = False
        self._topology.set_nodes(self.nodes.list())
        for key in self._topology.overloaded():
            self.queue.add(key)

    def _zone_of(self, node: str) -> str | None:
        found = self.nodes.get(Key("", node))
        return None if found is None else objects.labels_of(found).get(endpoint_hints.ZONE, "")


def _lies(node: Obj) -> tuple[bool, str | None]:
    return objects.is_condition_true(node, "Ready"), objects.labels_of(node).get(endpoint_hints.ZONE)
