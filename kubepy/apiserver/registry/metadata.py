"""What a request may say in an object's metadata, and what is made of what it may not: its namespace, owners that are
named twice, managedFields that are nonsense.

Source: apiserver pkg/registry/rest/meta.go, pkg/registry/generic/registry/store.go (Update),
pkg/endpoints/handlers/rest.go, pkg/endpoints/handlers/fieldmanager/admission.go.
"""

from __future__ import annotations

from dataclasses import replace

from kubepy.api import errors, managed
from kubepy.api.objects import Obj
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.registry.options import unparsable
from kubepy.apiserver.registry.strategies.base import Strategy

_INVALID_ENTRIES = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests: {}"
)


def keep_valid_entries(metadata: Obj, before: list[Obj] | None, warnings: list[str]) -> None:
    """What admission made of managedFields, unless that is nonsense.

    Source: endpoints/handlers/fieldmanager/admission.go.
    """
    try:
        managed.decode(metadata.get("managedFields"), trusted=False)
    except (ValueError, KeyError) as error:
        if before is None:
            metadata.pop("managedFields", None)
        else:
            metadata["managedFields"] = before
        warnings.append(_INVALID_ENTRIES.format(error))


_DUPLICATE_OWNERS = (
    ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references in 1.20+, and may "
    "reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}"
)


def ensure_namespace(metadata: Obj, namespace: str) -> None:
    """An object without a namespace is where the request says; another one's is refused.

    Source: apiserver pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace.
    """
    given = metadata.get("namespace") or ""
    if given == namespace:
        if not namespace:
            metadata.pop("namespace", None)
    elif not given:
        metadata["namespace"] = namespace
    elif not namespace:
        del metadata["namespace"]
    else:
        raise errors.BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def dedup_owner_references(metadata: Obj, warnings: list[str], *, after_admission: bool) -> None:
    """Source: endpoints/handlers/rest.go dedupOwnerReferencesAndAddWarning."""
    references = metadata.get("ownerReferences")
    if not references or len(references) < 2:
        return
    kept: list[Obj] = []
    duplicates: list[str] = []
    for reference in references:
        if reference in kept:
            duplicates.append(reference.get("uid", ""))
        else:
            kept.append(reference)
    if duplicates:
        when = " after mutating admission happens" if after_admission else ""
        warnings.append(_DUPLICATE_OWNERS.format(when, ", ".join(duplicates)))
        metadata["ownerReferences"] = kept


# Where etcd has kinds that had other names once. Source: pkg/kubeapiserver/default_storage_factory_builder.go.
_PREFIXES = {
    "replicationcontrollers": "controllers",
    "endpoints": "services/endpoints",
    "nodes": "minions",
    "services": "services/specs",
    "ingresses.networking.k8s.io": "ingress",
}
_OWN_STORES = ("apiextensions.k8s.io", "apiregistration.k8s.io")


def check_uid(call: Call, uid: str, has: str) -> None:
    """That who replaces an object means the one that is there: Conflict. Of a patch it is a field like others, which
    validation finds immutable. Source: registry/rest/update.go Preconditions, storage/errors.go StorageError."""
    if uid and uid != has and not call.is_patch:
        raise precondition_failed(call, "UID", uid, has)


def precondition_failed(call: Call, what: str, wanted: str, has: str) -> errors.Conflict:
    """`what`: "UID" or "ResourceVersion"."""
    why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {has}"
    resource = call.resource
    place = _PREFIXES.get(resource.group_resource, resource.plural)
    if resource.custom or resource.group in _OWN_STORES:
        place = f"{resource.group}/{place}"
    key = "/".join(filter(None, (place, call.namespace, call.name)))
    root = "/" if call.options.dry_run else "/registry/"
    why = f"StorageError: invalid object, Code: 4, Key: {root}{key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
    return errors.conflict(resource, call.name, why)


def check_revision(call: Call, strategy: Strategy, new: Obj, old: Obj) -> None:
    """That `new`, an update's metadata, is about the object that is there. Fills in the revision where a kind may be
    updated without one. Raises Conflict, Invalid, and what upstream does not make a Status of."""
    check_uid(call, new.get("uid") or "", old.get("uid") or "")
    revision = new.get("resourceVersion")
    if revision in (None, "", "0"):
        if not strategy.unconditional_update:
            finding = errors.invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
            kind = replace(call.resource, kind=call.resource.plural)
            raise errors.invalid(kind, call.name, [finding])
        new["resourceVersion"] = old["resourceVersion"]
    elif revision != old["resourceVersion"]:
        if why := unparsable(revision):
            # Source: registry/store.go Update; nobody makes a Status of it.
            raise errors.StatusError(why, reason="")
        raise errors.conflict(call.resource, call.name)
