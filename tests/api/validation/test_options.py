import pytest

from kubepy.api.validation import options


def texts(findings):
    return [str(finding) for finding in findings]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"dry_run": ["All"], "field_validation": "Strict", "field_manager": "me"}, []),
        ({"dry_run": ["Some"]}, ['dryRun: Unsupported value: ["Some"]: supported values: "All"']),
        (
            {"field_validation": "Hard"},
            ['fieldValidation: Unsupported value: "Hard": supported values: "", "Ignore", "Strict", "Warn"'],
        ),
        ({"field_manager": "x" * 129}, ["fieldManager: Too long: may not be more than 128 bytes"]),
        (
            {"field_manager": "a\n"},
            ['fieldManager: Invalid value: "a\\n": invalid character U+000A (at position 1)'],
        ),
    ],
)
def test_write_options(given, found):
    assert texts(options.validate_write(**given)) == found


def test_patch_options():
    assert texts(options.validate_patch(is_apply=True, force=None)) == [
        "fieldManager: Required value: is required for apply patch"
    ]
    assert texts(options.validate_patch(is_apply=False, force=True)) == [
        "force: Forbidden: may not be specified for non-apply patch"
    ]
    assert texts(options.validate_patch(is_apply=True, force=True, field_manager="me")) == []


def test_delete_options():
    assert texts(options.validate_delete({"propagationPolicy": "Orphan"})) == []
    assert texts(options.validate_delete({"propagationPolicy": "Now"})) == [
        'propagationPolicy: Unsupported value: "Now": supported values: "Foreground", "Background", "Orphan", "nil"'
    ]
    assert texts(options.validate_delete({"propagationPolicy": "Orphan", "orphanDependents": True})) == [
        'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"resource_version": "5", "resource_version_match": "Exact"}, []),
        (
            {"resource_version_match": "Exact"},
            [
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            ],
        ),
        (
            {"resource_version": "0", "resource_version_match": "Exact"},
            [
                'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            ],
        ),
        (
            {"resource_version": "5", "resource_version_match": "Exact", "continue_token": "x"},
            ["resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"],
        ),
        (
            {"resource_version": "5", "resource_version_match": "Near"},
            [
                'resourceVersionMatch: Unsupported value: "Near": '
                'supported values: "Exact", "NotOlderThan", ""'
            ],
        ),
        (
            {"send_initial_events": True},
            ["sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"],
        ),
        (
            {"is_watch": True, "send_initial_events": True},
            [
                "resourceVersionMatch: Forbidden: "
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            ],
        ),
        ({"is_watch": True, "send_initial_events": True, "resource_version_match": "NotOlderThan"}, []),
        (
            {"is_watch": True, "resource_version_match": "NotOlderThan"},
            [
                "resourceVersionMatch: Forbidden: "
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            ],
        ),
    ],
)
def test_list_options(given, found):
    assert texts(options.validate_list(**given)) == found
