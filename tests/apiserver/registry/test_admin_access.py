"""Who may have devices that others have: namespaces that say so."""

from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.admin_access import LABEL, asked_at
from tests.apiserver.conftest import Api

GROUP = "/apis/resource.k8s.io/v1/namespaces/default"
ADMIN: Obj = {
    "devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "c", "adminAccess": True}}]}
}
GRANTED: Obj = {"status": {"allocation": {"devices": {"results": [{}, {"adminAccess": True}]}}}}


@pytest.mark.parametrize(
    ("obj", "old", "path"),
    [
        ({}, None, ""),
        ({"spec": {"devices": {"requests": [{"firstAvailable": [{}]}]}}}, None, ""),
        ({"spec": ADMIN}, None, "spec.devices.requests[0].adminAccess"),
        ({"spec": {"spec": ADMIN}}, None, "spec.devices.requests[0].adminAccess"),
        ({"spec": ADMIN}, {"spec": ADMIN}, ""),
        (GRANTED, {}, "status.allocation.devices.results[1].adminAccess"),
        (GRANTED, GRANTED, ""),
    ],
)
def test_where_it_is_asked_for(obj: Obj, old: Obj | None, path: str) -> None:
    assert asked_at(obj, old) == path


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
    label = {"metadata": {"labels": {LABEL: "true"}}}
    await api.ok("PATCH", "/api/v1/namespaces/default", label, content_type="application/merge-patch+json")
    await api.ok("POST", f"{GROUP}/{plural}", claim)
