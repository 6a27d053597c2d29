"""Which requests a webhook or a policy is about: rules, selectors, and the same thing in other versions.

    criteria = Criteria.of_webhook(hook)           or Criteria.of_match_resources(policy["spec"]["matchConstraints"])
    selected = await Matching(tools).select(criteria, attributes)
    selected.resource, selected.kind               the version in which the object is wanted; None: not concerned

What rules say depends only on the kind of request, so it is found once for each kind and remembered in the Criteria;
selectors are looked at per request, and only then. Whoever asks about configurations of the API itself is answered by
`is_exempt`: those are shown to no webhook and no policy.

Source: apiserver pkg/admission/plugin/webhook/{predicates/**,generic/webhook.go},
pkg/admission/plugin/policy/matching/matching.go, apimachinery pkg/runtime/mapper.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kubepy.api import errors, selectors
from kubepy.api.builtins import NAMESPACES, Catalog
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.selectors import LabelSelector
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Kind, Tools

_ALL = "*"
_GROUP = "admissionregistration.k8s.io"
_EXEMPT = frozenset(
    f"{what}.{_GROUP}"
    for what in (
        "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    )
)  # fmt: skip


def is_exempt(resource: Resource) -> bool:
    """A webhook that refused changes of itself could never be repaired."""
    return resource.group == _GROUP and resource.group_resource in _EXEMPT


class Selected(NamedTuple):
    """The version in which somebody wants the object: the request's own, or an equivalent one."""

    resource: Resource
    kind: Kind


class Rule(NamedTuple):
    """One RuleWithOperations, and the resourceNames that policies have beside it."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]  # (resource, subresource): ("pods", ""), ("*", "*")
    scope: str
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rule: Obj) -> Rule:
        parts = (text.partition("/") for text in rule.get("resources") or ())
        return cls(
            frozenset(rule.get("operations") or ()),
            frozenset(rule.get("apiGroups") or ()),
            frozenset(rule.get("apiVersions") or ()),
            tuple((resource, subresource) for resource, _, subresource in parts),
            rule.get("scope") or _ALL,
            frozenset(rule.get("resourceNames") or ()),
        )

    def covers(self, operation: str, resource: Resource, subresource: str, *, in_namespace: bool) -> bool:
        """Everything but the name. `in_namespace`: the request names one; a Namespace is inside itself."""
        if self.scope != _ALL:
            is_namespaced = in_namespace and not _is_namespaces(resource)
            if is_namespaced != (self.scope == "Namespaced"):
                return False
        return (
            _has(self.operations, operation)
            and _has(self.groups, resource.group)
            and _has(self.versions, resource.version)
            and any(
                wanted in (_ALL, resource.plural) and below in (_ALL, subresource)
                for wanted, below in self.resources
            )
        )


def _has(values: frozenset[str], value: str) -> bool:
    return value in values or _ALL in values


def _is_namespaces(resource: Resource) -> bool:
    return resource.plural == NAMESPACES.plural and not resource.group


class _Request(NamedTuple):
    """What rules look at: requests with the same one are the same to them, but for their names."""

    operation: str
    resource: tuple[str, str, str]
    subresource: str
    in_namespace: bool


class _Hits(NamedTuple):
    """Rules that cover a kind of request, in their order: (names, the version; None: the request's own)."""

    included: tuple[tuple[frozenset[str], Resource | None], ...]
    excluded: tuple[frozenset[str], ...]


class Criteria:
    """What one webhook or policy (or binding) matches; immutable but for what it remembers."""

    __slots__ = (
        "_exclusions",
        "_generation",
        "_has_rules",
        "_hits",
        "_is_exact",
        "_rules",
        "namespaces",
        "objects",
    )

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        exclusions: Sequence[Rule] = (),
        is_exact: bool = False,
        namespaces: LabelSelector = selectors.EVERYTHING,
        objects: LabelSelector = selectors.EVERYTHING,
        needs_rules: bool = True,
    ) -> None:
        self._rules, self._exclusions, self._is_exact = tuple(rules), tuple(exclusions), is_exact
        self._has_rules = needs_rules or bool(rules)
        self.namespaces, self.objects = namespaces, objects
        self._hits: dict[_Request, _Hits] = {}
        self._generation = -1

    @classmethod
    def of_webhook(cls, hook: Obj) -> Criteria:
        """Of an element of `webhooks`. Without rules it is never called."""
        return cls(
            [Rule.of(rule) for rule in hook.get("rules") or ()],
            is_exact=hook.get("matchPolicy") == "Exact",
            namespaces=_selector(hook.get("namespaceSelector")),
            objects=_selector(hook.get("objectSelector")),
        )

    @classmethod
    def of_match_resources(cls, match: Obj | None) -> Criteria:
        """Of a MatchResources. Without resourceRules it matches everything that is not excluded."""
        match = match or {}
        return cls(
            [Rule.of(rule) for rule in match.get("resourceRules") or ()],
            exclusions=[Rule.of(rule) for rule in match.get("excludeResourceRules") or ()],
            is_exact=match.get("matchPolicy") in (None, "Exact"),
            namespaces=_selector(match.get("namespaceSelector")),
            objects=_selector(match.get("objectSelector")),
            needs_rules=False,
        )

    def concerns(self, attributes: Attributes, catalog: Catalog) -> bool:
        """Whether requests of this kind can match at all, whatever they are called and look like."""
        return bool(self._hits_for(attributes, catalog).included)

    def by_rules(self, attributes: Attributes, catalog: Catalog) -> Selected | None:
        """What the rules alone say."""
        hits, served, name = self._hits_for(attributes, catalog), attributes.served, attributes.name
        if any(not names or name in names for names in hits.excluded):
            return None
        for names, resource in hits.included:
            if not names or name in names:
                return Selected(resource or served, Kind.of(resource or served, attributes.subresource))
        return None

    def _hits_for(self, attributes: Attributes, catalog: Catalog) -> _Hits:
        if self._generation != catalog.generation:
            # Kinds came or went: other versions may be equivalent now.
            self._generation = catalog.generation
            self._hits.clear()
        served = attributes.served
        request = _Request(
            attributes.operation, (served.group, served.version, served.plural), attributes.subresource,
            bool(attributes.namespace),
        )  # fmt: skip
        hits = self._hits.get(request)
        if hits is None:
            hits = self._hits[request] = self._hits_of(request, served, catalog)
        return hits

    def _hits_of(self, request: _Request, served: Resource, catalog: Catalog) -> _Hits:
        others = () if self._is_exact else equivalents(catalog, served, request.subresource)

        def found(rules: Iterable[Rule]) -> list[tuple[frozenset[str], Resource | None]]:
            rules = tuple(rules)
            own: list[tuple[frozenset[str], Resource | None]] = [
                (rule.names, None)
                for rule in rules
                if rule.covers(
                    request.operation, served, request.subresource, in_namespace=request.in_namespace
                )
            ]
            return own + [
                (rule.names, other)
                for rule in rules
                for other in others
                if rule.covers(
                    request.operation, other, request.subresource, in_namespace=request.in_namespace
                )
            ]

        included = found(self._rules) if self._has_rules else [(frozenset[str](), None)]
        return _Hits(tuple(included), tuple(names for names, _ in found(self._exclusions)))


