"""Shipped to users: a whole cluster in a test, on virtual time.

Reading order: cluster.py (the harness), builders.py (objects in sentences), plugin.py (the pytest fixture), contracts/
(suites for whoever implements one of our interfaces).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubepy.testing.cluster import Cluster

__all__ = ["Cluster"]


def __getattr__(name: str) -> Any:
    """`from kubepy.testing import Cluster`, imported then: the pytest plugin must not bring the whole house."""
    if name == "Cluster":
        from kubepy.testing.cluster import Cluster

        return Cluster
    raise AttributeError(name)
