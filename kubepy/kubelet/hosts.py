"""What pods need to know of their node, in a few words each: a look at a pod does not decode its Node."""

from __future__ import annotations

from msgspec import Struct

from kubepy.api.objects import Document, Key
from kubepy.client.informer import Informer
from kubepy.kubelet.nodes import is_out, is_simulated


class Host(Struct, frozen=True):
    """A node as its pods see it."""

    document: Document  # of the Node, to be decoded where all of it is needed
    is_on: bool  # it is ours, and heard from
    ip: str  # "10.0.0.1", "" if it has none
    pod_cidr: str  # "10.244.1.0/24", "" if it has none

    @classmethod
    def of(cls, document: Document) -> Host:
        node = document.obj
        addresses = (node.get("status") or {}).get("addresses") or ()
        return cls(
            document,
            is_simulated(node) and not is_out(node),
            next((a["address"] for a in addresses if a["type"] == "InternalIP"), ""),
            (node.get("spec") or {}).get("podCIDR") or "",
        )


class Hosts:
    """As new as the informer of the nodes: a host is made anew when its node has changed."""

    def __init__(self, nodes: Informer) -> None:
        self._nodes = nodes
        self._known: dict[str, Host] = {}
        nodes.add_handler(on_delete=lambda document: self._known.pop(document.key.name, None))

    def of(self, name: str) -> Host | None:
        """None if there is no such node."""
        document = self._nodes.document(Key("", name))
        if document is None:
            return None
        known = self._known.get(name)
        if known is None or known.document is not document:
            known = self._known[name] = Host.of(document)
        return known