def _selector(selector: Obj | None) -> LabelSelector:
    """None selects everything here: it is what defaulting would have put."""
    return selectors.from_label_selector(selector) if selector else selectors.EVERYTHING


def equivalents(catalog: Catalog, served: Resource, subresource: str) -> tuple[Resource, ...]:
    """Other versions (and groups) that the same objects are served in, with that subresource."""
    storage = catalog.storage(served)
    return tuple(
        row
        for row in catalog
        if row.plural == served.plural
        and (row.group, row.version) != (served.group, served.version)
        and catalog.storage(row) == storage
        and (not subresource or row.subresource(subresource) is not None)
    )


class Matching:
    """Criteria against requests; knows namespaces. One per plugin."""

    def __init__(self, tools: Tools) -> None:
        self._lookup, self._catalog = tools.lookup, tools.catalog

    async def select(self, criteria: Criteria, attributes: Attributes) -> Selected | None:
        """None: not concerned. Raises NotFound for a namespace that is asked about and not there."""
        selected = criteria.by_rules(attributes, self._catalog)
        if selected is None or not _selects_object(criteria.objects, attributes):
            return None
        return selected if await self._selects_namespace(criteria.namespaces, attributes) else None

    async def _selects_namespace(self, selector: LabelSelector, attributes: Attributes) -> bool:
        """What is in no namespace is selected always."""
        if selector.is_empty or not (attributes.namespace or attributes.resource.plural == NAMESPACES.plural):
            return True
        return selector.matches(await self._namespace_labels(attributes))

    async def _namespace_labels(self, attributes: Attributes) -> dict[str, str]:
        if (
            attributes.resource.plural == NAMESPACES.plural
            and not attributes.subresource
            and attributes.operation in (CREATE, UPDATE)
            and attributes.obj is not None
        ):
            return labels_of(attributes.obj)
        namespace = await self._lookup.find(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            raise errors.not_found(NAMESPACES, attributes.namespace)
        return labels_of(namespace.obj)


def _selects_object(selector: LabelSelector, attributes: Attributes) -> bool:
    """The object as it is to be or as it was: nobody escapes by taking a label off. Options of a connect have none."""
    if selector.is_empty:
        return True
    return any(
        obj is not None and "metadata" in obj and selector.matches(labels_of(obj))
        for obj in (attributes.obj, attributes.old)
    )


def labels_of(obj: Obj) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}
