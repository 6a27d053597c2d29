"""Texts are a kube-apiserver's."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.builtins import (
    MUTATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
)
from kubepy.api.errors import FieldError
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.authz.param_references import ParamReferences
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

PAUL = User("paul", ("devs", "system:authenticated"))
WHO = "user &{paul  [devs system:authenticated] map[]}"
CONFIG_MAP, UNKNOWN = {"apiVersion": "v1", "kind": "ConfigMap"}, {"apiVersion": "foo.io/v1", "kind": "Foo"}
LEAST = f"to determine minimum required permissions and {WHO} does not have"


class Asked:
    def __init__(self, decision: Decision) -> None:
        self.decision, self.infos = decision, list[RequestInfo]()

    async def __call__(self, user: User, info: RequestInfo) -> Decision:
        self.infos.append(info)
        return self.decision


@pytest.fixture
async def api(clock: VirtualClock) -> Any:
    made = Api(clock, MemoryStore())
    constraints = {
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
        ]
    }
    for name, kind in (("known", CONFIG_MAP), ("unknown", UNKNOWN)):
        for what, more in (
            ("validating", {"validations": [{"expression": "true"}]}),
            ("mutating", {"reinvocationPolicy": "Never", "mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}]}),
        ):  # fmt: skip
            spec = {"paramKind": kind, "matchConstraints": constraints} | more
            path = f"/apis/admissionregistration.k8s.io/v1/{what}admissionpolicies"
            await made.ok("POST", path, {"metadata": {"name": name}, "spec": spec})
    yield made
    await made.registry.close()


INVALID = errors.required("spec.policyName")


async def checked(
    api: Api, asked: Asked, resource: Resource, spec: Any, old: Any = None, *earlier: FieldError
) -> list[str]:
    references = ParamReferences(asked, api.registry.catalog, api.registry)
    before = None if old is None else {"metadata": {"name": "n"}, "spec": old}
    call, obj = Call(resource, "", "n", PAUL), {"metadata": {"name": "n"}, "spec": spec}
    findings = await references.check(call, obj, before, [*earlier])
    return [f"{found.field}: {found.body}" for found in findings]


@pytest.mark.parametrize(
    ("resource", "spec", "verb", "target", "why"),
    [
        (VALIDATING_ADMISSION_POLICIES, {"paramKind": CONFIG_MAP}, "get", ("", "configmaps", "*", "*"),
         f'spec.paramKind: Forbidden: {WHO} must have "get" permission on all objects of the referenced paramKind '
         "(kind=ConfigMap, apiVersion=v1)"),
        (VALIDATING_ADMISSION_POLICIES, {"paramKind": UNKNOWN}, "get", ("foo.io", "*", "*", "*"),
         f'spec.paramKind: Forbidden: {WHO} must have "get" permission on all objects of the referenced paramKind '
         "(kind=Foo, apiVersion=foo.io/v1)"),
        (VALIDATING_ADMISSION_POLICY_BINDINGS, {"policyName": "known", "paramRef": {"name": "x", "namespace": "n"}},
         "get", ("", "configmaps", "n", "x"),
         f'spec.paramRef: Forbidden: {WHO} does not have "get" permission on the object referenced by paramRef'),
        (MUTATING_ADMISSION_POLICY_BINDINGS, {"policyName": "known", "paramRef": {"selector": {}}},
         "list", ("", "configmaps", "", ""),
         f'spec.paramRef: Forbidden: user list does not have "{WHO[5:]}" permission on the object referenced by '
         "paramRef"),
        (VALIDATING_ADMISSION_POLICY_BINDINGS, {"policyName": "unknown", "paramRef": {"name": "x"}},
         "get", ("foo.io", "*", "", "x"),
         f"spec.paramRef: Forbidden: unable to resolve paramKind &{{foo.io/v1 Foo}} {LEAST} "
         '"get" permission for all groups, versions and resources'),
        (VALIDATING_ADMISSION_POLICY_BINDINGS, {"policyName": "none", "paramRef": {"selector": {}}},
         "list", ("*", "*", "", ""),
         f'spec.paramRef: Forbidden: unable to get policy none {LEAST} "list" permission for all groups, versions and '
         "resources"),
    ],
)  # fmt: skip
async def test_what_must_be_readable(
    api: Api, resource: Resource, spec: Any, verb: str, target: tuple[str, ...], why: str
) -> None:
    asked = Asked(NO_OPINION)
    assert await checked(api, asked, resource, spec) == [why]
    (info,) = asked.infos
    assert (info.verb, (info.group, info.resource, info.namespace, info.name)) == (verb, target)
    assert await checked(api, Asked(ALLOW), resource, spec) == []


async def test_nothing_is_asked_where_nothing_is_referred_to(api: Api) -> None:
    asked = Asked(NO_OPINION)
    await checked(api, asked, VALIDATING_ADMISSION_POLICIES, {})
    await checked(api, asked, VALIDATING_ADMISSION_POLICY_BINDINGS, {"policyName": "known"})
    # What was there before is not asked about again.
    await checked(api, asked, VALIDATING_ADMISSION_POLICIES, {"paramKind": UNKNOWN}, {"paramKind": UNKNOWN})
    # An object that is not well-formed is told of that alone.
    told = await checked(api, asked, VALIDATING_ADMISSION_POLICIES, {"paramKind": CONFIG_MAP}, None, INVALID)
    assert told == ["spec.policyName: Required value"]
    assert asked.infos == []
