"""The CSINode of each simulated node: which CSI drivers it has, and how many of their volumes it holds.

    kubepy.io/csi-drivers: "ebs.csi.aws.com=25,nfs.csi.k8s.io"   on the node: drivers, and their limits if they have any

Without the annotation a node has no drivers, as one where none has been installed; what others write into its CSINode
then stays. The scheduler keeps to the limits (scheduler/plugins/node_volume_limits.py).

Source: kubernetes 1.36 pkg/volume/csi/nodeinfomanager/nodeinfomanager.go, pkg/volume/csi/csi_plugin.go.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import CSI_NODES
from kubepy.api.objects import Obj, annotations_of
from kubepy.client.client import MERGE_PATCH, Client

DRIVERS = "kubepy.io/csi-drivers"

# In-tree plugins whose volumes the drivers of the same clouds serve.
MIGRATED = ",".join(
    f"kubernetes.io/{name}"
    for name in (
        "aws-ebs",
        "azure-disk",
        "azure-file",
        "cinder",
        "gce-pd",
        "portworx-volume",
        "vsphere-volume",
    )
)


def drivers_of(node: Obj) -> list[Obj]:
    """As CSINodes have them. A limit that is no number is none."""
    name, found = node["metadata"]["name"], []
    for word in (annotations_of(node).get(DRIVERS) or "").split(","):
        driver, _, limit = word.strip().partition("=")
        if driver:
            made: Obj = {"name": driver, "nodeID": name, "topologyKeys": None}
            found.append(made | ({"allocatable": {"count": int(limit)}} if limit.isdecimal() else {}))
    return found


def render(node: Obj) -> Obj:
    metadata = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": CSI_NODES.api_version,
        "kind": CSI_NODES.kind,
        "metadata": {
            "name": metadata["name"],
            "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": MIGRATED},
            "ownerReferences": [owner],
        },
        "spec": {"drivers": drivers_of(node)},
    }


class CsiNodes:
    """Written when a node is first seen, and when its annotation has changed."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}  # node -> its annotation

    def forget(self, node: str) -> None:
        self._said.pop(node, None)

    def has_told(self, node: str, says: str) -> bool:
        return self._said.get(node) == says

    async def tell(self, client: Client, node: Obj) -> None:
        name, says = node["metadata"]["name"], annotations_of(node).get(DRIVERS) or ""
        before = self._said.get(name)
        wanted = render(node)
        try:
            await client.create(CSI_NODES, wanted)
        except errors.AlreadyExists:
            if says or before:
                await client.patch(CSI_NODES, name, {"spec": wanted["spec"]}, content_type=MERGE_PATCH)
        self._said[name] = says
