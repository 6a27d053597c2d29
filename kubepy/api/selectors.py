"""Label and field selectors: the grammars of ?labelSelector= and ?fieldSelector=, and metav1.LabelSelector.

A selector is parsed once (the parsers remember) and then matched against many objects, so each requirement is a
small closure over dict look-ups. Selectors are immutable and shared.

For indexes: `LabelSelector.exact` and `FieldSelector.exact` are the key -> value pairs that every match must have.
Bad text is a BadRequest with upstream's words, e.g. `unable to parse requirement: found '=', expected: identifier`.

Source: apimachinery pkg/labels/selector.go, pkg/fields/selector.go, pkg/apis/meta/v1/helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from kubepy.api import errors, names
from kubepy.api.objects import Obj

Labels = Mapping[str, str]
Match = Callable[[Labels], bool]

# What may follow a key: token -> the word for it in upstream's error, in that order.
_BINARY_OPERATORS = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
_INT64_MAX = 2**63 - 1


class LabelRequirement(NamedTuple):
    """One term, e.g. LabelRequirement("tier", "in", ("cache", "db")): values are sorted and unique."""

    key: str
    operator: str  # "=", "==", "!=", "in", "notin", "exists", "!", ">" or "<"
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As upstream's Requirement.String writes it."""
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"

    def matcher(self) -> Match:
        key, operator, values = self
        if operator in ("=", "==", "in"):
            if len(values) == 1:
                value = values[0]
                return lambda labels: labels.get(key) == value
            return lambda labels: labels.get(key) in values
        if operator in ("!=", "notin"):
            return lambda labels: labels.get(key) not in values
        if operator == "exists":
            return lambda labels: key in labels
        if operator == "!":
            return lambda labels: key not in labels
        bound = int(values[0])
        if operator == ">":
            return lambda labels: (number := parse_int64(labels.get(key))) is not None and number > bound
        return lambda labels: (number := parse_int64(labels.get(key))) is not None and number < bound


class LabelSelector:
    """A conjunction of requirements, sorted by key. No requirements match everything; `NOTHING` matches nothing."""

    __slots__ = ("_matches", "exact", "is_nothing", "requirements")

    def __init__(self, requirements: Iterable[LabelRequirement], *, is_nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self.is_nothing = is_nothing
        # What equality demands, for look-ups by index.
        self.exact: dict[str, str] = {
            key: values[0]
            for key, operator, values in self.requirements
            if operator in ("=", "==", "in") and len(values) == 1
        }
        self._matches = tuple(requirement.matcher() for requirement in self.requirements)

    @property
    def is_empty(self) -> bool:
        """Whether it restricts nothing."""
        return not self.requirements and not self.is_nothing

    def matches(self, labels: Labels | None) -> bool:
        if self.is_nothing:
            return False
        labels = labels or {}
        for match in self._matches:  # noqa: SIM110 (a generator costs more than the matches)
            if not match(labels):
                return False
        return True

    def __str__(self) -> str:
        """The canonical text, as status.selector of a scale shows it; "" for everything and for nothing."""
        return ",".join(map(str, self.requirements))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, LabelSelector)
            and self.requirements == other.requirements
            and self.is_nothing == other.is_nothing
        )

    def __hash__(self) -> int:
        return hash((self.requirements, self.is_nothing))

    def __bool__(self) -> bool:
        raise TypeError("a selector is not a truth value: use is_empty or is_nothing")

    def __repr__(self) -> str:
        return f"LabelSelector({'<nothing>' if self.is_nothing else str(self)!r})"


EVERYTHING = LabelSelector(())
NOTHING = LabelSelector((), is_nothing=True)


def parse_labels(text: str) -> LabelSelector:
    """The selector of a ?labelSelector= text, "" = everything; BadRequest with upstream's words if it is none."""
    if not text:
        return EVERYTHING
    # Long selectors are rare, and may be somebody's attack on the memory.
    parse = _parse_labels if len(text) <= _REMEMBERED_LENGTH_MAX else _parse_labels.__wrapped__
    return parse(text)


def from_set(labels: Labels | None) -> LabelSelector:
    """All of these labels, e.g. a Service's spec.selector; none of them = everything. Source: SelectorFromSet."""
    if not labels:
        return EVERYTHING
    return LabelSelector(LabelRequirement(key, "=", (value,)) for key, value in labels.items())


def from_label_selector(selector: Obj | None) -> LabelSelector:
    """Of a metav1.LabelSelector dict: None selects nothing, {} everything. ValueError with upstream's text if invalid.

    Remembered by content, so a controller may call it on every reconcile.
    """
    if selector is None:
        return NOTHING
    match_labels = selector.get("matchLabels")
    expressions = selector.get("matchExpressions")
    if not match_labels and not expressions:
        return EVERYTHING
    return _from_label_selector(
        tuple(sorted(match_labels.items())) if match_labels else (),
        tuple((e.get("key", ""), e.get("operator", ""), tuple(e.get("values") or ())) for e in expressions)
        if expressions
        else (),
    )


