"""DefaultBinder: POST pods/<name>/binding.

Source: pkg/scheduler/framework/plugins/defaultbinder/default_binder.go.
"""

from __future__ import annotations

from kubepy.api.builtins import PODS
from kubepy.client.client import Client
from kubepy.scheduler.framework import CycleState, Status
from kubepy.scheduler.node_info import PodInfo


class DefaultBinder:
    name = "DefaultBinder"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def bind(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        namespace, name = pod.key
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            # The uid keeps a pod that was recreated under this name from being bound by mistake.
            "metadata": {"namespace": namespace, "name": name, "uid": pod.uid},
            "target": {"kind": "Node", "name": node},
        }
        await self._client.create(PODS, binding, namespace=namespace, name=name, subresource="binding")
        return None
