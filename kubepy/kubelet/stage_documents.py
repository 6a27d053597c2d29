"""Stage documents, from YAML to stages.py. A document that cannot be used is a StageError: file, stage, field, why.

Read: kwok's Stage v1alpha1, for any kind: resourceRef; selector with matchLabels, matchAnnotations, matchExpressions
(key, operator, values; also under `jq`; `cel`); weight, weightFrom; delay with durationMilliseconds,
jitterDurationMilliseconds and their ...From; next with statusTemplate, statusPatchAs, patches, finalizers, event,
delete; steps, which can apply other objects too; impersonation; immediateNextStage. Beyond kwok: `next.status`, a step
of a Pod or Node by its name. Documents of other kinds (Kustomization, ClusterRole ...) are passed over.
Refused: jq, CEL and template functions that are not understood.

Source: kwok pkg/apis/v1alpha1/stage_types.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kubepy.api.objects import Obj
from kubepy.client.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from kubepy.kubelet import jq, turns
from kubepy.kubelet.gotemplate import Template, TemplateError
from kubepy.kubelet.stages import (
    Action,
    Apply,
    Condition,
    Delay,
    Delete,
    Event,
    Finalizers,
    Patch,
    Requirement,
    Stage,
    Step,
)
from kubepy.lib import yaml

# What may be named in next.status, by kind.
NAMED = {"Pod": turns.STEPS | {"crash"}, "Node": frozenset({"heartbeat"})}

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_SPEC = {
    "resourceRef", "selector", "weight", "weightFrom", "delay", "next", "steps", "immediateNextStage",
}  # fmt: skip
_NEXT = {
    "status", "statusTemplate", "statusSubresource", "statusPatchAs", "patches", "finalizers", "event", "delete",
}  # fmt: skip
_STEP = {"patch", "event", "finalizers", "delete", "apply"}
_PATCH = {"subresource", "root", "template", "type", "impersonation"}
_APPLY = {"subresource", "template", "type", "impersonation"}
_DELAY = {"durationMilliseconds", "durationFrom", "jitterDurationMilliseconds", "jitterDurationFrom"}
_PATCH_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}
_APPLY_TYPES = {"apply": APPLY_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


class StageError(Exception):
    """A Stage document that cannot be used; one sentence that names file and field."""


def load(paths: Iterable[Path]) -> tuple[Stage, ...]:
    """All stages of files and of directories' *.yaml; a later one replaces an earlier of the same kind and name."""
    stages: dict[tuple[str, str], Stage] = {}
    for path in paths:
        for file in sorted(path.rglob("*.yaml")) if path.is_dir() else (path,):
            try:
                documents = yaml.load_all(file.read_bytes())
            except yaml.Error as error:
                raise StageError(f"{file}: not YAML: {error}") from None
            except OSError as error:
                raise StageError(f"{file}: {error.strerror}") from None
            for document in documents:
                stage = parse(document, str(file))
                if stage is not None:
                    stages[stage.kind, stage.name] = stage
    return tuple(stages.values())


def parse(document: Any, where: str) -> Stage | None:
    """One document; None if it is no Stage. Raises StageError."""
    if not isinstance(document, dict) or document.get("kind") != "Stage":
        return None
    name = (document.get("metadata") or {}).get("name") or "unnamed"
    where = f'{where}: stage "{name}"'
    spec = _mapping(document.get("spec"), _SPEC, where, "spec")
    reference = _mapping(spec.get("resourceRef"), {"apiGroup", "kind"}, where, "spec.resourceRef")
    kind = reference.get("kind") or ""
    if not kind:
        raise StageError(f"{where}: spec.resourceRef.kind is missing")
    selector = spec.get("selector")
    if selector is None:
        raise StageError(f"{where}: without spec.selector it matches nothing")
    requirements = tuple(_requirements(selector, where))
    actions = [*_next(spec.get("next"), kind, where), *_steps(spec.get("steps"), kind, where)]
    if not actions:
        raise StageError(f"{where}: spec.next says nothing")
    return Stage(
        name=name,
        kind=kind,
        requirements=requirements,
        actions=tuple(actions),
        delay=_delay(spec.get("delay"), where),
        weight=int(spec.get("weight") or 0),
        weight_from=_value_from(spec.get("weightFrom"), where, "weightFrom"),
        again=bool(spec.get("immediateNextStage")),
        api_version=reference.get("apiGroup") or "v1",
    )


