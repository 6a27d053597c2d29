"""What of a Job may change. Cases of batch/validation_test.go TestValidateJobUpdate and job/strategy_test.go."""

import json

import pytest

LABELS = {"batch.kubernetes.io/controller-uid": "u", "batch.kubernetes.io/job-name": "x"}
WHOLE, SPEC = "spec.template: ", "spec.template.spec: "
STARTED = {"startTime": "2024-01-01T00:00:00Z"}
SUSPENDED = STARTED | {"conditions": [{"type": "Suspended", "status": "True"}]}


def job(status=None, *, suspend=True, labels=None, resources=None, **spec):
    container = {"name": "c", "image": spec.pop("image", "i"), "resources": resources or {}}
    template = {
        "metadata": {"labels": LABELS | (labels or {})},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "initContainers": [container | {"name": "i"}],
        }
        | spec,
    }
    spec = {
        "suspend": suspend,
        "selector": {"matchLabels": LABELS},
        "manualSelector": True,
        "template": template,
    }
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"resourceVersion": "1", "uid": "u"}}
    return json.dumps({**head, "spec": spec, "status": status or {}})


@pytest.mark.parametrize(
    ("status", "suspend", "change", "refused_at"),
    [
        ({}, True, {"resources": {"requests": {"cpu": "1"}}}, ""),
        ({}, True, {"tolerations": [{"key": "a", "operator": "Exists"}]}, ""),
        ({}, True, {"nodeSelector": {"a": "b"}, "labels": {"c": "d"}, "resources": {"limits": {"cpu": "1"}}}, ""),
        ({}, True, {"image": "other"}, SPEC),
        ({}, True, {"image": "other", "resources": {"requests": {"cpu": "1"}}}, SPEC),
        ({}, True, {"containers": []}, SPEC),
        (SUSPENDED, True, {"resources": {"requests": {"cpu": "1"}}}, ""),
        (SUSPENDED, True, {"nodeSelector": {"a": "b"}}, ""),
        (SUSPENDED | {"active": 1}, True, {"resources": {"requests": {"cpu": "1"}}}, WHOLE),
        (SUSPENDED | {"active": 1}, True, {"nodeSelector": {"a": "b"}}, WHOLE),
        (STARTED, True, {"nodeSelector": {"a": "b"}}, WHOLE),
        ({}, False, {"nodeSelector": {"a": "b"}}, WHOLE),
        ({}, False, {"resources": {"requests": {"cpu": "1"}}}, WHOLE),
    ],
)  # fmt: skip
def test_the_template_of_a_suspended_job(rules, status, suspend, change, refused_at):
    found = rules.update(job(status, suspend=suspend), job(status, suspend=suspend, **change))
    refused = [text for text in found if "field is immutable" in text]
    assert [text[: len(refused_at)] for text in refused] == ([refused_at] if refused_at else [])
