"""The default ServiceAccount. Source: serviceaccount/serviceaccounts_controller_test.go."""

from __future__ import annotations

import pytest

from kubepy.controllers import service_account


@pytest.mark.parametrize(
    ("phase", "present", "made"),
    [("Active", False, ("default",)), ("Active", True, ()), ("Terminating", False, ()), ("", False, ())],
)
def test_active_namespaces_get_what_they_lack(phase: str, present: bool, made: tuple[str, ...]) -> None:
    namespace = {"metadata": {"name": "x"}, "status": {"phase": phase}}
    assert service_account.plan(namespace, lambda name: present).create == made
