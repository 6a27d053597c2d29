"""What a label and a field selector leave over, and the keys that they can match at all.

Both look at an object in the version that was asked for. Where a webhook converts it, `matches` raises Unconverted
until that is done, and neither bytes nor triggers of what is stored say anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable

from kubepy.api import errors, fields, selectors
from kubepy.api.objects import Document, Obj, labels_of
from kubepy.api.resources import Resource
from kubepy.api.selectors import FieldSelector, LabelSelector
from kubepy.apiserver.registry.feeds import Scope, Trigger
from kubepy.apiserver.registry.views import Served

# Values that stand in an object's JSON as they are, between quotes. Numbers and booleans do not, and unset fields may
# read as one.
_is_literal = re.compile(r"(?!true$|false$|[0-9]+$)[A-Za-z0-9._:/-]+").fullmatch


class Selection:
    """Both selectors together. Equal if they select the same from the same kind. Implements cache.Selection.

    Where a selector demands a value, bytes without it are passed over undecoded: of ten thousand pods, those of one
    node are found at a microsecond each.
    """

    __slots__ = ("_identity", "_labels", "_matches_fields", "_name", "_needles", "_served", "trigger")

    def __init__(self, labels: LabelSelector, wanted: FieldSelector, served: Served) -> None:
        self._labels = None if labels.is_empty else labels
        self._matches_fields: Callable[[Obj], bool] | None = None
        if not wanted.is_empty:
            self._matches_fields = fields.matcher(served.resource, wanted)
        demanded = [] if served.waits else [*labels.exact.values(), *wanted.exact.values()]
        self._needles = tuple(f'"{value}"'.encode() for value in demanded if _is_literal(value))
        self.trigger = None if served.waits else _trigger(labels, wanted, served)
        self._served = served
        self._name = ""
        self._identity: tuple[object, ...] = (
            labels,
            wanted,
            served.resource.api_version,
            served.resource.kind,
        )

    @classmethod
    def of_name(cls, served: Served, name: str, rest: Selection | None) -> Selection:
        """Only what has this name, and is in `rest`. For lists, which know no scope of one name."""
        only = cls.__new__(cls)
        only._labels = rest._labels if rest else None
        only._matches_fields = rest._matches_fields if rest else None
        only._needles = rest._needles if rest else ()
        only._served, only._name, only.trigger = served, name, None
        only._identity = (name, rest, served.resource.api_version, served.resource.kind)
        return only

    def matches(self, document: Document) -> bool:
        if self._name and document.key.name != self._name:
            return False
        raw = document.raw
        for needle in self._needles:
            if needle not in raw:
                return False
        obj = self._served.obj(document)
        if self._labels is not None and not self._labels.matches(obj["metadata"].get("labels")):
            return False
        return self._matches_fields is None or self._matches_fields(obj)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


def _trigger(labels: LabelSelector, wanted: FieldSelector, served: Served) -> Trigger | None:
    """Any of the demands: which one tells more apart is not known, but a value tells more than that there is one."""
    if wanted.exact:
        field, value = next(iter(wanted.exact.items()))
        get = fields.fields_of(served.resource)[field]
        attribute = ("field", served.resource.api_version, field)
        return Trigger(attribute, (value,), lambda document: (get(served.obj(document)),))
    marks: tuple[Hashable, ...] = ()
    for key, operator, values in labels.requirements:
        if operator in ("=", "==", "in"):
            return Trigger(("labels",), tuple((key, value) for value in values), _label_marks)
        if operator in ("exists", ">", "<"):
            marks = (key,)
    return Trigger(("labels",), marks, _label_marks) if marks else None


def _label_marks(document: Document) -> list[Hashable]:
    labels = labels_of(document.obj)
    return [*labels.items(), *labels]


def select(
    served: Served, namespace: str, name: str, label_selector: str, field_selector: str
) -> tuple[Scope, Selection | None]:
    """The scope and what is left to test per object, None for nothing. Raises BadRequest.

    `name` is what the request path says; a field selector that asks for one name or namespace narrows the scope, too.
    Source: cacher.go Watch (scope), endpoints/handlers/get.go listOpts.
    """
    if not label_selector and not field_selector:
        return Scope(namespace, name), None
    resource: Resource = served.resource
    labels = selectors.parse_labels(label_selector)
    wanted = selectors.parse_fields(field_selector)
    if not wanted.is_empty:
        fields.check(resource, wanted)
        asked = [
            value
            for field, operator, value in wanted.requirements
            if (field, operator) == ("metadata.name", "=")
        ]
        if name and asked and name not in asked:
            raise errors.BadRequest("fieldSelector metadata.name doesn't match requested name")
        # Two different names select nothing; what the scope does not fulfil is tested below.
        name = name or (asked[0] if asked else "")
        if resource.namespaced:
            namespace = namespace or wanted.exact.get("metadata.namespace", "")
        wanted = _undecided(wanted, namespace, name)
    scope = Scope(namespace, name)
    if labels.is_empty and wanted.is_empty:
        return scope, None
    return scope, Selection(labels, wanted, served)


def _undecided(wanted: FieldSelector, namespace: str, name: str) -> FieldSelector:
    """The terms that the scope does not fulfil by itself."""
    # An empty name or namespace narrows no scope.
    decided = {("metadata.name", "=", name or None), ("metadata.namespace", "=", namespace or None)}
    rest = [requirement for requirement in wanted.requirements if tuple(requirement) not in decided]
    return wanted if len(rest) == len(wanted.requirements) else FieldSelector(rest)
