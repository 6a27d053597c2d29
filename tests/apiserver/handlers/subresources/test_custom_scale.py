"""A Scale put into a custom object, and taken from one."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.custom import ScalePaths
from kubepy.api.errors import BadRequest
from kubepy.apiserver.handlers.subresources import custom_scale

PATHS = ScalePaths(("spec", "size"), ("status", "size"), ())
BARE: dict[str, Any] = {"metadata": {"name": "a"}}


def test_nothing_said_is_none() -> None:
    custom_scale.put(found := {"metadata": {}}, {"spec": {}}, PATHS)
    assert found["spec"] == {"size": 0}


def test_a_patch_of_what_has_no_replicas_must_say_some() -> None:
    scale = custom_scale.to_change(custom_scale.scale_of(BARE, PATHS), BARE, PATHS)
    with pytest.raises(BadRequest) as refused:
        custom_scale.put({**BARE}, scale, PATHS)
    assert str(refused.value) == 'the spec replicas field ".spec.size" cannot be empty'
    # Of what has some, a patch may say nothing.
    sized = BARE | {"spec": {"size": 3}}
    assert custom_scale.to_change(custom_scale.scale_of(sized, PATHS), sized, PATHS)["spec"] == {
        "replicas": 3
    }
