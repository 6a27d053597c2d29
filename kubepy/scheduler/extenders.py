"""Extenders: HTTP servers that have a say about nodes, scores and the binding of (some) pods.

They are asked one after the other, in the order of the configuration, about the nodes that every filter let through;
meanwhile no other pod is decided upon, as upstream does it. The wire types are v1: Go's names, any case accepted.
Those with a preemptVerb are shown the nodes on which preemption would help, with the victims there, and may leave out
nodes and change victims; of what is left the best is taken. Groups of pods are decided without them.

Source: pkg/scheduler/extender.go, schedule_one.go (findNodesThatPassExtenders, prioritizeNodes),
framework/preemption/preemption.go (callExtenders),
staging/src/k8s.io/kube-scheduler/extender/v1/types.go.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj
from kubepy.client.http import HttpTransport
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.scheduler.framework import NODE_SCORE_MAX, Code, Status, Victims
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.profiles import Extender

# Who a node's rejection is by; pods so rejected are tried again after any event. Source: framework.ExtenderName.
NAME = "Extender"
# Source: extender/v1/types.go, MaxExtenderPriority.
_SCORE_MAX = 10


class ExtenderError(Exception):
    """One that may not be ignored did not answer, or not what makes sense."""


class Sifted(NamedTuple):
    nodes: list[NodeInfo]
    rejected: dict[str, Status]  # node -> why


class HttpExtender:
    def __init__(self, config: Extender, *, clock: Clock, random: Random) -> None:
        """Raises ValueError for a URL or a certificate that is none."""
        url = urlsplit(config.url_prefix)
        if url.scheme not in ("http", "https") or not url.netloc:
            raise ValueError(f'extender: "{config.url_prefix}" is no URL')
        self.config, self._path = config, url.path.rstrip("/")
        self._transport = HttpTransport(
            f"{url.scheme}://{url.netloc}",
            clock=clock,
            random=random,
            tls=_tls(config) if url.scheme == "https" else None,
            server_name=config.tls.get("serverName") or "",
            user_agent="kube-scheduler",
        )

    async def close(self) -> None:
        await self._transport.close()

    def concerns(self, pod: PodInfo) -> bool:
        """It manages a resource that the pod wants, or has no such list. Source: IsInterested."""
        managed = self.config.managed_resources
        if not managed:
            return True
        containers = [*(pod.spec.get("containers") or ()), *(pod.spec.get("initContainers") or ())]
        resources = (container.get("resources") or {} for container in containers)
        return any(
            not managed.isdisjoint(one.get(kind) or ())
            for one in resources
            for kind in ("requests", "limits")
        )

    async def filter(self, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Sifted:
        """Raises ExtenderError."""
        found = await self._send(self.config.filter_verb, {"Pod": pod.obj, **self._nodes(nodes)})
        if error := _field(found, "Error"):
            raise ExtenderError(error)
        names = _field(found, "NodeNames") if self.config.is_node_cache_capable else None
        if names is None:
            items = _field(_field(found, "Nodes") or {}, "Items") or ()
            names = [item["metadata"]["name"] for item in items]
        by_name = {node.name: node for node in nodes}
        for name in names:
            if name not in by_name:
                raise ExtenderError(
                    f'extender "{self.config.url_prefix}" claims a filtered node "{name}" which is not found in the '
                    "input node list"
                )
        rejected = {
            node: Status(code, why, plugin=NAME)
            for field, code in (
                ("FailedNodes", Code.UNSCHEDULABLE),
                ("FailedAndUnresolvableNodes", Code.UNSCHEDULABLE_AND_UNRESOLVABLE),
            )
            for node, why in (_field(found, field) or {}).items()
        }
        return Sifted([by_name[name] for name in names], rejected)

    async def prioritize(self, pod: PodInfo, nodes: Sequence[NodeInfo]) -> dict[str, int]:
        """node -> what is added to its score. Raises ExtenderError."""
        found = await self._send(self.config.prioritize_verb, {"Pod": pod.obj, **self._nodes(nodes)})
        factor = self.config.weight * (NODE_SCORE_MAX // _SCORE_MAX)
        return {_field(one, "Host"): (_field(one, "Score") or 0) * factor for one in found or ()}

    async def preempt(
        self, pod: PodInfo, victims: Mapping[str, Victims], node_of: Callable[[str], NodeInfo | None]
    ) -> dict[str, Victims]:
        """What it makes of these. Raises ExtenderError."""
        is_meta = self.config.is_node_cache_capable
        shown = {
            node: {
                "Pods": [{"UID": one.uid} if is_meta else one.obj for one in found.pods],
                "NumPDBViolations": found.violations,
            }
            for node, found in victims.items()
        }
        asked = {"NodeNameToVictims": None, "NodeNameToMetaVictims": None}
        asked["NodeNameToMetaVictims" if is_meta else "NodeNameToVictims"] = shown  # type: ignore[assignment]
        answer = await self._send(self.config.preempt_verb, {"Pod": pod.obj, **asked})
        return {
            node: self._victims(node, meta or {}, node_of)
            for node, meta in (_field(answer, "NodeNameToMetaVictims") or {}).items()
        }

    def _victims(self, name: str, meta: Obj, node_of: Callable[[str], NodeInfo | None]) -> Victims:
        node = node_of(name)
        if node is None:
            raise ExtenderError(f'nodeinfo not found for node name "{name}"')
        by_uid = {pod.uid: pod for pod in node.pods.values()}
        found = []
        for one in _field(meta, "Pods") or ():
            uid = _field(one, "UID")
            if uid not in by_uid:
                raise ExtenderError(
                    f"extender: {self.config.url_prefix} claims to preempt pod (UID: {uid}) on node: {name}, but the "
                    "pod is not found on that node"
                )
            found.append(by_uid[uid])
        return Victims(tuple(found), _field(meta, "NumPDBViolations") or 0)

    async def bind(self, pod: PodInfo, node: str) -> None:
        """Raises ExtenderError."""
        namespace, name = pod.key
        asked = {"PodName": name, "PodNamespace": namespace, "PodUID": pod.uid, "Node": node}
        if error := _field(await self._send(self.config.bind_verb, asked), "Error"):
            raise ExtenderError(error)

    def _nodes(self, nodes: Sequence[NodeInfo]) -> Obj:
        if self.config.is_node_cache_capable:
            return {"Nodes": None, "NodeNames": [node.name for node in nodes]}
        items = [node.document.obj for node in nodes if node.document is not None]
        return {"Nodes": {"metadata": {}, "items": items}, "NodeNames": None}

    async def _send(self, verb: str, body: Obj) -> Any:
        url = f"{self.config.url_prefix.rstrip('/')}/{verb}"
        try:
            reply = await self._transport.request(
                "POST", f"{self._path}/{verb}", body=body, timeout_s=self.config.timeout_s
            )
        except StatusError as error:
            raise ExtenderError(f"failed {verb} with extender at URL {url}, code {error.code}") from None
        except ConnectionLost as error:
            raise ExtenderError(str(error)) from None
        except ValueError as error:
            raise ExtenderError(f"extender at URL {url}: {error}") from None
        return reply.obj


class Extenders:
    """All of them; there may be none."""

    def __init__(self, configs: Sequence[Extender], *, clock: Clock, random: Random, log: Logger) -> None:
        self._all = [HttpExtender(config, clock=clock, random=random) for config in configs]
        self._log = log

    def __bool__(self) -> bool:
        return bool(self._all)

    async def close(self) -> None:
        for extender in self._all:
            await extender.close()

    def concern(self, pod: PodInfo) -> bool:
        return any(extender.concerns(pod) for extender in self._all)

    async def filter(self, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Sifted:
        """Raises ExtenderError."""
        left, rejected = list(nodes), {}
        for extender in self._all:
            if not left or not extender.config.filter_verb or not extender.concerns(pod):
                continue
            try:
                found = await extender.filter(pod, left)
            except ExtenderError as error:
                if not extender.config.is_ignorable:
                    raise
                self._log.warning("extender_ignored", extender=extender.config.url_prefix, error=str(error))
                continue
            left = found.nodes
            rejected.update(found.rejected)
        return Sifted(left, rejected)

    def choose_victims(self, pod: PodInfo) -> bool:
        return any(extender.config.preempt_verb and extender.concerns(pod) for extender in self._all)

    async def victims(
        self, pod: PodInfo, victims: Mapping[str, Victims], node_of: Callable[[str], NodeInfo | None]
    ) -> Mapping[str, Victims]:
        """What they leave of these. Raises ExtenderError."""
        for extender in self._all:
            if not victims or not extender.config.preempt_verb or not extender.concerns(pod):
                continue
            try:
                found = await extender.preempt(pod, victims, node_of)
            except ExtenderError as error:
                if not extender.config.is_ignorable:
                    raise
                self._log.warning("extender_ignored", extender=extender.config.url_prefix, error=str(error))
                continue
            nobody = [node for node, chosen in found.items() if not chosen.pods]
            if nobody and not extender.config.is_ignorable:
                raise ExtenderError(f'expected at least one victim pod on node "{nobody[0]}"')
            victims = {node: chosen for node, chosen in found.items() if chosen.pods}
        return victims

    async def scores(self, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Mapping[str, int]:
        """Of those that fail there is none."""
        total: dict[str, int] = {}
        for extender in self._all:
            if not extender.config.prioritize_verb or not extender.concerns(pod):
                continue
            try:
                found = await extender.prioritize(pod, nodes)
            except ExtenderError as error:
                self._log.info(
                    "extender_without_scores", extender=extender.config.url_prefix, error=str(error)
                )
                continue
            for name, score in found.items():
                total[name] = total.get(name, 0) + score
        return total

    def binder(self, pod: PodInfo) -> HttpExtender | None:
        """The one that binds this pod in place of the profile's plugins."""
        return next((e for e in self._all if e.config.bind_verb and e.concerns(pod)), None)


def _field(holder: Obj | None, name: str) -> Any:
    """By its Go name; as Go, any case will do."""
    for key, value in (holder or {}).items():
        if key.lower() == name.lower():
            return value
    return None


def _tls(config: Extender) -> ssl.SSLContext:
    """Source: extender.go, makeTransport: without a CA, any certificate is accepted."""
    tls = config.tls
    ca = base64.b64decode(tls.get("caData") or "").decode()
    has_ca = bool(ca or tls.get("caFile"))
    if tls.get("certData") or tls.get("keyData"):
        raise ValueError("extender: certificates are read from certFile and keyFile only")
    context = ssl.create_default_context(cafile=tls.get("caFile") or None, cadata=ca or None)
    if tls.get("insecure") or (config.enable_https and not has_ca):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if tls.get("certFile"):
        context.load_cert_chain(tls["certFile"], tls.get("keyFile") or None)
    return context
