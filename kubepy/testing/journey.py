"""One pod's journey, from `kubectl create deployment` to `kubectl rollout status`, hop by hop and with evidence.

    journey = await travel()        # a cluster of its own, on virtual time
    print(render(journey))          # docs/one-pod.md

Everything that is claimed was seen. A cluster logs at debug level, where each decision and each write is one event.
What is no decision, the traveller writes into the same log: the functions that the request passes (a profile of its own
task), what the store, the watch cache and an informer pass on, what kubectl would print. So there is one ordered
record, and a `Hop` is found in it by what it looks like and by coming after its cause. A hop that is missing, or that
came before its cause, raises `Lost`.

What a seed cannot promise for years is left out of the page: generated suffixes are masked, and revisions are counted
from the Deployment's, which is called 100.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import orjson
from msgspec import Struct, field

from kubepy.api.builtins import DEPLOYMENTS, NODES
from kubepy.api.objects import Document, Obj, condition
from kubepy.apiserver.authn import MASTERS
from kubepy.apiserver.registry.feeds import Change
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import parse_rfc3339
from kubepy.observability.logs import Event, Logger
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Event as StoreEvent
from kubepy.testing.builders import make_pod, make_service
from kubepy.testing.cluster import Cluster

# The Deployment's own revision on the page.
FIRST_REVISION = 100

# As `kubectl create deployment web --image=nginx` sends it.
DEPLOYMENT: Obj = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "creationTimestamp": None, "labels": {"app": "web"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {},
        "template": {
            "metadata": {"creationTimestamp": None, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx", "resources": {}}]},
        },
    },
    "status": {},
}


class Lost(AssertionError):
    """The pod did not come by where it should have."""


# -- the way ---------------------------------------------------------------------------------------------------


class Hop(Struct, frozen=True):
    """One row of the page, and what shows that it happened: the first event that matches after `after` did."""

    name: str
    where: str  # module, relative to kubepy/: "scheduler/queue.py"
    what: str  # prose; {fields} of the event, {obj} the object that was written, {passed} what `passes` found
    event: str  # "pod_bound"
    after: str = ""  # the hop that causes this one; "" is the row above
    fields: Mapping[str, Any] = field(default_factory=dict)  # what else the event must say
    passes: str = ""  # pattern of functions that were called, with a group to show: r"filters\.(\w+)\."


def _wrote(verb: str, resource: str, account: str, subresource: str | None = None) -> Mapping[str, Any]:
    fields = {"verb": verb, "resource": resource, "user": account}
    return fields | ({"subresource": subresource} if subresource else {})


def _passed(name: str, where: str, what: str, *, passes: str = "") -> Hop:
    """The request ran code of that module."""
    module = "kubepy." + where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Hop(name, where, what, "called", fields={"module": module}, passes=passes)


_CONTROLLER = "system:serviceaccount:kube-system:"

WAY: tuple[Hop, ...] = (
    Hop(
        "discovery", "apiserver/discovery.py",
        "kubectl asks which resources there are, and finds `{resource}`: kind {kind}, in apps/v1",
        "resource_discovered",
    ),
    Hop(
        "openapi", "apiserver/openapi.py",
        "it reads the schemas of that group, for `{schema}`, to check fields before anything is sent",
        "schema_read",
    ),
    _passed("loopback", "apiserver/loopback.py", "POST, through a door: this one is for clients in the same process"),
    Hop(
        "filters", "apiserver/app.py", "the filters, outermost first: {passed}",
        "called", fields={"module": "kubepy.apiserver.filters.warnings"}, passes=r"\.filters\.(\w+)\..*\.handle$",
    ),
    _passed(
        "dispatch", "apiserver/handlers/dispatch.py",
        "the path names a row of the table of kinds, the verb a handler",
    ),
    _passed("create", "apiserver/handlers/create.py", "the handler of POST takes over"),
    _passed(
        "decode", "apiserver/handlers/decode.py",
        "one walk over the body checks types, finds unknown fields and drops nulls; then defaults are filled in",
    ),
    _passed("registry", "apiserver/registry/registry.py", "the generic registry takes the object, whatever its kind"),
    _passed(
        "admission", "apiserver/admission/chain.py", "admission: the plugins that care for new Deployments ({passed})",
        passes=r"\.admission\.plugins\.(\w+)\..*\.admit$",
    ),
    _passed(
        "strategy", "apiserver/registry/strategies/base.py",
        "the kind's strategy prepares it: generation {obj[metadata][generation]}, and no status from outside",
    ),
    _passed("validation", "api/validation/__init__.py", "the rules of the kind, in Kubernetes' words, are kept"),
    _passed(
        "store", "store/memory.py",
        "one compare-and-set: the key must not exist. (A daemon's store is `store/sqlite.py`: one transaction on disk, "
        "shared with whoever else waits)",
    ),
    Hop(
        "store-event", "store/watch.py",
        "the committed event goes to every sink of the key's directories, before the writer hears \"done\"",
        "store_event", fields={"key": "/registry/deployments.apps/default/web"},
    ),
    Hop(
        "cache", "apiserver/registry/cache.py",
        "the watch cache is one of the sinks, so it is never behind; it encodes the event once for all its watchers",
        "cache_event", fields={"resource": "deployments.apps"},
    ),
    Hop(
        "written", "apiserver/registry/registry.py",
        "the write returns: `deployment.apps/web created`, by {user}",
        "object_written", fields=_wrote("create", "deployments.apps", "kubernetes-admin"),
    ),
    Hop(
        "informer", "client/informer.py",
        "every informer of Deployments updates its copy, then tells its handlers; those put the key into a work queue",
        "informer_event", after="cache", fields={"object": "default/web"},
    ),
    Hop(
        "replica-set", "controllers/deployment.py",
        "`plan` finds no ReplicaSet of this template and wants one: {replica_set}, from {old} to {new}",
        "replica_set_scaled", after="informer", fields={"component": "deployment-controller", "object": "default/web"},
    ),
    Hop(
        "pod", "controllers/replica_set.py",
        "`plan` wants 1 and counts 0. The Pod takes the way from the filters on again, and admission gives it "
        "{tolerations} tolerations, a service account and a token volume",
        "object_written", fields=_wrote("create", "pods", f"{_CONTROLLER}replicaset-controller"),
    ),
    Hop(
        "queued", "scheduler/queue.py", "a pod without a node: into the active queue, by priority and age",
        "pod_queued", fields={"component": "scheduler"},
    ),
    Hop(
        "chosen", "scheduler/search.py",
        "{feasible} of {evaluated} nodes pass the filters (one is cordoned), {node} scores best; the pod is assumed "
        "there, so that the next decision counts it",
        "node_chosen", fields={"component": "scheduler"},
    ),
    Hop(
        "bound", "scheduler/plugins/default_binder.py",
        "POST pods/binding: `nodeName` and the condition PodScheduled in one write",
        "object_written", fields=_wrote("update", "pods", "system:kube-scheduler", "binding"),
    ),
    Hop(
        "bound-told", "scheduler/scheduler.py",
        "what was decided is now so: the assumed pod counts as bound, `Scheduled` is recorded",
        "pod_bound", fields={"component": "scheduler"},
    ),
    Hop(
        "creating", "kubelet/pods.py",
        "{node}'s kubelet takes the pod up, stage `{stage}`: {obj[status][phase]}, ContainerCreating",
        "pod_stage", after="bound", fields={"component": "kubelet", "stage": "pod-create"},
    ),
    Hop(
        "running", "kubelet/stages.py",
        "stage `{stage}`, after the delay its document asks for: {obj[status][phase]} and Ready, with IP "
        "{obj[status][podIP]}",
        "pod_stage", fields={"component": "kubelet", "stage": "pod-start"},
    ),
    Hop(
        "replica-set-status", "controllers/replica_set.py",
        "readiness flows up: {obj[status][readyReplicas]} of {obj[status][replicas]} ready, "
        "{obj[status][availableReplicas]} available",
        "object_written", fields=_wrote("update", "replicasets.apps", f"{_CONTROLLER}replicaset-controller", "status"),
    ),
    Hop(
        "endpoints", "controllers/endpoint_slice.py",
        "... and sideways: the Service's EndpointSlice has {obj[endpoints][0][addresses][0]}, ready",
        "endpoint_slices_written", after="running", fields={"component": "endpointslice-controller"},
    ),
    Hop(
        "available", "controllers/deployment.py", "the Deployment is Available, and says why: {reason}",
        "rollout_progressed", after="replica-set-status",
        fields={"component": "deployment-controller", "reason": "NewReplicaSetAvailable"},
    ),
    Hop(
        "rolled-out", "client/informer.py", "`kubectl rollout status` sees that and returns: `{text}`",
        "rollout_status", after="available", fields={"done": True},
    ),
)  # fmt: skip


# -- travelling ------------------------------------------------------------------------------------------------


class Step(Struct, frozen=True):
    """A hop that was made."""

    hop: Hop
    at: int  # position in the record
    event: Event
    revision: int  # 0: nothing was written
    time_s: float  # since kubectl was called
    text: str


class Journey(Struct, frozen=True):
    """All that was seen."""

    steps: Sequence[Step]  # in the order in which they happened
    record: Sequence[Event]  # every log event, ours among them
    objects: Mapping[int, Obj]  # what each revision wrote
    first_revision: int  # the Deployment's
    pod: str  # "web-5d8f-x7k2p"

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.hop.name == name)

    def written(self, step: Step) -> Obj:
        """The object as that step left it."""
        return self.objects[step.revision]

    @property
    def writes(self) -> Sequence[Event]:
        """Every write from the Deployment's on, in the order of revisions."""
        return [event for event in self.record if event["event"] == "object_written"]


