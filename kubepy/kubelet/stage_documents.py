"""Stage documents, from YAML to stages.py. A document that cannot be used is a StageError: file, stage, field, why.

Read: kwok's Stage v1alpha1 for Pods and Nodes: resourceRef; selector with matchLabels, matchAnnotations,
matchExpressions (key, operator, values; also under `jq`); weight, weightFrom; delay with durationMilliseconds,
jitterDurationMilliseconds and their ...From; next with statusTemplate, patches, finalizers, event, delete; steps;
immediateNextStage. Beyond kwok: `next.status`, a step by its name. Documents of other kinds (Kustomization,
ClusterRole ...) are passed over.
Refused: CEL, `apply`, impersonation, stages for other kinds, jq and template functions that are not understood.

Source: kwok pkg/apis/v1alpha1/stage_types.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kubepy.api.objects import Obj
from kubepy.client.client import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from kubepy.kubelet import jq, turns
from kubepy.kubelet.gotemplate import Template, TemplateError
from kubepy.kubelet.stages import Action, Delay, Delete, Event, Finalizers, Patch, Requirement, Stage, Step
from kubepy.lib import yaml

# What may be named in next.status, by kind.
NAMED = {"Pod": turns.STEPS | {"crash"}, "Node": frozenset({"heartbeat"})}

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_SPEC = {
    "resourceRef", "selector", "weight", "weightFrom", "delay", "next", "steps", "immediateNextStage",
}  # fmt: skip
_NEXT = {"status", "statusTemplate", "statusSubresource", "patches", "finalizers", "event", "delete"}
_STEP = {"patch", "event", "finalizers", "delete"}
_PATCH = {"subresource", "root", "template", "type"}
_DELAY = {"durationMilliseconds", "durationFrom", "jitterDurationMilliseconds", "jitterDurationFrom"}
_PATCH_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


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
    kind = (spec.get("resourceRef") or {}).get("kind", "")
    if kind not in NAMED:
        raise StageError(f"{where}: spec.resourceRef.kind must be one of {', '.join(NAMED)}, not {kind!r}")
    selector = spec.get("selector")
    if selector is None:
        raise StageError(f"{where}: without spec.selector it matches nothing")
    requirements = tuple(_requirements(selector, where))
    actions = [*_next(spec.get("next"), kind, where), *_steps(spec.get("steps"), where)]
    if not actions:
        raise StageError(f"{where}: spec.next says nothing")
    return Stage(
        name=name,
        kind=kind,
        requirements=requirements,
        actions=tuple(actions),
        delay=_delay(spec.get("delay"), where),
        weight=int(spec.get("weight") or 0),
        weight_from=_path_from(spec.get("weightFrom"), where, "weightFrom"),
        again=bool(spec.get("immediateNextStage")),
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


def _requirements(selector: Obj, where: str) -> Iterator[Requirement]:
    _mapping(selector, {"matchLabels", "matchAnnotations", "matchExpressions"}, where, "spec.selector")
    for field, root in (("matchLabels", "labels"), ("matchAnnotations", "annotations")):
        for name, value in (selector.get(field) or {}).items():
            yield Requirement(jq.path(f'.metadata.{root}["{name}"]'), "In", frozenset((str(value),)))
    for given in selector.get("matchExpressions") or ():
        at = "spec.selector.matchExpressions"
        expression = _mapping(given, {"key", "operator", "values", "jq"}, where, at)
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
            duration_from=_path_from(delay.get("durationFrom"), where, "delay.durationFrom"),
            jitter_from=_path_from(delay.get("jitterDurationFrom"), where, "delay.jitterDurationFrom"),
        )
    except ValueError as error:
        raise StageError(f"{where}: spec.delay: {error}") from None


def _path_from(source: Any, where: str, field: str) -> jq.Path | None:
    source = _mapping(source, {"expressionFrom", "jq"}, where, f"spec.{field}")
    text = source.get("expressionFrom") or (source.get("jq") or {}).get("expression")
    return _path(text, where) if text else None


def _path(text: str, where: str) -> jq.Path:
    try:
        return jq.path(text)
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
        if step not in NAMED[kind]:
            raise StageError(
                f"{where}: spec.next.status {step!r} is no step of a {kind}; there is {', '.join(sorted(NAMED[kind]))}"
            )
        yield Step(step)
    if template := next_.get("statusTemplate"):
        subresource = next_.get("statusSubresource") or "status"
        yield _patch(
            {"template": template, "root": "status", "subresource": subresource, "type": "merge"}, where
        )
    for patch in next_.get("patches") or ():
        yield _patch(patch, where)


def _steps(given: Any, where: str) -> Iterator[Action]:
    for number, one in enumerate(given or ()):
        step = _mapping(one, _STEP, where, f"spec.steps[{number}]")
        if event := step.get("event"):
            yield _event(event, where)
        if finalizers := step.get("finalizers"):
            yield _finalizers(finalizers, where)
        if step.get("delete"):
            yield Delete()
        if patch := step.get("patch"):
            yield _patch(patch, where)


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


def _patch(given: Any, where: str) -> Patch:
    patch = _mapping(given, _PATCH, where, "patch")
    kind, root = patch.get("type") or "strategic", patch.get("root") or ""
    if kind not in _PATCH_TYPES:
        raise StageError(f"{where}: patch type {kind!r} is none of {', '.join(_PATCH_TYPES)}")
    try:
        template = Template(patch.get("template") or "")
    except TemplateError as error:
        raise StageError(f"{where}: template: {error}") from None

    def render(view: Obj, functions: Any) -> Any:
        made = yaml.load(template.render(view, functions))
        if not root:
            return made
        if kind == "json":
            return [operation | {"path": f"/{root}{operation['path']}"} for operation in made or ()]
        return {root: made}

    return Patch(render, _PATCH_TYPES[kind], patch.get("subresource") or "")
