"""audit.k8s.io/v1 Policy: the first rule that matches a request says how much of it is recorded.

Source: apiserver pkg/audit/policy/{reader,checker}.go, pkg/apis/audit/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from kubepy.api import errors, names
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib import yaml

NONE, METADATA, REQUEST, REQUEST_RESPONSE = LEVELS = ("None", "Metadata", "Request", "RequestResponse")
REQUEST_RECEIVED, RESPONSE_STARTED, RESPONSE_COMPLETE, PANIC = STAGES = (
    "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic",
)  # fmt: skip

_API_VERSION = "audit.k8s.io/v1"


class Unusable(Exception):
    """The policy cannot be used: one sentence."""


class Recording(NamedTuple):
    """How one request is recorded."""

    level: str
    omitted: frozenset[str]  # stages
    omits_managed_fields: bool

    @property
    def has_request(self) -> bool:
        return self.level in (REQUEST, REQUEST_RESPONSE)

    @property
    def has_response(self) -> bool:
        return self.level == REQUEST_RESPONSE


class Rule(Struct, frozen=True):
    recording: Recording
    users: frozenset[str]
    groups: frozenset[str]
    verbs: frozenset[str]
    namespaces: frozenset[str]
    resources: tuple[Obj, ...]
    paths: tuple[str, ...]

    def matches(self, user: User | None, info: RequestInfo) -> bool:
        if self.users and (user is None or user.name not in self.users):
            return False
        if self.groups and (user is None or self.groups.isdisjoint(user.groups)):
            return False
        if self.verbs and info.verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return info.is_resource and self._matches_resource(info)
        if self.paths:
            return not info.is_resource and any(_matches_path(info.path, path) for path in self.paths)
        return True

    def _matches_resource(self, info: RequestInfo) -> bool:
        if self.namespaces and info.namespace not in self.namespaces:
            return False
        return not self.resources or any(_matches_group(entry, info) for entry in self.resources)


class Policy:
    """Made by `load`."""

    def __init__(self, rules: Sequence[Rule], otherwise: Recording) -> None:
        self.rules, self._otherwise = tuple(rules), otherwise

    def recording(self, user: User | None, info: RequestInfo) -> Recording:
        for rule in self.rules:
            if rule.matches(user, info):
                return rule.recording
        return self._otherwise


def _matches_group(entry: Obj, info: RequestInfo) -> bool:
    if entry.get("group", "") not in ("*", info.group):
        return False
    resources = entry.get("resources") or ()
    if not resources:
        return True
    wanted_names = entry.get("resourceNames") or ()
    if wanted_names and info.name not in wanted_names:
        return False
    combined = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    return any(
        resource in ("*", combined)
        or (info.subresource != "" and resource == f"*/{info.subresource}")
        or resource == f"{info.resource}/*"
        for resource in resources
    )


def _matches_path(path: str, spec: str) -> bool:
    return spec in ("*", path) or (spec.endswith("*") and path.startswith(spec.rstrip("*")))


# -- reading ---------------------------------------------------------------------------------------------------


def load(text: str | bytes) -> Policy:
    """Raises Unusable."""
    try:
        data = yaml.load(text)
    except yaml.Error as error:
        raise Unusable(f"failed decoding: {error}") from None
    if not isinstance(data, dict) or (data.get("apiVersion"), data.get("kind")) != (_API_VERSION, "Policy"):
        raise Unusable(f"unknown group version field in policy: it must be a Policy of {_API_VERSION}")
    try:
        found = list(validate(data))
        if found:
            raise Unusable(errors.aggregate(found))
        if not data.get("rules"):
            raise Unusable("loaded illegal policy with 0 rules")
        return _policy(data)
    except (AttributeError, TypeError):
        raise Unusable("failed decoding: it is not of the form of a Policy") from None


def _policy(data: Obj) -> Policy:
    omitted = frozenset(data.get("omitStages") or ())
    omits = bool(data.get("omitManagedFields"))
    rules = [
        Rule(
            Recording(
                rule["level"],
                omitted | frozenset(rule.get("omitStages") or ()),
                bool(rule["omitManagedFields"]) if rule.get("omitManagedFields") is not None else omits,
            ),
            frozenset(rule.get("users") or ()),
            frozenset(rule.get("userGroups") or ()),
            frozenset(rule.get("verbs") or ()),
            frozenset(rule.get("namespaces") or ()),
            tuple(rule.get("resources") or ()),
            tuple(rule.get("nonResourceURLs") or ()),
        )
        for rule in data["rules"]
    ]
    return Policy(rules, Recording(NONE, omitted, omits))


def validate(data: Obj) -> Iterator[FieldError]:
    yield from _check_stages(data, "omitStages")
    for i, rule in enumerate(data.get("rules") or ()):
        yield from _check_rule(rule, f"rules[{i}]")


def _check_rule(rule: Obj, path: str) -> Iterator[FieldError]:
    level = rule.get("level") or ""
    if not level:
        yield errors.required(f"{path}.level")
    elif level not in LEVELS:
        yield errors.not_supported(f"{path}.level", level, LEVELS)
    urls: list[str] = rule.get("nonResourceURLs") or []
    for i, url in enumerate(urls):
        if url == "*":
            continue
        at = f"{path}.nonResourceURLs[{i}]"
        if not url.startswith("/"):
            why = "non-resource URL rules must begin with a '/' character"
            yield errors.invalid_value(at, url, why)
        if "*" in url[:-1]:
            why = "non-resource URL wildcards '*' must be the final character of the rule"
            yield errors.invalid_value(at, url, why)
    for entry in rule.get("resources") or ():
        yield from _check_group(entry, f"{path}.resources")
    yield from _check_stages(rule, f"{path}.omitStages")
    if urls and (rule.get("resources") or rule.get("namespaces")):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        yield errors.invalid_value(f"{path}.nonResourceURLs", urls, why)


def _check_group(entry: Any, path: str) -> Iterator[FieldError]:
    group = entry.get("group") or ""
    if group not in ("", "*") and (faults := names.dns1123_subdomain(group)):
        yield errors.invalid_value(f"{path}.group", group, ",".join(faults))
    if entry.get("resourceNames") and not entry.get("resources"):
        why = "using resourceNames requires at least one resource"
        yield errors.invalid_value(f"{path}.resourceNames", entry["resourceNames"], why)


def _check_stages(holder: Obj, path: str) -> Iterator[FieldError]:
    for i, stage in enumerate(holder.get("omitStages") or ()):
        if stage not in STAGES:
            yield errors.invalid_value(f"{path}[{i}]", stage, f"allowed stages are {','.join(STAGES)}")
