"""ClusterRole aggregation: a ClusterRole with an aggregationRule has the rules of those that it selects.

Watches ClusterRoles. Writes the rules of those with an aggregationRule, by apply.

Source: kubernetes 1.36 pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import selectors
from kubepy.api.builtins import CLUSTER_ROLES
from kubepy.api.objects import Document, Key, Obj, labels_of
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import After, Controller

MANAGER = "clusterrole-aggregation-controller"


def _aggregates(obj: Obj) -> Iterable[str]:
    return ("yes",) if obj.get("aggregationRule") is not None else ()


class ClusterRoleAggregationController(Controller):
    name = "clusterrole-aggregation-controller"
    workers = 5

    def setup(self) -> None:
        self.roles = self.watch(CLUSTER_ROLES, self._aggregating, indexes={"aggregates": _aggregates})

    def _aggregating(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Any role may be part of any of the few that aggregate."""
        return list(self.roles.keys_by_index("aggregates", "yes"))

    async def reconcile(self, key: Key) -> After | None:
        role = self.roles.get(key)
        if role is None or role.get("aggregationRule") is None:
            return None
        rules = plan(role, self.roles.list())
        if rules == (role.get("rules") or []):
            return None
        wanted = {
            "apiVersion": role["apiVersion"], "kind": role["kind"], "metadata": {"name": key.name}, "rules": rules,
        }  # fmt: skip
        client = self.client.named(MANAGER)
        await client.patch(CLUSTER_ROLES, key.name, wanted, content_type=APPLY_PATCH, force=True)
        return None


def plan(role: Obj, roles: Iterable[Obj]) -> list[Obj]:
    """The rules it is to have: those of each selector's roles by name, each rule once."""
    by_name = sorted(roles, key=lambda each: each["metadata"]["name"])
    rules: list[Obj] = []
    for wanted in role["aggregationRule"].get("clusterRoleSelectors") or ():
        selector = selectors.from_label_selector(wanted)
        for other in by_name:
            if other["metadata"]["name"] == role["metadata"]["name"] or not selector.matches(
                labels_of(other)
            ):
                continue
            rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
