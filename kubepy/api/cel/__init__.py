"""CEL, the expression language of CustomResourceDefinition rules, admission policies and match conditions.

    env = Environment({"self": Type.from_schema(schema), "oldSelf": ...})
    program = env.compile("self.replicas <= self.maxReplicas")     # CompileError says what is wrong, as cel-go does
    program.cost_estimate().max                                    # the dearest that any data can make it
    program.evaluate({"self": obj}, cost_budget=limits.PER_CALL_LIMIT)

The journey: lexer -> parser (macros expanded) -> checker (types, overloads) -> program (Python closures over plain
JSON, counting cost), with cost for the bounds before anything runs. functions/ holds the libraries Kubernetes offers.
Pure; an Environment and a Program are immutable and may be shared. Why our own: docs/decisions/0005-own-cel.md.

Source: cel-go 0.26; kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel.
"""

from __future__ import annotations

from kubepy.api.cel import limits, types
from kubepy.api.cel.environment import LIBRARIES, Environment
from kubepy.api.cel.errors import CelError, CompileError, CostExceeded, Issue, ResultTypeError
from kubepy.api.cel.program import Outcome, Program
from kubepy.api.cel.types import Type, escape, unescape
from kubepy.api.cel.values import Duration, Optional, Timestamp, Uint

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
