"""Objects are written again. Source: storageversionmigrator_test.go, resourceversion_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import BUILTINS, CONFIG_MAPS, STORAGE_VERSION_MIGRATIONS
from kubepy.controllers.storage_version_migrator import Plan, plan
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.cluster import Cluster

NOW = parse_rfc3339("2026-01-01T00:00:00Z")


def migration(resource: str = "configmaps", group: str = "", *conditions: str) -> Any:
    return {
        "apiVersion": "storagemigration.k8s.io/v1",
        "kind": "StorageVersionMigration",
        "metadata": {"name": "m", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"resource": {"group": group, "resource": resource}},
        "status": {"conditions": [{"type": type_, "status": "True"} for type_ in conditions]},
    }


@pytest.mark.parametrize(
    ("given", "after_s", "expected"),
    [
        (migration(), 0, Plan(CONFIG_MAPS)),
        (migration("configmaps", "", "Succeeded"), 0, Plan()),
        (migration("configmaps", "", "Failed"), 0, Plan()),
        (
            migration("things", "example.com"), 59,
            Plan(wait="resource does not exist in our rest mapper, requeuing to attempt again"),
        ),
        (migration("things", "example.com"), 60, Plan(failure="resource does not exist in discovery")),
        (
            migration("tokenreviews", "authentication.k8s.io"), 0,
            Plan(
                failure='resource "authentication.k8s.io/v1, Resource=tokenreviews" does not support discovery '
                "operations: [update patch list]"
            ),
        ),
    ],
)  # fmt: skip
def test_what_can_be_migrated(given: Any, after_s: float, expected: Plan) -> None:
    assert plan(given, BUILTINS, NOW + after_s) == expected


async def test_a_migration_succeeds_and_changes_nothing(cluster: Cluster) -> None:
    metadata = {"name": "c", "namespace": "default"}
    made = await cluster.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    )
    await cluster.create(migration() | {"metadata": {"name": "m"}, "status": {}})
    await cluster.create(migration("things", "example.com") | {"metadata": {"name": "none"}, "status": {}})
    await cluster.advance("2m")
    status = {
        each["metadata"]["name"]: each["status"] for each in await cluster.list(STORAGE_VERSION_MIGRATIONS)
    }
    (done,) = status["m"]["conditions"]
    assert (done["type"], done["reason"]) == ("Succeeded", "StorageVersionMigrationSucceeded")
    assert int(status["m"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert (await cluster.get(CONFIG_MAPS, "c"))["data"] == {"a": "b"}
    (failed,) = status["none"]["conditions"]
    assert (failed["type"], failed["message"]) == ("Failed", "resource does not exist in discovery")
