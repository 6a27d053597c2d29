"""Which fields of which kind a ?fieldSelector= may name, and how their values read as text.

A kind that says nothing has metadata.name and metadata.namespace. A field that is not set reads "" (numbers "0",
booleans "false"), so `spec.unschedulable=false` finds the nodes that do not mention it.

Source: kubernetes pkg/apis/*/v1/conversion.go (AddFieldLabelConversionFunc), pkg/registry/*/*/strategy.go
(ToSelectableFields), apimachinery pkg/runtime/conversion.go, apiextensions-apiserver pkg/apiserver/conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.selectors import FieldSelector

Getter = Callable[[Obj], str]
Fields = Mapping[str, Getter]


def _text(path: str, unset: str = "") -> Getter:
    """The text at a dotted path; `unset` where nothing is there."""
    steps = path.split(".")

    def get(obj: Obj) -> str:
        found: object = obj
        for step in steps:
            if not isinstance(found, dict):
                return unset
            found = found.get(step)
        if found is None:
            return unset
        if isinstance(found, bool):
            return "true" if found else "false"
        return str(found)

    return get


def _name(obj: Obj) -> str:
    return obj["metadata"].get("name", "")


def _namespace(obj: Obj) -> str:
    return obj["metadata"].get("namespace", "")


def _pod_ip(pod: Obj) -> str:
    status = pod.get("status") or {}
    ips = status.get("podIPs")
    return ips[0].get("ip", "") if ips else ""


def _event_source(event: Obj) -> str:
    source = event.get("source") or event.get("deprecatedSource") or {}
    return (
        source.get("component") or event.get("reportingComponent") or event.get("reportingController") or ""
    )


def _texts(*paths: str) -> dict[str, Getter]:
    return {path: _text(path) for path in paths}


_METADATA: dict[str, Getter] = {"metadata.name": _name, "metadata.namespace": _namespace}
_NAME: dict[str, Getter] = {"metadata.name": _name}

_POD = (
    _METADATA
    | _texts(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.nominatedNodeName",
    )
    | {
        "spec.hostNetwork": _text("spec.hostNetwork", "false"),
        "status.podIP": _pod_ip,
        # Accepted and never set, as upstream has it.
        "status.podIPs": lambda pod: "",
    }
)
_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_CORE_EVENT = (
    _METADATA
    | _texts(*(f"involvedObject.{part}" for part in _REFERENCE), "reason", "type")
    | {"reportingComponent": _text("reportingComponent"), "source": _event_source}
)
_EVENT = _METADATA | _texts(
    *(f"regarding.{part}" for part in _REFERENCE), "reason", "type", "reportingController"
)
_RESOURCE_SLICE = _NAME | _texts("spec.nodeName", "spec.driver")
_POD_CERTIFICATE = _NAME | _texts("spec.signerName", "spec.podName", "spec.nodeName")

# (group, kind) -> its fields. Kinds that are not here have metadata.name and metadata.namespace.
_FIELDS: dict[tuple[str, str], Fields] = {
    ("", "Pod"): _POD,
    ("", "Event"): _CORE_EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "Node"): _NAME | {"spec.unschedulable": _text("spec.unschedulable", "false")},
    ("", "Namespace"): _NAME | _texts("status.phase"),
    ("", "Secret"): _METADATA | _texts("type"),
    ("", "Service"): _METADATA | _texts("spec.clusterIP", "spec.type"),
    ("", "ReplicationController"): _METADATA | {"status.replicas": _text("status.replicas", "0")},
    ("batch", "Job"): _METADATA | {"status.successful": _text("status.succeeded", "0")},
    ("certificates.k8s.io", "CertificateSigningRequest"): _NAME | _texts("spec.signerName"),
    ("certificates.k8s.io", "ClusterTrustBundle"): _NAME | _texts("spec.signerName"),
    ("certificates.k8s.io", "PodCertificateRequest"): _POD_CERTIFICATE,
    ("resource.k8s.io", "ResourceSlice"): _RESOURCE_SLICE,
}
_READ_ONLY_METADATA: Fields = MappingProxyType(_METADATA)


def fields_of(resource: Resource) -> Fields:
    """field -> function from an object to its text.

    A custom resource names its own in `own.selectable_fields`, dotted paths such as "spec.color".
    """
    fields = _FIELDS.get((resource.group, resource.kind))
    if fields is not None:
        return fields
    if resource.own is not None and resource.own.selectable_fields is not None:
        return _METADATA | _texts(*resource.own.selectable_fields)
    return _READ_ONLY_METADATA


def check(resource: Resource, selector: FieldSelector) -> None:
    """BadRequest with upstream's text when the selector names a field that the kind does not offer."""
    fields = fields_of(resource)
    for field, _, _ in selector.requirements:
        if field not in fields:
            raise errors.BadRequest(_unknown(resource, field))


def _unknown(resource: Resource, field: str) -> str:
    if resource.kind == "Job":
        return f"field label {errors.quote(field)} not supported for Job"
    if resource.kind == "ResourceSlice":
        return f"field label not supported for {resource.api_version}, Kind={resource.kind}: {field}"
    if resource.custom or (resource.group, resource.kind) in _FIELDS:
        return f"field label not supported: {field}"
    return f'{errors.quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"'


def matcher(resource: Resource, selector: FieldSelector) -> Callable[[Obj], bool]:
    """A selector compiled for one kind; BadRequest as `check` says."""
    check(resource, selector)
    fields = fields_of(resource)
    terms = [(fields[field], operator == "=", value) for field, operator, value in selector.requirements]
    if len(terms) == 1:
        get, is_equal, value = terms[0]
        return lambda obj: (get(obj) == value) is is_equal

    def matches(obj: Obj) -> bool:
        return all((get(obj) == value) is is_equal for get, is_equal, value in terms)

    return matches
