"""May they do that, and what may I: SubjectAccessReview and its kin, answered by the authorizer.

Source: kubernetes pkg/registry/authorization/*/rest.go, pkg/registry/authorization/util/helpers.go,
pkg/apis/authorization/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from kubepy.api import errors, internals, names, selectors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Authorizer
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, RequestInfo, Response, User

_SELF, _LOCAL = "SelfSubjectAccessReview", "LocalSubjectAccessReview"


class AccessReviews:
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def review(self, registry: Registry, resource: Resource, request: Request) -> Response:
        """SubjectAccessReview, LocalSubjectAccessReview, SelfSubjectAccessReview."""
        review = await body_of(registry, resource, request)
        namespace = request.info.namespace if resource.namespaced else ""
        write.ensure_namespace(review["metadata"], namespace)
        options = write_options(request.query, "CreateOptions")
        registry.field_manager(resource).update(None, review, write.manager_of(request, options))
        spec = review.get("spec") or {}
        if findings := list(_findings(resource.kind, review, spec)):
            raise _invalid(resource, findings)
        user = (request.user or write.NOBODY) if resource.kind == _SELF else _subject(spec)
        asked = asked_about(spec)
        decision = await self._authorizer.authorize(user, asked.info)
        status: Obj = {"allowed": decision.is_allowed}
        if decision.is_denied:
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        if failures := [text for text in (decision.error, *asked.errors) if text]:
            status["evaluationError"] = "; ".join(failures)
        review["status"] = status
        return respond.plain(registry, resource, request, review, 201)

    async def rules(self, registry: Registry, resource: Resource, request: Request) -> Response:
        """SelfSubjectRulesReview."""
        review = await body_of(registry, resource, request)
        namespace = (review.get("spec") or {}).get("namespace")
        if not namespace:
            raise errors.BadRequest("no namespace on request")
        rules = await self._authorizer.rules(request.user or write.NOBODY, namespace)
        status = {
            "resourceRules": rules.resources,
            "nonResourceRules": rules.paths,
            "incomplete": rules.is_incomplete,
        } | ({"evaluationError": rules.error} if rules.error else {})
        # Upstream answers with a review of its own, without what was sent.
        made = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}, "spec": {}}
        return respond.plain(registry, resource, request, made | {"status": status}, 201)


def _invalid(resource: Resource, findings: list[errors.FieldError]) -> errors.Invalid:
    """Upstream's reviews do not know their kind any more when they are refused."""
    error = errors.invalid(replace(resource, kind=""), "", findings)
    error.details = {key: value for key, value in (error.details or {}).items() if key != "kind"}
    return error


async def body_of(registry: Registry, resource: Resource, request: Request) -> Obj:
    options = write_options(request.query, "CreateOptions")
    expected = decode.Expected.of(resource, registry.schemas)
    review = await decode.body_of(request, expected, options)
    write.wipe_system_fields(review["metadata"])
    await registry.admit(write.call_of(resource, request, options), review)
    return review


def _subject(spec: Obj) -> User:
    return User(
        spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), spec.get("extra") or {}
    )


# -- what is asked about -----------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    info: RequestInfo
    errors: tuple[str, ...]  # of selectors that are not understood


def asked_about(spec: Obj) -> Asked:
    """What is asked about, as if it were a request."""
    attributes = spec.get("resourceAttributes")
    if attributes is None:
        path = spec.get("nonResourceAttributes") or {}
        return Asked(RequestInfo(False, path.get("path", ""), path.get("verb", "")), ())
    fields, fields_error = _selector("fieldSelector", attributes.get("fieldSelector") or {})
    labels, labels_error = _selector("labelSelector", attributes.get("labelSelector") or {})
    info = RequestInfo(
        True,
        "",
        attributes.get("verb", ""),
        group=attributes.get("group", ""),
        version=attributes.get("version", "") or "*",
        resource=attributes.get("resource", ""),
        subresource=attributes.get("subresource", ""),
        namespace=attributes.get("namespace", ""),
        name=attributes.get("name", ""),
        field_selector=fields,
        label_selector=labels,
    )
    return Asked(info, tuple(text for text in (fields_error, labels_error) if text))


