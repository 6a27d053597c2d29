"""What is off by default and can be turned on: feature gates, and API versions by runtime-config. Pure.

    served(version, schemas, runtime_config=("api/beta=true",), feature_gates=("GenericWorkload=true",))

A gate is in the table when something here depends on it; others are refused as unknown. What a gate brings is a kind
that is served, so nobody asks for gates after the start: a component asks whether the kind is there.
Differs: fields of other kinds (Pod spec.schedulingGroup) are there if the kind is, which upstream decides by the gate
alone.

Source: component-base featuregate/feature_gate.go, pkg/features/kube_features.go (1.37); apiserver
pkg/server/resourceconfig/helpers.go, pkg/server/options/api_enablement.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kubepy.api import versions
from kubepy.api.builtins import OPTIONAL
from kubepy.api.errors import quote
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas

GENERIC_WORKLOAD = "GenericWorkload"


class Gate(NamedTuple):
    """One feature as a version has it."""

    stage: str  # "Alpha", "Beta"
    is_on: bool = False


# feature -> first minor version -> what it is from there on
_GATES: Mapping[str, Mapping[int, Gate]] = {GENERIC_WORKLOAD: {37: Gate("Beta")}}
# Rows of builtins.OPTIONAL that are there only with a feature.
_NEEDS = {"podgroups.scheduling.k8s.io": GENERIC_WORKLOAD, "workloads.scheduling.k8s.io": GENERIC_WORKLOAD}
# Keys that speak of all features, or of all versions, of a stage.
_ALL_STAGES = {"AllAlpha": "Alpha", "AllBeta": "Beta"}
_ALL_VERSIONS = {"api/all": "", "api/ga": "ga", "api/beta": "beta", "api/alpha": "alpha"}
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def gates_of(minor: int) -> dict[str, Gate]:
    """The features that this version knows."""
    found = {}
    for name, history in _GATES.items():
        if known := [gate for since, gate in sorted(history.items()) if since <= minor]:
            found[name] = known[-1]
    return found


def features(settings: Sequence[str], minor: int) -> frozenset[str]:
    """Those that are on. Raises ValueError."""
    gates = gates_of(minor)
    chosen: dict[str, bool] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"missing bool value for {name}")
        value = _boolean(text, f"invalid value of {name}={text}, err: ")
        if name not in gates and name not in _ALL_STAGES:
            raise ValueError(f"unrecognized feature gate: {name}")
        chosen[name] = value
    by_stage = {_ALL_STAGES[name]: value for name, value in chosen.items() if name in _ALL_STAGES}
    return frozenset(
        name for name, gate in gates.items() if chosen.get(name, by_stage.get(gate.stage, gate.is_on))
    )


def served(
    version: str, schemas: Schemas, *, runtime_config: Sequence[str] = (), feature_gates: Sequence[str] = ()
) -> tuple[Resource, ...]:
    """The rows that a server of this version serves. Raises ValueError."""
    on = features(feature_gates, versions.minor_of(version))
    by_default = versions.served(version, schemas)
    if not runtime_config:
        return by_default
    optional = [row for row in OPTIONAL if row.schema in schemas.definitions]
    wanted = _Wanted(runtime_config, (*by_default, *optional))
    kept = [row for row in by_default if wanted.has(row, is_default=True)]
    kept += [
        row
        for row in optional
        if wanted.has(row, is_default=False) and _NEEDS.get(row.group_resource, "") in ("", *on)
    ]
    return tuple(kept)


class _Wanted:
    """What runtime-config says, from what speaks of all to what speaks of one resource."""

    def __init__(self, settings: Sequence[str], known: Iterable[Resource]) -> None:
        rows = tuple(known)
        self._by_stage: dict[str, bool] = {}
        self._by_name: dict[str, bool] = {}
        for setting in settings:
            key, _, text = (part.strip() for part in setting.partition("="))
            value = _boolean(text or "true", f"invalid value of {key}: {text}, err: ")
            if key in _ALL_VERSIONS:
                self._by_stage[_ALL_VERSIONS[key]] = value
                continue
            name = key.removeprefix("api/")
            self._check(key, name.split("/"), rows)
            self._by_name[name] = value
        if self._by_stage == {"": False} and not self._by_name:
            raise ValueError("invalid runtime-config with only api/all=false")

    def _check(self, key: str, parts: list[str], rows: tuple[Resource, ...]) -> None:
        group, version, *rest = ("", *parts) if parts[0] == "v1" else (*parts, "")
        plural = next((part for part in rest if part), "")
        if not version or len(parts) > 3:
            raise ValueError(f"runtime-config invalid key {key}")
        if group not in {row.group for row in rows}:
            raise ValueError(f"unknown api groups {group}")
        if (group, version) not in {(row.group, row.version) for row in rows}:
            raise ValueError(f"group version {group}/{version} that has not been registered")
        if plural != plural.lower():
            what = f"group/version/resource and resource is always lowercase plural, not {quote(plural)}"
            raise ValueError(f"invalid key {key}: {what}")

    def has(self, row: Resource, *, is_default: bool) -> bool:
        stage = "beta" if "beta" in row.version else "alpha" if "alpha" in row.version else "ga"
        found = self._by_stage.get(stage, self._by_stage.get("", is_default))
        found = self._by_name.get(row.api_version, found)
        return self._by_name.get(f"{row.api_version}/{row.plural}", found)


def _boolean(text: str, where: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(f"{where}strconv.ParseBool: parsing {quote(text)}: invalid syntax")
    return _BOOLEANS[text]
