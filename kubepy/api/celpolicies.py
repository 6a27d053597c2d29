"""The expressions of admission policies: what each may name, what it must give, and what is wrong with it.

    compiler = Compiler(has_params=True)
    compiler.variable("replicas", "object.spec.replicas")       later expressions may say variables.replicas
    compiled = compiler.compile("variables.replicas <= params.max", gives=CONDITION)
    compiled.program, or compiled.error: 'compilation failed: ERROR: <input>:1:1: ...'

`object`, `oldObject` and `params` are dynamic: what they look like is known when somebody writes them. (Whether an
expression fits the kinds it is for is another question: celkinds.warning.) Mutations may also make `Object{...}` and
`JSONPatch{...}`; an Object's fields are anything here, and `mismatches` tells afterwards whether the names of the types
are those of the places they stand at.

Not here: upstream compiles what was stored before against an environment that knows the functions of later versions;
here the two are one, so an expression once accepted stays accepted.

Source: apiserver pkg/admission/plugin/cel/{compile,composition,mutation}.go, pkg/cel/mutation, pkg/apis/cel/config.go.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kubepy.api import admission_expressions, cel, celkinds
from kubepy.api.cel import types
from kubepy.api.cel.functions import Library
from kubepy.api.cel.types import DYN, Field, Type
from kubepy.api.cel.values import Struct, TypeValue, type_name


class _PatchFields(dict[str, Field]):
    """Upstream knows any field, but of no type."""

    def get(self, name: str, default: Any = None) -> Field:
        return self[name] if name in self else Field(Type(""), name, False)


_FIELDS = {"op": types.STRING, "path": types.STRING, "from": types.STRING, "value": DYN}
JSON_PATCH = Type(
    "struct", "JSONPatch", fields=_PatchFields({name: Field(of, name, False) for name, of in _FIELDS.items()})
)
OBJECT = "Object"


class Use(NamedTuple):
    """What an expression is for."""

    gives: tuple[Type, ...] = ()  # the types it may evaluate to; () for any
    has_authorizer: bool = True
    makes_patches: bool = False


CONDITION = Use((types.BOOL,))
MESSAGE = Use((types.STRING,), has_authorizer=False)
ANNOTATION = Use((types.STRING, types.NULL))
VARIABLE = Use()
APPLY_CONFIGURATION = Use((types.open_struct(OBJECT),), makes_patches=True)
JSON_PATCHES = Use((types.list_of(JSON_PATCH),), makes_patches=True)


class Compiled(NamedTuple):
    """One of `program` and `error` is there."""

    expression: str
    program: cel.Program | None
    error: str = ""


class Compiler:
    """Compiles the expressions of one policy."""

    def __init__(self, *, has_params: bool, has_variables: bool = True) -> None:
        self._has_params = has_params
        # Grows while the policy's variables are read, and all environments share it.
        self._variables: dict[str, Field] | None = {} if has_variables else None
        self._environments: dict[tuple[bool, bool], cel.Environment] = {}

    def variable(self, name: str, expression: str) -> Compiled:
        """Expressions compiled from here on know it, even if it does not compile itself."""
        compiled = self.compile(expression, VARIABLE)
        assert self._variables is not None, "a policy with variables has them"
        of = celkinds.variable_type(compiled.program.type) if compiled.program is not None else DYN
        self._variables[name] = Field(of, name, False)
        return compiled

    def compile(self, expression: str, use: Use) -> Compiled:
        try:
            program = self._environment(use).compile(expression, expected=None)
        except cel.CompileError as error:
            return Compiled(expression, None, f"compilation failed: {error}")
        if use.gives and program.type not in use.gives:
            return Compiled(expression, None, _unexpected(use.gives, program.type))
        return Compiled(expression, program)

    def _environment(self, use: Use) -> cel.Environment:
        key = use.has_authorizer, use.makes_patches
        found = self._environments.get(key)
        if found is None:
            found = self._environments[key] = self._made(use)
        return found

    def _made(self, use: Use) -> cel.Environment:
        declared = admission_expressions.declarations(
            has_params=self._has_params, has_authorizer=use.has_authorizer
        )
        if self._variables is not None:
            declared["variables"] = Type("struct", "kubernetes.variables", fields=self._variables)
        if use.makes_patches:
            return cel.Environment(declared, _patch_libraries(), _PATCH_TYPES)
        return cel.Environment(declared)


def _unexpected(wanted: tuple[Type, ...], found: Type) -> str:
    names = [of.runtime_name for of in wanted]
    what = names[0] if len(names) == 1 else f"one of [{' '.join(names)}]"
    return f"must evaluate to {what} but got {found.runtime_name}"


# -- what mutations make -----------------------------------------------------------------------------------------------


class _PatchTypes(Mapping[str, Type]):
    """JSONPatch, Object, and Object.whatever.there.is."""

    def __getitem__(self, name: str) -> Type:
        if name == JSON_PATCH.name:
            return JSON_PATCH
        if name == OBJECT or name.startswith(f"{OBJECT}."):
            return types.open_struct(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter((JSON_PATCH.name, OBJECT))

    def __len__(self) -> int:
        return 2


_PATCH_TYPES = _PatchTypes()


@functools.cache
def _patch_libraries() -> tuple[Library, ...]:
    from kubepy.api.cel.functions.regex import json_patch_library

    return (*cel.LIBRARIES, json_patch_library())


def mismatches(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Objects inside an Object whose type is not named after the fields that lead there.

    Source: pkg/cel/mutation/dynamic/objects.go CheckTypeNamesMatchFieldPathNames.
    """
    found: list[str] = []
    if isinstance(value, Struct):
        wanted = ".".join(path) if path else value.of
        path = path or (value.of,)
        if value.of != wanted:
            found.append(
                f'unexpected type name "{value.of}", expected "{wanted}", which matches field name path from root '
                "Object type"
            )
        for name, field in value.items():
            found += mismatches(field, (*path, name))
    elif isinstance(value, list):
        for item in value:
            found += mismatches(item, path)
    elif isinstance(value, dict):
        for item in value.values():
            found += mismatches(item, path)
    return found


class NotJSON(ValueError):
    """An expression made what JSON cannot say."""


# What JSON's numbers hold exactly.
_INTEGER_MAX = 1 << 53


def to_json(value: Any) -> Any:
    """A value that an expression made, as JSON. Raises NotJSON."""
    kind = type(value)
    if value is None or kind in (str, bool):
        return value
    if kind is float:
        return int(value) if value.is_integer() and abs(value) < _INTEGER_MAX else value
    if isinstance(value, int):
        return int(value) if -_INTEGER_MAX < value < _INTEGER_MAX else str(int(value))
    if isinstance(value, Mapping):
        return {_key(key): to_json(item) for key, item in value.items()}
    if kind is list:
        return [to_json(item) for item in value]
    if kind is cel.Optional:
        return to_json(value.value)
    if kind is bytes:
        return base64.b64encode(value).decode()
    if isinstance(value, cel.Timestamp | cel.Duration):
        return str(value)
    if isinstance(value, TypeValue):
        raise NotJSON("type conversion not supported for 'type'")
    raise NotJSON(f"type conversion error from '{type_name(value).rpartition('.')[2]}' to '*structpb.Value'")


def _key(key: Any) -> str:
    if type(key) is not str:
        raise NotJSON(f"unsupported type conversion from '{type_name(key)}' to string")
    return key