def _mapping(value: Any, known: set[str], where: str, path: str) -> Obj:
    if not isinstance(value or {}, dict):
        raise StageError(f"{where}: {path} must be a mapping")
    found: Obj = value or {}
    if unknown := sorted(set(found) - known):
        raise StageError(
            f"{where}: {path}.{unknown[0]} is not understood; there is {', '.join(sorted(known))}"
        )
    return found


# -- selectors and delays ----------------------------------------------------------------------------------------


def _requirements(selector: Obj, where: str) -> Iterator[Requirement | Condition]:
    _mapping(selector, {"matchLabels", "matchAnnotations", "matchExpressions"}, where, "spec.selector")
    for field, root in (("matchLabels", "labels"), ("matchAnnotations", "annotations")):
        for name, value in (selector.get(field) or {}).items():
            yield Requirement(jq.path(f'.metadata.{root}["{name}"]'), "In", frozenset((str(value),)))
    for given in selector.get("matchExpressions") or ():
        at = "spec.selector.matchExpressions"
        expression = _mapping(given, {"key", "operator", "values", "jq", "cel"}, where, at)
        if (cel := expression.get("cel")) is not None:
            yield Condition(_compiled("condition", cel, where))
            continue
        expression = expression.get("jq") or expression
        operator, key = (
            expression.get("operator"),
            expression.get("key") or expression.get("expression") or "",
        )
        if operator not in _OPERATORS:
            raise StageError(f"{where}: operator {operator!r} is none of {', '.join(_OPERATORS)}")
        yield Requirement(
            _path(key, where), operator, frozenset(map(jq.text_of, expression.get("values") or ()))
        )


def _delay(given: Any, where: str) -> Delay:
    delay = _mapping(given, _DELAY, where, "spec.delay")
    jitter = delay.get("jitterDurationMilliseconds")
    try:
        return Delay(
            duration_s=float(delay.get("durationMilliseconds") or 0) / 1000,
            jitter_s=None if jitter is None else float(jitter) / 1000,
            duration_from=_value_from(delay.get("durationFrom"), where, "delay.durationFrom"),
            jitter_from=_value_from(delay.get("jitterDurationFrom"), where, "delay.jitterDurationFrom"),
        )
    except ValueError as error:
        raise StageError(f"{where}: spec.delay: {error}") from None


def _value_from(source: Any, where: str, field: str) -> jq.Path | None:
    source = _mapping(source, {"expressionFrom", "jq", "cel"}, where, f"spec.{field}")
    if (cel := source.get("cel")) is not None:
        return _compiled("weight" if field == "weightFrom" else "duration", cel, where)
    text = source.get("expressionFrom") or (source.get("jq") or {}).get("expression")
    return _path(text, where) if text else None


def _path(text: str, where: str) -> jq.Path:
    try:
        return jq.path(text)
    except ValueError as error:
        raise StageError(f"{where}: {error}") from None


def _compiled(purpose: str, given: Any, where: str) -> Any:
    # Most sets have no CEL, and it takes time to import.
    from kubepy.kubelet import stage_expressions

    text = _mapping(given, {"expression"}, where, "cel").get("expression") or ""
    try:
        return getattr(stage_expressions, purpose)(text)
    except ValueError as error:
        raise StageError(f"{where}: {error}") from None


# -- what comes of it --------------------------------------------------------------------------------------------


