"""An APIService for every group version of this server, so that a list of them is the whole truth.

Those of built-in group versions are set right once at the start (automanaged: onstart): a person may change them
afterwards; one that is deleted comes back, for its group version goes on being served (upstream's would not). Those of
CustomResourceDefinitions follow them (automanaged: true). What carries no such label is nobody's but its maker's.

Source: kube-aggregator pkg/controllers/autoregister/autoregister_controller.go,
kubernetes pkg/controlplane/apiserver/aggregator.go,
pkg/controlplane/controller/crdregistration/crdregistration_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from kubepy.api import errors
from kubepy.api.builtins import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS
from kubepy.api.objects import Document, Key, Obj, copy, labels_of, uid_of
from kubepy.api.resources import Resource
from kubepy.apiserver.aggregation import priorities
from kubepy.apiserver.aggregation.priorities import Priority
from kubepy.apiserver.aggregation.routes import group_version_of
from kubepy.client.controller import After, Controller, ControllerContext, key_of

AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"

_BY_GROUP_VERSION = "by_group_version"


class RegistrationController(Controller):
    name = "autoregister"
    # Enough to fill a group commit: all of them are made at the first start.
    workers = 16

    def __init__(self, context: ControllerContext, local: Sequence[Resource]) -> None:
        super().__init__(context)
        self._builtin = builtin_api_services(local)
        self._at_start: frozenset[Key] | None = None
        self._synced: set[Key] = set()
        self._is_done = asyncio.Event()

    def setup(self) -> None:
        self._api_services = self.watch(API_SERVICES, key_of)
        self._definitions = self.watch(
            CUSTOM_RESOURCE_DEFINITIONS,
            _group_versions_of_both,
            indexes={_BY_GROUP_VERSION: group_versions_of},
        )
        for name in self._builtin:
            self.queue.add(Key("", name))

    async def wait_done(self) -> None:
        """Until the built-in ones are there."""
        await self._is_done.wait()

    async def reconcile(self, key: Key) -> After | None:
        if self._at_start is None:
            self._at_start = frozenset(self._api_services.keys())
        await self._sync(key)
        self._synced.add(key)
        if not self._is_done.is_set() and all(Key("", name) in self._synced for name in self._builtin):
            self._is_done.set()
        return None

    async def _sync(self, key: Key) -> None:
        """Source: checkAPIService, whose table this follows."""
        current, wanted = self._api_services.get(key), self._wanted(key.name)
        has_synced = key in self._synced
        if current is None:
            if wanted is not None:
                await self._create(wanted)
            return
        how = _managed(current)
        assert self._at_start is not None, "set by reconcile"
        if not how or (how == ON_START and (has_synced or key not in self._at_start)):
            return
        if wanted is None:
            await self._delete(key, current)
        elif current.get("spec") != wanted["spec"]:
            changed = copy(current)
            changed["spec"] = wanted["spec"]
            await self.client.update(API_SERVICES, changed)

    async def _create(self, wanted: Obj) -> None:
        try:
            await self.client.create(API_SERVICES, wanted)
        except errors.AlreadyExists:
            pass  # somebody was faster: the change comes by

    async def _delete(self, key: Key, current: Obj) -> None:
        try:
            await self.client.delete(API_SERVICES, key.name, uid=uid_of(current))
        except (errors.NotFound, errors.Conflict):
            pass

    def _wanted(self, name: str) -> Obj | None:
        if (found := self._builtin.get(name)) is not None:
            return found
        if self._definitions.count_by_index(_BY_GROUP_VERSION, name):
            group, version = group_version_of(name)
            return api_service(group, version, priorities.CUSTOM, ALWAYS)
        return None


def builtin_api_services(local: Sequence[Resource]) -> dict[str, Obj]:
    """By name."""
    found: dict[str, Obj] = {}
    for group, version in dict.fromkeys((row.group, row.version) for row in local):
        priority = priorities.builtin(group, version)
        if priority is not None:
            found[f"{version}.{group}"] = api_service(group, version, priority, ON_START)
    return found


def api_service(group: str, version: str, priority: Priority, managed: str) -> Obj:
    spec: Obj = {"group": group} if group else {}
    return {
        "apiVersion": API_SERVICES.api_version,
        "kind": API_SERVICES.kind,
        "metadata": {"name": f"{version}.{group}", "labels": {AUTOMANAGED: managed}},
        "spec": spec
        | {
            "version": version,
            "groupPriorityMinimum": priority.group,
            "versionPriority": priority.version,
        },
    }


def group_versions_of(definition: Obj) -> list[str]:
    """Names of the APIServices of a CustomResourceDefinition."""
    spec = definition.get("spec") or {}
    return [f"{each['name']}.{spec['group']}" for each in spec.get("versions") or () if each.get("served")]


def _group_versions_of_both(document: Document, old: Document | None) -> Iterable[Key]:
    names = group_versions_of(document.obj) + (group_versions_of(old.obj) if old is not None else [])
    return [Key("", name) for name in dict.fromkeys(names)]


def _managed(obj: Obj) -> str:
    how = labels_of(obj).get(AUTOMANAGED, "")
    return how if how in (ON_START, ALWAYS) else ""
