"""Upstream's cases of pkg/registry/core/pod/strategy_test.go TestApplyAppArmorVersionSkew."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import app_armor

Obj = dict[str, Any]
DEFAULT, UNCONFINED = {"type": "RuntimeDefault"}, {"type": "Unconfined"}
KEY = app_armor.PREFIX + "ctr"
WARNING = f'metadata.annotations[{KEY}]: deprecated since v1.30; use the "appArmorProfile" field instead'


@pytest.mark.parametrize(
    ("annotation", "of_pod", "of_container", "expected", "warned"),
    [
        ("", None, None, None, True),
        ("runtime/default", None, None, DEFAULT, True),
        ("unconfined", None, None, UNCONFINED, True),
        ("localhost/p", None, None, {"type": "Localhost", "localhostProfile": "p"}, True),
        ("localhost/", None, None, None, True),
        ("localhost/ p", None, None, None, True),
        ("localhost/" + "p" * 4096, None, None, None, True),
        ("bogus", None, None, None, True),
        ("unconfined", None, DEFAULT, DEFAULT, False),
        ("runtime/default", DEFAULT, None, None, False),
        ("unconfined", DEFAULT, None, UNCONFINED, True),
    ],
)
def test_annotations_become_fields(
    annotation: str, of_pod: Obj | None, of_container: Obj | None, expected: Obj | None, warned: bool
) -> None:
    container: Obj = {"name": "ctr"}
    pod: Obj = {"metadata": {"annotations": {KEY: annotation}}, "spec": {"containers": [container]}}
    if of_pod is not None:
        pod["spec"]["securityContext"] = {"appArmorProfile": of_pod}
    if of_container is not None:
        container["securityContext"] = {"appArmorProfile": of_container}
    assert list(app_armor.follow_annotations(pod)) == ([WARNING] if warned else [])
    assert container.get("securityContext", {}).get("appArmorProfile") == expected


def test_windows_has_none() -> None:
    pod: Obj = {
        "metadata": {"annotations": {KEY: "unconfined"}},
        "spec": {"os": {"name": "windows"}, "containers": [{"name": "ctr"}]},
    }
    assert list(app_armor.follow_annotations(pod)) == []
    assert pod["spec"]["containers"] == [{"name": "ctr"}]
