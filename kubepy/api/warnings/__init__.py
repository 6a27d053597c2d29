"""Advice about objects that are valid: what goes out as Warning headers on create and update, and for old versions.

`on_create` and `on_update` give texts about an object that passed validation; nothing for most kinds, at the price of
one dict lookup. `of_version` gives the one text about a kind that is deprecated as such.

Promised: upstream's texts, in upstream's order.

Source: kubernetes pkg/api/{pod,service,node,persistentvolume,persistentvolumeclaim,storage,job}/*.go,
pkg/registry/*/*/strategy.go (WarningsOnCreate, WarningsOnUpdate), apiserver pkg/endpoints/deprecation/deprecation.go,
apiextensions-apiserver pkg/registry/{customresourcedefinition/strategy,customresource/validator}.go.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.warnings import custom, kinds
from kubepy.api.warnings.parts import Texts


def on_create(resource: Resource, obj: Obj) -> list[str]:
    """About an object that is being created."""
    if resource.custom:
        return list(custom.of_finalizers(obj, None))
    about = _ON_CREATE.get(resource.group_resource)
    return list(about(obj)) if about is not None else []


def on_update(resource: Resource, new: Obj, old: Obj) -> list[str]:
    """About an update of the object itself; a template that stays as it was is not spoken of again."""
    if resource.custom:
        return list(custom.of_finalizers(new, old))
    about = _ON_UPDATE.get(resource.group_resource)
    return list(about(new, old)) if about is not None else []


# (version of the kind, kind) -> (deprecated since minor, removed in minor or 0, replacement)
_DEPRECATED: dict[tuple[str, str], tuple[int, int, str]] = {
    ("v1", "ComponentStatus"): (19, 0, ""),
    ("v1", "Endpoints"): (33, 0, "discovery.k8s.io/v1 EndpointSlice"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"): (
        29, 32, "flowcontrol.apiserver.k8s.io/v1 FlowSchema",
    ),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "PriorityLevelConfiguration"): (
        29, 32, "flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
    ),
}  # fmt: skip


def of_version(resource: Resource, minor: int) -> str:
    """ "v1 Endpoints is deprecated in v1.33+; ..." for servers of that minor version or later, else ""."""
    row = _DEPRECATED.get((resource.api_version, resource.kind))
    if row is None or minor < row[0]:
        return ""
    since, removed, replacement = row
    text = f"{resource.api_version} {resource.kind} is deprecated in v1.{since}+"
    if removed:
        text += f", unavailable in v1.{removed}+"
    return f"{text}; use {replacement}" if replacement else text


_ADMISSION = tuple(
    f"{plural}.admissionregistration.k8s.io"
    for plural in (
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
        "validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations",
    )
)  # fmt: skip
_ON_CREATE: dict[str, Callable[[Obj], Texts]] = {
    **dict.fromkeys(_ADMISSION, kinds.of_static_name),
    "pods": kinds.of_pod,
    "podtemplates": kinds.of_pod_template,
    "replicationcontrollers": kinds.of_named_template,
    "deployments.apps": kinds.of_named_template,
    "replicasets.apps": kinds.of_named_template,
    "daemonsets.apps": kinds.of_template,
    "statefulsets.apps": kinds.of_stateful_set,
    "jobs.batch": kinds.of_job,
    "cronjobs.batch": kinds.of_cron_job,
    "services": kinds.of_service,
    "endpoints": kinds.of_endpoints,
    "endpointslices.discovery.k8s.io": kinds.of_endpoint_slice,
    "nodes": kinds.of_node,
    "persistentvolumes": kinds.of_persistent_volume,
    "persistentvolumeclaims": kinds.of_claim,
    "secrets": kinds.of_secret,
    "resourcequotas": kinds.of_resource_quota,
    "serviceaccounts": kinds.of_service_account,
    "ingresses.networking.k8s.io": kinds.of_ingress,
    "networkpolicies.networking.k8s.io": kinds.of_network_policy,
    "runtimeclasses.node.k8s.io": kinds.of_runtime_class,
    "storageclasses.storage.k8s.io": kinds.of_storage_class,
    "csistoragecapacities.storage.k8s.io": kinds.of_storage_capacity,
    "csidrivers.storage.k8s.io": kinds.of_csi_driver,
    "resourceslices.resource.k8s.io": kinds.of_resource_slice,
    "customresourcedefinitions.apiextensions.k8s.io": custom.of_definition,
}


def _as_created(about: Callable[[Obj], Texts]) -> Callable[[Obj, Obj], Texts]:
    return lambda new, old: about(new)


_if_template_changed = kinds.if_changed(kinds.of_template)
_ON_UPDATE: dict[str, Callable[[Obj, Obj], Texts]] = {
    # Upstream hands over the two the wrong way round: it is warned of what was.
    "replicationcontrollers": lambda new, old: _if_template_changed(old, new),
    "deployments.apps": _if_template_changed,
    "replicasets.apps": _if_template_changed,
    "daemonsets.apps": _if_template_changed,
    "statefulsets.apps": kinds.of_stateful_set_update,
    "jobs.batch": kinds.if_changed(lambda obj: kinds.of_job_spec(obj.get("spec") or {}, "spec")),
    "cronjobs.batch": kinds.of_cron_job_update,
    "endpointslices.discovery.k8s.io": _as_created(kinds.of_slice_addresses),
    "podtemplates": kinds.if_changed(kinds.of_pod_template),
    "serviceaccounts": kinds.of_service_account_update,
    "customresourcedefinitions.apiextensions.k8s.io": custom.of_definition_update,
    "csidrivers.storage.k8s.io": kinds.of_csi_driver_update,
    **{
        name: _as_created(_ON_CREATE[name])
        for name in (
            "services", "endpoints", "nodes", "persistentvolumes", "persistentvolumeclaims", "secrets",
            "networkpolicies.networking.k8s.io", "runtimeclasses.node.k8s.io", "storageclasses.storage.k8s.io",
            "csistoragecapacities.storage.k8s.io", "resourceslices.resource.k8s.io", *_ADMISSION,
        )
    },
}  # fmt: skip
