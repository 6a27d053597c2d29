"""In which order groups and versions are listed: by the priorities of their APIServices.

The catalog's own order is what comes of the priorities below; they matter as soon as a group that is served elsewhere
has to find its place among them.

Source: kubernetes pkg/controlplane/apiserver/aggregator.go DefaultGenericAPIServicePriorities,
cmd/kube-apiserver/app/aggregator.go, pkg/controlplane/controller/crdregistration; kube-aggregator
pkg/apis/apiregistration/v1/helper/helpers.go SortedByGroupAndVersion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kubepy.api.builtins import GroupVersions, version_rank


class Priority(NamedTuple):
    """Higher comes first."""

    group: int
    version: int


CUSTOM = Priority(1000, 100)

# Listed before everything else, whatever anybody claims.
_FIRST = "apiregistration.k8s.io"

_GROUPS = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "admissionregistration.k8s.io": 16700,
    "apiextensions.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "storagemigration.k8s.io": 15800,
}
_STABLE, _BETA, _ALPHA = 15, 9, 1
_VERSIONS = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
    ("resource.k8s.io", "v1"): 21,
}


def builtin(group: str, version: str) -> Priority | None:
    """Of a group version that every server has; None for others, and for the group of the APIServices themselves."""
    if group not in _GROUPS:
        return None
    other = _BETA if "beta" in version else _ALPHA if "alpha" in version else _STABLE
    return Priority(_GROUPS[group], _VERSIONS.get((group, version), other))


def of(group: str, version: str) -> Priority:
    """Of a group version of this server."""
    return builtin(group, version) or CUSTOM


def merged(local: Iterable[GroupVersions], remote: Mapping[tuple[str, str], Priority]) -> list[GroupVersions]:
    """The groups of this server and of others as one list, in the order of discovery."""
    priorities = {(gv.group, version): of(gv.group, version) for gv in local for version in gv.versions}
    priorities |= remote
    groups: dict[str, list[str]] = {}
    for group, version in priorities:
        groups.setdefault(group, []).append(version)

    def group_rank(group: str) -> tuple[bool, int, str]:
        # The best APIService of a group stands for it; of equals, the one whose name comes first.
        best = min((-priorities[group, version].group, f"{version}.{group}") for version in groups[group])
        return group != _FIRST, *best

    def version_order(group: str, version: str) -> tuple[object, ...]:
        return -priorities[group, version].version, version_rank(version)

    # The core group has discovery documents of its own, and stands at the head of lists that have both.
    ordered = sorted(groups, key=lambda group: (group != "", *group_rank(group)))
    return [
        GroupVersions(group, tuple(sorted(groups[group], key=lambda version: version_order(group, version))))
        for group in ordered
    ]
