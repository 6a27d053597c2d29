"""Custom kinds: what a CustomResourceDefinition makes of them, as rows like those of the built-in kinds.

`rows(definition, schemas)` gives one Resource per version; what a version knows of its objects is in `extra`:

    schema             CustomSchema: decode, default, validate
    storage            the row of the storage version, which need not be served
    printer            columns and cells
    selectable_fields  ("spec.color",)
    scale              ScalePaths, if it has a /scale
    warning            what users of a deprecated version are told
    coerce             takes from an object what this version does not know
    versions           {"v1": its row}: all that are served, or that objects may be stored in
    review             WebhookConversion, where versions are converted by somebody else
    convert            then, asks what the webhook made of an object (apiserver/crds/conversion.py)
    verbs              what discovery shows while the definition is being deleted

Source: apiextensions-apiserver pkg/apiserver/{customresource_handler,customresource_discovery_controller}.go,
pkg/registry/customresource/{strategy,validator}.go, tableconvertor/tableconvertor.go.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson
from msgspec import Struct

from kubepy.api import errors, structural, tables
from kubepy.api.builtins import version_rank
from kubepy.api.decoding import At, Unfit
from kubepy.api.errors import FieldError, FieldErrorType
from kubepy.api.jsonpath import compile_path
from kubepy.api.objects import Obj, copy, group_version, is_condition_true
from kubepy.api.resources import Resource, Subresource
from kubepy.api.schema import ObjectSchema, Schemas
from kubepy.api.tables import Cells, Column, Printer
from kubepy.api.validation import metadata
from kubepy.api.valuevalidation import NO_FIELD, NOTHING, compile_schema
from kubepy.lib.clock import parse_rfc3339

if TYPE_CHECKING:
    from kubepy.api.celrules import Rules

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_ANYTHING: Obj = {"type": "object", structural.PRESERVE: True}
_INT32_MAX = 2**31 - 1

# Findings that make rules pointless. Source: hasBlockingErr.
_BLOCKING = frozenset(
    (
        FieldErrorType.NOT_SUPPORTED,
        FieldErrorType.REQUIRED,
        FieldErrorType.TOO_LONG,
        FieldErrorType.TOO_MANY,
        FieldErrorType.TYPE_INVALID,
    )
)
_NOT_CHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)

# In the order in which discovery shows them.
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
# What a definition's kind can be asked while it goes away.
TERMINATING_VERBS = ("delete", "deletecollection", "get", "list", "watch")


class ScalePaths(NamedTuple):
    """Where /scale finds its parts: ("spec", "replicas"); no label selector is ()."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    label_selector: tuple[str, ...]

    @classmethod
    def of(cls, scale: Obj) -> ScalePaths:
        return cls(
            *(
                tuple((scale.get(name) or "").removeprefix(".").split(".")) if scale.get(name) else ()
                for name in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
            )
        )


class WebhookConversion(NamedTuple):
    """spec.conversion.webhook, and whose it is."""

    definition: str  # "foos.example.com"
    config: Obj  # clientConfig and conversionReviewVersions


