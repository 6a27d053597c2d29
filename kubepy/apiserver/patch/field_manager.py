"""Who set which field: keeps metadata.managedFields on every write, and applies configurations.

One FieldManager per served version of a resource and subresource. `update` is for objects that are already what is
wanted (create, update, the other patches): it records what they change. `apply` makes the object.

It looks at an object as the client sent it, before admission and strategies have their say, as upstream does: what
those set belongs to nobody.

Cheap where it matters: equal parts of two objects are skipped by Python's own comparison, and entries that a write does
not touch are written back as they were read.

Source: apimachinery pkg/util/managedfields/internal/{fieldmanager,structuredmerge,managedfieldsupdater,stripmeta,
skipnonapplied,lastappliedmanager,lastappliedupdater}.go; GetResetFields of kubernetes pkg/registry/*/*/strategy.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from kubepy.api import conversion, fieldsets, managed, reconciliation
from kubepy.api.builtins import Catalog
from kubepy.api.errors import BadRequest, StatusError
from kubepy.api.fieldsets import FieldSet
from kubepy.api.managed import APPLY, UPDATE, Entries, Entry, Id
from kubepy.api.objects import Obj, copy, group_version
from kubepy.api.resources import Resource
from kubepy.api.schemaconv import Types
from kubepy.api.typed import Difference, Node
from kubepy.apiserver.patch.apply import Conflicts, Version, apply, take_over
from kubepy.lib.clock import Clock

_BEFORE_FIRST_APPLY = "before-first-apply"
# The one manager that takes over from client-side apply, and keeps its annotation for the way back.
_KUBECTL = "kubectl"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Per kind: 64 KB at most, for whatever is being made in numbers.
_TEMPLATES_MAX = 16
_TEMPLATE_SIZE_MAX = 4096
_ANNOTATIONS_SIZE_MAX = 256 * 1024  # Source: validation.TotalAnnotationSizeLimitB

# What everybody sends and nobody owns.
_UNOWNED_METADATA = frozenset(
    (
        "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
        "resourceVersion",
    )
)  # fmt: skip
_UNOWNED = fieldsets.of(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(("f:metadata", f"f:{name}") for name in _UNOWNED_METADATA),
    ]
)

# Metadata is looked at by itself.
_HEAD = frozenset(("apiVersion", "kind", "metadata"))

# -- what a write through one door cannot set ------------------------------------------------------------------

_METADATA: FieldSet = {"f:metadata": {}}
_SPEC: FieldSet = {"f:spec": {}}
_STATUS: FieldSet = {"f:status": {}}
_RESET: Mapping[tuple[str, str], FieldSet] = {
    ("certificatesigningrequests.certificates.k8s.io", ""): {"f:spec": {}, "f:status": {}},
    ("certificatesigningrequests.certificates.k8s.io", "status"): {"f:spec": {}, "f:status": {"f:conditions": {}}},
    ("certificatesigningrequests.certificates.k8s.io", "approval"): {
        "f:spec": {},
        "f:status": {"f:certificate": {}},
    },
    ("deployments.apps", "status"): {"f:metadata": {"f:labels": {}}, "f:spec": {}},
    ("namespaces", "finalize"): _STATUS,
    ("pods", "status"): {"f:metadata": {"f:deletionTimestamp": {}, "f:ownerReferences": {}}, "f:spec": {}},
    **{
        (name, "status"): _METADATA | _SPEC
        for name in (
            "devicetaintrules.resource.k8s.io", "flowschemas.flowcontrol.apiserver.k8s.io",
            "podgroups.scheduling.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
            "resourceclaims.resource.k8s.io", "resourcepoolstatusrequests.resource.k8s.io",
            "servicecidrs.networking.k8s.io", "storageversionmigrations.storagemigration.k8s.io",
            "storageversions.internal.apiserver.k8s.io", "validatingadmissionpolicies.admissionregistration.k8s.io",
            "volumeattachments.storage.k8s.io",
        )
    },
}  # fmt: skip


def _reset(resource: Resource, subresource: str) -> FieldSet:
    known = _RESET.get((resource.group_resource, subresource))
    if known is not None:
        return known
    if subresource == "status":
        return _METADATA | _SPEC if resource.custom else _SPEC
    return _STATUS if not subresource and resource.subresource("status") else {}


class FieldManager:
    """Of one version of a resource, or of what a subresource's bodies are. An apply.Versions."""

    def __init__(
        self, resource: Resource, subresource: str, *, types: Types, catalog: Catalog, clock: Clock
    ) -> None:
        self.resource, self.subresource = resource, subresource
        self._types, self._catalog, self._clock = types, catalog, clock
        self._reset = _reset(resource, subresource)
        # Which versions of a custom kind have a /status is no business of each other's.
        self._resets_everywhere = not resource.custom or bool(subresource)
        self._skipped = _HEAD | {name[2:] for name, below in self._reset.items() if not below}
        self._has_metadata = "f:metadata" not in self._reset or bool(self._reset["f:metadata"])
        # What `_skipped` does not leave out already.
        self._reset_below = {name: below for name, below in self._reset.items() if below}
        self._versions: dict[str, Version | None] = {}
        version = self.version(resource.api_version)
        assert version is not None
        self._version = version
        self._blank: Obj = {} if resource.custom else types.zero(resource.schema)
        self._templates: dict[bytes, FieldSet] = {}  # by content: what a creation brings

    # -- writes that say what the object is ------------------------------------------------------------------------

    def update(self, live: Obj | None, new: Obj, manager: str) -> None:
        """Set new's managedFields; `live` (read-only) is what is there, None for a creation."""
        metadata = new["metadata"]
        entries = self._entries(live, metadata.pop("managedFields", None))
        if live is not None and not entries:
            # Nobody's fields are known, so nobody's are tracked, until somebody applies.
            return
        try:
            self._reconcile(entries, live)
            self._update(entries, self._blank if live is None else live, new, manager)
        except ValueError:
            # What cannot be told apart (a null in a list with keys), or seen in the version of an entry, is tracked
            # no more.
            return
        if entries:
            metadata["managedFields"] = managed.encode(entries)

    def _entries(self, live: Obj | None, given: Any) -> Entries:
        """Those a client sends count, if there are any: it may correct them. Empty ones on purpose forget all."""
        known = live["metadata"].get("managedFields") if live is not None else None
        if given is not None and not self.subresource:
            if given in ([], [{}]):
                return {}
            if given != known:
                try:
                    if found := managed.decode(given, trusted=False):
                        return found
                except ValueError:
                    pass
        return managed.decode(known)

    def _reconcile(self, entries: Entries, live: Obj | None) -> None:
        """The schema of a custom kind may be another than when an entry was written; a built-in kind's is not.

        Raises ValueError if the object does not look in the version of an entry as that version's schema wants it.
        Source: structured-merge-diff merge/update.go reconcileManagedFieldsWithSchemaChanges."""
        if live is None or not self.resource.custom:
            return
        for id_, entry in entries.items():
            version = self.version(entry.api_version)
            if version is not None:
                version.convert(live)
                fields = reconciliation.reconciled(version.type, entry.fields)
                if fields is not entry.fields:
                    entries[id_] = entry._replace(fields=fields, written=None)

    def _update(self, entries: Entries, old: Obj, new: Obj, manager: str) -> None:
        version = self._version
        writer = Id.of(manager, UPDATE, version.api_version, self.subresource)
        changed, removed = take_over(self, version, old, new, entries, writer, force=True)
        if removed and writer in entries:
            managed.subtract(entries, writer, removed)
        if changed:
            before = entries.get(writer)
            fields = fieldsets.union(before.fields, changed) if before else changed
            entries[writer] = Entry(version.api_version, self._clock.rfc3339(), fields)
        managed.cap(entries)

    # -- writes that say what is wanted of the object --------------------------------------------------------------

    def apply(self, live: Obj | None, config: Obj, manager: str, *, force: bool) -> Obj:
        """The wanted object with its managedFields, not decoded yet; `live` is read-only, `config` used up.

        Raises BadRequest, Conflict, and 500 for a configuration that does not fit the schema.
        """
        self._check(config)
        entries = managed.decode(live["metadata"].get("managedFields")) if live is not None else {}
        if live is not None and not entries:
            try:
                self._update(entries, self._blank, live, _BEFORE_FIRST_APPLY)
            except ValueError:
                raise self._untypable(live)
        try:
            self._reconcile(entries, live)
            wanted = self._apply(live, config, dict(entries), manager, force=force)
        except Unfit as unfit:
            raise StatusError(str(unfit), reason="")
        except Conflicts as conflicts:
            if manager != _KUBECTL or live is None:
                raise conflicts.error()
            if (serious := conflicts.without(self._last_applied(live))).by_manager:
                raise serious.error()
            wanted = self._apply(live, config, dict(entries), manager, force=True)
        if manager == _KUBECTL:
            _sync_last_applied(wanted, config)
        return wanted

    def _apply(self, live: Obj | None, config: Obj, entries: Entries, manager: str, *, force: bool) -> Obj:
        version = self._version
        applier = Id.of(manager, APPLY, version.api_version, self.subresource)
        fields = fieldsets.without(version.type.fields(config) or {}, self._reset)
        if live is None:
            wanted, is_same = config, False
            entries[applier] = Entry(version.api_version, None, fields)
        else:
            wanted = apply(self, version, live, config, fields, entries, applier, force=force)
            is_same = wanted == live
        owned = fieldsets.difference(fields, _UNOWNED)
        if owned:
            time = entries[applier].time if is_same else self._clock.rfc3339()
            entries[applier] = Entry(version.api_version, time, owned)
        else:
            del entries[applier]
        # The parts are shared with `live` and with the configuration: what comes out is the caller's own.
        wanted = {**wanted, "metadata": {**(wanted.get("metadata") or {})}}
        wanted["metadata"].pop("managedFields", None)
        if entries:
            wanted["metadata"]["managedFields"] = managed.encode(entries)
        return copy(wanted)

    def _check(self, config: Obj) -> None:
        metadata = config.get("metadata")
        given = _string(config, "apiVersion"), _string(config, "kind")
        if given != (self.resource.api_version, self.resource.kind):
            raise BadRequest(f"invalid object type: {_kind_text(*given)}")
        if isinstance(metadata, dict) and isinstance(metadata.get("managedFields"), list):
            raise BadRequest("metadata.managedFields must be nil")
        if why := _misfits(self._version, config):
            raise StatusError(
                f"failed to create typed patch object ({self.described(config)}): {why}", reason=""
            )

    def _untypable(self, live: Obj) -> StatusError:
        """An update may leave what no configuration can be merged into. Source: skipnonapplied.go Apply."""
        found = (f"{at}: {why}" for at, why in self._version.type.complaints(live, ""))
        # That an item comes twice is borne.
        why = next(text for text in found if ": duplicate entries" not in text)
        return StatusError(
            "failed to create manager for existing fields: failed to convert new object "
            f"({self.described(live)}) to smd typed: {why}",
            reason="",
        )

    def described(self, obj: Obj) -> str:
        """default/web; apps/v1, Kind=Deployment"""
        metadata = obj.get("metadata")
        if not isinstance(metadata, dict):
            metadata = {}
        return f"{_string(metadata, 'namespace')}/{_string(metadata, 'name')}; {self.kind_text}"

    @property
    def kind_text(self) -> str:
        return _kind_text(self.resource.api_version, self.resource.kind)

    def _last_applied(self, live: Obj) -> FieldSet:
        """The fields that client-side apply set and nobody has changed since: kubectl may have them."""
        annotations = live["metadata"].get("annotations") or {}
        try:
            last = orjson.loads(annotations.get(_LAST_APPLIED) or "")
        except orjson.JSONDecodeError:
            return {}
        version = self._version
        if not isinstance(last, dict) or last.get("apiVersion") != version.api_version:
            return {}
        if any(True for _ in version.type.complaints(last, "")):
            return {}
        changed, removed = version.type.compare(last, live)
        fields = version.type.fields(last) or {}
        return fieldsets.difference(fields, fieldsets.union(changed or {}, removed or {}))

    # -- apply.Versions --------------------------------------------------------------------------------------------

    def version(self, api_version: str) -> Version | None:
        if api_version not in self._versions:
            self._versions[api_version] = self._find(api_version)
        return self._versions[api_version]

    def _find(self, api_version: str) -> Version | None:
        here = self.resource
        there: Resource | None = here
        if api_version != here.api_version:
            group, version_name = group_version(api_version)
            # Events of the other group are the same objects, but what their managers own is unknown here.
            there = self._catalog.get(group, version_name, here.plural) if group == here.group else None
        if there is None:
            return None
        if there.custom:
            type_ = self._types.custom(there.own.schema.openapi if there.own is not None else None)
        else:
            type_ = self._types.of(there.schema)
        version = Version(api_version, type_, partial(self._converted, to=there))
        return version._replace(convert=partial(_fitting, version)) if there.custom else version

    def _converted(self, obj: Obj, to: Resource) -> Obj:
        given = obj.get("apiVersion") or to.api_version
        if given == to.api_version:
            return obj
        from_ = self._catalog.get(*group_version(given), self.resource.plural)
        if from_ is None:
            return obj
        if to.custom:
            return conversion.convert(obj, from_, to)
        storage = self._catalog.storage(to)
        return conversion.convert(conversion.convert(obj, from_, storage), storage, to)

    def differences(self, version: Version, old: Obj, new: Obj) -> tuple[FieldSet, FieldSet]:
        changed, removed = self._compare_content(version, old, new)
        if self._has_metadata:
            found = self._compare_metadata(version, old.get("metadata") or {}, new["metadata"])
            changed, removed = _with_metadata(changed, found[0]), _with_metadata(removed, found[1])
        if self._reset_below:
            changed = fieldsets.without(changed, self._reset_below)
            removed = fieldsets.without(removed, self._reset_below)
        return changed, removed

    def _compare_content(self, version: Version, old: Obj, new: Obj) -> tuple[FieldSet, FieldSet]:
        skipped = self._skipped
        if version is not self._version and not self._resets_everywhere:
            skipped = _HEAD
        after = {name: value for name, value in new.items() if name not in skipped}
        if old is self._blank and version is self._version:
            return self._created(version, after), {}
        before = {name: value for name, value in old.items() if name not in skipped}
        changed, removed = version.type.compare(before, after)
        return changed or {}, removed or {}

    def _created(self, version: Version, content: Obj) -> FieldSet:
        """What a creation brings. Many objects are made of the same template."""
        key = orjson.dumps(content)
        found = self._templates.get(key)
        if found is None:
            blank = {name: value for name, value in self._blank.items() if name not in self._skipped}
            found = version.type.compare(blank, content)[0] or {}
            if len(key) <= _TEMPLATE_SIZE_MAX:
                if len(self._templates) >= _TEMPLATES_MAX:
                    self._templates.clear()
                self._templates[key] = found
        return found

    def _compare_metadata(self, version: Version, old: Obj, new: Obj) -> Difference:
        before = {name: value for name, value in old.items() if name not in _UNOWNED_METADATA}
        after = {name: value for name, value in new.items() if name not in _UNOWNED_METADATA}
        if before == after:
            return None, None
        return version.type.of("metadata").compare(before, after)  # type: ignore[attr-defined]