def _next(given: Any, kind: str, where: str) -> Iterator[Action]:
    """Source: conversion of next to steps: kwok pkg/apis/internalversion/conversion.go."""
    next_ = _mapping(given, _NEXT, where, "spec.next")
    if event := next_.get("event"):
        yield _event(event, where)
    if finalizers := next_.get("finalizers"):
        yield _finalizers(finalizers, where)
    if next_.get("delete"):
        yield Delete()
    if step := next_.get("status"):
        named = NAMED.get(kind, frozenset())
        if step not in named:
            raise StageError(
                f"{where}: spec.next.status {step!r} is no step of a {kind}; there is {', '.join(sorted(named))}"
            )
        yield Step(step)
    if template := next_.get("statusTemplate"):
        patch = {
            "template": template, "root": "status", "subresource": next_.get("statusSubresource") or "status",
            "type": "merge", "impersonation": next_.get("statusPatchAs"),
        }  # fmt: skip
        yield _patch(patch, kind, where)
    for patch in next_.get("patches") or ():
        yield _patch(patch, kind, where)


def _steps(given: Any, kind: str, where: str) -> Iterator[Action]:
    for number, one in enumerate(given or ()):
        step = _mapping(one, _STEP, where, f"spec.steps[{number}]")
        if event := step.get("event"):
            yield _event(event, where)
        if finalizers := step.get("finalizers"):
            yield _finalizers(finalizers, where)
        if step.get("delete"):
            yield Delete()
        if patch := step.get("patch"):
            yield _patch(patch, kind, where)
        if wanted := step.get("apply"):
            yield _apply(wanted, where)


def _event(given: Any, where: str) -> Event:
    event = _mapping(given, {"type", "reason", "message"}, where, "event")
    return Event(event.get("type") or "Normal", event.get("reason") or "", event.get("message") or "")


def _finalizers(given: Any, where: str) -> Finalizers:
    finalizers = _mapping(given, {"add", "remove", "empty"}, where, "finalizers")
    return Finalizers(
        add=tuple(item["value"] for item in finalizers.get("add") or ()),
        remove=tuple(item["value"] for item in finalizers.get("remove") or ()),
        empty=bool(finalizers.get("empty")),
    )


def _patch(given: Any, of_kind: str, where: str) -> Patch:
    patch = _mapping(given, _PATCH, where, "patch")
    # Only these are known to kwok as Go structs, whose fields say how lists merge.
    kind = patch.get("type") or ("strategic" if of_kind in ("Pod", "Node") else "merge")
    root, template = patch.get("root") or "", _template(patch, where)

    def render(view: Obj, functions: Any) -> Any:
        made = yaml.load(template.render(view, functions))
        if not root:
            return made
        if kind == "json":
            return [operation | {"path": f"/{root}{operation['path']}"} for operation in made or ()]
        return {root: made}

    content_type = _content_type(kind, _PATCH_TYPES, "patch", where)
    return Patch(render, content_type, patch.get("subresource") or "", _user(patch, where))


def _apply(given: Any, where: str) -> Apply:
    apply = _mapping(given, _APPLY, where, "apply")
    template = _template(apply, where)
    return Apply(
        lambda view, functions: yaml.load(template.render(view, functions)),
        _content_type(apply.get("type") or "apply", _APPLY_TYPES, "apply", where),
        apply.get("subresource") or "",
        _user(apply, where),
    )


def _template(given: Obj, where: str) -> Template:
    try:
        return Template(given.get("template") or "")
    except TemplateError as error:
        raise StageError(f"{where}: template: {error}") from None


def _content_type(kind: str, known: dict[str, str], what: str, where: str) -> str:
    if kind not in known:
        raise StageError(f"{where}: {what} type {kind!r} is none of {', '.join(known)}")
    return known[kind]


def _user(given: Obj, where: str) -> str:
    user = _mapping(given.get("impersonation"), {"username"}, where, "impersonation").get("username")
    return str(user or "")
