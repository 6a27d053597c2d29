"""Warnings about definitions of custom kinds, and about their objects.

Source: apiextensions-apiserver pkg/registry/{customresourcedefinition/strategy,customresource/validator}.go.
"""

from __future__ import annotations

from kubepy.api import formats, names, structural
from kubepy.api.errors import quote
from kubepy.api.objects import Obj
from kubepy.api.warnings.parts import NONE, Texts


def of_definition(obj: Obj) -> Texts:
    """Source: customresourcedefinition/strategy.go getUnrecognizedFormatsInCRD."""
    for version in obj["spec"].get("versions") or NONE:
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        for each in structural.everything(schema) if schema else NONE:
            format_ = each.get("format")
            if format_ and not formats.is_recognized(format_, each.get("type", "")):
                yield f"unrecognized format {quote(format_)}"


def of_definition_update(new: Obj, old: Obj) -> Texts:
    known = set(of_definition(old))
    for text in of_definition(new):
        if text not in known:
            yield text


_STANDARD_FINALIZERS = frozenset(("orphan", "foregroundDeletion", "kubernetes"))


def of_finalizers(new: Obj, old: Obj | None) -> Texts:
    """Source: customresource/validator.go validateKubeFinalizerName."""
    added = new["metadata"].get("finalizers")
    if not added:
        return
    before = (old["metadata"].get("finalizers") if old is not None else None) or NONE
    for name in sorted(set(added).difference(before)):
        at = f"metadata.finalizers: {quote(name)}"
        for message in names.label_key(name):
            yield f"{at}: {message}"
        if "/" in name or name in _STANDARD_FINALIZERS:
            continue
        path = " including a path (/)" if "." in name else ""
        yield (
            f"{at}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer "
            "writers"
        )