class Unfit(ValueError):
    """An object does not look in some version as that version's schema wants it."""


def _fitting(version: Version, obj: Obj) -> Obj:
    """Raises Unfit. Where nothing converts but the name of the version, fields of the one are unknown to the other."""
    converted = version.convert(obj)
    if converted is not obj and (why := _misfits(version, converted)):
        raise Unfit(why)
    return converted


def _misfits(version: Version, obj: Obj) -> str:
    """Source: structured-merge-diff typed/validate.go."""
    found = [f"{at}: {why}" if at else why for at, why in version.type.complaints(obj, "")]
    if len(found) < 2:
        return "".join(found)
    return "errors:\n" + "\n".join(f"  {line}" for line in found)


def _with_metadata(fields: FieldSet, found: Node) -> FieldSet:
    return fields if found is None else fieldsets.ordered({**fields, "f:metadata": found})


def _string(obj: Obj, name: str) -> str:
    """As the accessors of an unstructured object have it: what is no string is empty."""
    value = obj.get(name)
    return value if isinstance(value, str) else ""


def _kind_text(api_version: str, kind: str) -> str:
    """How Go writes a GroupVersionKind."""
    group, version = group_version(api_version)
    return f"{group}/{version}, Kind={kind}"


def _sync_last_applied(wanted: Obj, config: Obj) -> None:
    """Client-side apply finds the configuration of today. Source: lastappliedupdater.go."""
    annotations = wanted["metadata"].get("annotations") or {}
    if not annotations.get(_LAST_APPLIED):
        return
    metadata = dict(config.get("metadata") or {})
    if metadata.get("annotations") is not None:
        metadata["annotations"] = {
            name: value for name, value in metadata["annotations"].items() if name != _LAST_APPLIED
        }
    encoded = orjson.dumps(config | {"metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations[_LAST_APPLIED] = encoded
    if (
        sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items())
        > _ANNOTATIONS_SIZE_MAX
    ):
        del annotations[_LAST_APPLIED]
