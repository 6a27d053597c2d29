"""Stages of kinds that are neither Pods nor Nodes: a claim that is provisioned, a custom resource that becomes ready.

One controller for each such kind, on all its objects. It works under the identity that the kubelets were started with,
not a node's: whoever writes stages for other kinds says what the cluster does.

Promised: a kind that is not served yet is waited for. Not promised: that a stage which failed half way begins anew from
where it was; it begins from its first step.

Source: kwok pkg/kwok/controllers/stage_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.objects import Key, Obj, uid_of
from kubepy.api.resources import Resource
from kubepy.client.controller import After, Controller, ControllerContext, Terminal, key_of
from kubepy.client.discovery import resource_of
from kubepy.client.transport import ConnectionLost
from kubepy.kubelet import stage_actions
from kubepy.kubelet.gotemplate import TemplateError
from kubepy.kubelet.stages import Apply, Delete, Event, Finalizers, Patch, Stage, choose

# Kinds with lives of their own.
ELSEWHERE = (("v1", "Pod"), ("v1", "Node"))

# How often a server is asked for a kind that it does not have yet.
KIND_RETRY_S = 5.0


class _Due(Struct, frozen=True):
    uid: str
    stage: Stage
    at: float  # monotonic seconds


def by_kind(stages: Sequence[Stage]) -> dict[tuple[str, str], list[Stage]]:
    """(apiVersion, kind) -> its stages, without ELSEWHERE."""
    found: dict[tuple[str, str], list[Stage]] = {}
    for stage in stages:
        found.setdefault((stage.api_version, stage.kind), []).append(stage)
    return {kind: listed for kind, listed in found.items() if kind not in ELSEWHERE}


async def play(context: ControllerContext, api_version: str, kind: str, stages: Sequence[Stage]) -> None:
    """For ever."""
    said = False
    while True:
        try:
            resource = await resource_of(context.client, api_version, kind)
        except (errors.StatusError, ConnectionLost) as error:
            context.log.warning("stages_wait", kind=kind, api_version=api_version, error=str(error))
            resource = None
        if resource is not None:
            await ObjectStages(context, resource, stages).run()
            return
        if not said:
            said = True
            context.log.info("stages_wait_for_kind", kind=kind, api_version=api_version)
        await context.clock.sleep(KIND_RETRY_S)


class ObjectStages(Controller):
    """The objects of one kind."""

    workers = 8

    def __init__(self, context: ControllerContext, resource: Resource, stages: Sequence[Stage]) -> None:
        self.name = f"stages-{resource.group_resource}"
        super().__init__(context)
        self._resource, self._stages = resource, stages
        self._due: dict[Key, _Due] = {}

    def setup(self) -> None:
        self.objects = self.watch(self._resource, key_of)

    async def reconcile(self, key: Key) -> After | None:
        obj = self.objects.get(key)
        view = {**obj, "facts": {}} if obj is not None else {}
        chosen = choose(self._stages, view, now=self.clock.now(), random=self.random) if obj else None
        if obj is None or chosen is None:
            self._due.pop(key, None)
            return None
        stage, delay_s = chosen
        now, due = self.clock.monotonic(), self._due.get(key)
        if due is None or due.uid != uid_of(obj) or due.stage is not stage:
            due = self._due[key] = _Due(uid_of(obj), stage, now + delay_s)
        if due.at > now:
            return After(due.at - now)
        await self._take(stage, view, obj)
        self._due.pop(key, None)
        return After(0.0) if stage.again else None

    async def _take(self, stage: Stage, view: Obj, obj: Obj) -> None:
        functions = {"Now": self.clock.rfc3339}
        try:
            for action in stage.actions:
                match action:
                    case Patch():
                        await stage_actions.patch(self.client, self._resource, obj, action, view, functions)
                    case Apply():
                        await stage_actions.apply(self.client, obj, action, view, functions)
                    case Finalizers():
                        await stage_actions.finalize(self.client, self._resource, obj, action)
                    case Event():
                        self.events.event(obj, action.type, action.reason, action.message)
                    case Delete():
                        metadata = obj["metadata"]
                        await self.client.delete(
                            self._resource,
                            metadata["name"],
                            metadata.get("namespace", ""),
                            uid=uid_of(obj),
                            grace_period_s=0,
                        )
        except errors.NotFound:
            return
        except TemplateError as error:
            raise Terminal(f"stage {stage.name}: {error}") from None
        self.log.info("object_stage", object=str(objects.key_of(obj)), kind=obj["kind"], stage=stage.name)
