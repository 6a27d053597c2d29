"""What the CEL expressions of webhooks and policies see, and the authorizer that they may ask.

    answers = Answers(tools.ask, attributes)
    variables = {**bindings(attributes, selected, obj, old), **answers.variables()}
    outcome = await answers.settle(lambda: program.run(variables))

CEL does not wait, authorizers do: a question that has no answer yet stops the evaluation (`Unanswered`), is put to the
authorizer, and the evaluation begins again. Answers are kept for the request.

Source: apiserver pkg/admission/plugin/cel/{activation,condition}.go, pkg/cel/library/authz.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kubepy.api.cel.functions.authz import Authorizer, Decision, Question, ResourceCheck
from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.base import Ask, Attributes, Kind
from kubepy.apiserver.admission.matching import Selected
from kubepy.apiserver.request import RequestInfo, User

T = TypeVar("T")

REQUEST_RESOURCE = "authorizer.requestResource"


class Unanswered(Exception):
    def __init__(self, question: Question) -> None:
        super().__init__("the authorizer has not been asked yet")
        self.question = question


class Answers:
    """Of the authorizer, about the user of one request."""

    def __init__(self, ask: Ask, attributes: Attributes) -> None:
        self._ask, self._attributes = ask, attributes
        self._known: dict[Question, Decision] = {}

    def variables(self) -> dict[str, Any]:
        """`authorizer`, and the one that is bound to what the request is about."""
        attributes, served = self._attributes, self._attributes.served
        about = Question(
            group=served.group, resource=served.plural, subresource=attributes.subresource,
            namespace=attributes.namespace, name=attributes.name,
        )  # fmt: skip
        return {"authorizer": Authorizer(self._decide), REQUEST_RESOURCE: ResourceCheck(self._decide, about)}

    def _decide(self, question: Question) -> Decision:
        known = self._known.get(question)
        if known is None:
            raise Unanswered(question)
        return known

    async def settle(self, run: Callable[[], T]) -> T:
        """What `run` gives, once everything that it asks is answered."""
        while True:
            try:
                return run()
            except Unanswered as unanswered:
                self._known[unanswered.question] = await self._answer(unanswered.question)

    async def _answer(self, question: Question) -> Decision:
        try:
            decision = await self._ask(_user(question, self._attributes.user), _info(question))
        except StatusError as error:
            return Decision(False, error=error.message)
        return Decision(decision.is_allowed, decision.reason)


def _user(question: Question, user: User) -> User:
    """Source: apiserver pkg/authentication/serviceaccount/util.go UserInfo."""
    if question.service_account is None:
        return user
    namespace, name = question.service_account
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


def _info(question: Question) -> RequestInfo:
    if question.path:
        return RequestInfo(False, question.path, question.verb)
    return RequestInfo(
        True, "", question.verb, group=question.group, version="*", resource=question.resource,
        subresource=question.subresource, namespace=question.namespace, name=question.name,
        field_selector=question.field_selector or "", label_selector=question.label_selector or "",
    )  # fmt: skip


def bindings(attributes: Attributes, selected: Selected, obj: Obj | None, old: Obj | None) -> dict[str, Any]:
    """`object`, `oldObject` and `request`; both objects in the version of `selected`."""
    return {"object": obj, "oldObject": old, "request": request_of(attributes, selected)}


def request_of(attributes: Attributes, selected: Selected) -> Obj:
    """An AdmissionRequest without uid and objects; what is empty is absent, as in Go's JSON."""
    served, subresource = attributes.served, attributes.subresource
    request: Obj = {
        "kind": _kind(selected.kind),
        "resource": _resource(selected.resource.group, selected.resource.version, selected.resource.plural),
        "requestKind": _kind(Kind.of(served, subresource)),
        "requestResource": _resource(served.group, served.version, served.plural),
        "operation": attributes.operation,
        "userInfo": user_info(attributes.user),
        "dryRun": attributes.dry_run,
        "options": attributes.options,
    }
    for field, value in (
        ("subResource", subresource), ("requestSubResource", subresource),
        ("name", attributes.name), ("namespace", attributes.namespace),
    ):  # fmt: skip
        if value:
            request[field] = value
    return request


def _kind(kind: Kind) -> Obj:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _resource(group: str, version: str, plural: str) -> Obj:
    return {"group": group, "version": version, "resource": plural}


def user_info(user: User) -> Obj:
    """authentication.k8s.io/v1 UserInfo."""
    info: Obj = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": dict(user.extra),
    }
    return {key: value for key, value in info.items() if value}
