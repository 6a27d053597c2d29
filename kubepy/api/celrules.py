"""x-kubernetes-validations: the CEL rules in the schemas of custom kinds.

    rules = compile_rules(schema)                  None if there are none
    found, left = rules.validate(new, old, "", budget)

A rule sees its value as `self`, and what it was as `oldSelf`; one that reads oldSelf runs only if there was something
(or with optionalOldSelf). All rules of an object share one budget; when it is spent, the object is refused.

Ratcheting: what a rule without oldSelf says about a value that did not change is not said.

`Compiled` is one rule with what validation of a definition needs to know: errors, cost, whether it reads oldSelf.
Source: apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubepy.api import cel, errors
from kubepy.api.cel import types
from kubepy.api.errors import OMITTED, FieldError, quote
from kubepy.api.fieldpath import field_path
from kubepy.api.objects import Obj
from kubepy.api.structural import EMBEDDED, LIST_TYPE, MAP_KEYS, RULES, has_rules
from kubepy.api.valuevalidation import NO_FIELD, NOTHING, by_keys, key_values, same

_REASONS = {
    "FieldValueForbidden": lambda field, value, detail: errors.forbidden_field(field, detail),
    "FieldValueRequired": lambda field, value, detail: errors.required(field, detail),
    "FieldValueDuplicate": lambda field, value, detail: errors.duplicate(field, value),
}
_OUT_OF_BUDGET = (
    "validation failed due to running out of cost budget, no further validation rules will be run"
)


class Compiled:
    """One rule. `error` and `message_error` are upstream's texts, "" if it compiles."""

    __slots__ = (
        "error",
        "field_path",
        "max_cost",
        "message",
        "message_error",
        "message_max_cost",
        "program",
        "rule",
    )

    def __init__(self, rule: Obj, self_type: types.Type, schema: Obj) -> None:
        self.rule = rule
        self.program: cel.Program | None = None
        self.message: cel.Program | None = None
        self.error = self.message_error = ""
        self.max_cost = self.message_max_cost = 0
        self.field_path = ""
        if not rule.get("rule", "").strip():
            return
        old = types.optional_of(self_type) if rule.get("optionalOldSelf") else self_type
        environment = cel.Environment({"self": self_type, "oldSelf": old})
        self._compile_rule(environment)
        if self.program is not None and rule.get("messageExpression"):
            self._compile_message(environment)
        if self.program is not None and rule.get("fieldPath"):
            try:
                self.field_path, _ = field_path(rule["fieldPath"], schema)
            except ValueError:
                pass

    def _compile_rule(self, environment: cel.Environment) -> None:
        try:
            program = environment.compile(self.rule["rule"])
            self.max_cost = program.cost_estimate().max
            self.program = program
        except cel.ResultTypeError:
            self.error = "cel expression must evaluate to a bool"
        except cel.CompileError as error:
            self.error = f"compilation failed: {error}"

    def _compile_message(self, environment: cel.Environment) -> None:
        try:
            program = environment.compile(self.rule["messageExpression"], expected=types.STRING)
            self.message_max_cost = program.cost_estimate().max
            self.message = program
        except cel.ResultTypeError:
            self.message_error = "messageExpression must evaluate to a string"
        except cel.CompileError as error:
            self.message_error = f"messageExpression compilation failed: {error}"

    @property
    def reads_old(self) -> bool:
        return self.program is not None and "oldSelf" in self.program.reads

    @property
    def name(self) -> str:
        """How errors call the rule: its message, or its text."""
        return (self.rule.get("message") or self.rule["rule"]).strip()


