"""The life of the pods on our nodes, stage by stage.

Watches Pods (and Nodes, to know which are ours). Writes pods/status, deletes pods that have ended, records events.
Everything is read off the object, so a restart goes on where it was; what is remembered is only which stage
is due when.

For each pod: view = object + facts -> the stage that comes next and its delay -> when that is over, one status write.
A change of the object that leads to the same stage does not start the wait anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubepy.api import errors, objects
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, Key, Obj, uid_of, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.informer import node_name
from kubepy.kubelet import status
from kubepy.kubelet.addresses import Exhausted, Pool
from kubepy.kubelet.nodes import identity, is_simulated
from kubepy.kubelet.runtimes import fake
from kubepy.kubelet.stages import EventTemplate, Stage, choose


@dataclass(frozen=True, slots=True)
class Due:
    """The stage a pod waits for."""

    uid: str
    stage: Stage
    at: float  # monotonic seconds


class PodWorkers(Controller):
    """One reconcile per step of a pod."""

    name = "kubelet"
    # Many at once: the store commits concurrent writes together.
    workers = 32

    def __init__(
        self, context: ControllerContext, *, stages: Sequence[Stage], pool: Pool, events: EventSink
    ) -> None:
        super().__init__(context)
        self.stages, self.pool, self.sink = stages, pool, events
        self._due: dict[Key, Due] = {}

    def setup(self) -> None:
        self.nodes = self.watch(NODES, self._pods_of_new_node)
        self.pods = self.watch(PODS, self._bound_pod, indexes={"node": node_name})
        self.pods.add_handler(on_add=self._claim_address, on_delete=self._forget)

    def _bound_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        return (document.key,) if document.obj["spec"].get("nodeName") else ()

    def _pods_of_new_node(self, document: Document, old: Document | None) -> Iterable[Key]:
        return list(self.pods.keys_by_index("node", document.key.name)) if old is None else ()

    def _claim_address(self, document: Document) -> None:
        ip = walk(document.obj, "status", "podIP")
        if ip and not document.obj["spec"].get("hostNetwork"):
            self.pool.claim(uid_of(document.obj), ip)

    def _forget(self, document: Document) -> None:
        self._due.pop(document.key, None)
        self.pool.release(uid_of(document.obj))

    async def reconcile(self, key: Key) -> After | None:
        pod = self.pods.get(key)
        node = self.nodes.get(Key("", pod["spec"].get("nodeName", ""))) if pod is not None else None
        if pod is None or node is None or not is_simulated(node):
            self._due.pop(key, None)
            return None
        facts = fake.facts_of(pod)
        chosen = choose(self.stages, {**pod, "facts": facts}, now=self.clock.now(), random=self.random)
        if chosen is None:
            self._due.pop(key, None)
            return None
        stage, delay = chosen
        now, due = self.clock.monotonic(), self._due.get(key)
        if due is None or due.uid != uid_of(pod) or due.stage is not stage:
            due = self._due[key] = Due(uid_of(pod), stage, now + delay)
        if due.at > now:
            return After(due.at - now)
        await self._take(stage, pod, node, facts)
        self._due.pop(key, None)
        return None

    async def _take(self, stage: Stage, pod: Obj, node: Obj, facts: Obj) -> None:
        name = node["metadata"]["name"]
        client, key = identity(self.client, name), pod["metadata"]
        try:
            if stage.next.delete:
                written = await client.delete(
                    PODS, key["name"], key["namespace"], uid=key["uid"], grace_period_s=0
                )
            else:
                # The uid makes it a precondition: never write onto a pod that took the same name.
                patch = {
                    "metadata": {"uid": key["uid"]},
                    "status": self._next_status(stage, pod, node, facts),
                }
                written = await client.patch(
                    PODS,
                    key["name"],
                    patch,
                    namespace=key["namespace"],
                    subresource="status",
                    content_type=MERGE_PATCH,
                )
        except (errors.NotFound, errors.Conflict):
            return  # gone, or replaced; its own event brings us back
        self.log.info(
            "pod_stage", object=f"{key['namespace']}/{key['name']}", stage=stage.name, node=name,
            revision=objects.revision_of(written), seen=objects.revision_of(pod),
        )  # fmt: skip
        recorder = self.sink.recorder("kubelet", name)
        for template in stage.next.events:
            for message, field_path in render_event(template, pod):
                recorder.event(pod, template.type, template.reason, message, field_path=field_path)

    def _next_status(self, stage: Stage, pod: Obj, node: Obj, facts: Obj) -> Obj:
        host_ip = next(
            (a["address"] for a in node["status"].get("addresses") or () if a["type"] == "InternalIP"), ""
        )
        try:
            pod_ip = host_ip if pod["spec"].get("hostNetwork") else self.pool.take(uid_of(pod))
        except Exhausted as error:
            self.sink.recorder("kubelet", node["metadata"]["name"]).event(
                pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}"
            )
            raise
        return status.render(
            pod, stage.next.status, facts=facts, place=status.Place(pod_ip, host_ip), now=self.clock.rfc3339()
        )


def render_event(template: EventTemplate, pod: Obj) -> Iterator[tuple[str, str]]:
    """(message, field path) for each container the template is about."""
    if not template.each:
        yield template.message, ""
        return
    spec = pod["spec"]
    inits = spec.get("initContainers") or []
    match template.each:
        case "init":
            current = fake.current_init(pod)
            chosen = [("initContainers", current[0])] if current else []
        case "missing":
            named = [("initContainers", c) for c in inits] + [("containers", c) for c in spec["containers"]]
            chosen = [(field, c) for field, c in named if fake.is_missing(c.get("image", ""))]
        case "running":
            running = {
                s["name"]
                for s in (pod.get("status") or {}).get("containerStatuses") or ()
                if "running" in s["state"]
            }
            chosen = [("containers", c) for c in spec["containers"] if c["name"] in running]
        case _:
            chosen = [("containers", c) for c in spec["containers"]]
    for field, container in chosen:
        image = container.get("image", "")
        message = template.message.format(
            container=container["name"], image=image, error=fake.pull_error(image)
        )
        yield message, f"spec.{field}{{{container['name']}}}"
