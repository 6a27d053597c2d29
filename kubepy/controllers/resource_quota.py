"""ResourceQuota: keeps status.hard and status.used of every quota.

Counts all over when a quota's limits change, when an object that it counts goes away (or ends, or changes its kind of
use), and every five minutes. What is created is charged at the door (apiserver/admission/plugins/resource_quota.py),
so nothing happens here for it.

Watches ResourceQuotas, and of other kinds those that some quota speaks of. A cluster without quotas costs nothing.
Writes: ResourceQuotas' status.

A count sees what is written, not what was charged for and is still on its way into the store. Who knows of that is the
API server: it adds it to what is written here (the same plugin). Upstream's does not, and now and then lets one object
too many in.

Source: kubernetes 1.36 pkg/controller/resourcequota/{resource_quota_controller,resource_quota_monitor}.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api.builtins import RESOURCE_QUOTAS
from kubepy.api.objects import Document, Key, Obj, copy
from kubepy.api.quota import amounts, count, scopes
from kubepy.api.quota.amounts import Amounts
from kubepy.api.quota.evaluators import Evaluator
from kubepy.api.resources import Resource
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.client.informer import Informer
from kubepy.controllers.discovery import Discover, preferred

# Source: pkg/controller/resourcequota/config/v1alpha1/defaults.go ResourceQuotaSyncPeriod.
RESYNC_S = 300.0
# A kind that is not served yet is looked for this often. Source: core.go, resourceQuotaController.Sync.
DISCOVER_S = 30.0


class ResourceQuotaController(Controller):
    name = "resourcequota-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover
        self._followed: dict[str, Informer] = {}

    def setup(self) -> None:
        self.quotas = self.watch(RESOURCE_QUOTAS, key_of, is_due)

    async def reconcile(self, key: Key) -> After | None:
        quota = self.quotas.get(key)
        if quota is None:
            return None
        counted = count.by_evaluator((quota.get("spec") or {}).get("hard") or {})
        unknown = await self._follow(counted)
        counts = {
            evaluator: names
            for evaluator, names in counted.items()
            if evaluator.group_resource not in unknown
        }
        # What is read from here on is of one moment.
        quota = self.quotas.get(key)
        if quota is None:
            return None
        status = plan(quota, self._usage(quota, counts))
        if status is not None:
            obj = copy(quota)
            obj["status"] = status
            await self.client.update(RESOURCE_QUOTAS, obj, subresource="status")
        return After(DISCOVER_S if unknown else RESYNC_S)

    # -- counting --------------------------------------------------------------------------------------------------

    def _usage(self, quota: Obj, counts: dict[Evaluator, set[str]]) -> Amounts:
        total: Amounts = {}
        namespace, requirements = quota["metadata"]["namespace"], scopes.of_quota(quota["spec"])
        for evaluator, names in counts.items():
            documents = self._followed[evaluator.group_resource].documents(namespace)
            total = amounts.add(
                total, count.used(evaluator, documents, requirements, names, self.clock.now())
            )
        return total

    # -- following what is counted ---------------------------------------------------------------------------------

    async def _follow(self, counts: Iterable[Evaluator]) -> set[str]:
        """Watch what is to be counted; returns the kinds that nobody serves."""
        wanted = {evaluator.group_resource: evaluator for evaluator in counts}
        if not wanted:
            return set()
        served = {
            row.group_resource: row
            for row in preferred((await self._discover()).resources, "create", "list", "watch", "delete")
            if row.namespaced and row.group_resource in wanted
        }
        for name, resource in served.items():
            await self._informer(resource, wanted[name]).wait_synced()
        return wanted.keys() - served.keys()

    def _informer(self, resource: Resource, evaluator: Evaluator) -> Informer:
        informer = self.informers.informer(resource, metadata_only=evaluator.is_plain)
        # A kind that went and came again has another informer.
        if self._followed.get(resource.group_resource) is not informer:
            self._followed[resource.group_resource] = informer
            informer.add_handler(
                on_update=None if evaluator.is_plain else lambda old, new: self._changed(evaluator, new, old),
                on_delete=lambda document: self._replenish(evaluator, document.key.namespace),
            )
        return informer

    def _changed(self, evaluator: Evaluator, new: Document, old: Document) -> None:
        namespace = new.key.namespace
        if self.quotas.keys(namespace) and evaluator.frees(new.obj, old.obj, self.clock.now()):
            self._replenish(evaluator, namespace)

    def _replenish(self, evaluator: Evaluator, namespace: str) -> None:
        for key in list(self.quotas.keys(namespace)):
            quota = self.quotas.get(key)
            if quota is not None and evaluator.matching((quota.get("status") or {}).get("hard") or {}):
                self.queue.add(key)


def is_due(document: Document, old: Document | None) -> bool:
    """Whether a change of a quota asks for a count: not that of its status."""
    if old is None:
        return True
    hard, before = ((each.obj.get("spec") or {}).get("hard") or {} for each in (document, old))
    return amounts.parse(hard) != amounts.parse(before)


def plan(quota: Obj, usage: Amounts) -> Obj | None:
    """The quota's new status, None if it has it already. What could not be counted keeps its old figure.

    Source: syncResourceQuota.
    """
    spec_hard, status = (quota.get("spec") or {}).get("hard") or {}, quota.get("status") or {}
    hard, known = amounts.parse(spec_hard), amounts.parse(status.get("used"))
    used = amounts.mask(known | usage, hard)
    if (
        status.get("hard") is not None
        and status.get("used") is not None
        and amounts.parse(status["hard"]) == hard
        and used == known
    ):
        return None
    return {"hard": amounts.render(hard), "used": amounts.render(used)}
