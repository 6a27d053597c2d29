"""Stages for Nodes: what is due when for each, and doing it. The node's own reports and leases are nodes.py's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.builtins import NODES
from kubepy.api.objects import Obj, uid_of
from kubepy.client.client import Client
from kubepy.client.controller import ControllerContext
from kubepy.kubelet import stage_actions
from kubepy.kubelet.gotemplate import TemplateError
from kubepy.kubelet.stages import Apply, Delete, Event, Finalizers, Patch, Stage, Step, choose
from kubepy.kubelet.template_functions import functions

Report = Callable[[Client, Obj], Awaitable[None]]


class _Due(Struct, frozen=True):
    uid: str
    stage: Stage
    at: float  # monotonic seconds


class NodeStages:
    """`report` writes a node's whole status: the step heartbeat. Falsy without stages."""

    def __init__(
        self, context: ControllerContext, stages: Sequence[Stage], report: Report, operator: Client
    ) -> None:
        self._operator = operator  # who writes what is no node
        self._context, self._stages, self._report = context, stages, report
        self._due: dict[str, _Due] = {}

    def __bool__(self) -> bool:
        return bool(self._stages)

    def forget(self, name: str) -> None:
        self._due.pop(name, None)

    def speaks_for(self, name: str) -> bool:
        """One of kwok's stages is about to write, or keeps writing, this node's status."""
        due = self._due.get(name)
        return due is not None and any(
            isinstance(action, Patch) and action.subresource == "status" for action in due.stage.actions
        )

    async def play(self, client: Client, node: Obj, now: float) -> float | None:
        """Do what is due; returns the seconds until the next stage, None if there is none."""
        if not self._stages:
            return None
        context, name = self._context, node["metadata"]["name"]
        status = {"phase": "Running"} | (node.get("status") or {})
        view = {**node, "status": status, "facts": {"heartbeat": 0.0}}
        chosen = choose(self._stages, view, now=now, random=context.random)
        if chosen is None:
            self.forget(name)
            return None
        stage, delay = chosen
        monotonic, due = context.clock.monotonic(), self._due.get(name)
        if due is None or due.uid != uid_of(node) or due.stage is not stage:
            due = self._due[name] = _Due(uid_of(node), stage, monotonic + delay)
        if due.at > monotonic:
            return due.at - monotonic
        try:
            for action in stage.actions:
                await self._act(client, action, view, node)
        except (errors.NotFound, errors.Conflict):
            pass
        except TemplateError as error:
            context.log.warning("stage_failed", object=name, stage=stage.name, error=str(error))
        else:
            context.log.info("node_stage", object=name, stage=stage.name)
        # It may be the next one too; what it wrote comes back as a change before that.
        self._due[name] = _Due(uid_of(node), stage, monotonic + max(delay, 0.001))
        return max(delay, 0.001)

    async def _act(self, client: Client, action: object, view: Obj, node: Obj) -> None:
        name = node["metadata"]["name"]
        match action:
            case Step():
                await self._report(client, node)
            case Patch():
                known = functions(node, clock=self._context.clock)
                await stage_actions.patch(client, NODES, node, action, view, known)
            case Apply():
                known = functions(node, clock=self._context.clock)
                await stage_actions.apply(self._operator, node, action, view, known)
            case Finalizers():
                await stage_actions.finalize(client, NODES, node, action)
            case Event():
                self._context.events.event(node, action.type, action.reason, action.message)
            case Delete():
                # Not even a node's own is a kubelet's to delete.
                await self._context.client.delete(NODES, name, uid=uid_of(node))