async def travel(seed: int = 1) -> Journey:
    """Raises Lost."""
    async with Cluster(nodes=3, seed=seed, log_level="debug") as cluster:
        await _furnish(cluster)
        log = cluster.plane.basis.logs.of("traveller")
        written: dict[int, Obj] = {}
        log.debug("departure")
        store_watch = await cluster.store.watch(b"/registry/", _store_sink(log, written))
        await _follow_cache(cluster, log)
        tasks = Tasks(reported_to(log))
        try:
            await _kubectl(cluster, log, tasks)
            await cluster.until(lambda: _is_rolled_out(cluster), within="1m")
        finally:
            store_watch.cancel()
            await tasks.close()
        # Events are written in the background.
        await cluster.settle()
        record = cluster.logged()
        start = next(at for at, event in enumerate(record) if event["event"] == "departure")
        return _retrace(record[start:], written)


async def _furnish(cluster: Cluster) -> None:
    """A Service that waits for pods, and nodes that differ: one is cordoned, one is full of work."""
    await cluster.client.patch(NODES, "node-1", {"spec": {"unschedulable": True}}, content_type=MERGE_PATCH)
    await cluster.create(
        make_service("web").selects(app="web").port(80),
        make_pod("busy").on("node-2").requests(cpu="6", memory="24Gi"),
    )
    await cluster.until(lambda: cluster.pods(ready=True), count=1)


