"""The webhooks of all configurations, in the order in which they are asked: by configuration name, then as written.

Kept by the watch cache itself, so never behind it: a webhook that is registered is called for the next write. Reading
a configuration (its selectors, its CEL) happens once per change of it.

Source: apiserver pkg/admission/configuration/{mutating,validating}_webhook_manager.go, plugin/webhook/accessors.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Lookup
from kubepy.apiserver.admission.match_conditions import MatchConditions
from kubepy.apiserver.admission.matching import Criteria
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.keys import key_at

# Source: pkg/apis/admissionregistration/v1/defaults.go.
_TIMEOUT_S = 10
_NO_SIDE_EFFECTS = ("None", "NoneOnDryRun")


class Hook(Struct, frozen=True):
    """One element of `webhooks`."""

    name: str  # "pods.example.com"
    configuration: str
    uid: str  # unique among all: "configuration/name/0"
    criteria: Criteria
    conditions: MatchConditions
    client: Obj  # clientConfig
    versions: tuple[str, ...]  # admissionReviewVersions
    timeout_s: int
    fails_open: bool  # failurePolicy Ignore
    bears_dry_run: bool  # sideEffects None or NoneOnDryRun
    is_reinvocable: bool  # reinvocationPolicy IfNeeded


def read(configuration: Obj) -> list[Hook]:
    """The hooks of one configuration."""
    name = configuration["metadata"]["name"]
    seen: dict[str, int] = {}
    hooks = []
    for hook in configuration.get("webhooks") or ():
        number = seen[hook["name"]] = seen.get(hook["name"], -1) + 1
        fails_open = hook.get("failurePolicy") == "Ignore"
        hooks.append(
            Hook(
                hook["name"],
                name,
                f"{name}/{hook['name']}/{number}",
                Criteria.of_webhook(hook),
                MatchConditions(hook.get("matchConditions") or (), is_failing=not fails_open),
                hook["clientConfig"],
                tuple(hook.get("admissionReviewVersions") or ()),
                hook.get("timeoutSeconds") or _TIMEOUT_S,
                fails_open,
                hook.get("sideEffects") in _NO_SIDE_EFFECTS,
                hook.get("reinvocationPolicy") == "IfNeeded",
            )
        )
    return hooks


class Hooks:
    """Of one kind of configuration."""

    def __init__(self, lookup: Lookup, resource: Resource) -> None:
        self._lookup, self._resource = lookup, resource
        self._by_configuration: dict[str, list[Hook]] = {}
        self._all: tuple[Hook, ...] = ()
        self._is_following = False

    async def all(self) -> Sequence[Hook]:
        if not self._is_following:
            await self._follow()
        return self._all

    async def _follow(self) -> None:
        cache = await self._lookup.loaded(self._resource)
        if not self._is_following:
            self._is_following = True
            cache.observe(self._changed, self._loaded)

    def _loaded(self, documents: list[Document]) -> None:
        for document in documents:
            self._by_configuration[document.key.name] = read(document.obj)
        self._order()

    def _changed(self, change: Change) -> None:
        name = key_at(change.path).name
        if change.document is None:
            self._by_configuration.pop(name, None)
        else:
            self._by_configuration[name] = read(change.document.obj)
        self._order()

    def _order(self) -> None:
        self._all = tuple(
            hook for name in sorted(self._by_configuration) for hook in self._by_configuration[name]
        )
