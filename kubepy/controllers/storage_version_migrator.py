"""StorageVersionMigrations: every object of a kind is written again, as the newest version stores it.

Watches StorageVersionMigrations. Writes an empty apply to each object that is older than the migration, under its uid
and resourceVersion: who changed it meanwhile has migrated it. Of a kind one migration runs at a time, the oldest first:

    Running            its turn has come; a custom kind's definition says StorageMigrating, too
    resourceVersion    what is older is written again
    Succeeded, Failed  for good
    Running: False     ... and of a custom kind only the storage version is stored any more, if it is the same still

A page of objects at a time; after a restart a migration begins again.
Source: kubernetes 1.36
pkg/controller/storageversionmigrator/{migrationrunner,resourceversion,storageversionmigrator}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS, STORAGE_VERSION_MIGRATIONS
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import Controller, ControllerContext
from kubepy.controllers.discovery import Discover
from kubepy.lib.clock import parse_rfc3339

SUCCEEDED, FAILED = "StorageVersionMigrationSucceeded", "StorageVersionMigrationFailed"
VERBS = ("update", "patch", "list")
MIGRATING = "StorageMigrating"
# Who owns that condition. Source: MigrationRunnerControllerName.
RUNNER = "migration-runner-controller"
# How long a kind may take to be discovered.
PATIENCE_S = 60.0
PAGE = 500

_BY_KIND = "kind"

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
    if is_over(migration) or not is_running(migration):
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


def is_over(migration: Obj) -> bool:
    return any(objects.is_condition_true(migration, each) for each in ("Succeeded", "Failed"))


def is_running(migration: Obj) -> bool:
    return objects.is_condition_true(migration, "Running")


def next_of(migrations: Sequence[Obj]) -> Obj | None:
    """Of those of one kind, whose turn it is. Source: getSVMsForResource."""
    waiting = [each for each in migrations if not is_over(each)]
    if any(map(is_running, waiting)):
        return None
    return min(
        waiting,
        key=lambda each: (parse_rfc3339(each["metadata"]["creationTimestamp"]), each["metadata"]["name"]),
        default=None,
    )


def told(migration: Obj, type_: str, reason: str, message: str, *, at: str) -> Obj:
    """The migration with one more condition."""
    condition = {
        "type": type_,
        "status": "True",
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }
    status = migration.get("status") or {}
    return migration | {"status": status | {"conditions": [*objects.conditions(migration), condition]}}


def completed(migration: Obj, *, at: str) -> Obj:
    """The migration when all is done. Source: cleanupAdmission."""
    condition = {
        "type": "Running",
        "status": "False",
        "observedGeneration": migration["metadata"].get("generation", 0),
        "lastTransitionTime": at,
        "reason": "MigrationCompleted",
        "message": "Migration completed",
    }
    conditions = [condition if each["type"] == "Running" else each for each in objects.conditions(migration)]
    return migration | {"status": migration["status"] | {"conditions": conditions}}


def definition_running(definition: Obj, migration: Obj, *, at: str) -> Obj:
    """What is applied to the status of a custom kind's definition while it is migrated. Source: markAsActive."""
    message = f"Migration {migration['metadata']['name']} is running"
    return _applied(definition, "True", "MigrationRunning", message, at)


def definition_finished(definition: Obj, migration: Obj, *, at: str) -> Obj:
    """... and afterwards. One that has changed meanwhile may store other versions. Source: finishCRDMigration.

    Differs: upstream drops the old versions after a failed migration, too, though objects are still stored in them.
    """
    if not objects.is_condition_true(migration, "Succeeded"):
        return _applied(definition, "False", "MigrationFailed", "The migration has failed", at)
    metadata = definition["metadata"]
    known = objects.condition(definition, MIGRATING)
    if known is None or known.get("observedGeneration", 0) != metadata.get("generation", 0):
        why = "but the stored versions have not been updated due to a generation mismatch"
        return _applied(definition, "False", "MigrationSucceeded", f"The migration has succeeded {why}", at)
    what = "The migration has succeeded and the stored versions have been updated"
    applied = _applied(definition, "False", "MigrationSucceeded", what, at)
    stored = [each["name"] for each in definition["spec"]["versions"] if each.get("storage")]
    return applied | {"status": applied["status"] | {"storedVersions": stored}}