def _store_sink(log: Logger, written: dict[int, Obj]) -> Callable[[Sequence[StoreEvent]], None]:
    def sink(events: Sequence[StoreEvent]) -> None:
        for event in events:
            kv = event.kv
            if kv.value:
                written[kv.mod_revision] = orjson.loads(kv.value)
            log.debug("store_event", key=kv.key.decode(), type=event.type.value, revision=kv.mod_revision)

    return sink


async def _follow_cache(cluster: Cluster, log: Logger) -> None:
    cache = await cluster.plane.registry.loaded(DEPLOYMENTS)

    def changed(change: Change) -> None:
        log.debug("cache_event", resource="deployments.apps", object=change.path, revision=change.revision)

    cache.observe(changed)


async def _kubectl(cluster: Cluster, log: Logger, tasks: Tasks) -> None:
    """Discovery, the write, and `rollout status` in the background."""
    kubectl = cluster.client.named("kubectl-create", user="kubernetes-admin", groups=(MASTERS,))
    for row in (await kubectl.transport.request("GET", "/apis/apps/v1")).obj["resources"]:
        if row["kind"] == "Deployment" and "create" in row["verbs"]:
            log.debug("resource_discovered", resource=row["name"], kind=row["kind"])
    document = (await kubectl.transport.request("GET", "/openapi/v3/apis/apps/v1")).obj
    for schema in document["components"]["schemas"]:
        if schema.endswith(".Deployment"):
            log.debug("schema_read", schema=schema)
    _watch_rollout(cluster, kubectl, log, tasks)
    await cluster.settle()
    with _calls_logged(log):
        await kubectl.create(DEPLOYMENTS, DEPLOYMENT, namespace="default")


