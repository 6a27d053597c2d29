"""Objects are written again. Source: storageversionmigrator_test.go, resourceversion_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import (
    BUILTINS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    STORAGE_VERSION_MIGRATIONS,
)
from kubepy.api.objects import condition
from kubepy.controllers.storage_version_migrator import (
    Plan,
    definition_finished,
    definition_running,
    next_of,
    plan,
)
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.builders import make_custom_kind
from kubepy.testing.cluster import Cluster

NOW = parse_rfc3339("2026-01-01T00:00:00Z")


def migration(resource: str = "configmaps", group: str = "", *conditions: str) -> Any:
    return {
        "apiVersion": "storagemigration.k8s.io/v1",
        "kind": "StorageVersionMigration",
        "metadata": {"name": "m", "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 1},
        "spec": {"resource": {"group": group, "resource": resource}},
        "status": {"conditions": [{"type": type_, "status": "True"} for type_ in conditions]},
    }


@pytest.mark.parametrize(
    ("given", "after_s", "expected"),
    [
        (migration("configmaps", "", "Running"), 0, Plan(CONFIG_MAPS)),
        (migration(), 0, Plan()),
        (migration("configmaps", "", "Running", "Succeeded"), 0, Plan()),
        (migration("configmaps", "", "Running", "Failed"), 0, Plan()),
        (
            migration("things", "example.com", "Running"), 59,
            Plan(wait="resource does not exist in our rest mapper, requeuing to attempt again"),
        ),
        (migration("things", "example.com", "Running"), 60, Plan(failure="resource does not exist in discovery")),
        (
            migration("tokenreviews", "authentication.k8s.io", "Running"), 0,
            Plan(
                failure='resource "authentication.k8s.io/v1, Resource=tokenreviews" does not support discovery '
                "operations: [update patch list]"
            ),
        ),
    ],
)  # fmt: skip
def test_what_can_be_migrated(given: Any, after_s: float, expected: Plan) -> None:
    assert plan(given, BUILTINS, NOW + after_s) == expected


def of_age(name: str, created: str, *conditions: str) -> Any:
    made = migration("configmaps", "", *conditions)
    return made | {"metadata": {"name": name, "creationTimestamp": f"2026-01-01T00:00:{created}Z"}}


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ([], None),
        ([of_age("b", "02"), of_age("a", "03")], "b"),
        ([of_age("b", "02"), of_age("a", "02")], "a"),
        ([of_age("a", "01"), of_age("b", "02", "Running")], None),
        ([of_age("a", "01", "Succeeded"), of_age("b", "02")], "b"),
        ([of_age("a", "01", "Running", "Failed"), of_age("b", "02")], "b"),
    ],
)
def test_one_at_a_time_and_the_oldest_first(given: list[Any], due: str | None) -> None:
    """Cases: migrationrunner_test.go."""
    found = next_of(given)
    assert (found and found["metadata"]["name"]) == due


async def test_a_custom_kind_stores_only_its_newest_version_afterwards(cluster: Cluster) -> None:
    kind = make_custom_kind("Cask").obj()
    v1 = kind["spec"]["versions"][0]
    await cluster.create(kind)
    await cluster.settle()
    name = kind["metadata"]["name"]

    async def definition() -> Any:
        return await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, name)

    changed = await definition()
    changed["spec"]["versions"] = [v1 | {"storage": False}, v1 | {"name": "v2"}]
    await cluster.client.update(CUSTOM_RESOURCE_DEFINITIONS, changed)
    await cluster.settle()
    assert (await definition())["status"]["storedVersions"] == ["v1", "v2"]
    for number in (1, 2):
        wanted = migration("casks", "example.com") | {"metadata": {"name": f"m{number}"}, "status": {}}
        await cluster.create(wanted)
        await cluster.advance("2m")
        done = await definition()
        assert done["status"]["storedVersions"] == ["v2"]
        told = condition(done, "StorageMigrating")
        assert told is not None
        assert (told["status"], told["reason"], told["message"]) == (
            "False",
            "MigrationSucceeded",
            "The migration has succeeded and the stored versions have been updated",
        )


def test_what_a_definition_says_while_it_is_migrated_and_afterwards() -> None:
    definition: Any = {
        "metadata": {"name": "casks.example.com", "resourceVersion": "7", "generation": 2},
        "spec": {"versions": [{"name": "v1"}, {"name": "v2", "storage": True}]},
    }
    during = definition_running(definition, migration(), at="T")
    assert during["metadata"] == {"name": "casks.example.com", "resourceVersion": "7"}
    assert during["status"] == {
        "conditions": [
            {
                "type": "StorageMigrating", "status": "True", "observedGeneration": 2, "lastTransitionTime": "T",
                "reason": "MigrationRunning", "message": "Migration m is running",
            }
        ]
    }  # fmt: skip
    same, older = definition | during, definition | {"status": {"conditions": []}}
    succeeded, failed = migration("c", "", "Running", "Succeeded"), migration("c", "", "Running", "Failed")
    for given, finished, storage, message in (
        (same, succeeded, ["v2"], "The migration has succeeded and the stored versions have been updated"),
        (
            older, succeeded, None,
            "The migration has succeeded but the stored versions have not been updated due to a generation mismatch",
        ),
        (same, failed, None, "The migration has failed"),
    ):  # fmt: skip
        status = definition_finished(given | {"metadata": definition["metadata"]}, finished, at="T")["status"]
        assert status.get("storedVersions") == storage
        assert (status["conditions"][0]["status"], status["conditions"][0]["message"]) == ("False", message)


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
    running, done = status["m"]["conditions"]
    assert (running["type"], running["status"], running["reason"]) == (
        "Running", "False", "MigrationCompleted",
    )  # fmt: skip
    assert (done["type"], done["reason"]) == ("Succeeded", "StorageVersionMigrationSucceeded")
    assert int(status["m"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert (await cluster.get(CONFIG_MAPS, "c"))["data"] == {"a": "b"}
    failed = status["none"]["conditions"][1]
    assert (failed["type"], failed["message"]) == ("Failed", "resource does not exist in discovery")
