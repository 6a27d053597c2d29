"""Who may what, as kubectl sees it: roles made and bound, asked about, given by who has them and by nobody else."""

from __future__ import annotations

import json
import subprocess
import sys

ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}
"""


def test_a_role_is_bound_and_holds_in_its_namespace_only(cluster, namespace):
    refused = cluster.kubectl("get", "pods", "--as=jane", check=False)
    assert refused.stderr == (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" '
        f'in the namespace "{namespace}"\n'
    )
    cluster.kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    cluster.kubectl("create", "rolebinding", "reader", "--role=reader", "--user=jane", "--serviceaccount=x:y")
    assert cluster.kubectl("get", "pods", "--as=jane").returncode == 0
    assert cluster.kubectl("get", "pods", "--as=system:serviceaccount:x:y").returncode == 0
    assert cluster.kubectl("get", "pods", "--as=jane", "-n", "default", check=False).returncode == 1
    assert cluster.kubectl("auth", "can-i", "list", "pods", "--as=jane").stdout == "yes\n"
    assert cluster.kubectl("auth", "can-i", "delete", "pods", "--as=jane", check=False).stdout == "no\n"
    listed = cluster.kubectl("auth", "can-i", "--list", "--as=jane").stdout.splitlines()
    assert [line.split() for line in listed if line.startswith("pods ")] == [
        ["pods", "[]", "[]", "[get", "list]"]
    ]


def test_nobody_gives_what_they_do_not_have(cluster, namespace):
    cluster.kubectl("create", "rolebinding", "admin", "--clusterrole=admin", "--user=adam")
    given = cluster.kubectl("create", "rolebinding", "v", "--clusterrole=view", "--user=eve", "--as=adam")
    assert given.stdout == "rolebinding.rbac.authorization.k8s.io/v created\n"
    refused = cluster.kubectl(
        "create", "rolebinding", "c", "--clusterrole=cluster-admin", "--user=eve", "--as=adam", check=False
    )
    assert refused.stderr == (
        'error: failed to create rolebinding: rolebindings.rbac.authorization.k8s.io "c" is forbidden: user "adam" '
        '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}\n'
    )


def test_reconcile_adds_what_is_missing(cluster, namespace):
    roles = ROLES.replace("NAMESPACE", namespace)
    done = cluster.kubectl("auth", "reconcile", "-f", "-", input=roles).stdout
    assert "role.rbac.authorization.k8s.io/reader reconciled" in done
    more = roles.replace("[get, list]", "[get, watch]").replace("name: jane", "name: bob")
    cluster.kubectl("auth", "reconcile", "-f", "-", input=more)
    rules = cluster.get("role", "reader")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert [each["name"] for each in cluster.get("rolebinding", "reader")["subjects"]] == ["jane", "bob"]
    # What is bound to another role is made anew: its roleRef cannot be changed.
    changed = roles.replace("kind: Role, name: reader", "kind: ClusterRole, name: view")
    refused = cluster.kubectl("apply", "-f", "-", input=changed, check=False)
    assert "cannot change roleRef" in refused.stderr
    cluster.kubectl("auth", "reconcile", "-f", "-", input=changed)
    assert cluster.get("rolebinding", "reader")["roleRef"]["name"] == "view"


def test_why_not(cluster, namespace):
    def why_not(*arguments: str) -> str:
        command = [
            sys.executable,
            "-m",
            "kubepy",
            "why-not",
            "--data-dir",
            str(cluster.directory),
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    cluster.kubectl("create", "rolebinding", "v", "--clusterrole=view", "--user=jane")
    told = why_not("--as", "jane", "delete", "deploy", "web", "-n", namespace)
    assert told.startswith(f"jane may not delete deployments.apps web in namespace {namespace}.\nNearest:\n")
    assert f'of ClusterRole view, by RoleBinding v in namespace {namespace}, to User "jane"' in told
    data = json.loads(why_not("--as", "jane", "list", "pods", "-n", namespace, "-o", "json"))
    assert data["allowed"] and data["by"]["binding"]["name"] == "v"
    asked = "/apis/authorization.k8s.io/v1/subjectaccessreviews/any/why?user=jane&verb=get&path=/x"
    assert "forbidden" in cluster.kubectl("get", "--raw", asked, "--as=jane", check=False).stderr.lower()
