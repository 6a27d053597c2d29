"""Texts are a kube-apiserver's."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.builtins import RESOURCE_CLAIMS
from kubepy.api.objects import Obj
from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.registry.claim_rights import (
    LABEL,
    ClaimRights,
    changed_drivers,
    granted_at,
    is_on_node,
    node_of,
    requested_at,
)
from kubepy.apiserver.request import RequestInfo, User
from tests.apiserver.conftest import Api

GROUP = "/apis/resource.k8s.io/v1/namespaces/default"
ADMIN: Obj = {
    "devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "c", "adminAccess": True}}]}
}
PAUL = User("paul")
DRIVER = User(
    "system:serviceaccount:default:driver", extra={"authentication.kubernetes.io/node-name": ["node-1"]}
)


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({}, ""),
        ({"spec": {"devices": {"requests": [{"firstAvailable": [{}]}]}}}, ""),
        ({"spec": ADMIN}, "spec.devices.requests[0].adminAccess"),
        ({"spec": {"spec": ADMIN}}, "spec.devices.requests[0].adminAccess"),
    ],
)
def test_where_admin_access_is_asked_for(obj: Obj, path: str) -> None:
    assert requested_at(obj) == path


@pytest.mark.parametrize(
    ("results", "path"),
    [
        ([], ""),
        ([{"adminAccess": False}], ""),
        ([{}, {"adminAccess": True}], "status.allocation.devices.results[1].adminAccess"),
    ],
)
def test_where_admin_access_is_given(results: list[Obj], path: str) -> None:
    assert granted_at({"allocation": {"devices": {"results": results}}}) == path
    assert granted_at({}) == ""


def device(driver: str, **more: Any) -> Obj:
    return {"driver": driver, "pool": "p", "device": "d"} | more


@pytest.mark.parametrize(
    ("new", "old", "drivers"),
    [
        ([device("a")], [device("a")], []),
        ([device("b"), device("a")], [], ["a", "b"]),
        ([], [device("a")], ["a"]),
        ([device("a", data={"x": 1})], [device("a")], ["a"]),
        ([device("a"), device("a", shareID="s")], [device("a")], ["a"]),
    ],
)
def test_drivers_whose_status_changed(new: list[Obj], old: list[Obj], drivers: list[str]) -> None:
    assert changed_drivers(new, old) == drivers


def on(*values: str, key: str = "metadata.name") -> Obj:
    fields = [{"key": key, "operator": "In", "values": list(values)}]
    return {"nodeSelector": {"nodeSelectorTerms": [{"matchFields": fields}]}}


@pytest.mark.parametrize(
    ("allocation", "node"), [({}, ""), (on("n"), "n"), (on("n", "m"), ""), (on("n", key="x"), "")]
)
def test_the_one_node_of_an_allocation(allocation: Obj, node: str) -> None:
    assert node_of(allocation) == node


def test_who_is_on_a_node() -> None:
    assert is_on_node(DRIVER, "node-1")
    assert not is_on_node(DRIVER, "node-2")
    assert not is_on_node(DRIVER, "")
    assert not is_on_node(User("paul", extra=DRIVER.extra), "node-1")


@pytest.mark.parametrize(
    ("plural", "spec"), [("resourceclaims", ADMIN), ("resourceclaimtemplates", {"spec": ADMIN})]
)
async def test_the_namespace_must_be_labelled(api: Api, plural: str, spec: Obj) -> None:
    claim = {"metadata": {"name": "a"}, "spec": spec}
    error = await api.error("POST", f"{GROUP}/{plural}", claim)
    assert error.message.endswith(
        "is invalid: spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the "
        "`resource.kubernetes.io/admin-access: true` label on the containing namespace"
    )
    # What else is wrong with it is told, too, and after that.
    error = await api.error("POST", f"{GROUP}/{plural}", claim | {"metadata": {"name": "A"}})
    assert [cause["field"] for cause in error.details["causes"]] == [
        "spec.devices.requests[0].adminAccess",
        "metadata.name",
    ]
    label = {"metadata": {"labels": {LABEL: "true"}}}
    await api.ok("PATCH", "/api/v1/namespaces/default", label, content_type="application/merge-patch+json")
    await api.ok("POST", f"{GROUP}/{plural}", claim)


class Asked:
    """Allows these verbs on these subresources."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self.allowed, self.infos = allowed, list[RequestInfo]()

    async def __call__(self, user: User, info: RequestInfo) -> Decision:
        self.infos.append(info)
        return ALLOW if (info.verb, info.subresource) in self.allowed else NO_OPINION


OLD: Obj = {"status": {"allocation": on("node-1"), "devices": [device("a.example")]}}
BOUND: Obj = {"status": OLD["status"] | {"reservedFor": [{"name": "p"}]}}
TOLD: Obj = {"status": OLD["status"] | {"devices": []}}
BINDING = (
    'status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/'
    'binding", verb="update" permission: resourceclaims.resource.k8s.io is forbidden: User "paul" cannot update '
    'resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope'
)
DEVICES = (
    'status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-'
    'node:update]" permission: resourceclaims.resource.k8s.io "a.example" is forbidden: User "paul" cannot arbitrary-'
    'node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "default"'
)
ASSOCIATED, ARBITRARY = ("associated-node:update", "driver"), ("arbitrary-node:update", "driver")


@pytest.mark.parametrize(
    ("user", "allowed", "new", "subresource", "found"),
    [
        (PAUL, [], OLD, "status", []),
        (PAUL, [], BOUND, "", []),
        (PAUL, [], BOUND, "status", [BINDING]),
        (PAUL, [("update", "binding")], BOUND, "status", []),
        (PAUL, [], TOLD, "status", [DEVICES]),
        (PAUL, [ASSOCIATED], TOLD, "status", [DEVICES]),
        (PAUL, [ARBITRARY], TOLD, "status", []),
        (DRIVER, [ASSOCIATED], TOLD, "status", []),
        (DRIVER, [ARBITRARY], TOLD, "status", []),
        # With the allocation the status of devices goes.
        (PAUL, [("update", "binding")], {}, "status", []),
    ],
)
async def test_who_may_write_a_status(
    api: Api, user: User, allowed: list[tuple[str, str]], new: Obj, subresource: str, found: list[str]
) -> None:
    later = errors.required("spec")
    call = Call(RESOURCE_CLAIMS, "default", "a", user, subresource)
    findings = await ClaimRights(Asked(*allowed), api.registry).check(call, new, OLD, [later])
    assert [f"{finding.field}: {finding.body}" for finding in findings] == [*found, "spec: Required value"]