@contextmanager
def _calls_logged(log: Logger) -> Iterator[None]:
    """Logs each function of kubepy when this task first calls it."""
    traveller = asyncio.current_task()
    seen: set[CodeType] = set()

    def called(frame: FrameType, what: str, _argument: Any) -> None:
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if what != "call" or code in seen or not module.startswith("kubepy.") or module == __name__:
            return
        if asyncio.current_task() is traveller:
            seen.add(code)
            log.debug("called", module=module, function=f"{module}.{code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(before)


def _watch_rollout(cluster: Cluster, kubectl: Client, log: Logger, tasks: Tasks) -> None:
    """What `kubectl rollout status deployment/web` follows."""
    given = Given(cluster.clock, cluster.random.stream("kubectl"), log, Metrics())
    informers = InformerFactory(kubectl, given, tasks)
    deployments = informers.informer(DEPLOYMENTS, namespace="default", field_selector="metadata.name=web")

    def changed(document: Document) -> None:
        log.debug("informer_event", object=str(document.key), revision=document.revision)
        text, is_done = rollout_status(document.obj)
        log.debug(
            "rollout_status", object=str(document.key), text=text, done=is_done, revision=document.revision
        )

    deployments.add_handler(on_add=changed, on_update=lambda old, new: changed(new))
    informers.start()


def _is_rolled_out(cluster: Cluster) -> bool:
    return any(event["done"] for event in cluster.logged("rollout_status", component="traveller"))


def rollout_status(deployment: Obj) -> tuple[str, bool]:
    """What kubectl prints, and whether it is done. Source: kubectl pkg/polymorphichelpers/rollout_status.go."""
    name, spec, status = deployment["metadata"]["name"], deployment["spec"], deployment.get("status") or {}
    if deployment["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    progressing = condition(deployment, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return f'deployment "{name}" exceeded its progress deadline', True
    waiting = f'Waiting for deployment "{name}" rollout to finish:'
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if updated < wanted:
        return f"{waiting} {updated} out of {wanted} new replicas have been updated...", False
    if (old := status.get("replicas", 0) - updated) > 0:
        return f"{waiting} {old} old replicas are pending termination...", False
    if (available := status.get("availableReplicas", 0)) < updated:
        return f"{waiting} {available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


# -- finding the hops in the record ----------------------------------------------------------------------------


def _retrace(record: Sequence[Event], written: Mapping[int, Obj]) -> Journey:
    found: dict[str, int] = {}
    before = ""
    for hop in WAY:
        found[hop.name] = find(hop, record, found.get(hop.after or before, -1))
        before = hop.name
    departure = parse_rfc3339(record[0]["time"])
    steps = []
    for hop in sorted(WAY, key=lambda hop: found[hop.name]):
        event = record[found[hop.name]]
        revision = event.get("revision", 0)
        text = _describe(hop, event, record, written, revision or _revision_of(record, "store_event"))
        steps.append(
            Step(hop, found[hop.name], event, revision, parse_rfc3339(event["time"]) - departure, text)
        )
    first = _revision_of(record, "store_event")
    pod = next(step.event["object"] for step in steps if step.hop.name == "bound-told")
    return Journey(steps, record, written, first, pod.partition("/")[2])


def find(hop: Hop, record: Sequence[Event], after: int) -> int:
    """Where in the record the hop is, the first time after position `after`. Raises Lost."""
    wanted = {"event": hop.event, **hop.fields}
    for at in range(after + 1, len(record)):
        event = record[at]
        if all(event.get(name) == value for name, value in wanted.items()):
            return at
    early = any(all(event.get(n) == v for n, v in wanted.items()) for event in record[: after + 1])
    raise Lost(f"{hop.name}: {wanted} {'came before its cause' if early else 'did not happen'}")


def _revision_of(record: Sequence[Event], event: str) -> int:
    return next(each["revision"] for each in record if each["event"] == event)


def _describe(
    hop: Hop, event: Event, record: Sequence[Event], written: Mapping[int, Obj], revision: int
) -> str:
    obj = written.get(revision, {})
    functions = (each["function"] for each in record if each["event"] == "called")
    passed = [match[1] for function in functions if hop.passes and (match := re.search(hop.passes, function))]
    known = {name: value for name, value in event.items() if name != "event"}
    tolerations = len((obj.get("spec") or {}).get("tolerations") or ())
    return hop.what.format(**known, obj=obj, passed=", ".join(passed), tolerations=tolerations)


# -- the page --------------------------------------------------------------------------------------------------


def render(journey: Journey) -> str:
    """docs/one-pod.md"""
    return _Page(journey).text()


_HEAD = """\
# One pod's journey

```
$ kubectl create deployment web --image=nginx
$ kubectl rollout status deployment/web
{status}
```

What happens between the first line and the last, in the order in which it happened. This page is written by a test
(`tests/test_one_pod.py`; `scripts/docs` renders it): every row was seen to happen, after its cause, in a cluster on
virtual time with three simulated nodes, one of them cordoned and one full of work, and a Service that selects
`app=web`. If the code takes another way, the test fails or this page is stale.

**The thread to hold is the revision.** A write is one revision of the store and one event for everybody who watches;
`resourceVersion`, list, watch, informers and logs all speak of that number. Here the Deployment's is called {first}. A
revision is **bold** where it is made; elsewhere it says what a component was looking at.

Time is the cluster's. All the work takes none of it; only the container's start does, because a Stage document says so.

## The hops

{hops}

## The revisions

Every write of the journey and who made it. No component tells another what to do: it writes, and the other sees it.

{revisions}

## What `kubectl get events` tells

{events}

## Following another pod

The same record can be read from a running cluster: `kubepy up --log-level debug`, then `kubepy logs -f --object web`.
Each write is an event `object_written` with verb, object, revision, user and request id; each decision names the
revision it saw (`seen`) and the one it made (`revision`).
"""


class _Page:
    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._masks = _masks(journey)

    def text(self) -> str:
        return self._masked(
            _HEAD.format(
                first=FIRST_REVISION, hops=self._hops(), revisions=self._revisions(), status=self._status(),
                events=self._events(),
            )
        )  # fmt: skip

    def _masked(self, text: str) -> str:
        for name, mask in self._masks.items():
            text = text.replace(name, mask)
        return text

    def _number(self, revision: int) -> int:
        return revision - self._journey.first_revision + FIRST_REVISION

    def _hops(self) -> str:
        known: set[int] = set()
        rows = []
        for number, step in enumerate(self._journey.steps, 1):
            revision = step.revision or step.event.get("seen", 0)
            shown = str(self._number(revision)) if revision else ""
            if step.revision and revision not in known:
                shown = f"**{shown}**"
            known.add(revision)
            where = f"[{step.hop.where}](../kubepy/{step.hop.where})"
            rows.append((str(number), where, step.text, shown, _seconds(step.time_s)))
        return _table(("#", "where", "what happens", "revision", "time"), rows)

    def _revisions(self) -> str:
        departure = self._journey.record[0]["time"]
        rows = []
        for write in self._journey.writes:
            obj = self._journey.objects.get(write["revision"], {})
            what = f"{write['verb']} {write['resource']}"
            if "subresource" in write:
                what += f"/{write['subresource']}"
            name = write["object"].partition("/")[2]
            if obj.get("kind") == "Event":
                name = f"{obj['reason']}, about {obj['involvedObject']['name']}"
            who = write["user"].removeprefix(_CONTROLLER)
            time_s = parse_rfc3339(write["time"]) - parse_rfc3339(departure)
            rows.append((str(self._number(write["revision"])), what, name, who, _seconds(time_s)))
        return _table(("revision", "what", "object", "by", "time"), rows)

    def _status(self) -> str:
        texts = [event["text"] for event in self._journey.record if event["event"] == "rollout_status"]
        return "\n".join(dict.fromkeys(texts))

    def _events(self) -> str:
        rows = []
        for _, obj in sorted(self._journey.objects.items()):
            if obj["kind"] == "Event":
                about = obj["involvedObject"]
                rows.append((f"{about['kind']}/{about['name']}", obj["reason"], obj["message"], _source(obj)))
        return _table(("object", "reason", "message", "from"), rows)


def _source(event: Obj) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent", "")
    return f"{component}, {source['host']}" if source.get("host") else component


def _masks(journey: Journey) -> Mapping[str, str]:
    """Generated names -> what the page calls them."""
    masks = {}
    for obj in journey.objects.values():
        metadata = obj["metadata"]
        base = metadata.get("generateName")
        if base:
            masks[metadata["name"]] = base + "x" * (len(metadata["name"]) - len(base))
    return masks


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
