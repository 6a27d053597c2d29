"""ResourceQuota: keeps status.hard and status.used of every quota.

Counts all over when a quota's limits change, when an object that it counts goes away (or ends, or changes its kind of
use), and every five minutes. What is created is charged at the door (apiserver/admission/plugins/resource_quota.py),
so nothing happens here for it.

Watches ResourceQuotas, and of other kinds those that some quota speaks of. A cluster without quotas costs nothing.
Writes: ResourceQuotas' status.

What was charged a moment ago may not be written yet, and must not be given back as if it were gone: a count that finds
less than before is believed when nothing was charged meanwhile. Differs: upstream gives it back at once, and now and
then lets one object too many in.

Source: kubernetes 1.36 pkg/controller/resourcequota/{resource_quota_controller,resource_quota_monitor}.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import quantity
from kubepy.api.builtins import RESOURCE_QUOTAS
from kubepy.api.objects import Document, Key, Obj, copy, revision_of
from kubepy.api.quota import amounts, evaluators, scopes
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
# A write takes milliseconds from its charge to its event here. Where charges never cease the figure is believed in the
# end; what is lost by it, the next full count finds.
_SETTLE_S, _LOOKS_MAX = 0.1, 20


class ResourceQuotaController(Controller):
    name = "resourcequota-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover
        self._followed: dict[str, Informer] = {}
        # Quotas that seem to have become freer: at which revision, and how often they were looked at.
        self._freer: dict[Key, tuple[int, int]] = {}

    def setup(self) -> None:
        self.quotas = self.watch(RESOURCE_QUOTAS, key_of, is_due)

    async def reconcile(self, key: Key) -> After | None:
        quota = self.quotas.get(key)
        if quota is None:
            self._freer.pop(key, None)
            return None
        counted = by_evaluator((quota.get("spec") or {}).get("hard") or {})
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
            if is_freer(quota, status) and not self._has_settled(key, quota):
                return After(_SETTLE_S)
            obj = copy(quota)
            obj["status"] = status
            await self.client.update(RESOURCE_QUOTAS, obj, subresource="status")
        self._freer.pop(key, None)
        return After(DISCOVER_S if unknown else RESYNC_S)

    def _has_settled(self, key: Key, quota: Obj) -> bool:
        """Whether nobody was charged since the last look."""
        revision, looks = self._freer.get(key, (0, 0))
        if revision == revision_of(quota) or looks >= _LOOKS_MAX:
            return True
        self._freer[key] = revision_of(quota), looks + 1
        return False

    # -- counting --------------------------------------------------------------------------------------------------

    def _usage(self, quota: Obj, counts: dict[Evaluator, set[str]]) -> Amounts:
        total: Amounts = {}
        namespace, requirements = quota["metadata"]["namespace"], scopes.of_quota(quota["spec"])
        for evaluator, names in counts.items():
            informer = self._followed[evaluator.group_resource]
            total = amounts.add(total, dict.fromkeys(names, quantity.ZERO))
            if evaluator.is_plain:
                number = 0 if requirements else len(informer.keys(namespace))
                total = amounts.add(total, dict.fromkeys(names, quantity.of_value(number)))
                continue
            total = amounts.add(
                total,
                _counted(evaluator, informer.documents(namespace), requirements, names, self.clock.now()),
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


def by_evaluator(names: Iterable[str]) -> dict[Evaluator, set[str]]:
    """Which kinds have to be counted, and for which resources of the quota."""
    found: dict[Evaluator, set[str]] = {}
    for name in names:
        for evaluator in evaluators.counted_in(name):
            if evaluator.group_resource not in evaluators.IGNORED:
                found.setdefault(evaluator, set()).add(name)
    return found


def _counted(
    evaluator: Evaluator, documents: Iterable[Document], requirements: list[Obj], names: set[str], now: float
) -> Amounts:
    total: Amounts = {}
    for document in documents:
        obj = document.peek()
        if evaluator.matches_scopes(requirements, obj):
            total = amounts.add(total, amounts.mask(evaluator.usage(obj, now), names))
    return total


def is_freer(quota: Obj, status: Obj) -> bool:
    """Whether less is used of anything than was."""
    used, known = amounts.parse(status["used"]), amounts.parse((quota.get("status") or {}).get("used"))
    return any(name in used and used[name] < amount for name, amount in known.items())


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
