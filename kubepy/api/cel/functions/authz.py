"""The authorizer that admission policies may ask: `authorizer.group('apps').resource('deployments').check('get')`.

This module has the grammar of the question; who answers is given: an `Authorizer` carries a `decide` that gets the
finished Question. Each step makes a new value, as CEL values do not change.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/authz.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from kubepy.api import names
from kubepy.api.cel import types
from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.values import Opaque

_PREFIX = "kubernetes.authorization."


@dataclass(frozen=True)
class Question:
    """What is asked. path "" = about a resource. service_account: (namespace, name) asked for instead of the user."""

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str | None = None
    label_selector: str | None = None
    service_account: tuple[str, str] | None = None


@dataclass(frozen=True)
class Decision(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", _PREFIX + "Decision")
    allowed: bool
    reason: str = ""
    error: str = ""


Decide = Callable[[Question], Decision]


@dataclass(frozen=True)
class Authorizer(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", _PREFIX + "Authorizer")
    decide: Decide
    question: Question = field(default_factory=Question)


@dataclass(frozen=True)
class PathCheck(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", _PREFIX + "PathCheck")
    decide: Decide
    question: Question


@dataclass(frozen=True)
class GroupCheck(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", _PREFIX + "GroupCheck")
    decide: Decide
    question: Question


@dataclass(frozen=True)
class ResourceCheck(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", _PREFIX + "ResourceCheck")
    decide: Decide
    question: Question


def _service_account(on: Authorizer, namespace: str, name: str) -> Authorizer:
    if names.dns1123_subdomain(name):
        raise CelError("Invalid service account name")
    if names.dns1123_label(namespace):
        raise CelError("Invalid service account namespace")
    return Authorizer(on.decide, replace(on.question, service_account=(namespace, name)))


def _path(on: Authorizer, path: str) -> PathCheck:
    if not path.strip():
        raise CelError("path must not be empty")
    return PathCheck(on.decide, replace(on.question, path=path))


def _resource(on: GroupCheck, resource: str) -> ResourceCheck:
    if not resource.strip():
        raise CelError("resource must not be empty")
    return ResourceCheck(on.decide, replace(on.question, resource=resource))


def _step(make: Callable[[Decide, Question], Any], attribute: str) -> Callable[[Any, str], Any]:
    def take(on: Any, value: str) -> Any:
        return make(on.decide, replace(on.question, **{attribute: value}))

    return take


def _check(on: PathCheck | ResourceCheck, verb: str) -> Decision:
    return on.decide(replace(on.question, verb=verb))


def library() -> Library:
    lib = Library({of.cel_type.name.removeprefix(_PREFIX): of.cel_type for of in _TYPES})
    d = lib.declare
    d("path", "authorizer_path", "Authorizer.(string) PathCheck", _path)
    d("group", "authorizer_group", "Authorizer.(string) GroupCheck", _step(GroupCheck, "group"))
    d(
        "serviceAccount",
        "authorizer_serviceaccount",
        "Authorizer.(string, string) Authorizer",
        _service_account,
    )
    d(
        "resource",
        "groupcheck_resource",
        "GroupCheck.(string) ResourceCheck",
        _resource,
    )
    for name in ("subresource", "namespace", "name"):
        d(name, f"resourcecheck_{name}", "ResourceCheck.(string) ResourceCheck", _step(ResourceCheck, name))
    d("check", "pathcheck_check", "PathCheck.(string) Decision", _check)
    d("check", "resourcecheck_check", "ResourceCheck.(string) Decision", _check)
    d("errored", "decision_errored", "Decision.() bool", lambda decision: bool(decision.error))
    d("error", "decision_error", "Decision.() string", lambda decision: decision.error)
    d("allowed", "decision_allowed", "Decision.() bool", lambda decision: decision.allowed)
    d("reason", "decision_reason", "Decision.() string", lambda decision: decision.reason)
    for name in ("field", "label"):
        take = _step(ResourceCheck, f"{name}_selector")
        d(f"{name}Selector", f"authorizer_{name}selector", "ResourceCheck.(string) ResourceCheck", take)
    return lib


_TYPES = (Authorizer, PathCheck, GroupCheck, ResourceCheck, Decision)
