"""CEL selectors of device classes and resource claims: does a device match?

    program = compile_selector('device.attributes["gpu.example.com"].model == "a100"')     # CompileError
    matches(program, device, "gpu.example.com")                                            # CelError

`device` is what a ResourceSlice has of it. Attributes and capacities without a domain are in the driver's; a
domain that nothing is in is empty, not an error.

Source: staging/src/k8s.io/dynamic-resource-allocation/cel/compile.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kubepy.api import cel, quantity
from kubepy.api.cel import types
from kubepy.api.cel.functions.versions import Quantity, Semver, parse_semver
from kubepy.api.objects import Obj

# Source: staging/src/k8s.io/api/resource/v1/types.go, CELSelectorExpressionMaxCost.
COST_MAX = 1_000_000
# Source: the same, ResourceSliceMaxAttributesAndCapacitiesPerDevice.
_ENTRIES_MAX = 32


def _by_domain(value: cel.Type) -> cel.Type:
    inner = types.map_of(types.STRING, value, entries_max=_ENTRIES_MAX)
    return types.map_of(types.STRING, inner, entries_max=_ENTRIES_MAX)


_DEVICE = types.struct_of(
    "kubernetes.DRADevice",
    {
        "driver": types.STRING,
        "allowMultipleAllocations": types.BOOL,
        "attributes": _by_domain(types.DYN),
        "capacity": _by_domain(Quantity.cel_type),
    },
)


@lru_cache(maxsize=256)
def compile_selector(text: str) -> cel.Program:
    """Raises CompileError; ResultTypeError if it cannot be a boolean."""
    program = cel.Environment({"device": _DEVICE}).compile(text, expected=None)
    if program.type not in (types.BOOL, types.DYN):
        raise cel.ResultTypeError(str(types.BOOL), str(program.type), text)
    return program


def matches(program: cel.Program, device: Obj, driver: str) -> bool:
    """Raises CelError."""
    found = program.evaluate({"device": _input(device, driver)}, COST_MAX)
    if not isinstance(found, bool):
        raise cel.CelError(f"CEL result of type {type(found).__name__} could not be converted to bool")
    return found


def _input(device: Obj, driver: str) -> dict[str, Any]:
    return {
        "driver": driver,
        "allowMultipleAllocations": bool(device.get("allowMultipleAllocations")),
        "attributes": _domains(
            {name: _attribute(name, one) for name, one in (device.get("attributes") or {}).items()}, driver
        ),
        "capacity": _domains(
            {
                name: Quantity(quantity.parse(one["value"]))
                for name, one in (device.get("capacity") or {}).items()
            },
            driver,
        ),
    }


class _Domains(dict[str, dict[str, Any]]):
    def __missing__(self, domain: str) -> Mapping[str, Any]:
        return {}


def _domains(values: Mapping[str, Any], driver: str) -> _Domains:
    found = _Domains()
    for name, value in values.items():
        domain, slash, identifier = name.partition("/")
        if not slash:
            domain, identifier = driver, name
        found.setdefault(domain, {})[identifier] = value
    return found


def _attribute(name: str, attribute: Obj) -> int | bool | str | Semver:
    for kind in ("int", "bool", "string"):
        if kind in attribute:
            value: int | bool | str = attribute[kind]
            return value
    if "version" in attribute:
        return parse_semver(attribute["version"])
    raise cel.CelError(f"attribute {name}: unsupported attribute value")
