"""The versions of Kubernetes that a server can be: which kinds each serves by default, and what it calls itself.

A kind of builtins.py is served by the versions that have its schema, because every row there is stable and what is
stable is on. What older versions served and the newest does not is the short table below.

Source: kubernetes pkg/controlplane/instance.go of each release (legacyBetaEnabledByDefaultResources), the definitions
of the package kubernetes-validate; component-base version/base.go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubepy.api import builtins
from kubepy.api.builtins import BUILTINS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource

if TYPE_CHECKING:
    from kubepy.api.schema import Schemas

NEWEST = "1.37"
VERSIONS = tuple(f"1.{minor}" for minor in range(30, 38))

# Beta versions that were on by default, for lack of a stable one when they began; (first, last) minor that has them.
_RETIRED: tuple[tuple[int, int, tuple[Resource, ...]], ...] = (
    (
        30,
        31,
        builtins.parse("""
[flowcontrol.apiserver.k8s.io/v1beta3]
flowschemas                       FlowSchema                        cluster     sub=status storage=flowcontrol.apiserver.k8s.io/v1
prioritylevelconfigurations       PriorityLevelConfiguration        cluster     sub=status storage=flowcontrol.apiserver.k8s.io/v1
"""),  # noqa: E501 - one resource, one line
    ),
)
# Subresources that are younger than their kind: (resource, subresource) -> first minor with it on.
_YOUNG_SUBRESOURCES = {("pods", "resize"): 33}
# Kinds whose storage version is another than theirs here, as the hash in discovery tells; (first, last) minor.
# Source: pkg/kubeapiserver/default_storage_factory_builder.go, the resources that override.
_STORED_OTHERWISE = {
    "mutatingadmissionpolicies.admissionregistration.k8s.io": (36, 36, "v1beta1"),
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": (36, 36, "v1beta1"),
}
# From here on the beta form of aggregated discovery is gone. Source: the gate AggregatedDiscoveryRemoveBetaType.
_NO_BETA_DISCOVERY_SINCE = 33
# From here on /version tells about emulation, too.
_EMULATION_SINCE = 33


def minor_of(version: str) -> int:
    """34 for "1.34"."""
    return int(version.partition(".")[2])


def served(version: str, schemas: Schemas) -> tuple[Resource, ...]:
    """The rows that this version serves without flags; `schemas` are its own."""
    if version == NEWEST:
        return BUILTINS
    minor = minor_of(version)
    rows = [_as_of(row, minor) for row in BUILTINS if row.schema in schemas.definitions]
    for first, last, retired in _RETIRED:
        if first <= minor <= last:
            rows += retired
    return tuple(rows)


def _as_of(row: Resource, minor: int) -> Resource:
    first, last, version = _STORED_OTHERWISE.get(row.group_resource, (0, 0, ""))
    if first <= minor <= last:
        row = replace(row, hashed_version=version)
    known = tuple(
        sub
        for sub in row.subresources
        if _YOUNG_SUBRESOURCES.get((row.group_resource, sub.name), minor) <= minor
    )
    return row if len(known) == len(row.subresources) else replace(row, subresources=known)


def aggregated_discovery(version: str) -> tuple[str, ...]:
    """The versions of the APIGroupDiscoveryList that there are."""
    return ("v2",) if minor_of(version) >= _NO_BETA_DISCOVERY_SINCE else ("v2", "v2beta1")


def info(version: str) -> Obj:
    """What /version answers. What clients read is major, minor and gitVersion."""
    minor = minor_of(version)
    emulation = {
        "emulationMajor": "1",
        "emulationMinor": str(minor),
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": str(minor - 1),
    }
    return {
        "major": "1",
        "minor": str(minor),
        **(emulation if minor >= _EMULATION_SINCE else {}),
        "gitVersion": f"v{version}.0",
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-08-26T00:00:00Z",
        "goVersion": "go1.26.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    }