def _selector(field: str, selector: Obj) -> tuple[str, str]:
    """(the selector as a request says it, what of it is ignored). Dropping a requirement only asks for more."""
    requirements = selector.get("requirements") or ()
    if requirements:
        known = [text for each in requirements if (text := _requirement(field, each))]
        found, is_whole = ",".join(known), len(known) == len(requirements)
    else:
        found = selector.get("rawSelector") or ""
        is_whole = _parses(field, found)
        found = found if is_whole else ""
    if is_whole:
        return found, ""
    how = "partially ignored" if found else "ignored"
    return found, f"spec.resourceAttributes.{field} {how} due to parse error"


def _parses(field: str, text: str) -> bool:
    try:
        selectors.parse_fields(text) if field == "fieldSelector" else selectors.parse_labels(text)
    except errors.BadRequest:
        return False
    return True


def _requirement(field: str, requirement: Obj) -> str:
    """As text, "" if it is not one that is understood."""
    key, operator, values = (
        requirement.get("key", ""),
        requirement.get("operator", ""),
        tuple(requirement.get("values") or ()),
    )
    if field == "fieldSelector":
        sign = {"In": "=", "NotIn": "!="}.get(operator)
        return str(selectors.FieldRequirement(key, sign, values[0])) if sign and len(values) == 1 else ""
    sign = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}.get(operator)
    text = str(selectors.LabelRequirement(key, sign, tuple(sorted(values)))) if sign else ""
    return text if text and _parses(field, text) else ""


# -- validation --------------------------------------------------------------------------------------------------------


def _findings(kind: str, review: Obj, spec: Obj) -> Iterator[errors.FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        yield errors.invalid_value("spec.nonResourceAttributes", _internal(path), why)
    if resource is None and path is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        yield errors.invalid_value("spec.resourceAttributes", None, why)
    if kind != _SELF and not spec.get("user") and not spec.get("groups"):
        yield errors.invalid_value("spec.user", "", "at least one of user or group must be specified")
    if resource is not None:
        for field in ("fieldSelector", "labelSelector"):
            if (selector := resource.get(field)) is not None:
                yield from _selector_findings(f"spec.resourceAttributes.{field}", selector)
    metadata = {key: value for key, value in review["metadata"].items() if key != "managedFields" and value}
    if kind == _LOCAL:
        namespace = metadata.pop("namespace", "")
        if metadata:
            shown = internals.metadata_of(review)
            yield errors.invalid_value("metadata", shown, "must be empty except for namespace")
        if resource is not None and (given := resource.get("namespace", "")) != namespace:
            why = "must match metadata.namespace"
            yield errors.invalid_value("spec.resourceAttributes.namespace", given, why)
        if path is not None:
            why = "disallowed on this kind of request"
            yield errors.invalid_value("spec.nonResourceAttributes", _internal(path), why)
    elif metadata:
        yield errors.invalid_value("metadata", internals.metadata_of(review), "must be empty")


def _internal(path: Obj) -> Obj:
    """As Go prints the internal type, whose fields have no JSON names."""
    return {"Path": path.get("path", ""), "Verb": path.get("verb", "")}


def _selector_findings(at: str, selector: Obj) -> Iterator[errors.FieldError]:
    raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or ()
    if raw and requirements:
        why = "may not specified at the same time as requirements"
        yield errors.invalid_value(f"{at}.rawSelector", raw, why)
    if not raw and not requirements:
        why = f"when {at} is specified, requirements or rawSelector is required"
        yield errors.required(f"{at}.requirements", why)
    for index, requirement in enumerate(requirements):
        yield from _requirement_findings(f"{at}.requirements[{index}]", requirement)


def _requirement_findings(at: str, requirement: Obj) -> Iterator[errors.FieldError]:
    """An operator that is not known is ignored when it is evaluated: newer clients may know more."""
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values: Sequence[str] = requirement.get("values") or ()
    is_field = ".fieldSelector." in at
    if is_field and not key:
        yield errors.required(f"{at}.key", "must be specified")
    if operator in ("In", "NotIn") and not values:
        yield errors.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    if operator in ("Exists", "DoesNotExist") and values:
        why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield errors.forbidden_field(f"{at}.values", why)
    if is_field:
        return
    for text in names.label_key(key):
        yield errors.invalid_value(f"{at}.key", key, text)
    for index, value in enumerate(values):
        for text in names.label_value(value):
            yield errors.invalid_value(f"{at}.values[{index}]", value, text)
