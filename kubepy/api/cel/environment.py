"""The environment: which variables, functions and type names an expression may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubepy.api.cel import types
from kubepy.api.cel.checker import Checker
from kubepy.api.cel.errors import CompileError, Issue, ResultTypeError
from kubepy.api.cel.functions import (
    Library,
    Overload,
    authz,
    collections,
    formats,
    network,
    optionals,
    regex,
    standard,
    strings,
    versions,
)
from kubepy.api.cel.limits import EXPRESSION_DEPTH_MAX
from kubepy.api.cel.parser import parse
from kubepy.api.cel.program import Program
from kubepy.api.cel.types import BOOL, Type

# Everything Kubernetes 1.37 offers to every expression.
LIBRARIES: tuple[Library, ...] = tuple(
    module.library()
    for module in (standard, optionals, strings, collections, regex, network, versions, formats, authz)
)

_TYPE_NAMES: dict[str, Type] = {
    of.name: of
    for of in (
        types.BOOL,
        types.BYTES,
        types.DOUBLE,
        types.INT,
        types.UINT,
        types.STRING,
        types.NULL,
        types.TIMESTAMP,
        types.DURATION,
        types.TYPE,
        types.list_of(types.DYN),
        types.map_of(types.DYN, types.DYN),
        types.optional_of(types.DYN),
    )
}


class Environment:
    """Compiles expressions over declared variables.

    declarations: variable name -> type. libraries: in place of Kubernetes' own; give `(*LIBRARIES, more)` to add.
    structs: object types that may be made with `Name{field: value}`.
    Making one is cheap when the libraries are the default ones: nothing is copied.
    """

    def __init__(
        self,
        declarations: Mapping[str, Type],
        libraries: Sequence[Library] = LIBRARIES,
        structs: Mapping[str, Type] | None = None,
    ) -> None:
        self.declarations = dict(declarations)
        self.structs = structs or {}
        self._functions, self._type_names = _tables(libraries)

    def compile(self, text: str, *, expected: Type | None = BOOL) -> Program:
        """The program of an expression; expected None takes any type.

        Raises CompileError with every finding, in the order of their places; ResultTypeError if only the result is
        of another type than expected (a dynamic result counts as another).
        """
        try:
            return self._compiled(text, expected)
        except RecursionError:
            # Python's own limit, reached because the caller's stack is deep as well: the language has one, too.
            limit = f"expression recursion limit exceeded: {EXPRESSION_DEPTH_MAX}"
            raise CompileError([Issue(-1, limit)], text)

    def _compiled(self, text: str, expected: Type | None) -> Program:
        tree = parse(text)
        checker = Checker(self.declarations, self._type_names, self._functions, self.structs)
        checker.check(tree)
        if checker.issues:
            raise CompileError(checker.issues, text)
        if expected is not None and tree.type != expected:
            raise ResultTypeError(expected.runtime_name, tree.type.runtime_name, text)
        return Program(text, tree, tuple(checker.read), self.declarations)


def _tables(libraries: Sequence[Library]) -> tuple[dict[str, list[Overload]], dict[str, Type]]:
    if libraries is LIBRARIES:
        return _DEFAULT_TABLES
    return _build_tables(libraries)


def _build_tables(libraries: Sequence[Library]) -> tuple[dict[str, list[Overload]], dict[str, Type]]:
    functions: dict[str, list[Overload]] = {}
    names = dict(_TYPE_NAMES)
    for library in libraries:
        for overload in library.overloads:
            functions.setdefault(overload.function, []).append(overload)
        names.update({of.name: of for of in library.opaque.values()})
    return functions, names


_DEFAULT_TABLES = _build_tables(LIBRARIES)
