"""Source of the texts: apiserver pkg/apis/apiserver/validation/validation_test.go."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubepy.apiserver.authz.configuration import load
from kubepy.apiserver.configuration_files import Unusable

HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n"
WEBHOOK = """authorizers:
- type: Webhook
  name: opa
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: FILE}
    matchConditions:
    - expression: request.user == 'jane'
- {type: Node, name: node}
- {type: RBAC, name: rbac}
"""


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "kubeconfig").write_text("")
    return WEBHOOK.replace("FILE", str(tmp_path / "kubeconfig"))


def test_a_whole_file(text: str) -> None:
    webhook, node, rbac = load(HEAD + text)
    assert [entry.type for entry in (webhook, node, rbac)] == ["Webhook", "Node", "RBAC"]
    asked = webhook.webhook
    assert asked is not None and webhook.kubeconfig
    assert (asked.name, asked.version, asked.timeout_s, asked.denies_on_failure) == ("opa", "v1", 3.0, True)
    assert (asked.authorized_s, asked.unauthorized_s) == (300.0, 30.0)
    assert [condition.source for condition in asked.conditions] == ["request.user == 'jane'"]


@pytest.mark.parametrize(
    ("extra", "believed"),
    [
        ("authorizedTTL: 1m30s", (90.0, 30.0)),
        ("unauthorizedTTL: 500ms", (300.0, 0.5)),
        ("cacheAuthorizedRequests: false", (0.0, 30.0)),
        ("cacheUnauthorizedRequests: false", (300.0, 0.0)),
    ],
)
def test_how_long_answers_are_believed(text: str, extra: str, believed: tuple[float, float]) -> None:
    webhook = load(HEAD + text.replace("    timeout: 3s", f"    timeout: 3s\n    {extra}"))[0].webhook
    assert webhook is not None
    assert (webhook.authorized_s, webhook.unauthorized_s) == believed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: RBAC", "type: Magic", "authorizers[2].type: Unsupported value"),
        ("type: RBAC", "type: Node", 'authorizers[2].type: Duplicate value: "Node"'),
        ("type: RBAC, ", "", "authorizers[2].type: Required value"),
        ("name: rbac", "name: node", 'authorizers[2].name: Duplicate value: "node"'),
        (", name: rbac", "", "authorizers[2].name: Required value"),
        ("name: rbac", "name: R_B", "authorizer name is invalid: a lowercase RFC 1123 subdomain"),
        ("type: RBAC,", "type: RBAC, webhook: {},", "may only be specified when type=Webhook"),
        ("timeout: 3s", "timeout: 31s", 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'),
        ("    timeout: 3s\n", "", "authorizers[0].timeout: Required value"),
        ("timeout: 3s", "timeout: soon", 'time: invalid duration "soon"'),
        ("failurePolicy: Deny", "failurePolicy: Allow", 'supported values: "NoOpinion", "Deny"'),
        ("    failurePolicy: Deny\n", "", "authorizers[0].failurePolicy: Required value"),
        ("    subjectAccessReviewVersion: v1", "    subjectAccessReviewVersion: v2", 'values: "v1", "v1beta1"'),
        (
            "    matchConditionSubjectAccessReviewVersion: v1\n", "",
            "matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
        ),
        ("request.user == 'jane'", "request.nobody", "matchConditions[0].expression: Invalid value"),
        ("request.user == 'jane'", "request.user", "must evaluate to bool but got string"),
        ("request.user == 'jane'", "' '", "matchConditions[0].expression: Required value"),
        ("{type: KubeConfigFile, kubeConfigFile:", "{type: KubeConfigFile, kubeConfigFile: x, z:", "unknown field"),
        ("kubeConfigFile: /", "kubeConfigFile: ./", "must be an absolute path"),
        ("type: KubeConfigFile", "type: InClusterConfig", "can only be set when type=KubeConfigFile"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it(text: str, old: str, new: str, message: str) -> None:
    assert old in text
    with pytest.raises(Unusable) as caught:
        load(HEAD + text.replace(old, new, 1))
    assert message in str(caught.value)


def test_nobody_decides_nothing() -> None:
    with pytest.raises(Unusable, match="at least one authorization mode must be defined"):
        load(HEAD)
    with pytest.raises(Unusable, match='no kind "Pod" is registered for version "v1"'):
        load("apiVersion: v1\nkind: Pod\n")
