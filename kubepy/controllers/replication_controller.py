"""ReplicationControllers: ReplicaSets under their older name, with a plain map for a selector.

Source: kubernetes 1.36 pkg/controller/replication/{replication_controller,conversion}.go, which wraps the ReplicaSet
controller just so.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import objects, selectors
from kubepy.api.builtins import REPLICATION_CONTROLLERS
from kubepy.api.objects import Key, Obj
from kubepy.api.selectors import LabelSelector
from kubepy.controllers.replica_set import ReplicaSetController


class ReplicationControllerController(ReplicaSetController):
    name = "replicationcontroller-controller"
    resource = REPLICATION_CONTROLLERS
    counts_terminating = False

    def selector_of(self, replica_set: Obj) -> LabelSelector:
        return selectors.from_set(replica_set["spec"].get("selector"))

    def _adopters(self, orphan: Obj) -> Iterable[Key]:
        labels = objects.labels_of(orphan)
        return [
            objects.key_of(owner)
            for owner in self.sets.list(orphan["metadata"]["namespace"])
            if owner["spec"].get("selector") and self.selector_of(owner).matches(labels)
        ]
