import pytest

from kubepy.api import errors
from kubepy.api.builtins import DEPLOYMENTS, PODS


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (errors.not_found(PODS, "web"), 404, "NotFound", 'pods "web" not found'),
        (errors.not_found(DEPLOYMENTS, "web"), 404, "NotFound", 'deployments.apps "web" not found'),
        (errors.already_exists(PODS, "web"), 409, "AlreadyExists", 'pods "web" already exists'),
        (
            errors.generate_name_conflict(PODS, "web-x"),
            409,
            "AlreadyExists",
            'pods "web-x" already exists, the server was not able to generate a unique name for the object',
        ),
        (
            errors.conflict(PODS, "web"),
            409,
            "Conflict",
            'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to '
            "the latest version and try again",
        ),
        (errors.forbidden(PODS, "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (
            errors.method_not_supported(DEPLOYMENTS, "post"),
            405,
            "MethodNotAllowed",
            'post is not supported on resources of kind "deployments.apps"',
        ),
        (errors.timeout("slow", 0), 504, "Timeout", "Timeout: slow"),
        (
            errors.request_entity_too_large(3),
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3",
        ),
        (errors.InternalError("x"), 500, "InternalError", "Internal error occurred: x"),
    ],
)
def test_texts(error, code, reason, message):
    status = error.status()
    assert (status["code"], status["reason"], status["message"]) == (code, reason, message)
    again = errors.from_status(status, code)
    assert type(again) is type(error)
    assert again.status() == status


def test_retry_after_comes_from_the_details():
    assert errors.TooManyRequests("busy", details={"retryAfterSeconds": 3}).retry_after_s == 3
    assert errors.not_found(PODS, "x").retry_after_s is None


def test_findings_become_one_status():
    findings = [
        errors.required("spec.selector"),
        errors.invalid_value("spec.replicas", -1, "must be greater than or equal to 0"),
        errors.required("spec.selector"),
    ]
    error = errors.invalid(DEPLOYMENTS, "web", findings)
    assert error.message == (
        'Deployment.apps "web" is invalid: [spec.selector: Required value, '
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0]"
    )
    assert error.details["kind"] == "Deployment" and len(error.details["causes"]) == 3
    assert error.details["causes"][1] == {
        "reason": "FieldValueInvalid",
        "message": "Invalid value: -1: must be greater than or equal to 0",
        "field": "spec.replicas",
    }
    assert errors.invalid(PODS, "web", []).message == 'Pod "web" is invalid'


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (errors.not_supported("a", "x", ("B", "C")), 'a: Unsupported value: "x": supported values: "B", "C"'),
        (errors.duplicate("a[1]", "x"), 'a[1]: Duplicate value: "x"'),
        (errors.forbidden_field("a", "no"), "a: Forbidden: no"),
        (errors.too_long("a", 1), "a: Too long: may not be more than 1 byte"),
        (errors.too_many("a", 5, 1), "a: Too many: 5: must have at most 1 item"),
        (errors.not_found_field("a", "x"), 'a: Not found: "x"'),
        (
            errors.invalid_value("a", {"z": "1", "b": "<"}, "x"),
            'a: Invalid value: {"b":"\\u003c","z":"1"}: x',
        ),
        (errors.invalid_value("a", None, ""), "a: Invalid value: null"),
        (errors.invalid_value("a", True, ""), "a: Invalid value: true"),
        (errors.invalid_value("a", 'q"\\\n\x00é', ""), 'a: Invalid value: "q\\"\\\\\\n\\x00é"'),
    ],
)
def test_finding_texts(finding, text):
    assert str(finding) == text


def test_from_status_takes_any_answer():
    assert isinstance(errors.from_status("nonsense", 404), errors.NotFound)
    assert errors.from_status({}, 418).code == 418


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.rules[0].values", []), ("spec.labels", {}), ("spec.rules[1].values", None), ("spec.nope", None),
        ("spec.full", None), ("", None), ("spec.labels[a.b/c]", None),
    ],
)  # fmt: skip
def test_what_is_empty_is_shown_as_it_was_given(path: str, value: object) -> None:
    body = b'{"spec": {"rules": [{"values": []}], "labels": {}, "full": {"a": 1}}}'
    finding = errors.invalid_value(path, None, "why")
    assert errors.as_given([finding], body) == [finding._replace(value=value)]
    assert errors.as_given([finding], b"no JSON") == [finding]
