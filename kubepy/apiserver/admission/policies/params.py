"""The objects that a binding hands to its policy: one by name, or all that a selector finds.

Kinds of any group may be params, custom ones too; objects of kinds with namespaces come from the request's, unless the
binding names one.

Source: apiserver pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams.
"""

from __future__ import annotations

from functools import partial

from kubepy.api import conversion, selectors
from kubepy.api.builtins import Catalog
from kubepy.api.objects import Document, Obj, group_version
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Lookup
from kubepy.apiserver.crds.pending import settled


class Misconfigured(Exception):
    """A policy or binding that cannot be used as it is; the message says why."""


def resource_of(catalog: Catalog, kind: Obj) -> Resource:
    """What a paramKind means. Raises Misconfigured."""
    found = catalog.by_kind(kind["apiVersion"], kind["kind"])
    if found is None:
        group, version = group_version(kind["apiVersion"])
        raise Misconfigured(
            f"failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind['kind']}'"
        )
    return found


async def collect(
    lookup: Lookup, catalog: Catalog, resource: Resource | None, reference: Obj | None, namespace: str
) -> list[Obj | None]:
    """What the policy is to be evaluated with, once for each. Without params that is once, with None.

    `resource` None: the policy has no paramKind. `namespace` is the request's. Raises Misconfigured.
    """
    if resource is None or reference is None:
        return [None]
    where = reference.get("namespace") or ""
    if resource.namespaced:
        where = where or namespace
        if not where:
            raise Misconfigured(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            )
    elif where:
        raise Misconfigured("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
    documents = await _found(lookup, resource, reference, where)
    if not documents and reference.get("parameterNotFoundAction") == "Deny":
        raise Misconfigured("no params found for policy binding with `Deny` parameterNotFoundAction")
    storage = catalog.storage(resource)
    if storage.api_version == resource.api_version:
        return [document.obj for document in documents]
    return [
        await settled(partial(conversion.transcribe, document.obj, storage, resource))
        for document in documents
    ]


async def _found(lookup: Lookup, resource: Resource, reference: Obj, namespace: str) -> list[Document]:
    if name := reference.get("name"):
        document = await lookup.find(resource, namespace, name)
        return [] if document is None else [document]
    selector = selectors.from_label_selector(reference.get("selector") or {})
    return [
        document
        for document in await lookup.all(resource, namespace)
        if selector.matches(document.obj["metadata"].get("labels") or {})
    ]
