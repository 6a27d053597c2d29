"""Node IPAM: each node gets a range of the cluster's pod addresses of its own, one of each IP family there is.

Watches Nodes. Writes spec.podCIDR and spec.podCIDRs. Runs only with --allocate-node-cidrs, and then for every node that
has none; what nodes have already is taken as it is. Ranges are given out in order, freed ones when all others are used.

There is no cloud to ask for ranges.

Source: kubernetes 1.36 pkg/controller/nodeipam/ipam/{range_allocator.go,cidrset/cidr_set.go}.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import NODES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, key_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Options(Struct, frozen=True):
    cluster_cidrs: tuple[str, ...]  # one, or one of each family
    mask_sizes: tuple[int, ...]  # of a node's part, for each of them
    service_cidrs: tuple[str, ...] = ()  # nothing of them is given to a node


class Exhausted(Exception):
    """All ranges are given out."""


class OutOfRange(Exception):
    """Not a part of the cluster's range."""


class Ranges:
    """Equal parts of one range, given out in order and round again."""

    def __init__(self, cluster: Network, mask_size: int) -> None:
        self._cluster, self._mask_size = cluster, mask_size
        self.version = cluster.version
        self._width = 1 << (cluster.max_prefixlen - mask_size)
        self._count = 1 << (mask_size - cluster.prefixlen)
        self._used: set[int] = set()
        self._next = 0

    def take(self) -> Network:
        for step in range(self._count):
            index = (self._next + step) % self._count
            if index not in self._used:
                self._used.add(index)
                self._next = (index + 1) % self._count
                address = self._cluster.network_address + index * self._width
                return ipaddress.ip_network(f"{address}/{self._mask_size}")
        raise Exhausted(
            "CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range"
        )

    def occupy(self, network: Network) -> None:
        self._used.update(self._parts(network))

    def release(self, network: Network) -> None:
        self._used.difference_update(self._parts(network))

    def _parts(self, network: Network) -> range:
        """Those that have an address of `network`."""
        if network.version != self._cluster.version or not network.overlaps(self._cluster):
            raise OutOfRange(f"cidr {network} is out the range of cluster cidr {self._cluster}")
        base = int(self._cluster.network_address)
        first = max(0, int(network.network_address) - base) // self._width
        last = (int(network.broadcast_address) - base) // self._width
        return range(first, min(last, self._count - 1) + 1)


class NodeIpamController(Controller):
    name = "node-ipam-controller"
    # One after another: a range is given once.
    workers = 1

    def __init__(self, context: ControllerContext, options: Options) -> None:
        super().__init__(context)
        self._families = [
            Ranges(ipaddress.ip_network(cidr), size)
            for cidr, size in zip(options.cluster_cidrs, options.mask_sizes)
        ]
        for ranges, network in self._matched(map(ipaddress.ip_network, options.service_cidrs)):
            try:
                ranges.occupy(network)
            except OutOfRange:
                pass  # as it should be

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        # What nodes have is known before the first range is given.
        self.nodes.add_handler(
            on_add=self._seen, on_update=lambda old, new: self._seen(new), on_delete=self._gone
        )
        self.watch(NODES, key_of, lambda document, old: not document.obj["spec"].get("podCIDRs"))

    def _matched(self, networks: Iterable[Network]) -> Iterator[tuple[Ranges, Network]]:
        """Each with the ranges of its family; those of a family that the cluster has not are left out."""
        for network in networks:
            yield from ((ranges, network) for ranges in self._families if ranges.version == network.version)

    def _seen(self, document: Document) -> None:
        for ranges, network in self._matched(_networks(document.obj)):
            try:
                ranges.occupy(network)
            except OutOfRange as error:
                self.log.warning("node_cidr_out_of_range", object=document.key.name, error=str(error))

    def _gone(self, document: Document) -> None:
        self._release(_networks(document.obj))

    def _release(self, networks: Iterable[Network]) -> None:
        for ranges, network in self._matched(networks):
            try:
                ranges.release(network)
            except OutOfRange:
                pass  # never ours

    def _take(self) -> list[Network]:
        """One of each family, or none. Source: AllocateOrOccupyCIDR."""
        taken: list[Network] = []
        try:
            for ranges in self._families:
                network = ranges.take()
                taken.append(network)
        except Exhausted:
            self._release(taken)
            raise
        return taken

    async def reconcile(self, key: Key) -> After | None:
        node = self.nodes.get(key)
        if node is None or objects.is_deleting(node) or node["spec"].get("podCIDRs"):
            return None
        try:
            networks = self._take()
        except Exhausted:
            self._tell(node, "CIDRNotAvailable")
            raise
        cidrs = [str(network) for network in networks]
        try:
            change = {
                "metadata": {"uid": objects.uid_of(node)},
                "spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs},
            }
            await self.client.patch(NODES, key.name, change, content_type=MERGE_PATCH)
        except Exception as error:
            self._release(networks)
            if isinstance(error, errors.NotFound):
                return None
            if not isinstance(error, errors.Conflict):
                self._tell(node, "CIDRAssignmentFailed")
            raise
        self.log.info("node_cidr_assigned", object=key.name, cidrs=" ".join(cidrs))
        return None

    def _tell(self, node: Obj, status: str) -> None:
        name = node["metadata"]["name"]
        regarding = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": objects.uid_of(node)}
        self.events.event(regarding, "Normal", status, f"Node {name} status is now: {status}")


def _networks(node: Obj) -> list[Network]:
    return [ipaddress.ip_network(text, strict=False) for text in node["spec"].get("podCIDRs") or ()]
