from __future__ import annotations

import pytest

from kubepy.api import images


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.29", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:aa", "IfNotPresent"),
        (f"nginx:latest@sha256:{'a' * 64}", "Always"),
        (f"nginx@sha256:{'a' * 64}", "IfNotPresent"),
        ("nginx:latest@sha256:aa", "IfNotPresent"),
        ("UPPER", "IfNotPresent"),
        ("Bad Value!", "IfNotPresent"),
        ("UPPER/nginx", "Always"),
        ("localhost/a/b", "Always"),
        ("a" * 64, "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert images.pull_policy(image) == policy
