"""Where objects live in the store.

/registry/<plural>[.<group>]/<namespace>/<name>, without the namespace for cluster-scoped kinds. What follows the prefix
is the object's `path` within its resource, "default/web-0": its order as text is the store's order of keys, so a page
taken from memory and the next one read from the store fit together.
"""

from __future__ import annotations

import sys

from kubepy.api.objects import Key
from kubepy.api.resources import Resource


def prefix_of(storage: Resource) -> bytes:
    """b"/registry/deployments.apps/" for the row of the storage version."""
    return f"/registry/{storage.group_resource}/".encode()


def path_of(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def key_at(path: str) -> Key:
    namespace, _, name = path.rpartition("/")
    # One text for all objects of a namespace.
    return Key(sys.intern(namespace), name)
