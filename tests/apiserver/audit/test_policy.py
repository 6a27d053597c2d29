"""Cases from apiserver pkg/audit/policy/checker_test.go and pkg/apis/audit/validation/validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.apiserver.audit.policy import Unusable, load
from kubepy.apiserver.request import Query, Resolver, User
from kubepy.lib import yaml

_TIM = User("tim@k8s.io", ("humans",))
_CM = "/api/v1/namespaces/kube-system/configmaps/sl"
_LOG = "/api/v1/namespaces/default/pods/busybox/log"
_PODS = {"group": "", "resources": ["pods"]}


def _policy(*rules: dict[str, Any], **more: Any) -> str:
    return yaml.dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more})


@pytest.mark.parametrize(
    ("rule", "path", "is_matched"),
    [
        ({}, "/api/v1/namespaces/default/pods/busybox", True),
        ({"users": ["tim@k8s.io"]}, "/logs/x", True),
        ({"users": ["joe"]}, "/logs/x", False),
        ({"userGroups": ["humans", "robots"]}, "/logs/x", True),
        ({"userGroups": ["robots"]}, "/logs/x", False),
        ({"verbs": ["get"]}, "/logs/x", True),
        ({"verbs": ["list"]}, "/logs/x", False),
        ({"nonResourceURLs": ["/logs*"]}, "/logs/x", True),
        ({"nonResourceURLs": ["/logs"]}, "/logs/x", False),
        ({"nonResourceURLs": ["*"]}, "/logs/x", True),
        ({"nonResourceURLs": ["*"]}, _LOG, False),
        ({"namespaces": ["default"]}, _LOG, True),
        ({"namespaces": [""]}, _LOG, False),
        ({"namespaces": [""]}, "/api/v1/nodes/a", True),
        ({"resources": [_PODS]}, _LOG, False),
        ({"resources": [_PODS | {"resources": ["pods/log"]}]}, _LOG, True),
        ({"resources": [_PODS | {"resources": ["pods/*"]}]}, _LOG, True),
        ({"resources": [_PODS | {"resources": ["*/log"]}]}, _LOG, True),
        ({"resources": [_PODS | {"resources": ["*"]}]}, _LOG, True),
        ({"resources": [{"group": ""}]}, _LOG, True),
        ({"resources": [{"group": "apps"}]}, _LOG, False),
        ({"resources": [{"group": "*"}]}, _LOG, True),
        ({"resources": [{"group": "", "resources": ["configmaps"], "resourceNames": ["sl"]}]}, _CM, True),
        ({"resources": [{"group": "", "resources": ["configmaps"], "resourceNames": ["x"]}]}, _CM, False),
        ({"resources": [_PODS]}, "/logs/x", False),
    ],
)
def test_what_a_rule_is_about(rule: dict[str, Any], path: str, is_matched: bool) -> None:
    policy = load(_policy({"level": "Request", **rule}))
    recording = policy.recording(_TIM, Resolver().resolve("GET", path, Query()))
    assert recording.level == ("Request" if is_matched else "None")


def test_stages_and_managed_fields_of_policy_and_rule_add_up() -> None:
    policy = load(
        _policy(
            {
                "level": "Metadata",
                "omitStages": ["Panic"],
                "omitManagedFields": False,
                "users": ["tim@k8s.io"],
            },
            {"level": "Metadata"},
            omitStages=["RequestReceived"],
            omitManagedFields=True,
        )
    )
    info = Resolver().resolve("GET", _LOG, Query())
    tims, others = policy.recording(_TIM, info), policy.recording(None, info)
    assert (tims.omitted, tims.omits_managed_fields) == ({"RequestReceived", "Panic"}, False)
    assert (others.omitted, others.omits_managed_fields) == ({"RequestReceived"}, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "failed decoding"),
        ("a: b", "unknown group version field"),
        ("apiVersion: audit.k8s.io/v1beta1\nkind: Policy", "unknown group version field"),
        (_policy(), "loaded illegal policy with 0 rules"),
        (_policy({}), "rules[0].level: Required value"),
        (_policy({"level": "All"}), 'rules[0].level: Unsupported value: "All": supported values: "None", '),
        (
            _policy({"level": "None", "nonResourceURLs": ["logs"]}),
            "non-resource URL rules must begin with a '/' character",
        ),
        (_policy({"level": "None", "nonResourceURLs": ["/a*b"]}), "must be the final character of the rule"),
        (
            _policy({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}),
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
        (
            _policy({"level": "None", "resources": [{"resourceNames": ["a"]}]}),
            "using resourceNames requires at least one resource",
        ),
        (
            _policy({"level": "None"}, omitStages=["Now"]),
            "allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic",
        ),
        (_policy({"level": "None", "resources": ["pods"]}), "is not of the form of a Policy"),
    ],
)
def test_policies_that_cannot_be_used(text: str, why: str) -> None:
    with pytest.raises(Unusable) as raised:
        load(text)
    assert why in str(raised.value)