def _applied(definition: Obj, status: str, reason: str, message: str, at: str) -> Obj:
    metadata = definition["metadata"]
    condition = {
        "type": MIGRATING,
        "status": status,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
        "observedGeneration": metadata.get("generation", 0),
    }
    return {
        "apiVersion": CUSTOM_RESOURCE_DEFINITIONS.api_version,
        "kind": CUSTOM_RESOURCE_DEFINITIONS.kind,
        # What was read is what is changed, or the versions could be others.
        "metadata": {"name": metadata["name"], "resourceVersion": metadata["resourceVersion"]},
        "status": {"conditions": [condition]},
    }


class StorageVersionMigrator(Controller):
    name = "storage-version-migrator-controller"

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover

    def setup(self) -> None:
        self.migrations = self.watch(
            STORAGE_VERSION_MIGRATIONS, self._of_same_kind, indexes={_BY_KIND: _kind_of}
        )

    def _of_same_kind(self, document: Document, old: Document | None) -> Iterable[Key]:
        (kind,) = _kind_of(document.obj)
        return {document.key, *self.migrations.keys_by_index(_BY_KIND, kind)}

    async def reconcile(self, key: Key) -> None:
        migration = self.migrations.get(key)
        if migration is None:
            return
        if not is_running(migration):
            (kind,) = _kind_of(migration)
            due = next_of(self.migrations.by_index(_BY_KIND, kind))
            if due is not None and objects.key_of(due) == key:
                await self._start(migration)
        elif is_over(migration):
            await self._complete(migration)
        else:
            await self._run(migration)

    async def _start(self, migration: Obj) -> None:
        at = self.clock.rfc3339()
        definition = await self._definition(migration)
        if definition is not None:
            await self._apply(definition_running(definition, migration, at=at))
        running = told(migration, "Running", "MigrationRunning", "The migration is running", at=at)
        await self.client.update(STORAGE_VERSION_MIGRATIONS, running, subresource="status")

    async def _complete(self, migration: Obj) -> None:
        at = self.clock.rfc3339()
        definition = await self._definition(migration)
        if definition is not None:
            await self._apply(definition_finished(definition, migration, at=at))
        done = completed(migration, at=at)
        await self.client.update(STORAGE_VERSION_MIGRATIONS, done, subresource="status")

    async def _definition(self, migration: Obj) -> Obj | None:
        """Of the kind, if it is a custom one."""
        (name,) = _kind_of(migration)
        try:
            return await self.client.get(CUSTOM_RESOURCE_DEFINITIONS, name)
        except errors.NotFound:
            return None

    async def _apply(self, applied: Obj) -> None:
        await self.client.named(RUNNER).patch(
            CUSTOM_RESOURCE_DEFINITIONS,
            applied["metadata"]["name"],
            applied,
            subresource="status",
            content_type=APPLY_PATCH,
            force=True,
        )

    async def _run(self, migration: Obj) -> None:
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
        type_, reason = ("Failed", FAILED) if failure else ("Succeeded", SUCCEEDED)
        done = told(migration, type_, reason, failure, at=self.clock.rfc3339())
        await self.client.update(STORAGE_VERSION_MIGRATIONS, done, subresource="status")
        name = migration["metadata"]["name"]
        if failure:
            self.log.warning("storage_migration_failed", object=name, error=failure)
        else:
            self.log.info("storage_migration_succeeded", object=name)


def _kind_of(migration: Obj) -> Sequence[str]:
    """Index function: what it migrates, as a custom kind's definition is named."""
    wanted = migration["spec"]["resource"]
    return (f"{wanted['resource']}.{wanted.get('group') or ''}",)
