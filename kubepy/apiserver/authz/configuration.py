"""AuthorizationConfiguration files: which authorizers decide, in which order, and whom webhooks are asked about.

    configuration = load(text)                      Raises Unusable: every finding, in upstream's words

Versions v1, v1beta1 and v1alpha1 of apiserver.config.k8s.io, which differ in nothing that is read here. Not there: type
ABAC.

Source: apiserver pkg/apis/apiserver/{types,v1/defaults,validation/validation}.go,
kubernetes pkg/kubeapiserver/authorizer/config.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from kubepy.api import cel, names
from kubepy.api.errors import (
    FieldError,
    aggregate,
    duplicate,
    invalid_value,
    not_supported,
    quote,
    required,
    too_many,
)
from kubepy.api.objects import Obj
from kubepy.apiserver.authz import aggregate as one_text
from kubepy.apiserver.authz.modes import MODES, WEBHOOK
from kubepy.apiserver.authz.webhook import Conditions, Webhook
from kubepy.apiserver.configuration_files import Unusable, read

VERSIONS, KIND = ("v1", "v1beta1", "v1alpha1"), "AuthorizationConfiguration"
CONDITIONS_MAX = 64
TIMEOUT_S_MAX = 30.0

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

_FORM: Any = {
    "apiVersion": None,
    "kind": None,
    "authorizers": [
        {
            "type": None,
            "name": None,
            "webhook": {
                "authorizedTTL": None,
                "cacheAuthorizedRequests": None,
                "unauthorizedTTL": None,
                "cacheUnauthorizedRequests": None,
                "timeout": None,
                "subjectAccessReviewVersion": None,
                "matchConditionSubjectAccessReviewVersion": None,
                "failurePolicy": None,
                "connectionInfo": {"type": None, "kubeConfigFile": None},
                "matchConditions": [{"expression": None}],
            },
        }
    ],
}


class Entry(Struct, frozen=True):
    """One authorizer of the file."""

    type: str  # one of modes.MODES
    name: str
    webhook: Webhook | None = None
    kubeconfig: str = ""  # of the webhook


def load(text: str) -> tuple[Entry, ...]:
    """Raises Unusable."""
    obj = read(text, kind=KIND, versions=VERSIONS, form=_FORM)
    reader = _Reader()
    entries = reader.entries(obj.get("authorizers") or [])
    if reader.found:
        raise Unusable(aggregate(reader.found))
    if strange := [entry for entry in entries if entry.webhook is None and entry.name != entry.type.lower()]:
        raise Unusable(
            one_text(
                f"expected name {entry.type.lower()} for authorizer {entry.type} instead of {entry.name}"
                for entry in strange
            )
        )
    return entries


class _Reader:
    def __init__(self) -> None:
        self.found: list[FieldError] = []
        self._conditions = Conditions()

    def entries(self, given: Sequence[Obj]) -> tuple[Entry, ...]:
        if not given:
            self.found.append(required("authorizers", "at least one authorization mode must be defined"))
        types: set[str] = set()
        seen: set[str] = set()
        made = []
        for index, entry in enumerate(given):
            at, type_, name = f"authorizers[{index}]", entry.get("type") or "", entry.get("name") or ""
            if not type_:
                self.found.append(required(f"{at}.type"))
            elif type_ not in MODES:
                self.found.append(not_supported(f"{at}.type", type_, sorted(MODES)))
            elif type_ in types and type_ != WEBHOOK:
                self.found.append(duplicate(f"{at}.type", type_))
            else:
                types.add(type_)
                self._check_name(name, seen, f"{at}.name")
                seen.add(name)
                made.append(self._entry(type_, name, entry.get("webhook"), at))
        return tuple(made)

    def _check_name(self, name: str, seen: set[str], at: str) -> None:
        if not name:
            self.found.append(required(at))
        elif name in seen:
            self.found.append(duplicate(at, name))
        elif why := names.dns1123_subdomain(name):
            self.found.append(invalid_value(at, name, f"authorizer name is invalid: {', '.join(why)}"))

    def _entry(self, type_: str, name: str, webhook: Obj | None, at: str) -> Entry:
        if type_ == WEBHOOK:
            if webhook is None:
                self.found.append(required(f"{at}.webhook", "required when type=Webhook"))
                return Entry(type_, name)
            return Entry(type_, name, self._webhook(name, webhook, at), self._kubeconfig(webhook, at))
        if webhook is not None:
            why = "may only be specified when type=Webhook"
            self.found.append(invalid_value(f"{at}.webhook", "non-null", why))
        return Entry(type_, name)

    def _webhook(self, name: str, given: Obj, at: str) -> Webhook:
        timeout_s = self._duration(given, "timeout", at, 0.0)
        if not timeout_s:
            self.found.append(required(f"{at}.timeout"))
        elif not 0 < timeout_s <= TIMEOUT_S_MAX:
            self.found.append(invalid_value(f"{at}.timeout", given["timeout"], "must be > 0s and <= 30s"))
        self._one_of(given, "subjectAccessReviewVersion", ("v1", "v1beta1"), at)
        self._one_of(given, "failurePolicy", ("NoOpinion", "Deny"), at)
        conditions = given.get("matchConditions") or []
        version = given.get("matchConditionSubjectAccessReviewVersion") or ""
        if conditions and not version:
            why = "required if match conditions are specified"
            self.found.append(required(f"{at}.matchConditionSubjectAccessReviewVersion", why))
        elif version not in ("", "v1"):
            where = f"{at}.matchConditionSubjectAccessReviewVersion"
            self.found.append(not_supported(where, version, ("v1",)))
        return Webhook(
            name=name,
            version=given.get("subjectAccessReviewVersion") or "v1",
            timeout_s=timeout_s,
            authorized_s=self._believed(given, "authorizedTTL", "cacheAuthorizedRequests", at, 300.0),
            unauthorized_s=self._believed(given, "unauthorizedTTL", "cacheUnauthorizedRequests", at, 30.0),
            denies_on_failure=given.get("failurePolicy") == "Deny",
            conditions=self._compiled(conditions, at),
        )

    def _believed(self, given: Obj, field: str, switch: str, at: str, default_s: float) -> float:
        seconds = self._duration(given, field, at, default_s) or default_s
        if seconds < 0:
            self.found.append(invalid_value(f"{at}.{field}", given[field], "must be > 0s"))
        return 0.0 if given.get(switch) is False else seconds

    def _duration(self, given: Obj, field: str, at: str, default_s: float) -> float:
        text = given.get(field)
        if text is None:
            return default_s
        parts = _DURATION.findall(str(text))
        if "".join(number + unit for number, unit in parts) != str(text).removeprefix("-"):
            self.found.append(
                invalid_value(f"{at}.{field}", text, f"time: invalid duration {quote(str(text))}")
            )
            return default_s
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        return -seconds if str(text).startswith("-") else seconds

    def _one_of(self, given: Obj, field: str, choices: tuple[str, ...], at: str) -> None:
        value = given.get(field) or ""
        if not value:
            self.found.append(required(f"{at}.{field}"))
        elif value not in choices:
            self.found.append(not_supported(f"{at}.{field}", value, choices))

    def _kubeconfig(self, given: Obj, at: str) -> str:
        info, at = given.get("connectionInfo") or {}, f"{at}.connectionInfo"
        kind, path = info.get("type") or "", info.get("kubeConfigFile")
        if kind == "InClusterConfig":
            if path is not None:
                why = "can only be set when type=KubeConfigFile"
                self.found.append(invalid_value(f"{at}.kubeConfigFile", path, why))
            return ""
        if kind != "KubeConfigFile":
            missing = required(f"{at}.type")
            known = ("InClusterConfig", "KubeConfigFile")
            self.found.append(not_supported(f"{at}.type", kind, known) if kind else missing)
            return ""
        if not path:
            self.found.append(required(f"{at}.kubeConfigFile"))
            return ""
        why = ""
        if not Path(path).is_absolute():
            why = "must be an absolute path"
        elif not Path(path).exists():
            why = f"error loading file: stat {path}: no such file or directory"
        elif not Path(path).is_file():
            why = "must be a regular file"
        if why:
            self.found.append(invalid_value(f"{at}.kubeConfigFile", path, why))
        return str(path)

    def _compiled(self, conditions: Sequence[Obj], at: str) -> tuple[cel.Program, ...]:
        if len(conditions) > CONDITIONS_MAX:
            self.found.append(too_many(f"{at}.matchConditions", len(conditions), CONDITIONS_MAX))
            return ()
        seen: set[str] = set()
        made = []
        for index, condition in enumerate(conditions):
            where, expression = (
                f"{at}.matchConditions[{index}].expression",
                condition.get("expression") or "",
            )
            if not expression.strip():
                self.found.append(required(where))
                continue
            if expression in seen:
                self.found.append(duplicate(where, expression))
                continue
            seen.add(expression)
            try:
                made.append(self._conditions.compile(expression))
            except cel.ResultTypeError as error:
                why = f"must evaluate to {error.expected} but got {error.actual}"
                self.found.append(invalid_value(where, expression, why))
            except cel.CompileError as error:
                self.found.append(invalid_value(where, expression, f"compilation failed: {error}"))
        return tuple(made)
