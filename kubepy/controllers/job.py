"""Jobs: pods that are to end well, as many as spec.completions says, spec.parallelism of them at once.

Watches Jobs and Pods. Owns Pods. Writes Pods (create, delete, adopt, release, finalizer) and the Job's status.

A pod is counted once, whatever happens in between: it carries the finalizer batch.kubernetes.io/job-tracking until the
Job's status names it in uncountedTerminatedPods; then the finalizer goes, and then the name becomes a number. Killed
between any two of these writes, the next run goes on from what the objects say. Indexed Jobs need no list of the
succeeded, the index is enough.

A Job ends in two steps: SuccessCriteriaMet or FailureTarget says how it will end, and Complete or Failed follows when
no pod runs, ends or is uncounted. One run does both if nothing is left to wait for.

Promised: never more active pods than parallelism by what the informer has shown; what was asked for is expected until
then. A failed pod is replaced after 10 s, 20 s, ... 10 min, counted from its end; a success starts that anew.

Not promised: the Job's back-off outlives a restart (per index it does: pods carry it). Not done: Workload and PodGroup
objects for gang scheduling (alpha), the controller's own metrics.

Source: kubernetes 1.36 pkg/controller/job/{job_controller,backoff_utils,tracking_utils}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from kubepy.api import errors, objects, pods, selectors
from kubepy.api.builtins import JOBS, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext, key_of, rest_for
from kubepy.client.expectations import Expectations
from kubepy.controllers import ownership
from kubepy.controllers.job_facts import JOB_NAME, TRACKING, finished, is_ours, is_tracked
from kubepy.controllers.job_plan import Plan, plan
from kubepy.controllers.job_status import Account, Outcome, account, closing_events, conclude, settle
from kubepy.controllers.job_tally import NO_FAILURES, Backoff, Observed
from kubepy.controllers.owned_pods import OwnedPods
from kubepy.controllers.pod_control import PodControl
from kubepy.controllers.replica_set import PARALLEL, batches
from kubepy.lib.aio import gather_bounded

# Pods that carry the finalizer, by the Job they name: "default/pi"; "default/" for those that name none.
BY_TRACKING = "job_tracking"

# Orphans, by the Job whose label they carry.
BY_LABEL = "job_label"

# Jobs that chose their selector, by namespace.
BY_MANUAL = "job_manual_selector"


def tracked_keys(pod: Obj) -> list[str]:
    return ["/".join(_named_job(pod))] if is_tracked(pod) else []


def labelled_keys(pod: Obj) -> list[str]:
    name = objects.labels_of(pod).get(JOB_NAME)
    if name is None or objects.controller_of(pod) is not None:
        return []
    return [f"{pod['metadata'].get('namespace', '')}/{name}"]


def manual_keys(job: Obj) -> list[str]:
    return [job["metadata"].get("namespace", "")] if job["spec"].get("manualSelector") else []


def _named_job(pod: Obj) -> Key:
    """The Job by its controller reference; the empty name for a pod without."""
    reference = objects.controller_of(pod)
    is_job = reference is not None and reference["kind"] == "Job"
    return Key(pod["metadata"].get("namespace", ""), reference["name"] if reference and is_job else "")


class JobController(Controller):
    name = "job-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.expectations = Expectations(context.clock)
        self.pod_control = PodControl(context.client, context.events)
        self._backoff: dict[Key, Backoff] = {}
        self._freed: dict[Key, set[str]] = {}
        # The newest revision that we wrote of each Job; what the informer shows below that is no base for a decision.
        self._written: dict[Key, int] = {}

    def setup(self) -> None:
        self.jobs = self.watch(JOBS, key_of, indexes={BY_MANUAL: manual_keys})
        indexes = {
            ownership.BY_CONTROLLER: ownership.controller_keys,
            BY_TRACKING: tracked_keys,
            BY_LABEL: labelled_keys,
        }
        self.pods = self.watch(PODS, indexes=indexes)
        self.owned = OwnedPods("Job", self.jobs, self.expectations, adopters=self._adopters)
        self.owned.follow(self.pods)
        self.pods.add_handler(on_update=self._pod_updated, on_delete=self._freeing_seen)
        self.watch(PODS, self._keys_of_pod)

    def rest_s(self, key: Key) -> float:
        job = self.jobs.get(key)
        if job is None:
            return 0.0
        return rest_for(self.pods.count_by_index(ownership.BY_CONTROLLER, objects.uid_of(job)))

    async def reconcile(self, key: Key) -> After | None:
        document = self.jobs.document(key)
        job = document.obj if document is not None else None
        await self._free_strays(key, job)
        if document is None or job is None or not is_ours(job) or finished(job) is not None:
            self._forget(key)
            return None
        if document.revision < self._written.get(key, 0):
            return None  # the informer is about to show what we wrote, and then this runs again
        trusted = self.expectations.satisfied(key)
        owned = await self._claim(key, job)
        if owned is None:
            return None  # adopted ones wake it again
        backoff = self._backoff.get(key, NO_FAILURES)
        observed = Observed(job, owned, trusted, frozenset(self._freed.get(key, ())), backoff)
        decided = plan(observed, self.clock.now())
        outcome = await self._act(key, job, decided)
        await self._track(key, job, decided, account(observed, decided, outcome, self.clock.now()))
        if outcome.failure is not None:
            raise outcome.failure
        return After(decided.after_s) if decided.after_s is not None else None

    def _forget(self, key: Key) -> None:
        self.expectations.forget(key)
        for memory in (self._backoff, self._freed, self._written):
            memory.pop(key, None)

    # -- what it looks at

    async def _claim(self, key: Key, job: Obj) -> list[Obj] | None:
        """Its pods; None if some were adopted just now."""
        uid = objects.uid_of(job)
        owned = self.pods.by_index(ownership.BY_CONTROLLER, uid)
        orphans = self.pods.by_index(BY_LABEL, str(key))
        if job["spec"].get("manualSelector"):
            orphans = self.pods.by_index(ownership.BY_CONTROLLER, ownership.orphans_of(key.namespace))
        matches = selectors.from_label_selector(job["spec"]["selector"]).matches
        claims = ownership.plan_claims(job, matches, [*owned, *orphans])
        if not claims.adopt and not claims.release:
            return claims.owned
        ours = await ownership.claim(
            self.client, claims, owner=job, owner_resource=JOBS, resource=PODS, finalizer=TRACKING
        )
        return None if claims.adopt else ours

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        pod = document.obj
        keys = self.owned.keys(document, old)
        if objects.controller_of(pod) is None and is_tracked(pod):
            keys.append(Key(document.key.namespace, ""))
        return keys

    def _adopters(self, orphan: Obj) -> Iterable[Key]:
        namespace, name = orphan["metadata"]["namespace"], objects.labels_of(orphan).get(JOB_NAME)
        named = [Key(namespace, name)] if name is not None else []
        return [*named, *self.jobs.keys_by_index(BY_MANUAL, namespace)]

    def _pod_updated(self, old: Document, document: Document) -> None:
        if not is_tracked(document.obj):
            self._freeing_seen(document)

    def _freeing_seen(self, document: Document) -> None:
        freed = self._freed.get(_named_job(document.obj))
        if freed is not None:
            freed.discard(objects.uid_of(document.obj))

    # -- what it does

    async def _act(self, key: Key, job: Obj, decided: Plan) -> Outcome:
        if decided.end:
            return await self._delete(job, decided.end, self._end)
        if decided.remove:
            self.expectations.expect_deletions(key, [objects.key_of(pod) for pod in decided.remove])
            return await self._delete(job, decided.remove, self._remove)
        if decided.create:
            self.expectations.expect_creations(key, len(decided.create))
            return await self._create(key, job, decided.create)
        return Outcome()

    async def _delete(
        self, job: Obj, doomed: Sequence[Obj], delete: Callable[[Obj, Obj], Coroutine[Any, Any, None]]
    ) -> Outcome:
        results = await gather_bounded(PARALLEL, [delete(job, pod) for pod in doomed])
        gone = [pod for pod, result in zip(doomed, results) if not isinstance(result, BaseException)]
        return Outcome(
            deleted=len(gone), deleted_ready=sum(map(pods.is_ready, gone)), failure=_first_failure(results)
        )

    async def _end(self, job: Obj, pod: Obj) -> None:
        await self.pod_control.delete(job, pod)

    async def _remove(self, job: Obj, pod: Obj) -> None:
        try:
            await self._free_one(pod)
            await self.pod_control.delete(job, pod)
        except Exception:
            self.expectations.deletion_observed(objects.key_of(job), objects.key_of(pod))
            raise

    async def _create(self, key: Key, job: Obj, wanted: Sequence[Obj]) -> Outcome:
        """In growing batches, so that a quota that refuses all of them is asked once."""
        created, done, failure = 0, 0, None
        for size in batches(len(wanted)):
            batch = wanted[done : done + size]
            results = await gather_bounded(PARALLEL, [self.pod_control.create(job, pod) for pod in batch])
            done += size
            failure = _first_failure(results)
            created += sum(not isinstance(result, BaseException) for result in results)
            if failure is not None:
                break
        for _ in range(len(wanted) - created):
            self.expectations.creation_observed(key)
        self.log.info("pods_created", object=str(key), wanted=len(wanted), created=created)
        return Outcome(created=created, failure=failure)

    async def _track(self, key: Key, job: Obj, decided: Plan, accounted: Account) -> None:
        """Name the ended pods, let them go, count them; and close the Job if that was all."""
        stored = job
        if accounted.status != (job.get("status") or {}):
            stored = await self._write(key, job, accounted.status)
            self._backoff[key] = decided.tally.backoff
        for event in accounted.events:
            self.events.event(job, *event)
        freed, failure = await self._free(key, accounted.free)
        named = accounted.status["uncountedTerminatedPods"]
        tracked = {uid for uids in named.values() for uid in uids} - freed
        status, is_over = settle(accounted.status, tracked), False
        if failure is None:
            status, is_over = conclude(status, accounted.final)
        if status != accounted.status:
            await self._write(key, stored, status)
        if is_over and accounted.final is not None:
            for event in closing_events(job, status, accounted.final):
                self.events.event(job, *event)
            self.log.info(
                "job_finished",
                object=str(key),
                condition=accounted.final["type"],
                reason=accounted.final["reason"],
            )
        if failure is not None:
            raise failure

    async def _write(self, key: Key, job: Obj, status: Obj) -> Obj:
        written = await self.client.update(JOBS, job | {"status": status}, subresource="status")
        self._written[key] = objects.revision_of(written)
        return written

    async def _free(self, key: Key, some: Sequence[Obj]) -> tuple[set[str], Exception | None]:
        """Take the finalizer off pods that the status names: (uids of those without it, the first failure)."""
        expected = self._freed.setdefault(key, set())
        expected.update(map(objects.uid_of, some))
        results = await gather_bounded(PARALLEL, [self._free_one(pod) for pod in some])
        failed = {objects.uid_of(p) for p, result in zip(some, results) if isinstance(result, BaseException)}
        expected -= failed
        return set(map(objects.uid_of, some)) - failed, _first_failure(results)

    async def _free_one(self, pod: Obj) -> None:
        metadata = pod["metadata"]
        # The uid is a precondition: a namesake is answered with 409.
        change = {"$deleteFromPrimitiveList/finalizers": [TRACKING], "uid": metadata["uid"]}
        try:
            await self.client.patch(
                PODS, metadata["name"], {"metadata": change}, namespace=metadata["namespace"]
            )
        except (errors.NotFound, errors.Conflict):
            pass  # gone, or replaced by a namesake

    async def _free_strays(self, key: Key, job: Obj | None) -> None:
        """Pods that wait for a Job which does not count them any more: it is over, gone or another one now."""
        if job is not None and not is_ours(job):
            return
        uid = objects.uid_of(job) if job is not None and finished(job) is None else None
        strays = [
            pod
            for pod in self.pods.by_index(BY_TRACKING, "/".join(key))
            if uid is None or not pods.is_owned_by(pod, uid)
        ]
        failure = _first_failure(await gather_bounded(PARALLEL, [self._free_one(pod) for pod in strays]))
        if failure is not None:
            raise failure


def _first_failure(results: Iterable[object]) -> Exception | None:
    """A cancellation among them is ours, and goes on up."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure
    return next((failure for failure in failures if isinstance(failure, Exception)), None)