class CustomSchema(ObjectSchema):
    """One version of a custom kind. Compiled when it is first used; the parts that nobody asks for never."""

    def __init__(
        self, schemas: Schemas, kind: str, schema: Obj | None, *, scale: ScalePaths | None = None
    ) -> None:
        self.name = ""
        self.kind = kind
        self._schemas = schemas
        self._scale = scale
        raw = orjson.dumps(schema or _ANYTHING)
        self.digest = hashlib.sha256(raw).hexdigest()
        # A schema of 500 KB is 5 MB of dicts, needed once: what is kept is 50 KB.
        self._raw = zlib.compress(raw, 1)

    @property
    def openapi(self) -> Obj:
        """spec.versions[*].schema.openAPIV3Schema, the caller's own."""
        return orjson.loads(zlib.decompress(self._raw))

    def is_of(self, schema: Obj | None, scale: ScalePaths | None) -> bool:
        digest = hashlib.sha256(orjson.dumps(schema or _ANYTHING)).hexdigest()
        return (self.digest, self._scale) == (digest, scale)

    # -- ObjectSchema ------------------------------------------------------------------------------------------------

    @cached_property
    def _decode(self) -> Callable[[Any, At, list[str]], None]:  # type: ignore[override]
        read_metadata = self._schemas.decoder(_OBJECT_META)
        # What is unknown in embedded metadata comes last; filled by one decode, which nothing interrupts.
        embedded: list[str] = []

        def read_embedded(value: Any, path: str, unknown: list[str]) -> None:
            own: list[str] = []
            try:
                read_metadata(value, None, own)
            except Unfit as unfit:
                raise ValueError(str(unfit))
            embedded.extend(f"{path}.{field}" for field in own)

        prune = structural.compile_pruner(self.openapi, read_embedded)

        def decode(obj: Any, at: At, unknown: list[str]) -> None:
            own: list[str] = []
            embedded.clear()
            if obj.get("metadata") is not None:
                read_metadata(obj["metadata"], None, own)
            pruned: list[str] = []
            try:
                prune(obj, "", pruned)
            except structural.InvalidEmbedded as error:
                raise Unfit(str(error))
            unknown += [f"metadata.{field}" for field in own] + sorted(pruned) + embedded

        return decode

    @cached_property
    def _default(self) -> structural.Default | None:  # type: ignore[override]
        return structural.compile_defaulter(self.openapi)

    def zero(self, field: str) -> Any:
        """A status that is not given has its default as soon as somebody reads it."""
        made: Obj = {}
        self.default(made)
        return made.get(field)

    # -- what only custom kinds have -----------------------------------------------------------------------------------

    def coerce(self, obj: Obj) -> Obj:
        """What this version knows of an object, on the way from the store or to it.

        Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go schemaCoercingConverter.
        """
        known = copy(obj)
        try:
            self._decode(known, None, [])
        except Unfit as unfit:
            raise errors.InternalError(str(unfit))
        return known

    def coerce_metadata(self, obj: Obj) -> None:
        """The same of metadata alone, in place."""
        if obj.get("metadata") is not None:
            self._schemas.decoder(_OBJECT_META)(obj["metadata"], None, [])

    @cached_property
    def _validate(self) -> Any:
        return compile_schema(self.openapi)

    @cached_property
    def _validate_status(self) -> Any:
        return compile_schema((self.openapi.get("properties") or {}).get("status") or {})

    @cached_property
    def _check_lists(self) -> structural.Check | None:
        return structural.compile_list_check(self.openapi)

    @cached_property
    def _check_embedded(self) -> structural.Check | None:
        return structural.compile_embedded_check(self.openapi, metadata.check_embedded)

    def validate(
        self, new: Obj, old: Obj | None = None, subresource: str = "", *, earlier: Iterable[FieldError] = ()
    ) -> list[FieldError]:
        """Findings beyond those about metadata's own fields (`earlier`), about a new object or about what an update
        changed."""
        found: list[FieldError] = []
        before: Any = NOTHING if old is None else old
        if subresource == "status":
            self._check_status(new, before, found)
        else:
            self._validate(new, before, "", found)
            self._check_scale_spec(new, found)
        self._check_scale_status(new, found)
        if self._check_embedded is not None and not subresource:
            self._check_embedded(new, "", found)
        self._ratchet_lists(new, old, found)
        if self._rules is not None:
            if any(finding.type in _BLOCKING for finding in (*earlier, *found)):
                found.append(errors.invalid_value(NO_FIELD, None, _NOT_CHECKED))
            else:
                found += self._rules.validate(new, before, "")[0]
        return found

    @cached_property
    def _rules(self) -> Rules | None:
        schema = self.openapi
        if not structural.has_rules(schema):
            return None
        # Most kinds have no rules, and the engine takes 40 ms to import.
        from kubepy.api.celrules import compile_rules

        return compile_rules(schema)

    def _check_status(self, new: Obj, old: Any, found: list[FieldError]) -> None:
        if "status" not in new:
            return
        own: list[FieldError] = []
        before = old.get("status", NOTHING) if old is not NOTHING else NOTHING
        self._validate_status(new["status"], before, "", own)
        found += [
            finding._replace(field="status" if finding.field == NO_FIELD else f"status.{finding.field}")
            for finding in own
        ]

    def _ratchet_lists(self, new: Obj, old: Obj | None, found: list[FieldError]) -> None:
        check = self._check_lists
        if check is None:
            return
        own: list[FieldError] = []
        check(new, "", own)
        if own and old is not None:
            before: list[FieldError] = []
            check(old, "", before)
            if before:
                return
        found += own

    def _check_scale_spec(self, obj: Obj, found: list[FieldError]) -> None:
        if self._scale is not None:
            _check_replicas(obj, self._scale.spec_replicas, found)

    def _check_scale_status(self, obj: Obj, found: list[FieldError]) -> None:
        if self._scale is None:
            return
        _check_replicas(obj, self._scale.status_replicas, found)
        path = self._scale.label_selector
        if path:
            value, why = _nested(obj, path)
            if value is not None and not isinstance(value, str):
                why = accessor_error(path, value, "string")
            if why:
                found.append(errors.invalid_value("." + ".".join(path), "", why))

    def __repr__(self) -> str:
        return f"CustomSchema({self.kind}, {self.digest})"