_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


@lru_cache(maxsize=4096)
def _from_label_selector(
    match_labels: tuple[tuple[str, str], ...], expressions: tuple[tuple[str, str, tuple[str, ...]], ...]
) -> LabelSelector:
    requirements = [requirement(key, "=", (value,)) for key, value in match_labels]
    for key, word, values in expressions:
        operator = _OPERATORS.get(word)
        if operator is None:
            raise ValueError(f'"{word}" is not a valid label selector operator')
        requirements.append(requirement(key, operator, values))
    return LabelSelector(requirements)


def format_label_selector(selector: Obj | None) -> str:
    """As kubectl's SELECTOR columns show it. Source: metav1.FormatLabelSelector."""
    try:
        return str(from_label_selector(selector)) or "<none>"
    except ValueError:
        return "<error>"


def parse_int64(text: str | None) -> int | None:
    """strconv.ParseInt(text, 10, 64), None where it fails."""
    if text is None or not _match_int(text):
        return None
    number = int(text)
    return number if -_INT64_MAX - 1 <= number <= _INT64_MAX else None


_match_int = re.compile(r"[+-]?[0-9]{1,4000}").fullmatch


# -- the label grammar -----------------------------------------------------------------------------------------
# Tokens as upstream's lexer cuts them: the longest operator, or anything up to a blank or a special character.
# Two specials that form no operator together (",(") are two tokens; a lone "!" is one, and so is "!=".

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+)")
_SPECIAL = frozenset(("(", ")", ",", "!", "=", "==", "!=", "<", ">", ""))


def _tokens(text: str) -> list[str]:
    """The tokens and an "" for the end; a NUL ends the text."""
    return [*_TOKEN.findall(text.partition("\0")[0]), ""]


def _is_identifier(token: str) -> bool:
    """`in` and `notin` are identifiers where a key or a value is due."""
    return token not in _SPECIAL


