"""HorizontalPodAutoscaler: gives its target as many replicas as its metrics ask for, every 15 seconds.

Watches HorizontalPodAutoscalers and Pods; reads scales, and metrics where they are served. Writes scales of whatever
has them, and the autoscalers' status. Remembers recommendations and past changes, which a restart forgets, as
upstream's.

    autoscaling_metrics.py     figures, from metrics.k8s.io and its custom and external sisters
    replica_calculator.py      figures -> a count
    scaling_behavior.py        stabilisation, policies, range
    autoscaling_plan.py        all of it together, as a status and events

Source: kubernetes 1.36 pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from kubepy.api import errors, selectors
from kubepy.api.builtins import HORIZONTAL_POD_AUTOSCALERS, PODS
from kubepy.api.objects import Key, Obj, copy, group_version, labels_of
from kubepy.api.resources import Resource
from kubepy.api.selectors import NOTHING, LabelSelector
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import autoscaling_plan as planning
from kubepy.controllers import scaling_behavior
from kubepy.controllers.autoscaling_metrics import Metrics, Unavailable
from kubepy.controllers.autoscaling_plan import Conditions, Observed, Plan, Reading
from kubepy.controllers.discovery import Discover
from kubepy.controllers.scaling_behavior import History

# Source: podautoscaler/config/v1alpha1/defaults.go HorizontalPodAutoscalerSyncPeriod.
SYNC_S = 15.0
# Source: client-go util/retry DefaultRetry.
_RESCALE_ATTEMPTS, _RESCALE_WAIT_S = 5, 0.01

WARNING, NORMAL = "Warning", "Normal"


class HorizontalPodAutoscalerController(Controller):
    name = "horizontal-pod-autoscaler-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover
        self._metrics = Metrics(self.client, discover)
        self._histories: dict[Key, History] = {}
        # What each autoscaler's target selects, as far as it is known: by namespace.
        self._selectors: dict[str, dict[str, LabelSelector]] = {}

    def setup(self) -> None:
        self.autoscalers = self.watch(HORIZONTAL_POD_AUTOSCALERS)
        self.pods = self.watch(PODS)
        # An autoscaler is looked at in its own time, not when it changes.
        self.autoscalers.add_handler(
            on_add=lambda document: self.queue.add_after(document.key, SYNC_S),
            on_delete=lambda document: self._forget(document.key),
        )

    def _forget(self, key: Key) -> None:
        self._histories.pop(key, None)
        self._selectors.get(key.namespace, {}).pop(key.name, None)

    async def reconcile(self, key: Key) -> After | None:
        hpa = self.autoscalers.get(key)
        if hpa is None:
            self._forget(key)
            return None
        try:
            await self._autoscale(key, hpa)
        except (errors.StatusError, ConnectionLost) as error:
            # The next look is due at the same time, whatever happened to this one.
            self.log.warning("autoscaling_failed", object=str(key), error=str(error))
        return After(SYNC_S)

    async def _autoscale(self, key: Key, hpa: Obj) -> None:
        try:
            resource, scale = await self._scale(key.namespace, hpa["spec"]["scaleTargetRef"])
        except _NoScale as error:
            await self._without_scale(hpa, str(error))
            return
        observed = await self._look(key, hpa, scale)
        now = self.clock.now()
        history = self._histories.get(key, History())
        plan = planning.plan(hpa, observed, history, now, self.clock.rfc3339())
        self._histories[key] = plan.history
        for reason, message in plan.events:
            self.events.event(hpa, WARNING, reason, message)
        if plan.failure:
            self.log.warning("autoscaling_metrics_invalid", object=str(key), error=plan.failure)
        if plan.rescales:
            await self._rescale(key, hpa, plan, resource, scale)
        await self._write(hpa, plan.status)

    # -- the target ------------------------------------------------------------------------------------------------

    async def _scale(self, namespace: str, reference: Obj) -> tuple[Resource, Obj]:
        """Source: scaleForResourceMappings."""
        api_version = reference.get("apiVersion") or ""
        if api_version.count("/") > 1:
            raise _NoScale(f"unexpected GroupVersion string: {api_version}")
        group, kind = group_version(api_version)[0], reference["kind"]
        rows = [row for row in (await self._discover()).resources if (row.group, row.kind) == (group, kind)]
        failure = f"no matches for kind {errors.quote(kind)} in group {errors.quote(group)}"
        for at, row in enumerate(rows):
            try:
                return row, await self.client.get(row, reference["name"], namespace, subresource="scale")
            except (errors.StatusError, ConnectionLost) as error:
                if at == 0:
                    failure = str(error)
        raise _NoScale(failure)

    async def _without_scale(self, hpa: Obj, why: str) -> None:
        self.events.event(hpa, WARNING, "FailedGetScale", why)
        status = copy(hpa.get("status") or {})
        text = f"the HPA controller was unable to get the target's current scale: {why}"
        Conditions(status, self.clock.rfc3339()).set(planning.ABLE, "False", "FailedGetScale", text)
        await self._write(hpa, status)

    async def _rescale(self, key: Key, hpa: Obj, plan: Plan, resource: Resource, scale: Obj) -> None:
        desired = plan.desired
        assert desired is not None, "there is something to do"
        failure = await self._write_scale(resource, scale, desired)
        if failure:
            text = f"New size: {desired}; reason: {plan.reason}; error: {failure}"
            self.events.event(hpa, WARNING, "FailedRescale", text)
            text = f"the HPA controller was unable to update the target scale: {failure}"
            Conditions(plan.status, self.clock.rfc3339()).set(
                planning.ABLE, "False", "FailedUpdateScale", text
            )
            plan.status["desiredReplicas"] = (hpa.get("status") or {}).get("desiredReplicas", 0)
            return
        planning.note_rescale(plan, self.clock.rfc3339())
        self.events.event(hpa, NORMAL, "SuccessfulRescale", f"New size: {desired}; reason: {plan.reason}")
        self._histories[key] = scaling_behavior.scaled(
            plan.history, hpa["spec"].get("behavior"), plan.current, desired, self.clock.now()
        )
        self.log.info(
            "autoscaled", object=str(key), replicas=desired, before=plan.current, reason=plan.reason
        )

    async def _write_scale(self, resource: Resource, scale: Obj, replicas: int) -> str:
        """Why it failed, "" if it did not."""
        metadata = scale["metadata"]
        for attempt in range(_RESCALE_ATTEMPTS):
            wanted = copy(scale)
            wanted["spec"] = (wanted.get("spec") or {}) | {"replicas": replicas}
            path = resource.path(metadata["namespace"], metadata["name"], "scale")
            try:
                await self.client.transport.request(
                    "PUT", path, query={"fieldManager": self.client.field_manager}, body=wanted
                )
            except errors.Conflict as error:
                if attempt == _RESCALE_ATTEMPTS - 1:
                    return str(error)
                await self.clock.sleep(_RESCALE_WAIT_S)
                scale = await self.client.get(
                    resource, metadata["name"], metadata["namespace"], subresource="scale"
                )
            except (errors.StatusError, ConnectionLost) as error:
                return str(error)
            else:
                return ""
        return ""

    # -- what there is to see --------------------------------------------------------------------------------------

    async def _look(self, key: Key, hpa: Obj, scale: Obj) -> Observed:
        spec, status = hpa["spec"], scale.get("status") or {}
        current, text = (scale.get("spec") or {}).get("replicas", 0), status.get("selector") or ""
        replicas = status.get("replicas", 0)
        if not planning.needs_metrics(spec, current):
            return Observed(current, replicas, text, key.namespace)
        try:
            selector = selectors.parse_labels(text) if text else NOTHING
        except errors.BadRequest:
            selector = NOTHING
        pods = [] if selector is NOTHING else self._selected(key.namespace, selector)
        rivals = self._rivals(key, selector, pods)
        readings: list[Reading] = []
        if len(rivals) < 2 and selector is not NOTHING:
            readings = [await self._read(key.namespace, text, metric) for metric in spec.get("metrics") or ()]
        return Observed(current, replicas, text, key.namespace, pods, readings, rivals)

    def _selected(self, namespace: str, selector: LabelSelector) -> list[Obj]:
        # Most pods of a namespace are another's: what has not the value anywhere is not decoded.
        needles = [b'"%b"' % value.encode() for value in selector.exact.values()]
        return [
            obj
            for document in self.pods.documents(namespace)
            if all(needle in document.raw for needle in needles)
            and selector.matches(labels_of(obj := document.peek()))
        ]

    def _rivals(self, key: Key, selector: LabelSelector, pods: list[Obj]) -> list[str]:
        """The autoscalers that want any of these pods, if there is more than this one."""
        known = self._selectors.setdefault(key.namespace, {})
        known[key.name] = selector
        labels = [labels_of(pod) for pod in pods]
        names = [name for name, each in known.items() if any(each.matches(own) for own in labels)]
        return sorted(f"{key.namespace}/{name}" for name in names) if len(names) > 1 else []

    async def _read(self, namespace: str, selector: str, metric: Obj) -> Reading:
        try:
            match metric["type"]:
                case "Resource":
                    return await self._metrics.of_pods(metric["resource"]["name"], namespace, selector, "")
                case "ContainerResource":
                    source = metric["containerResource"]
                    return await self._metrics.of_pods(
                        source["name"], namespace, selector, source["container"]
                    )
                case "Pods":
                    wanted = metric["pods"]["metric"]
                    return await self._metrics.of_pods_custom(
                        wanted["name"], namespace, selector, _text(wanted)
                    )
                case "Object":
                    wanted, described = metric["object"]["metric"], metric["object"]["describedObject"]
                    return await self._metrics.of_object(wanted["name"], namespace, described, _text(wanted))
                case "External":
                    wanted = metric["external"]["metric"]
                    return await self._metrics.external(wanted["name"], namespace, _text(wanted))
        except (Unavailable, ValueError) as error:
            return error
        return Unavailable(f"unknown metric source type {errors.quote(metric['type'])}")

    async def _write(self, hpa: Obj, status: Obj) -> None:
        # Before 1.37 they had no generation.
        if (generation := hpa["metadata"].get("generation")) is not None:
            status["observedGeneration"] = generation
        if status == (hpa.get("status") or {}):
            return
        obj = copy(hpa)
        obj["status"] = status
        try:
            await self.client.update(HORIZONTAL_POD_AUTOSCALERS, obj, subresource="status")
        except (errors.StatusError, ConnectionLost) as error:
            self.events.event(hpa, WARNING, "FailedUpdateStatus", str(error))
            raise


class _NoScale(Exception):
    """The target cannot be scaled, or is not there; the message says why."""


def _text(metric: Obj) -> str:
    """A metric's selector as a query has it; none selects nothing in particular."""
    selector = metric.get("selector")
    return "" if selector is None else str(selectors.from_label_selector(selector))