def reach(obj: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(step)
    return obj


_GO_TYPES = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def accessor_error(path: tuple[str, ...], value: Any, expected: str) -> str:
    """Source: unstructured.NestedInt64, NestedString."""
    shown = value if isinstance(value, str) else orjson.dumps(value).decode()
    where = "." + ".".join(path)
    return f"{where} accessor error: {shown} is of the type {_GO_TYPES[value.__class__]}, expected {expected}"


def _nested(obj: Obj, path: tuple[str, ...]) -> tuple[Any, str]:
    """What is at a path, and why nothing can be there. Source: unstructured.NestedFieldNoCopy."""
    found: Any = obj
    for index, step in enumerate(path):
        if found is None:
            break
        if not isinstance(found, dict):
            return None, accessor_error(path[: index + 1], found, "map[string]interface{}")
        found = found.get(step)
    return found, ""


def _check_replicas(obj: Obj, path: tuple[str, ...], found: list[FieldError]) -> None:
    value, why = _nested(obj, path)
    field = "." + ".".join(path)
    if value is not None and value.__class__ is not int:
        why = accessor_error(path, value, "int64")
    if why:
        found.append(errors.invalid_value(field, 0, why))
    elif value is None:
        return
    elif value < 0:
        found.append(errors.invalid_value(field, value, "should be a non-negative integer"))
    elif value > _INT32_MAX:
        found.append(errors.invalid_value(field, value, f"should be less than or equal to {_INT32_MAX}"))


# -- columns --------------------------------------------------------------------------------------------------------

_NAME = tables.DEFAULT.columns[0]
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def printer(columns: list[Obj]) -> Printer:
    """additionalPrinterColumns -> the table; without any, the age."""
    shown = [_column(column) for column in columns or [_AGE]]
    makers = [_cell(column) for column in columns or [_AGE]]

    def cells(obj: Obj, now: float) -> Cells:
        return [obj["metadata"].get("name", ""), *(make(obj, now) for make in makers)]

    return Printer((_NAME, *shown), cells)


def _column(column: Obj) -> Column:
    path = column.get("jsonPath", "")
    text = column.get("description") or (
        tables.DEFAULT.columns[1].description
        if column is _AGE
        else f"Custom resource definition column (in JSONPath format): {path}"
    )
    return Column(
        column.get("name", ""),
        column.get("type", ""),
        column.get("priority", 0),
        text,
        column.get("format", ""),
    )


def _cell(column: Obj) -> Callable[[Obj, float], Any]:
    try:
        find = compile_path(column.get("jsonPath", ""))
    except ValueError:
        return lambda obj, now: None
    type_ = column.get("type")

    def cell(obj: Obj, now: float) -> Any:
        found = find(obj)
        return None if not found else _shown(found[0], type_, now)

    return cell


def _shown(value: Any, type_: str | None, now: float) -> Any:
    """Source: cellForJSONValue, jsonpath.PrintResults."""
    if type_ == "string":
        if isinstance(value, str):
            return value
        return "<nil>" if value is None else orjson.dumps(value).decode()
    is_number = value.__class__ in (int, float)
    if type_ == "integer":
        # Go's int64() of what is none, on amd64.
        return (int(value) if -(2.0**63) <= value < 2.0**63 else -(2**63)) if is_number else None
    if type_ == "number":
        return float(value) if is_number else None
    if type_ == "boolean":
        return value if value.__class__ is bool else None
    if type_ == "date" and isinstance(value, str):
        try:
            return tables.human_duration(now - parse_rfc3339(value))
        except ValueError:
            return "<invalid>"
    return None


# -- rows -----------------------------------------------------------------------------------------------------------


class Conversions(Protocol):
    """Who asks the webhook by which a kind is converted (apiserver/crds/conversion.py)."""

    async def settle(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """What `run` gives, once everything that it needs is converted."""

    async def convert(self, objs: Iterable[Obj], to: Resource) -> None:
        """Make the conversions known that are not."""


class Own(Struct, eq=False):
    """What the row of a custom kind knows besides: what its definition says of this version, and, once all versions
    are there, the others."""

    schema: CustomSchema
    printer: Printer | None = None
    served: bool = True
    selectable_fields: tuple[str, ...] | None = (
        None  # ("spec.color",); None: no fields but a read-only kind's
    )
    scale: ScalePaths | None = None
    warning: str = ""  # that each request gets
    verbs: tuple[str, ...] | None = None  # shown instead of the row's while its definition is going
    review: WebhookConversion | None = None  # how it is converted, if by a webhook
    convert: Callable[[Obj], Obj] | None = None  # into this version, by that webhook
    conversions: Conversions | None = None
    storage: Resource | None = None  # the row in whose form objects are stored
    versions: dict[str, Resource] = {}

    def __repr__(self) -> str:
        """Tells apart what is published differently."""
        return f"Own({self.schema.digest}, {self.selectable_fields}, {self.verbs})"


def own_of(row: Resource) -> Own:
    assert row.own is not None, "rows of definitions have one"
    return row.own


def is_established(definition: Obj) -> bool:
    return is_condition_true(definition, "Established")


def rows(definition: Obj, schemas: Schemas, known: Sequence[Resource] = ()) -> list[Resource]:
    """The rows of all versions that are served, or that objects may be stored in; `known` are those of before, whose
    compiled schemas are taken over where nothing changed. Only an established definition has any."""
    if not is_established(definition):
        return []
    compiled = {row.version: own_of(row).schema for row in known}
    spec = definition["spec"]
    stored = definition["status"].get("storedVersions") or ()
    terminating = is_condition_true(definition, "Terminating")
    found = [
        _row(definition, version, schemas, compiled.get(version["name"]), terminating)
        for version in spec["versions"]
        if version.get("served") or version.get("storage") or version["name"] in stored
    ]
    storage = next(row for row in found if not row.storage_version)
    versions = {row.version: row for row in found}
    for row in found:
        own_of(row).storage, own_of(row).versions = storage, versions
    return found


def _row(
    definition: Obj, version: Obj, schemas: Schemas, compiled: CustomSchema | None, terminating: bool
) -> Resource:
    spec, accepted = definition["spec"], definition["status"]["acceptedNames"]
    subresources = version.get("subresources") or {}
    scale = ScalePaths.of(subresources["scale"]) if subresources.get("scale") else None
    openapi = (version.get("schema") or {}).get("openAPIV3Schema")
    if compiled is None or not compiled.is_of(openapi, scale):
        compiled = CustomSchema(schemas, accepted["kind"], openapi, scale=scale)
    conversion = spec.get("conversion") or {}
    by_webhook = conversion.get("strategy") == "Webhook"
    own = Own(
        compiled,
        served=bool(version.get("served")),
        printer=printer(version.get("additionalPrinterColumns") or []),
        selectable_fields=tuple(
            field["jsonPath"].removeprefix(".") for field in version.get("selectableFields") or ()
        ),
        scale=scale,
        warning=_deprecation(spec, version) if version.get("deprecated") else "",
        verbs=TERMINATING_VERBS if terminating else None,
        review=WebhookConversion(definition["metadata"]["name"], conversion["webhook"])
        if by_webhook
        else None,
    )
    subs = []
    if subresources.get("status") is not None:
        subs.append(Subresource("status", accepted["kind"], ("get", "patch", "update")))
    if scale is not None:
        subs.append(Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1"))
    storage = next(each["name"] for each in spec["versions"] if each.get("storage"))
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=accepted["kind"],
        plural=accepted["plural"],
        singular=accepted["singular"],
        namespaced=spec["scope"] == "Namespaced",
        verbs=VERBS,
        short_names=tuple(accepted.get("shortNames") or ()),
        categories=tuple(accepted.get("categories") or ()),
        subresources=tuple(subs),
        storage_version=storage if storage != version["name"] else "",
        list_kind=accepted["listKind"],
        custom=True,
        own=own,
    )


def read_back(obj: Obj, storage: Resource) -> tuple[Obj, Resource]:
    """A stored object as its own version says that it is read: pruned and defaulted; and the row of that version.

    Differs: a version that the definition has no more is taken for the one that objects are stored in now.
    """
    _, version = group_version(obj["apiVersion"])
    row = own_of(storage).versions.get(version) or replace(storage, version=version)
    schema = own_of(row).schema
    read = schema.coerce(obj)
    schema.default(read)
    return read, row


def _deprecation(spec: Obj, version: Obj) -> str:
    """Source: defaultDeprecationWarning."""
    if version.get("deprecationWarning"):
        return str(version["deprecationWarning"])
    kind, group = spec["names"]["kind"], spec["group"]
    text = f"{group}/{version['name']} {kind} is deprecated"
    better = [
        each["name"]
        for each in spec["versions"]
        if each.get("served")
        and not each.get("deprecated")
        and version_rank(each["name"]) < version_rank(version["name"])
    ]
    return f"{text}; use {group}/{min(better, key=version_rank)} {kind}" if better else text