class _Parser:
    """Recursive descent over the tokens; raises ValueError with upstream's words."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0

    def _peek(self) -> str:
        return self._tokens[self._position]

    def _next(self) -> str:
        token = self._tokens[self._position]
        # The end stays the end however often it is read.
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def parse(self) -> list[LabelRequirement]:
        requirements: list[LabelRequirement] = []
        while token := self._peek():
            if not _is_identifier(token) and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}")
            separator = self._next()
            if not separator:
                break
            if separator != ",":
                raise ValueError(f"found '{separator}', expected: ',' or 'end of string'")
            following = self._peek()
            if not _is_identifier(following) and following != "!":
                raise ValueError(f"found '{following}', expected: identifier after ','")
        return requirements

    def _requirement(self) -> LabelRequirement:
        key = self._next()
        operator = ""
        if key == "!":
            operator = "!"
            key = self._next()
        if not _is_identifier(key):
            raise ValueError(f"found '{key}', expected: identifier")
        if messages := names.label_key(key):
            raise ValueError(str(errors.invalid_value("<nil>", key, "; ".join(messages))))
        if operator or self._peek() in ("", ","):
            return requirement(key, operator or "exists", ())
        operator = self._next()
        if operator not in _BINARY_OPERATORS:
            raise ValueError(f"found '{operator}', expected: {', '.join(_BINARY_OPERATORS.values())}")
        values = self._values() if operator in ("in", "notin") else self._exact_value()
        return requirement(key, operator, tuple(sorted(values)))

    def _exact_value(self) -> set[str]:
        if self._peek() in ("", ","):
            return {""}
        token = self._next()
        if not _is_identifier(token):
            raise ValueError(f"found '{token}', expected: identifier")
        return {token}

    def _values(self) -> set[str]:
        token = self._next()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        first = self._peek()
        if first == ")":
            self._next()
            return {""}
        if not _is_identifier(first) and first != ",":
            raise ValueError(f"found '{first}', expected: ',', ')' or identifier")
        values = self._identifiers()
        if self._next() != ")":
            raise ValueError(f"found '{first}', expected: ')'")
        return values

    def _identifiers(self) -> set[str]:
        values: set[str] = set()
        while True:
            token = self._next()
            if _is_identifier(token):
                values.add(token)
                following = self._peek()
                if following == ")":
                    return values
                if following != ",":
                    raise ValueError(f"found '{following}', expected: ',' or ')'")
            elif token == ",":
                if not values:
                    values.add("")
                following = self._peek()
                if following == ")":
                    values.add("")
                    return values
                if following == ",":
                    values.add("")
            else:
                raise ValueError(f"found '{token}', expected: ',', or identifier")


_REMEMBERED_LENGTH_MAX = 1024


@lru_cache(maxsize=1024)
def _parse_labels(text: str) -> LabelSelector:
    try:
        return LabelSelector(_Parser(text).parse())
    except ValueError as error:
        raise errors.BadRequest(str(error))


def requirement(key: str, operator: str, values: tuple[str, ...]) -> LabelRequirement:
    """Checked as labels.NewRequirement does; ValueError with its aggregated text."""
    found: list[errors.FieldError] = []
    if messages := names.label_key(key):
        found.append(errors.invalid_value("key", key, "; ".join(messages)))
    listed: Any = list(values)
    if operator in ("in", "notin") and not values:
        found.append(
            errors.invalid_value("values", listed, "for 'in', 'notin' operators, values set can't be empty")
        )
    elif operator in ("exists", "!") and values:
        found.append(
            errors.invalid_value("values", listed, "values set must be empty for exists and does not exist")
        )
    elif operator in ("<", ">") and len(values) != 1:
        found.append(
            errors.invalid_value("values", listed, "for 'Gt', 'Lt' operators, exactly one value is required")
        )
    elif operator in ("<", ">") and parse_int64(values[0]) is None:
        found.append(
            errors.invalid_value(
                "values[0]", values[0], "for 'Gt', 'Lt' operators, the value must be an integer"
            )
        )
    for index, value in enumerate(values):
        if messages := names.label_value(value):
            found.append(errors.invalid_value(f"values[{index}][{key}]", value, "; ".join(messages)))
    if found:
        raise ValueError(errors.aggregate(found))
    return LabelRequirement(key, operator, tuple(sorted(set(values))))


# -- field selectors -------------------------------------------------------------------------------------------


class FieldRequirement(NamedTuple):
    """One term, e.g. FieldRequirement("spec.nodeName", "=", "node-1")."""

    field: str
    operator: str  # "=" or "!="
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{escape_field_value(self.value)}"


class FieldSelector:
    """A conjunction of (in)equalities over an object's selectable fields; see fields.py for which there are."""

    __slots__ = ("exact", "requirements")

    def __init__(self, requirements: Iterable[FieldRequirement]) -> None:
        self.requirements = tuple(requirements)
        self.exact: dict[str, str] = {
            field: value for field, operator, value in self.requirements if operator == "="
        }

    @property
    def is_empty(self) -> bool:
        return not self.requirements

    def matches(self, get: Callable[[str], str]) -> bool:
        """`get` tells the value of a field as text, "" where it is not set."""
        return all((get(field) == value) is (operator == "=") for field, operator, value in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSelector) and self.requirements == other.requirements

    def __hash__(self) -> int:
        return hash(self.requirements)

    def __bool__(self) -> bool:
        raise TypeError("a selector is not a truth value: use is_empty")

    def __repr__(self) -> str:
        return f"FieldSelector({str(self)!r})"


ALL_FIELDS = FieldSelector(())

# A term of escaped characters and others that are no comma; then its first operator and the rest.
_TERM = re.compile(r"(?:\\.|[^\\,]|\\\Z)+", re.DOTALL)
_OPERATOR = re.compile(r"!=|==|=")


def parse_fields(text: str) -> FieldSelector:
    """The selector of a ?fieldSelector= text, "" = all; BadRequest with upstream's words if it is none."""
    if not text:
        return ALL_FIELDS
    requirements = []
    for term in sorted(_TERM.findall(text)):
        operator = _OPERATOR.search(term)
        if operator is None:
            raise errors.BadRequest(f"invalid selector: '{text}'; can't understand '{term}'")
        field, value = term[: operator.start()], _unescape(term[operator.end() :])
        if not field and not value:
            # Asks for nothing. Source: hasTerm.Transform.
            continue
        requirements.append(FieldRequirement(field, "!=" if operator[0] == "!=" else "=", value))
    return FieldSelector(requirements)


def escape_field_value(value: str) -> str:
    return re.sub(r"[\\,=]", r"\\\g<0>", value)


def _unescape(text: str) -> str:
    """Source: fields.UnescapeValue."""
    if "\\" not in text and "=" not in text and "," not in text:
        return text
    value: list[str] = []
    characters = iter(text)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in ("\\", ",", "="):
                raise errors.BadRequest(f"invalid field selector: invalid escape sequence: \\{escaped}")
            value.append(escaped)
        elif character in ",=":
            # Go prints the rune as a number there.
            raise errors.BadRequest(f"invalid field selector: unescaped character in value: {ord(character)}")
        else:
            value.append(character)
    return "".join(value)
