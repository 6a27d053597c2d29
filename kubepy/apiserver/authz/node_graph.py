"""How nodes are related to objects: node <- pod <- secret, configmap, claim, ...; claim <- volume <- secret.

What lies between a node and a thing is short and, but for pods, written in the thing itself. So only two relations are
kept: what the pods of a node refer to, and which volumes are bound to a claim. Pods change all the time, while nodes
ask now and then: a change only notes which pod it was, and the next question looks at those that have changed.

Source: kubernetes plugin/pkg/auth/authorizer/node/{graph,graph_populator}.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from kubepy.api.objects import Document, Obj, uid_of, walk
from kubepy.apiserver.authz.references import Reference, of_pod, secrets_of_volume
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import path_of

# Pods that may have changed while no node asked; beyond that all are looked at again.
CHANGED_MAX = 20_000


class Running(NamedTuple):
    """A pod on a node: what it refers to cannot change as long as `state` does not."""

    node: str
    state: tuple[object, ...]
    references: frozenset[Reference]


class NodeGraph:
    """Over caches that are loaded."""

    def __init__(self, pods: ResourceCache, volumes: ResourceCache) -> None:
        self._pods, self._volumes = pods, volumes
        self._changed: dict[str, None] | None = None  # None: all of them
        self._running: dict[str, Running] = {}
        self._of_node: dict[str, Counter[Reference]] = {}
        self._volumes_of: dict[tuple[str, str], dict[str, None]] = {}
        pods.observe(self._pod_changed)
        volumes.observe(self._volume_changed, self._volumes_loaded)

    # -- questions -------------------------------------------------------------------------------------------------

    def refers(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a pod on the node refers to the thing, or a volume that a pod there uses."""
        self._catch_up()
        references = self._of_node.get(node)
        if not references:
            return False
        wanted = Reference(resource, namespace, name)
        if wanted in references:
            return True
        return resource == "secrets" and any(
            wanted in secrets_of_volume(volume)
            for reference in references
            if reference.resource == "persistentvolumeclaims"
            for volume in self._bound(reference)
        )

    def uses_volume(self, node: str, name: str) -> bool:
        document = self._volumes.get(name)
        claim = walk(document.obj, "spec", "claimRef") if document is not None else None
        if claim is None:
            return False
        namespace, claimed = claim.get("namespace", ""), claim.get("name", "")
        return self.refers(node, "persistentvolumeclaims", namespace, claimed)

    def _bound(self, claim: Reference) -> list[Obj]:
        names = self._volumes_of.get((claim.namespace, claim.name), ())
        return [document.obj for name in names if (document := self._volumes.get(name)) is not None]

    # -- following -------------------------------------------------------------------------------------------------

    def _pod_changed(self, change: Change) -> None:
        changed = self._changed
        if changed is not None:
            changed[change.path] = None
            if len(changed) > CHANGED_MAX:
                self._changed = None

    def _catch_up(self) -> None:
        changed, self._changed = self._changed, {}
        if changed is None:
            self._running.clear()
            self._of_node.clear()
            for document in self._pods.documents():
                self._place(path_of(*document.key), document)
            return
        for path in changed:
            self._place(path, self._pods.get(path))

    def _place(self, path: str, document: Document | None) -> None:
        known = self._running.get(path)
        pod = document.peek() if document is not None else None
        node = pod["spec"].get("nodeName") if pod is not None else None
        if pod is None or not node:
            if known is not None:
                self._remove(path, known)
            return
        state = (
            uid_of(pod),
            len(pod["spec"].get("ephemeralContainers") or ()),
            repr(walk(pod, "status", "resourceClaimStatuses")),
            walk(pod, "status", "extendedResourceClaimStatus", "resourceClaimName"),
        )
        if known is not None:
            if (known.node, known.state) == (node, state):
                return
            self._remove(path, known)
        running = self._running[path] = Running(node, state, of_pod(pod))
        self._of_node.setdefault(node, Counter()).update(running.references)

    def _remove(self, path: str, known: Running) -> None:
        del self._running[path]
        references = self._of_node[known.node]
        for reference in known.references:
            references[reference] -= 1
            if not references[reference]:
                del references[reference]
        if not references:
            del self._of_node[known.node]

    def _volumes_loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._claim(document, _add)

    def _volume_changed(self, change: Change) -> None:
        if change.previous is not None:
            self._claim(change.previous, _discard)
        if change.document is not None:
            self._claim(change.document, _add)

    def _claim(self, document: Document, act: Callable[[dict[str, None], str], None]) -> None:
        claim = walk(document.peek(), "spec", "claimRef")
        if claim is None:
            return
        key = (claim.get("namespace", ""), claim.get("name", ""))
        names = self._volumes_of.setdefault(key, {})
        act(names, document.key.name)
        if not names:
            del self._volumes_of[key]


def _add(names: dict[str, None], name: str) -> None:
    names[name] = None


def _discard(names: dict[str, None], name: str) -> None:
    names.pop(name, None)
