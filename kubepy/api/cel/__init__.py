"""CEL, the expression language of CustomResourceDefinition rules, admission policies and match conditions.

    env = Environment({"self": Type.from_schema(schema), "oldSelf": ...})
    program = env.compile("self.replicas <= self.maxReplicas")     # CompileError says what is wrong, as cel-go does
    program.cost_estimate().max                                    # the dearest that any data can make it
    program.evaluate({"self": obj}, cost_budget=limits.PER_CALL_LIMIT)

The journey: lexer -> parser (macros expanded) -> checker (types, overloads) -> program (Python closures over plain
JSON, counting cost), with cost for the bounds before anything runs. functions/ holds the libraries Kubernetes offers.
Pure; an Environment and a Program are immutable and may be shared. Why our own: docs/decisions/0005-own-cel.md.

The compiler is loaded when the first Environment is asked for: a cluster without expressions starts without it.

Source: cel-go 0.26; kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kubepy.api.cel import limits, types
from kubepy.api.cel.errors import CelError, CompileError, CostExceeded, Issue, ResultTypeError
from kubepy.api.cel.types import Type, escape, unescape
from kubepy.api.cel.values import Duration, Optional, Timestamp, Uint

if TYPE_CHECKING:
    from kubepy.api.cel.environment import LIBRARIES, Environment
    from kubepy.api.cel.program import Outcome, Program

__all__ = [
    "LIBRARIES",
    "CelError",
    "CompileError",
    "CostExceeded",
    "Duration",
    "Environment",
    "Issue",
    "Optional",
    "Outcome",
    "Program",
    "ResultTypeError",
    "Timestamp",
    "Type",
    "Uint",
    "escape",
    "limits",
    "types",
    "unescape",
]

# name -> the module that has it
_LOADED_LATER = {
    "LIBRARIES": "environment", "Environment": "environment", "Outcome": "program", "Program": "program",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if (module := _LOADED_LATER.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
