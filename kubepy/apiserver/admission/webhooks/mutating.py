"""MutatingAdmissionWebhook: webhooks are asked one after the other, and each sees what those before it made.

A webhook with reinvocationPolicy IfNeeded is asked a second time if somebody changed the object after it. A patched
object is read as any body: pruned, defaulted, refused if it is none.

Source: apiserver pkg/admission/plugin/webhook/mutating/{plugin,dispatcher,reinvocationcontext}.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api import errors, go_json, json_patch
from kubepy.api.builtins import MUTATING_WEBHOOK_CONFIGURATIONS
from kubepy.api.objects import Obj, api_version, copy, group_version
from kubepy.api.resources import Resource
from kubepy.api.schema import ObjectSchema, Schemas, Undecodable
from kubepy.apiserver.admission.base import Attributes, Kind, Plugin, Tools
from kubepy.apiserver.admission.matching import Selected, is_exempt
from kubepy.apiserver.admission.metrics import ADMIT
from kubepy.apiserver.admission.versions import Versions
from kubepy.apiserver.admission.webhooks.calls import Caller, Failed
from kubepy.apiserver.admission.webhooks.hooks import Hook, Hooks
from kubepy.apiserver.admission.webhooks.review import JSON_PATCH, Answer

_AT = "webhook.admission.k8s.io/round_{}_index_{}"


class Reinvocation:
    """What webhooks of one request may be asked again."""

    def __init__(self) -> None:
        self.output: Obj | None = None  # the object as the first round left it
        self._asked: set[str] = set()  # reinvocable ones that were asked and have seen everything so far
        self.again: set[str] = set()

    def changed(self) -> None:
        """Somebody changed the object: who saw it before may look again."""
        self.again |= self._asked
        self._asked = set()

    def asked(self, hook: Hook) -> None:
        if hook.is_reinvocable:
            self._asked.add(hook.uid)


class MutatingAdmissionWebhook(Plugin):
    name = "MutatingAdmissionWebhook"
    mutates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._schemas = tools.schemas
        self._hooks = Hooks(tools.lookup, MUTATING_WEBHOOK_CONFIGURATIONS)
        self._caller = Caller(tools, ADMIT, self.name)

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return not is_exempt(resource)

    async def admit(self, attributes: Attributes) -> None:
        hooks = await self._hooks.all()
        if not hooks:
            return
        state = attributes.memory.setdefault(self.name, Reinvocation())
        assert isinstance(state, Reinvocation), "nobody else uses this name"
        if attributes.is_reinvoked and state.output != attributes.obj:
            state.changed()
        versions = Versions(attributes)
        for index, hook in enumerate(hooks):
            if attributes.is_reinvoked and hook.uid not in state.again:
                continue
            selected = await self._caller.select(hook, attributes, versions)
            if selected is None:
                continue
            if await self._invoke(index, hook, attributes, selected, versions):
                state.changed()
                attributes.wants_reinvocation = True
            state.asked(hook)
        if not attributes.is_reinvoked and attributes.obj is not None:
            state.output = copy(attributes.obj)

    async def _invoke(
        self, index: int, hook: Hook, attributes: Attributes, selected: Selected, versions: Versions
    ) -> bool:
        """Whether it changed the object. Raises StatusError."""
        obj, old = await versions.obj(selected.resource), await versions.old(selected.resource)
        at = _AT.format(int(attributes.is_reinvoked), index)
        changed = False
        try:
            answer = await self._caller.ask(hook, attributes, selected, obj, old)
            if answer is None:
                attributes.annotate(f"failed-open.mutation.{at}", hook.name)
            elif answer.patch and (new := self._patched(hook, answer, obj, selected)) is not None:
                changed = new != obj
                patch = orjson.loads(answer.patch)
                attributes.annotate(f"patch.{at}", _annotation(hook, patch=patch, patchType=JSON_PATCH))
                await versions.put(new, selected.resource)
            return changed
        finally:
            attributes.annotate(f"mutation.{at}", _annotation(hook, mutated=changed))

    def _patched(self, hook: Hook, answer: Answer, obj: Obj | None, selected: Selected) -> Obj | None:
        """None: the patch is empty. Raises StatusError."""
        try:
            operations = json_patch.decode(answer.patch)
        except (go_json.SyntaxError, json_patch.PatchError) as error:
            raise self._failed(hook, f"received undecodable patch in webhook response: {error}") from error
        if not operations:
            return None
        if obj is None:
            why = "attempted to modify the object, which is not supported for this operation"
            raise errors.InternalError(f"admission webhook {errors.quote(hook.name)} {why}")
        if answer.patch_type != JSON_PATCH:
            raise self._failed(hook, f"unsupported patch type {errors.quote(answer.patch_type)}")
        try:
            return read(json_patch.apply(copy(obj), operations), selected, self._schemas)
        except json_patch.PatchError as error:
            raise errors.InternalError(str(error)) from error
        except Undecodable as error:
            raise errors.InternalError(error.why) from error

    def _failed(self, hook: Hook, why: str) -> errors.InternalError:
        return errors.InternalError(str(Failed(hook.name, why, 503)))

    async def close(self) -> None:
        await self._caller.close()


def read(obj: Any, selected: Selected, schemas: Schemas) -> Obj:
    """A patched object as a body would be read, in place. Raises Undecodable, InternalError."""
    kind, own = selected.kind, selected.resource
    is_own = kind == Kind.of(own)
    schema = schemas.of(own if is_own else definition(kind))
    if isinstance(obj, dict):
        check_kind(obj, kind, schema)
    schema.decode(obj)
    obj["apiVersion"] = api_version(kind.group, kind.version)
    obj["kind"] = kind.kind
    if is_own and not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    schema.default(obj)
    read_obj: Obj = obj
    return read_obj


# What Go calls the scheme of all kinds.
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"


def check_kind(obj: Obj, kind: Kind, schema: ObjectSchema) -> None:
    """A webhook may forget what an object is, not make another of it. Raises InternalError."""
    wanted = api_version(kind.group, kind.version)
    given, name = obj.get("apiVersion") or wanted, obj.get("kind") or kind.kind
    if (given, name) == (wanted, kind.kind):
        return
    if schema.is_registered(given, name):
        what = f"({group_version(given)[1]}.{name}) to ({kind.group.partition('.')[0] or 'core'}.{kind.kind})"
        raise errors.InternalError(f"converting {what}: unknown conversion")
    raise errors.InternalError(f'no kind "{name}" is registered for version "{given}" in scheme "{_SCHEME}"')


def definition(kind: Kind) -> str:
    """The schema of a subresource's body: "io.k8s.api.policy.v1.Eviction"."""
    return f"io.k8s.api.{kind.group.partition('.')[0] or 'core'}.{kind.version}.{kind.kind}"


def _annotation(hook: Hook, **more: object) -> str:
    return orjson.dumps({"configuration": hook.configuration, "webhook": hook.name, **more}).decode()
