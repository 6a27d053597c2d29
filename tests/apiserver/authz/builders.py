"""Roles, bindings and questions that read as sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubepy.api.objects import Obj
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.request import Query, RequestInfo, Resolver, User

GROUP = "rbac.authorization.k8s.io"


def rule(verbs: str, resources: str = "", *, groups: str = "", names: str = "", urls: str = "") -> Obj:
    """`rule("get list", "pods pods/log")`; the group without a name is the default."""
    if urls:
        return {"verbs": verbs.split(), "nonResourceURLs": urls.split()}
    made: Obj = {"verbs": verbs.split(), "apiGroups": groups.split() or [""], "resources": resources.split()}
    return made | ({"resourceNames": names.split()} if names else {})


def role(name: str, *rules: Obj, namespace: str = "") -> Obj:
    return _object("Role" if namespace else "ClusterRole", name, namespace) | {"rules": list(rules)}


def binding(name: str, to: str, *subjects: str, namespace: str = "") -> Obj:
    """`to`: "ClusterRole/view"; subjects: "User:jane", "Group:devs", "ServiceAccount:ns/name"."""
    kind, _, role_name = to.partition("/")
    made = _object("RoleBinding" if namespace else "ClusterRoleBinding", name, namespace)
    made["roleRef"] = {"apiGroup": GROUP, "kind": kind, "name": role_name}
    return made | {"subjects": [_subject(*subject.split(":", 1)) for subject in subjects]}


def _subject(kind: str, name: str) -> Obj:
    if kind != "ServiceAccount":
        return {"kind": kind, "apiGroup": GROUP, "name": name}
    namespace, slash, name = name.rpartition("/")
    return {"kind": kind, "name": name} | ({"namespace": namespace} if slash else {})


def _object(kind: str, name: str, namespace: str) -> Obj:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}


def asked(method: str, target: str, verb: str = "") -> RequestInfo:
    path, _, query = target.partition("?")
    info = Resolver().resolve(method, path, Query(query))
    return replace(info, verb=verb) if verb else info


def user(name: str, *groups: str) -> User:
    return authenticated(name, groups)
