"""The CEL environment of admission: match conditions, validations, mutations. Objects in it have no types.

    environment(has_params=True).compile("object.spec.replicas <= params.max")

Source: apiserver pkg/admission/plugin/cel/compile.go.
"""

from __future__ import annotations

from functools import cache

from kubepy.api import cel
from kubepy.api.cel.functions.authz import Authorizer, ResourceCheck
from kubepy.api.cel.types import DYN, Type
from kubepy.api.celkinds import NAMESPACE, REQUEST


def declarations(*, has_params: bool = False, has_authorizer: bool = True) -> dict[str, Type]:
    """What expressions may name."""
    declared: dict[str, Type] = {
        "object": DYN, "oldObject": DYN, "namespaceObject": NAMESPACE, "request": REQUEST,
    }  # fmt: skip
    if has_params:
        declared["params"] = DYN
    if has_authorizer:
        declared |= {"authorizer": Authorizer.cel_type, "authorizer.requestResource": ResourceCheck.cel_type}
    return declared


@cache
def environment(*, has_params: bool = False, has_authorizer: bool = True) -> cel.Environment:
    return cel.Environment(declarations(has_params=has_params, has_authorizer=has_authorizer))


def problem(error: cel.CompileError) -> str:
    """Why an expression cannot be used, as the API server says it."""
    if isinstance(error, cel.ResultTypeError):
        return f"must evaluate to {error.expected} but got {error.actual}"
    return f"compilation failed: {error}"
