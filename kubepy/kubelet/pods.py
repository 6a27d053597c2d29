"""The life of the pods on our nodes, stage by stage.

Watches Pods (and Nodes, to know which are ours and what ails them). Writes pods/status, deletes pods that have ended,
records events. Everything is read off the object, so a restart goes on where it was; what is remembered is only which
stage is due when, and what each node has given away.

For each pod: view = object + facts -> the stage that comes next and when -> when that is over, its actions. A change of
the object that leads to the same stage does not start the wait anew. All waits are timers of one queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api import pods as pod_facts
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, Key, Obj, annotations_of, uid_of, walk
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.controller import After, Controller, ControllerContext, Terminal
from kubepy.client.events import EventSink, Recorder
from kubepy.client.informer import node_name
from kubepy.kubelet import admission, preemption, stage_actions, status, turns, volumes
from kubepy.kubelet.addresses import Exhausted, Pool
from kubepy.kubelet.gotemplate import TemplateError
from kubepy.kubelet.hosts import Host, Hosts
from kubepy.kubelet.narrator import Narrator
from kubepy.kubelet.nodes import PREFIX, Identities
from kubepy.kubelet.stages import Apply, Delete, Event, Finalizers, Patch, Stage, Step, choose
from kubepy.kubelet.status import Verdict
from kubepy.kubelet.template_functions import functions
from kubepy.kubelet.volumes import VolumeManager
from kubepy.lib.aio import Lull

# What happens on nodes happens elsewhere, in a real cluster: while the loop is busy those who ask and decide go first,
# and only so often a pod.
BUSY_PERIOD_S = 0.01

# A resize that had to wait is tried again. Source: allocation_manager.go, retryDelay.
RESIZE_RETRY_S = 180.0


class Due(Struct, frozen=True):
    """The stage a pod waits for."""

    uid: str
    stage: Stage
    at: float  # monotonic seconds
    delay: float  # what its stage added to the time it was possible from


# What a container does only when its volumes are mounted.
_NEED_VOLUMES = ("start", "pull_error")


class PodWorkers(Controller):
    """One reconcile per step of a pod."""

    name = "kubelet"
    # Many at once: the store commits concurrent writes together.
    workers = 32

    def __init__(
        self,
        context: ControllerContext,
        *,
        stages: Sequence[Stage],
        pool: Pool,
        events: EventSink,
        operator: Client,
    ) -> None:
        super().__init__(context)
        self._operator = operator  # who writes what is neither a node's nor a pod's
        self.stages = [stage for stage in stages if stage.kind == "Pod"]
        self.pool, self.sink = pool, events
        self.ledger = admission.Ledger()
        self._identities = Identities(self.client)
        self._narrator = Narrator()
        self._due: dict[Key, Due] = {}
        self._lull = Lull(self.clock, BUSY_PERIOD_S)

    def setup(self) -> None:
        self.nodes = self.watch(NODES, self._pods_of_changed_node)
        self._hosts = Hosts(self.nodes)
        self.nodes.add_handler(on_delete=lambda document: self._identities.forget(document.key.name))
        self.pods = self.watch(PODS, self._bound_pod, indexes={"node": node_name})
        self.volumes = VolumeManager(self)
        self.pods.add_handler(on_add=self._added, on_update=self._updated, on_delete=self._forget)

    def _bound_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        return (document.key,) if document.obj["spec"].get("nodeName") else ()

    def _pods_of_changed_node(self, document: Document, old: Document | None) -> Iterable[Key]:
        """A new one, or one whose owner has said something: heartbeats are no reason to look at its pods."""
        if old is not None and _said(old) == _said(document):
            return ()
        return list(self.pods.keys_by_index("node", document.key.name))

    def _added(self, document: Document) -> None:
        ip = walk(document.obj, "status", "podIP")
        if ip and not document.obj["spec"].get("hostNetwork"):
            self.pool.claim(uid_of(document.obj), ip)
        self.ledger.note(document.obj)

    def _updated(self, old: Document, document: Document) -> None:
        self.ledger.note(document.obj)

    def _forget(self, document: Document) -> None:
        self._due.pop(document.key, None)
        self._narrator.forget(document.key)
        self.volumes.forget(document.key)
        self.pool.release(uid_of(document.obj))
        self.ledger.forget(uid_of(document.obj))

    async def reconcile(self, key: Key) -> After | None:
        await self._lull.wait()
        document = self.pods.document(key)
        pod = document.obj if document is not None else None
        host = self._hosts.of(pod["spec"].get("nodeName", "")) if pod is not None else None
        if pod is None or host is None or not host.is_on:
            self._due.pop(key, None)
            return None
        now = self.clock.now()
        facts = turns.facts_of(pod, now)
        recorder = self._recorder(pod)
        looks = (self._wait_for_volumes(pod, facts, recorder), self._narrator.tell(pod, now, recorder))
        look_s = min((wait_s for wait_s in looks if wait_s is not None), default=None)
        view = {**pod, "facts": facts}
        chosen = choose(self.stages, view, now=now, random=self.random)
        if chosen is None:
            self._due.pop(key, None)
            return After(look_s) if look_s is not None else None
        due = self._due[key] = self._next_due(key, view, *chosen)
        wait_s = due.at - self.clock.monotonic()
        if wait_s > 0:
            return After(wait_s if look_s is None else min(wait_s, look_s))
        await self._take(due.stage, view, pod, host)
        self._due.pop(key, None)
        if due.stage.step == "resize":
            return After(RESIZE_RETRY_S)
        return After(0.0) if due.stage.again else None

    def _wait_for_volumes(self, pod: Obj, facts: Obj, recorder: Recorder) -> float | None:
        """While they are not there no container starts; seconds until the next look."""
        if not volumes.is_due(pod) or facts.keys().isdisjoint(_NEED_VOLUMES):
            return None
        wait_s = self.volumes.wait_s(pod, recorder)
        if wait_s is not None:
            for step in _NEED_VOLUMES:
                facts.pop(step, None)
        return wait_s

    def _next_due(self, key: Key, view: Obj, stage: Stage, delay: float) -> Due:
        """The wait for the same stage goes on, but follows the object's own times where they have changed."""
        now, due = self.clock.monotonic(), self._due.get(key)
        possible_in = view["facts"].get(stage.step, 0.0)
        if due is None or due.uid != uid_of(view) or due.stage is not stage:
            return Due(uid_of(view), stage, now + possible_in + delay, delay)
        if possible_in > 0:
            return Due(due.uid, stage, now + possible_in + due.delay, due.delay)
        return due

    # -- acting --------------------------------------------------------------------------------------------------

    async def _take(self, stage: Stage, view: Obj, pod: Obj, host: Host) -> None:
        """One thing after the other; what is gone or was replaced meanwhile brings its own event."""
        name, metadata = pod["spec"]["nodeName"], pod["metadata"]
        client = self._identities.of(name)
        written = pod
        try:
            for action in stage.actions:
                match action:
                    case Step():
                        written = await self._step(client, action.name, pod, host)
                    case Patch():
                        # Of its pods a node may write the status only; the rest is the simulator's doing.
                        speaker = client if action.subresource == "status" else self.client
                        known = self._functions(pod, host)
                        written = await stage_actions.patch(speaker, PODS, pod, action, view, known)
                    case Apply():
                        known = self._functions(pod, host)
                        await stage_actions.apply(self._operator, pod, action, view, known)
                    case Finalizers():
                        written = await stage_actions.finalize(self.client, PODS, pod, action)
                    case Event():
                        self._recorder(pod).event(pod, action.type, action.reason, action.message)
                    case Delete():
                        written = await client.delete(
                            PODS,
                            metadata["name"],
                            metadata["namespace"],
                            uid=metadata["uid"],
                            grace_period_s=0,
                        )
        except (errors.NotFound, errors.Conflict):
            return
        except TemplateError as error:
            raise Terminal(f"stage {stage.name}: {error}") from None
        self.log.info(
            "pod_stage", object=f"{metadata['namespace']}/{metadata['name']}", stage=stage.name, node=name,
            revision=objects.revision_of(written), seen=objects.revision_of(pod),
        )  # fmt: skip

    async def _step(self, client: Client, step: str, pod: Obj, host: Host) -> Obj:
        verdict, name = None, pod["spec"]["nodeName"]
        if step == "create":
            node = host.document.obj
            verdict = admission.refusal(pod, node, self.ledger.used(name), self.ledger.ports(name))
            if verdict is None and preemption.is_critical(pod):
                verdict = await self._make_room(pod, node)
            if verdict is not None:
                step = "reject"
            else:
                self.ledger.admit(pod)
        elif step == "resize":
            used = self.ledger.used(name, but=uid_of(pod))
            verdict = admission.resize_verdict(pod, host.document.obj, used)
            if (
                verdict is not None
                and walk(_condition(pod, "PodResizePending"), "message") == verdict.message
            ):
                return pod
        return await self._write(client, step, pod, host, verdict)

    async def _make_room(self, pod: Obj, node: Obj) -> Verdict | None:
        """For a critical pod; why there is none."""
        name = pod["spec"]["nodeName"]
        missing = admission.missing(pod, node, self.ledger.used(name))
        if not missing:
            return None
        others = [other for other in self.pods_of(name) if (other.get("status") or {}).get("startTime")]
        try:
            victims = preemption.victims(pod, others, missing)
        except preemption.NotEnough as error:
            return Verdict(
                "UnexpectedAdmissionError",
                "Unexpected error while attempting to recover from admission failure: "
                f"preemption: error finding a set of pods to preempt: {error}",
            )
        for victim in victims:
            await self.fail(victim, "evict", preemption.PREEMPTED)
        return None

    async def fail(self, pod: Obj, step: str, verdict: Verdict) -> None:
        """End a pod by decision of its node: "evict" or "shut_down"."""
        name = pod["spec"]["nodeName"]
        host = self._hosts.of(name)
        if host is None:
            return
        try:
            await self._write(self._identities.of(name), step, pod, host, verdict)
        except (errors.NotFound, errors.Conflict):
            return

    async def _write(self, client: Client, step: str, pod: Obj, host: Host, verdict: Verdict | None) -> Obj:
        outcome = status.take(
            pod, step, place=self._place(step, pod, host), now=self.clock.now(), verdict=verdict
        )
        metadata = pod["metadata"]
        # The uid makes it a precondition: never write onto a pod that took the same name.
        patch = {"metadata": {"uid": metadata["uid"]}, "status": outcome.status}
        written = await client.patch(
            PODS, metadata["name"], patch, namespace=metadata["namespace"], subresource="status",
            content_type=MERGE_PATCH,
        )  # fmt: skip
        recorder = self._recorder(pod)
        for said in outcome.said:
            recorder.event(
                pod,
                said.type,
                said.reason,
                said.message,
                field_path=said.field_path,
                annotations=said.annotations,
            )
        return written

    def _recorder(self, pod: Obj) -> Recorder:
        return self.sink.recorder("kubelet", pod["spec"]["nodeName"])

    def _functions(self, pod: Obj, host: Host) -> dict[str, Any]:
        """Of templates."""
        pod_ip = lambda: self._place("", pod, host).pod_ip  # noqa: E731
        return functions(host.document.obj, clock=self.clock, pod_ip=pod_ip)

    def _place(self, step: str, pod: Obj, host: Host) -> status.Place:
        if pod["spec"].get("hostNetwork") or step in ("create", "reject"):
            return status.Place(host.ip, host.ip)
        try:
            return status.Place(self.pool.take(uid_of(pod), host.pod_cidr), host.ip)
        except Exhausted as error:
            self._recorder(pod).event(
                pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}"
            )
            raise

    def pods_of(self, node: str) -> list[Obj]:
        """The pods that are to run there and are not over."""
        return [pod for pod in self.pods.by_index("node", node) if not pod_facts.is_terminal(pod)]


def _said(document: Document) -> dict[str, Any]:
    return {name: value for name, value in annotations_of(document.obj).items() if name.startswith(PREFIX)}


def _condition(pod: Obj, type_: str) -> Obj:
    return objects.condition(pod, type_) or {}