class Rules:
    """The rules of one schema node and of all below it."""

    def __init__(self, schema: Obj, own: Sequence[Compiled], children: Mapping[str, Rules], more: Rules | None,
                 items: Rules | None) -> None:  # fmt: skip
        self._schema_type = schema.get("type", "")
        self._own, self._children, self._more, self._items = own, children, more, items
        self._keys = tuple(schema.get(MAP_KEYS) or ()) if schema.get(LIST_TYPE) == "map" else ()

    def validate(
        self, new: Any, old: Any, path: str, budget: int = cel.limits.RUNTIME_COST_BUDGET
    ) -> tuple[list[FieldError], int]:
        """(findings, what is left of the budget: -1 if it ran out). `old` is NOTHING where there was nothing."""
        found: list[FieldError] = []
        return found, self._walk(new, old, path, budget, found, NOTHING)

    # `held` is the nearest ancestor's (value, old value): for places that cannot be matched with what was there.

    def _walk(self, new: Any, old: Any, path: str, budget: int, found: list[FieldError], held: Any) -> int:
        if new is None:
            return budget
        if self._own:
            budget = self._run(new, old, path, budget, found, held)
            if budget < 0:
                return -1
        if new.__class__ is dict:
            return self._walk_object(new, old, path, budget, found, held)
        if new.__class__ is list and self._items is not None:
            before = by_keys(old, self._keys) if self._keys and old.__class__ is list else {}
            for index, item in enumerate(new):
                old_item = before.get(key_values(item, self._keys), NOTHING) if before else NOTHING
                below = (new, old) if old is not NOTHING else held
                budget = self._items._walk(item, old_item, f"{path}[{index}]", budget, found, below)
                if budget < 0:
                    return -1
        return budget

    def _walk_object(
        self, new: Obj, old: Any, path: str, budget: int, found: list[FieldError], held: Any
    ) -> int:
        before = old if old.__class__ is dict else {}
        below = (new, old) if old is not NOTHING else held
        if self._more is not None:
            for name, item in new.items():
                if name not in self._children:
                    old_item = before.get(name, NOTHING)
                    budget = self._more._walk(item, old_item, f"{path}[{name}]", budget, found, below)
                    if budget < 0:
                        return -1
        for name, rules in self._children.items():
            if name in new:
                at = f"{path}.{name}" if path else name
                budget = rules._walk(new[name], before.get(name, NOTHING), at, budget, found, below)
                if budget < 0:
                    return -1
        return budget

    def _run(self, new: Any, old: Any, path: str, budget: int, found: list[FieldError], held: Any) -> int:
        field = path or NO_FIELD
        had = old is not NOTHING and old is not None
        # Computed once at most: whether what was wrong before may stay.
        unchanged: bool | None = None
        for each in self._own:
            rule, program = each.rule, each.program
            if each.error:
                found.append(
                    errors.invalid_value(field, self._schema_type, f"rule compile error: {each.error}")
                )
                continue
            if program is None or (each.reads_old and not had and not rule.get("optionalOldSelf")):
                continue
            variables = {"self": new, "oldSelf": old}
            if rule.get("optionalOldSelf"):
                variables["oldSelf"] = cel.Optional(old) if had else cel.Optional(None, False)
            if budget <= 0:
                found.append(errors.invalid_value(field, self._schema_type, _OUT_OF_BUDGET))
                return -1
            outcome = program.run(variables, cel.limits.PER_CALL_LIMIT)
            if outcome.cost > budget:
                found.append(errors.invalid_value(field, self._schema_type, _OUT_OF_BUDGET))
                return -1
            budget -= outcome.cost
            if outcome.error is not None:
                found.append(errors.invalid_value(field, self._schema_type, _failure(outcome.error, each)))
                if isinstance(outcome.error, cel.CostExceeded):
                    return -1
                continue
            if outcome.value is True:
                continue
            if not each.reads_old:
                if unchanged is None:
                    unchanged = _is_unchanged(new, old, held)
                if unchanged:
                    continue
            budget = self._explain(each, variables, new, path, budget, found)
            if budget < 0:
                return -1
        return budget

    def _explain(
        self, each: Compiled, variables: Obj, value: Any, path: str, budget: int, found: list[FieldError]
    ) -> int:
        """The finding about a rule that does not hold."""
        steps = each.field_path
        at = (f"{path}{steps}" if steps[:1] == "[" or not path else f"{path}.{steps}") if steps else path
        detail = ""
        if each.message is not None:
            outcome = each.message.run(variables, cel.limits.PER_CALL_LIMIT)
            if outcome.cost > budget:
                why = (
                    "messageExpression evaluation failed due to running out of cost budget, no further validation "
                    "rules will be run"
                )
                found.append(errors.invalid_value(at or NO_FIELD, self._schema_type, why))
                return -1
            if isinstance(outcome.error, cel.CostExceeded):
                why = (
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: "
                    + quote(each.rule["messageExpression"])
                )
                found.append(errors.invalid_value(at or NO_FIELD, self._schema_type, why))
                return -1
            budget -= outcome.cost
            detail = _usable(outcome.value)
        if not detail:
            message = each.rule.get("message", "").strip()
            detail = message or f"failed rule: {each.name}"
        shown = OMITTED if self._schema_type in ("object", "array") else value
        make = _REASONS.get(each.rule.get("reason", ""), errors.invalid_value)
        found.append(make(at or NO_FIELD, shown, detail))
        return budget


def _usable(message: Any) -> str:
    """What a messageExpression gave, "" if it cannot be shown. Source: evalMessageExpression."""
    if not isinstance(message, str):
        return ""
    text = message.strip()
    return "" if "\n" in text or len(text.encode()) > cel.limits.MESSAGE_EXPRESSION_BYTES_MAX else text


def _is_unchanged(new: Any, old: Any, held: Any) -> bool:
    if old is not NOTHING:
        return same(new, old)
    return held is not NOTHING and same(*held)


def _failure(error: cel.CelError, rule: Compiled) -> str:
    text = str(error)
    if text.startswith("no such overload"):
        why = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{text}': {why}: {rule.name}"
    if isinstance(error, cel.CostExceeded):
        return f"'{text}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.name}"
    return f"{text} evaluating rule: {rule.name}"


# -- compiling ------------------------------------------------------------------------------------------------------


def type_of(schema: Obj, *, is_root: bool = False) -> types.Type | None:
    return types.Type.from_schema(schema, root=is_root or bool(schema.get(EMBEDDED)))


def compile_own(schema: Obj, *, is_root: bool = False) -> list[Compiled]:
    """The rules of one node."""
    rules = schema.get(RULES)
    if not rules:
        return []
    self_type = type_of(schema, is_root=is_root)
    return [] if self_type is None else [Compiled(rule, self_type, schema) for rule in rules]


def compile_rules(schema: Obj, *, is_root: bool = True) -> Rules | None:
    if not has_rules(schema):
        return None
    children = {
        name: below
        for name, each in (schema.get("properties") or {}).items()
        if (below := compile_rules(each, is_root=False)) is not None
    }
    more, items = schema.get("additionalProperties"), schema.get("items")
    return Rules(
        schema,
        compile_own(schema, is_root=is_root),
        children,
        compile_rules(more, is_root=False) if isinstance(more, dict) else None,
        compile_rules(items, is_root=False) if isinstance(items, dict) else None,
    )
