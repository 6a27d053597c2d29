from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.authz import why
from kubepy.apiserver.authz.rbac import Rbac
from tests.apiserver.authz.builders import asked, binding, role, rule, user
from tests.apiserver.conftest import StoredCaches

JANE = user("jane")
HELD = (
    role("reader", rule("get list", "pods"), rule("get", urls="/x")),
    role("writer", rule("*", "pods")),
    role("system:writer", rule("delete", "pods")),
    role("one", rule("get", "secrets", names="a")),
    binding("b", "ClusterRole/reader", "User:jane", namespace="ns1"),
    binding("c", "ClusterRole/one", "User:jane"),
)


async def explained(method: str, target: str) -> Obj:
    rbac = Rbac(StoredCaches(*HELD))
    info = asked(method, target)
    return why.explain(await rbac.policy(), JANE, info, await rbac.authorize(JANE, info))


async def test_what_allows_it() -> None:
    answer = await explained("GET", "/api/v1/namespaces/ns1/pods")
    assert answer["allowed"]
    assert answer["by"] == {
        "binding": {"kind": "RoleBinding", "namespace": "ns1", "name": "b"},
        "role": {"kind": "ClusterRole", "namespace": "", "name": "reader"},
        "subject": 'User "jane"',
        "rule": rule("get list", "pods"),
    }


@pytest.mark.parametrize(
    ("method", "target", "near"),
    [
        ("DELETE", "/api/v1/namespaces/ns1/pods/a", [(["verb"], "b")]),
        ("GET", "/api/v1/namespaces/ns2/pods", [(["namespace"], "b")]),
        ("DELETE", "/api/v1/namespaces/ns2/pods/a", [(["verb", "namespace"], "b")]),
        ("GET", "/api/v1/namespaces/ns1/pods/a/log", [(["subresource"], "b")]),
        ("GET", "/apis/x.io/v1/namespaces/ns1/pods", [(["API group"], "b")]),
        ("GET", "/api/v1/namespaces/ns2/secrets/b", [(["name"], "c")]),
        ("GET", "/api/v1/namespaces/ns1/services", []),
        ("POST", "/y", []),
    ],
)
async def test_what_comes_nearest(method: str, target: str, near: list[tuple[list[str], str]]) -> None:
    answer = await explained(method, target)
    assert not answer["allowed"]
    assert [(each["missing"], each["binding"]["name"]) for each in answer["near"]] == near


async def test_roles_that_would_do_those_of_components_last() -> None:
    answer = await explained("DELETE", "/api/v1/namespaces/ns1/pods/a")
    assert [each["name"] for each in answer["roles"]] == ["writer", "system:writer"]


async def test_as_a_person_reads_it() -> None:
    answer = await explained("DELETE", "/api/v1/namespaces/ns1/pods/a")
    answer["asked"] = {"user": "jane", "groups": [], "what": "delete pods a in namespace ns1"}
    assert why.render(answer) == (
        "jane may not delete pods a in namespace ns1.\n"
        "Nearest:\n"
        "  another verb:\n"
        '    get, list on pods in API group ""\n'
        '      of ClusterRole reader, by RoleBinding b in namespace ns1, to User "jane"\n'
        "Roles that would allow it:\n"
        "  ClusterRole writer\n"
        "  ClusterRole system:writer\n"
    )
