"""Which pods belong together when nobody says: those that the pod's Services and its controller select.

Source: pkg/scheduler/framework/plugins/helper/spread.go, DefaultSelector.
"""

from __future__ import annotations

from kubepy.api import selectors
from kubepy.api.builtins import REPLICA_SETS, REPLICATION_CONTROLLERS, SERVICES, STATEFUL_SETS
from kubepy.api.objects import Document, Key, controller_of, walk
from kubepy.api.selectors import LabelSelector
from kubepy.client.informer import InformerFactory
from kubepy.scheduler.node_info import PodInfo

_REMEMBERED_MAX = 4096


class DefaultSelector:
    """Remembers its answers per labels and controller, until a Service of the namespace changes."""

    def __init__(self, informers: InformerFactory) -> None:
        self._services = informers.informer(SERVICES)
        self._controllers = {
            (resource.api_version, resource.kind): informers.informer(resource)
            for resource in (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS)
        }
        self._remembered: dict[tuple[object, ...], LabelSelector] = {}
        self._services.add_handler(
            on_add=self._service_changed,
            on_update=lambda old, new: self._service_changed(new),
            on_delete=self._service_changed,
        )

    def of(self, pod: PodInfo) -> LabelSelector:
        """Everything if nothing selects the pod."""
        owner = controller_of(pod.obj) or {}
        key = (pod.key.namespace, pod.kin[1], owner.get("uid"))
        known = self._remembered.get(key)
        if known is not None:
            return known
        labels: dict[str, str] = {}
        for service in self._services.list(pod.key.namespace):
            selector = walk(service, "spec", "selector")
            if selector and selector.items() <= pod.labels.items():
                labels.update(selector)
        found = selectors.from_set(labels)
        informer = self._controllers.get((owner.get("apiVersion", ""), owner.get("kind", "")))
        if informer is not None:
            controller = informer.get(Key(pod.key.namespace, owner["name"]))
            if controller is None:
                return found  # we may just not have heard of it
            selector = walk(controller, "spec", "selector") or {}
            if owner["kind"] == "ReplicationController":
                found = selectors.from_set({**labels, **selector})
            else:
                more = selectors.from_label_selector(selector).requirements
                found = LabelSelector([*found.requirements, *more])
        if len(self._remembered) >= _REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[key] = found
        return found

    def _service_changed(self, document: Document) -> None:
        namespace = document.key.namespace
        for key in [key for key in self._remembered if key[0] == namespace]:
            del self._remembered[key]
