"""StorageVersionMigrations: every object of a kind is written again, as the newest version stores it.

Watches StorageVersionMigrations. Writes an empty apply to each object that is older than the migration, under its uid
and resourceVersion: who changed it meanwhile has migrated it. Writes status.resourceVersion, then the condition
Succeeded or Failed; each is for good.

A page of objects at a time; after a restart a migration begins again.
Source: kubernetes 1.36 pkg/controller/storageversionmigrator/{resourceversion,storageversionmigrator}.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import STORAGE_VERSION_MIGRATIONS
from kubepy.api.objects import Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import Controller, ControllerContext, key_of
from kubepy.controllers.discovery import Discover
from kubepy.lib.clock import parse_rfc3339

SUCCEEDED, FAILED = "StorageVersionMigrationSucceeded", "StorageVersionMigrationFailed"
VERBS = ("update", "patch", "list")
# How long a kind may take to be discovered.
PATIENCE_S = 60.0
PAGE = 500

_PASSING = (
    errors.ServerTimeout,
    errors.TooManyRequests,
    errors.ServiceUnavailable,
    errors.InternalError,
    errors.Timeout,
)


class Plan(Struct, frozen=True):
    migrate: Resource | None = None
    failure: str = ""
    wait: str = ""  # why it is tried again


def plan(migration: Obj, served: Iterable[Resource], now: float) -> Plan:
    if objects.is_condition_true(migration, "Succeeded") or objects.is_condition_true(migration, "Failed"):
        return Plan()
    wanted = migration["spec"]["resource"]
    group, plural = wanted.get("group") or "", wanted["resource"]
    row = next((row for row in served if (row.group, row.plural) == (group, plural)), None)
    if row is None:
        age_s = now - parse_rfc3339(migration["metadata"]["creationTimestamp"])
        if age_s < PATIENCE_S:
            return Plan(wait="resource does not exist in our rest mapper, requeuing to attempt again")
        return Plan(failure="resource does not exist in discovery")
    if not set(VERBS) <= set(row.verbs):
        name = f"{row.group}/{row.version}, Resource={row.plural}"
        return Plan(failure=f'resource "{name}" does not support discovery operations: [{" ".join(VERBS)}]')
    return Plan(row)


def finished(migration: Obj, *, failure: str, at: str) -> Obj:
    """The migration with its last condition."""
    condition = {
        "type": "Failed" if failure else "Succeeded",
        "status": "True",
        "lastTransitionTime": at,
        "reason": FAILED if failure else SUCCEEDED,
        "message": failure,
    }
    status = migration.get("status") or {}
    return migration | {"status": status | {"conditions": [*objects.conditions(migration), condition]}}


class StorageVersionMigrator(Controller):
    name = "storage-version-migrator-controller"

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover

    def setup(self) -> None:
        self.migrations = self.watch(STORAGE_VERSION_MIGRATIONS, key_of)

    async def reconcile(self, key: Key) -> None:
        migration = self.migrations.get(key)
        if migration is None:
            return
        decided = plan(migration, (await self._discover()).resources, self.clock.now())
        if decided.wait:
            raise errors.ServiceUnavailable(decided.wait)
        if decided.failure:
            await self._finish(migration, decided.failure)
        elif decided.migrate is not None:
            migration = await self._begun(migration, decided.migrate)
            await self._finish(migration, await self._migrate(decided.migrate, migration))

    async def _begun(self, migration: Obj, row: Resource) -> Obj:
        """With the revision up to which objects are old."""
        if (migration.get("status") or {}).get("resourceVersion"):
            return migration
        page = await self.client.list(row, limit=1)
        status = (migration.get("status") or {}) | {"resourceVersion": str(page.revision)}
        return await self.client.update(
            STORAGE_VERSION_MIGRATIONS, migration | {"status": status}, subresource="status"
        )

    async def _migrate(self, row: Resource, migration: Obj) -> str:
        """Why it cannot be done, "" when it is done. Raises what may pass."""
        newest, token = int(migration["status"]["resourceVersion"]), ""
        while True:
            page = await self.client.list(row, limit=PAGE, continue_token=token)
            for document in page.documents:
                if document.revision > newest:
                    continue
                metadata = document.obj["metadata"]
                applied = {
                    "apiVersion": row.api_version,
                    "kind": row.kind,
                    "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
                }
                try:
                    await self.client.patch(
                        row,
                        document.key.name,
                        applied,
                        namespace=document.key.namespace,
                        content_type=APPLY_PATCH,
                    )
                except (errors.Conflict, errors.NotFound):
                    continue
                except _PASSING:
                    raise
                except errors.StatusError as error:
                    return f"migration encountered unhandled error: {error.message}"
            token = page.continue_token
            if not token:
                return ""

    async def _finish(self, migration: Obj, failure: str) -> None:
        done = finished(migration, failure=failure, at=self.clock.rfc3339())
        await self.client.update(STORAGE_VERSION_MIGRATIONS, done, subresource="status")
        name = migration["metadata"]["name"]
        if failure:
            self.log.warning("storage_migration_failed", object=name, error=failure)
        else:
            self.log.info("storage_migration_succeeded", object=name)
