"""Nodes, namespaces, events, limits and what is only kept: configuration, classes, leases."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Column, Doc, Printer

_ROLE_PREFIX = "node-role.kubernetes.io/"


def _node(obj: Obj, now: float) -> Cells:
    info = parts.status(obj).get("nodeInfo") or {}
    ready = objects.condition(obj, "Ready")
    if ready is None:
        status = "Unknown"
    else:
        status = "Ready" if ready.get("status") == "True" else "NotReady"
    if parts.spec(obj).get("unschedulable"):
        status += ",SchedulingDisabled"
    kernel = info.get("kernelVersion") or "<unknown>"
    if info.get("architecture"):
        kernel += f" ({info['architecture']})"
    return [
        parts.name(obj),
        status,
        ",".join(_node_roles(obj)) or "<none>",
        parts.age(obj, now),
        info.get("kubeletVersion") or "",
        _node_address(obj, "InternalIP"),
        _node_address(obj, "ExternalIP"),
        info.get("osImage") or "<unknown>",
        kernel,
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _node_roles(node: Obj) -> list[str]:
    labels = objects.labels_of(node)
    roles = {key[len(_ROLE_PREFIX) :] for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get("kubernetes.io/role", ""))
    return sorted(roles - {""})


def _node_address(node: Obj, type_: str) -> str:
    addresses = parts.status(node).get("addresses") or ()
    return parts.first((a.get("address") for a in addresses if a.get("type") == type_), "<none>")


def _namespace(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), parts.status(obj).get("phase") or "", parts.age(obj, now)]


def _event(obj: Obj, now: float) -> Cells:
    """Of core and of events.k8s.io, which spell the same fields differently."""
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    if series := obj.get("series"):
        last, count = series.get("lastObservedTime"), series.get("count") or 0
    kind = about.get("kind", "").lower()
    component = (
        source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    )
    host = source.get("host") or obj.get("reportingInstance") or ""
    return [
        parts.since(last, now),
        obj.get("type") or "",
        obj.get("reason") or "",
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath") or "",
        f"{component}, {host}" if host else component,
        (obj.get("message") or obj.get("note") or "").strip(),
        parts.since(first, now),
        count,
        parts.name(obj),
    ]


def _component_status(obj: Obj, now: float) -> Cells:
    healthy = next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), None)
    if healthy is None:
        return [parts.name(obj), "Unknown", "", ""]
    status = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return [parts.name(obj), status, healthy.get("message") or "", healthy.get("error") or ""]


def _lease(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), parts.spec(obj).get("holderIdentity") or "", parts.age(obj, now)]


def _resource_quota(obj: Obj, now: float) -> Cells:
    status = parts.status(obj)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    texts = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    requests = ", ".join(text for name, text in texts.items() if not name.startswith("limits."))
    limits = ", ".join(text for name, text in texts.items() if name.startswith("limits."))
    return [parts.name(obj), requests, limits, parts.age(obj, now)]


def _priority_class(obj: Obj, now: float) -> Cells:
    return [
        parts.name(obj),
        obj.get("value") or 0,
        bool(obj.get("globalDefault")),
        parts.age(obj, now),
        obj.get("preemptionPolicy") or "",
    ]


def _runtime_class(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), obj.get("handler") or "", parts.age(obj, now)]


def _config_map(obj: Obj, now: float) -> Cells:
    return [
        parts.name(obj),
        len(obj.get("data") or ()) + len(obj.get("binaryData") or ()),
        parts.age(obj, now),
    ]


def _secret(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), obj.get("type") or "", len(obj.get("data") or ()), parts.age(obj, now)]


_EVENT = Printer(
    (
        parts.text("Last Seen", Doc("core.v1.Event.lastTimestamp")),
        parts.text("Type", Doc("core.v1.Event.type")),
        parts.text("Reason", Doc("core.v1.Event.reason")),
        parts.text("Object", Doc("core.v1.Event.involvedObject")),
        parts.wide("Subobject", Doc("core.v1.ObjectReference.fieldPath")),
        parts.wide("Source", Doc("core.v1.Event.source")),
        parts.text("Message", Doc("core.v1.Event.message")),
        parts.wide("First Seen", Doc("core.v1.Event.firstTimestamp")),
        parts.wide("Count", Doc("core.v1.Event.count")),
        Column("Name", "string", 1, parts.NAME.description, "name"),
    ),
    _event,
)


def _custom_resource_definition(obj: Obj, now: float) -> Cells:
    """All versions, served or not.

    Source: apiextensions-apiserver pkg/registry/customresourcedefinition/tableconvertor."""
    spec, (name, created) = obj.get("spec") or {}, parts.default(obj, now)
    versions = ",".join(sorted(version["name"] for version in spec.get("versions") or ()))
    return [name, spec.get("group", ""), spec.get("scope", ""), versions, created]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Node"): Printer(
        (
            parts.NAME,
            parts.text("Status", "The status of the node"),
            parts.text("Roles", "The roles of the node"),
            parts.AGE,
            parts.text("Version", Doc("core.v1.NodeSystemInfo.kubeletVersion")),
            parts.wide("Internal-IP", Doc("core.v1.NodeStatus.addresses")),
            parts.wide("External-IP", Doc("core.v1.NodeStatus.addresses")),
            parts.wide("OS-Image", Doc("core.v1.NodeSystemInfo.osImage")),
            parts.wide("Kernel-Version", Doc("core.v1.NodeSystemInfo.kernelVersion")),
            parts.wide(
                "Container-Runtime",
                Doc("core.v1.NodeSystemInfo.containerRuntimeVersion"),
            ),
        ),
        _node,
    ),
    ("", "Namespace"): Printer(
        (parts.NAME, parts.text("Status", "The status of the namespace"), parts.AGE), _namespace
    ),
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "ComponentStatus"): Printer(
        (
            parts.NAME,
            parts.text("Status", "Status of the component conditions"),
            parts.text("Message", "Message of the component conditions"),
            parts.text("Error", "Error of the component conditions"),
        ),
        _component_status,
    ),
    ("coordination.k8s.io", "Lease"): Printer(
        (parts.NAME, parts.text("Holder", Doc("coordination.v1.LeaseSpec.holderIdentity")), parts.AGE),
        _lease,
    ),
    ("", "ResourceQuota"): Printer(
        (
            parts.NAME,
            parts.text(
                "Request", "Request represents a minimum amount of cpu/memory that a container may consume."
            ),
            parts.text(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use independent of contention "
                "on the node.",
            ),
            parts.AGE,
        ),
        _resource_quota,
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (
            parts.NAME,
            parts.number("Value", Doc("scheduling.v1.PriorityClass.value")),
            parts.flag("Global-Default", Doc("scheduling.v1.PriorityClass.globalDefault")),
            parts.AGE,
            parts.text("PreemptionPolicy", Doc("scheduling.v1.PriorityClass.preemptionPolicy")),
        ),
        _priority_class,
    ),
    ("node.k8s.io", "RuntimeClass"): Printer((parts.NAME, parts.text("Handler"), parts.AGE), _runtime_class),
    ("", "ConfigMap"): Printer(
        (parts.NAME, parts.text("Data", Doc("core.v1.ConfigMap.data")), parts.AGE), _config_map
    ),
    ("", "Secret"): Printer(
        (
            parts.NAME,
            parts.text("Type", Doc("core.v1.Secret.type")),
            parts.text("Data", Doc("core.v1.Secret.data")),
            parts.AGE,
        ),
        _secret,
    ),
    ("", "ServiceAccount"): parts.NAME_AND_AGE,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Printer(
        (
            parts.NAME,
            parts.text("Group", "API group"),
            parts.text("Scope", "Cluster/Namespaced"),
            parts.text("Versions", "Served versions"),
            parts.CREATED_AT,
        ),
        _custom_resource_definition,
        since=37,
        is_bare=True,
    ),
}
