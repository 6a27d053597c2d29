"""AuthenticationConfiguration files: JWT issuers with their CEL mappings and rules, and who may come anonymously.

    configuration = load(text, disallowed_issuers=["https://kubernetes.default.svc"])
    configuration.issuers[0].username ...                      Raises Unusable: every finding, in upstream's words

Versions v1, v1beta1 and v1alpha1 of apiserver.config.k8s.io, which differ in nothing that is read here.
egressSelectorType is accepted and without effect: there is one network.

Source: apiserver pkg/apis/apiserver/{types,validation/validation}.go, pkg/authentication/cel/compile.go.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from kubepy.api import cel, names
from kubepy.api.cel import ast, types
from kubepy.api.errors import FieldError, aggregate, duplicate, invalid_value, required, too_many
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import Anonymous
from kubepy.apiserver.configuration_files import Unusable, read

VERSIONS, KIND = ("v1", "v1beta1", "v1alpha1"), "AuthenticationConfiguration"
ISSUERS_MAX = 64

_STRINGS = {"type": "array", "items": {"type": "string"}}
_USER_SCHEMA = {
    "type": "object",
    "properties": {
        "username": {"type": "string"},
        "uid": {"type": "string"},
        "groups": _STRINGS,
        "extra": {"type": "object", "additionalProperties": _STRINGS},
    },
}
_BOTH = "claim and expression can't both be set"

_PREFIXED = {"claim": None, "prefix": None, "expression": None}
_FORM: Any = {
    "apiVersion": None,
    "kind": None,
    "anonymous": {"enabled": None, "conditions": [{"path": None}]},
    "jwt": [
        {
            "issuer": {
                "url": None,
                "discoveryURL": None,
                "certificateAuthority": None,
                "audiences": [None],
                "audienceMatchPolicy": None,
                "egressSelectorType": None,
            },
            "claimValidationRules": [
                {"claim": None, "requiredValue": None, "expression": None, "message": None}
            ],
            "claimMappings": {
                "username": _PREFIXED,
                "groups": _PREFIXED,
                "uid": {"claim": None, "expression": None},
                "extra": [{"key": None, "valueExpression": None}],
            },
            "userValidationRules": [{"expression": None, "message": None}],
        }
    ],
}


class Mapping(Struct, frozen=True):
    """Where a value comes from: a claim, with a prefix, or an expression over all of them; neither: nowhere."""

    claim: str = ""
    prefix: str = ""
    expression: cel.Program | None = None


class Rule(Struct, frozen=True):
    expression: cel.Program
    message: str


class Issuer(Struct, frozen=True):
    """One entry of `jwt`, compiled."""

    url: str  # "https://accounts.example.com"
    audiences: tuple[str, ...]
    username: Mapping
    discovery_url: str = ""
    certificate_authority: str = ""  # PEM, "": the system's
    groups: Mapping = Mapping()
    uid: Mapping = Mapping()
    extra: tuple[tuple[str, cel.Program], ...] = ()
    required_claims: tuple[tuple[str, str], ...] = ()
    claim_rules: tuple[Rule, ...] = ()
    user_rules: tuple[Rule, ...] = ()


class Configuration(Struct, frozen=True):
    issuers: tuple[Issuer, ...] = ()
    anonymous: Anonymous | None = None  # None: as --anonymous-auth says


def load(text: str, *, disallowed_issuers: Sequence[str] = ()) -> Configuration:
    """Raises Unusable."""
    return of(read(text, kind=KIND, versions=VERSIONS, form=_FORM), disallowed_issuers=disallowed_issuers)


def of(obj: Obj, *, disallowed_issuers: Sequence[str] = ()) -> Configuration:
    """Of one that is decoded. Raises Unusable."""
    found: list[FieldError] = []
    configuration = _configuration(obj, disallowed_issuers, found)
    if found:
        raise Unusable(aggregate(found))
    return configuration


def _configuration(obj: Obj, disallowed: Sequence[str], found: list[FieldError]) -> Configuration:
    entries = obj.get("jwt") or []
    if len(entries) > ISSUERS_MAX:
        found.append(too_many("jwt", len(entries), ISSUERS_MAX))
        return Configuration()
    issuers, urls, discoveries = [], set(), set()
    for index, entry in enumerate(entries):
        at = f"jwt[{index}]"
        issuer = _Compiling(found).issuer(entry, disallowed, at)
        issuers.append(issuer)
        if issuer.url in urls:
            found.append(duplicate(f"{at}.issuer.url", issuer.url))
        if issuer.discovery_url and issuer.discovery_url in discoveries:
            found.append(duplicate(f"{at}.issuer.discoveryURL", issuer.discovery_url))
        urls.add(issuer.url)
        discoveries.add(issuer.discovery_url)
    return Configuration(tuple(issuers), _anonymous(obj.get("anonymous"), found))


def _anonymous(given: Obj | None, found: list[FieldError]) -> Anonymous | None:
    if given is None:
        return None
    paths = tuple(condition.get("path", "") for condition in given.get("conditions") or ())
    enabled = bool(given.get("enabled"))
    if paths and not enabled:
        why = "enabled should be set to true when conditions are defined"
        found.append(invalid_value("anonymous.conditions", given["conditions"], why))
    return Anonymous(enabled, frozenset(paths))


class _Compiling:
    """One entry of `jwt`. Findings go to `found`."""

    def __init__(self, found: list[FieldError]) -> None:
        self._found = found
        self._claims = cel.Environment({"claims": types.map_of(types.STRING, types.DYN)})
        user = types.Type.from_schema(_USER_SCHEMA, name="kubernetes.UserInfo")
        assert user is not None
        self._user = cel.Environment({"user": user})
        self._verifies_email = False

    def issuer(self, entry: Obj, disallowed: Sequence[str], at: str) -> Issuer:
        given = entry.get("issuer") or {}
        self._check_issuer(given, disallowed, f"{at}.issuer")
        required_claims, claim_rules = self._claim_rules(
            entry.get("claimValidationRules") or (), f"{at}.claimValidationRules"
        )
        mappings, where = entry.get("claimMappings") or {}, f"{at}.claimMappings"
        username = self._prefixed(mappings.get("username") or {}, f"{where}.username", is_required=True)
        groups = self._prefixed(mappings.get("groups") or {}, f"{where}.groups")
        uid = self._uid(mappings.get("uid") or {}, f"{where}.uid")
        extra = self._extra(mappings.get("extra") or (), f"{where}.extra")
        if username.expression is not None:
            self._verifies_email |= _selects(username.expression, "email_verified")
            if _selects(username.expression, "email") and not self._verifies_email:
                self._invalid(
                    f"{where}.username.expression",
                    username.expression.source,
                    "claims.email_verified must be used in claimMappings.username.expression or "
                    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is "
                    "used in claimMappings.username.expression",
                )
        return Issuer(
            url=given.get("url") or "",
            discovery_url=given.get("discoveryURL") or "",
            certificate_authority=given.get("certificateAuthority") or "",
            audiences=tuple(given.get("audiences") or ()),
            username=username,
            groups=groups,
            uid=uid,
            extra=extra,
            required_claims=required_claims,
            claim_rules=claim_rules,
            user_rules=self._user_rules(entry.get("userValidationRules") or (), f"{at}.userValidationRules"),
        )

    def _invalid(self, field: str, value: Any, detail: str) -> None:
        self._found.append(invalid_value(field, value, detail))

    def _required(self, field: str, detail: str = "") -> None:
        self._found.append(required(field, detail))

    # -- issuer ----------------------------------------------------------------------------------------------------

    def _check_issuer(self, given: Obj, disallowed: Sequence[str], at: str) -> None:
        url, discovery = given.get("url") or "", given.get("discoveryURL") or ""
        if not url:
            self._required(f"{at}.url")
        else:
            if url in disallowed:
                listed = " ".join(sorted(disallowed))
                self._invalid(f"{at}.url", url, f"URL must not overlap with disallowed issuers: [{listed}]")
            self._check_url(url, f"{at}.url")
        if discovery:
            if url and url.rstrip("/") == discovery.rstrip("/"):
                self._invalid(f"{at}.discoveryURL", discovery, "discoveryURL must be different from URL")
            self._check_url(discovery, f"{at}.discoveryURL")
        self._check_audiences(given, at)
        if ca := given.get("certificateAuthority"):
            try:
                ssl.create_default_context(cadata=ca)
            except (ssl.SSLError, ValueError):
                where = f"{at}.certificateAuthority"
                self._invalid(where, "<omitted>", "data does not contain any valid RSA or ECDSA certificates")
        egress = given.get("egressSelectorType")
        if egress and egress not in ("controlplane", "cluster"):
            why = "egress selector must be either controlplane or cluster"
            self._invalid(f"{at}.egressSelectorType", egress, why)

    def _check_url(self, url: str, at: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            return self._invalid(at, url, str(error))
        for is_wrong, why in (
            (parts.scheme != "https", "URL scheme must be https"),
            ("@" in parts.netloc, "URL must not contain a username or password"),
            (bool(parts.query), "URL must not contain a query"),
            (bool(parts.fragment), "URL must not contain a fragment"),
        ):
            if is_wrong:
                self._invalid(at, url, why)
        return None

    def _check_audiences(self, given: Obj, at: str) -> None:
        audiences, policy = given.get("audiences") or [], given.get("audienceMatchPolicy") or ""
        if not audiences:
            return self._required(f"{at}.audiences", f"at least one {at}.audiences is required")
        for index, audience in enumerate(audiences):
            if not audience:
                self._required(f"{at}.audiences[{index}]")
            if audience in audiences[:index]:
                self._found.append(duplicate(f"{at}.audiences[{index}]", audience))
        where = f"{at}.audienceMatchPolicy"
        if len(audiences) > 1 and policy != "MatchAny":
            self._invalid(where, policy, "audienceMatchPolicy must be MatchAny for multiple audiences")
        if len(audiences) == 1 and policy not in ("", "MatchAny"):
            self._invalid(where, policy, "audienceMatchPolicy must be empty or MatchAny for single audience")
        return None

    # -- rules -----------------------------------------------------------------------------------------------------

    def _claim_rules(
        self, rules: Sequence[Obj], at: str
    ) -> tuple[tuple[tuple[str, str], ...], tuple[Rule, ...]]:
        wanted: dict[str, str] = {}
        compiled: dict[str, Rule] = {}
        for index, rule in enumerate(rules):
            where = f"{at}[{index}]"
            claim, expression = rule.get("claim") or "", rule.get("expression") or ""
            if claim and expression:
                self._invalid(where, claim, _BOTH)
            elif not (claim or expression):
                self._required(where, "claim or expression is required")
            elif claim:
                if rule.get("message"):
                    why = "may not be specified when claim is set"
                    self._invalid(f"{where}.message", rule["message"], why)
                if claim in wanted:
                    self._found.append(duplicate(f"{where}.claim", claim))
                wanted[claim] = rule.get("requiredValue") or ""
            else:
                if rule.get("requiredValue"):
                    why = "may not be specified when expression is set"
                    self._invalid(f"{where}.requiredValue", rule["requiredValue"], why)
                self._add_rule(compiled, rule, self._claims, where)
        return tuple(wanted.items()), tuple(compiled.values())

    def _user_rules(self, rules: Sequence[Obj], at: str) -> tuple[Rule, ...]:
        compiled: dict[str, Rule] = {}
        for index, rule in enumerate(rules):
            if not rule.get("expression"):
                self._required(f"{at}[{index}].expression")
            else:
                self._add_rule(compiled, rule, self._user, f"{at}[{index}]")
        return tuple(compiled.values())

    def _add_rule(self, compiled: dict[str, Rule], rule: Obj, over: cel.Environment, at: str) -> None:
        expression = rule["expression"]
        if expression in compiled:
            self._found.append(duplicate(f"{at}.expression", expression))
            return
        program = self._compile(expression, f"{at}.expression", over, types.BOOL)
        if program is not None:
            self._verifies_email |= over is self._claims and _selects(program, "email_verified")
            compiled[expression] = Rule(program, rule.get("message") or "")

    # -- mappings --------------------------------------------------------------------------------------------------

    def _prefixed(self, given: Obj, at: str, *, is_required: bool = False) -> Mapping:
        claim, expression, prefix = (
            given.get("claim") or "",
            given.get("expression") or "",
            given.get("prefix"),
        )
        if claim and expression:
            self._invalid(at, "", _BOTH)
        elif expression:
            if prefix is not None:
                self._invalid(f"{at}.prefix", prefix, "may not be specified when expression is set")
            return Mapping(expression=self._compile(expression, f"{at}.expression", self._claims))
        elif claim:
            if prefix is None:
                why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
                self._required(f"{at}.prefix", why)
            return Mapping(claim, prefix or "")
        elif is_required:
            self._required(at, "claim or expression is required")
        return Mapping()

    def _uid(self, given: Obj, at: str) -> Mapping:
        claim, expression = given.get("claim") or "", given.get("expression") or ""
        if claim and expression:
            self._invalid(at, "", _BOTH)
        elif expression:
            return Mapping(expression=self._compile(expression, f"{at}.expression", self._claims))
        return Mapping(claim)

    def _extra(self, given: Sequence[Obj], at: str) -> tuple[tuple[str, cel.Program], ...]:
        compiled: dict[str, cel.Program] = {}
        seen: set[str] = set()
        for index, mapping in enumerate(given):
            where, key = f"{at}[{index}]", mapping.get("key") or ""
            self._check_key(key, f"{where}.key")
            if key in seen:
                self._found.append(duplicate(f"{where}.key", key))
                continue
            seen.add(key)
            if not mapping.get("valueExpression"):
                self._required(f"{where}.valueExpression")
                continue
            program = self._compile(mapping["valueExpression"], f"{where}.valueExpression", self._claims)
            if program is not None:
                self._verifies_email |= _selects(program, "email_verified")
                compiled[key] = program
        return tuple(compiled.items())

    def _check_key(self, key: str, at: str) -> None:
        domain, slash, path = key.partition("/")
        if not key:
            self._required(at)
        elif not slash:
            self._invalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")')
        else:
            for why in names.dns1123_subdomain(domain):
                self._invalid(at, domain, why)
            if not path:
                self._invalid(at, path, "Invalid path")
        if key != key.lower():
            self._invalid(at, key, "must be lowercase")
        if domain in ("kubernetes.io", "k8s.io") or domain.endswith((".kubernetes.io", ".k8s.io")):
            self._invalid(
                at, key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
            )

    def _compile(
        self, expression: str, at: str, over: cel.Environment, expected: types.Type | None = None
    ) -> cel.Program | None:
        try:
            return over.compile(expression, expected=expected)
        except cel.ResultTypeError as error:
            self._invalid(at, expression, f"must evaluate to {error.expected}")
        except cel.CompileError as error:
            self._invalid(at, expression, f"compilation failed: {error}")
        return None


def _selects(program: cel.Program, field: str) -> bool:
    """Whether the expression reads claims.`field`. Source: hasSelectExp."""
    return any(
        isinstance(node, ast.Select)
        and node.field == field
        and isinstance(node.operand, ast.Ident)
        and node.operand.name == "claims"
        for node in _nodes(program.root)
    )


def _nodes(value: Any) -> Iterator[ast.Expr]:
    if isinstance(value, ast.Expr):
        yield value
        for kind in type(value).__mro__:
            for slot in getattr(kind, "__slots__", ()):
                yield from _nodes(getattr(value, slot, None))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _nodes(each)
