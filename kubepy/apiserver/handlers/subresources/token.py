"""serviceaccounts/token: a signed token for an account, bound to a pod, node or secret if asked.

Source: kubernetes pkg/registry/core/serviceaccount/storage/token.go, pkg/apis/authentication/validation.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.builtins import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from kubepy.api.objects import Obj, group_version
from kubepy.api.resources import Resource
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, RequestInfo, Response
from kubepy.lib.clock import rfc3339

_SCHEMA = "io.k8s.api.authentication.v1.TokenRequest"
TOKEN_REQUESTS = Resource(
    group="authentication.k8s.io",
    version="v1",
    kind="TokenRequest",
    plural="tokenrequests",
    singular="tokenrequest",
    namespaced=True,
    schema=_SCHEMA,
)
# Source: validation.go MinTokenAgeSec, ValidateTokenRequest.
EXPIRATION_S_MIN, EXPIRATION_S_MAX = 600, 1 << 32
# Pods' projected tokens get a year, and are warned about after the hour they asked for.
# Source: pkg/serviceaccount/claims.go WarnOnlyBoundTokenExpirationSeconds, ExpirationExtensionSeconds.
_WARN_ONLY_S, _EXTENDED_S = 3607, 365 * 24 * 3600


class Rules(Struct, frozen=True):
    """How long tokens live. Source: --service-account-max-token-expiration, -extend-token-expiration."""

    expiration_s_max: int = 0  # longer ones are cut, 0: as long as they want
    extend: bool = True  # pods' projected tokens to a year

    @property
    def extended_s(self) -> int:
        return min(_EXTENDED_S, self.expiration_s_max) if self.expiration_s_max else _EXTENDED_S


class TokenRequests:
    def __init__(self, signer: Signer, rules: Rules | None = None) -> None:
        self._signer = signer
        self._rules = rules or Rules()

    def _are_own(self, audiences: Sequence[str]) -> bool:
        """Exactly this API server's. Source: isKubeAudiences."""
        return set(audiences) == set(self._signer.audiences)

    async def create(self, registry: Registry, resource: Resource, request: Request) -> Response:
        info = request.info
        options = write_options(request.query, "CreateOptions")
        expected = decode.Expected(
            "TokenRequest", "authentication.k8s.io", "v1", registry.schemas.of(_SCHEMA)
        )
        wanted = await decode.body_of(request, expected, options)
        manager = write.manager_of(request, options)
        registry.field_manager(TOKEN_REQUESTS, "token").update(None, wanted, manager)
        await registry.admit(write.call_of(resource, request, options), wanted)
        metadata, spec = wanted["metadata"], wanted.setdefault("spec", {})
        _check_names(metadata, info)
        account = (await registry.get(SERVICE_ACCOUNTS, info.namespace, info.name)).obj
        uid = account["metadata"]["uid"]
        _check_uid(metadata, account["metadata"])
        audiences = spec.get("audiences") or list(self._signer.audiences)
        seconds = spec.get("expirationSeconds") or 3600
        _check_expiration(seconds)
        bound = await _bound_object(registry, info.namespace, info.name, spec.get("boundObjectRef"))
        if 0 < (seconds_max := self._rules.expiration_s_max) < seconds:
            text = f"requested expiration of {seconds} seconds shortened to {seconds_max} seconds"
            request.warnings.append(text)
            seconds = seconds_max
        lifetime_s, warn_after_s = seconds, 0
        if "pod" in bound and self._rules.extend and seconds == _WARN_ONLY_S and self._are_own(audiences):
            lifetime_s, warn_after_s = self._rules.extended_s, seconds
        token = self._signer.sign(account, audiences, lifetime_s, warn_after_s=warn_after_s, **bound)
        now = registry.clock.now()
        answer: Obj = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                **metadata, "name": info.name, "namespace": info.namespace, "uid": uid,
                "creationTimestamp": rfc3339(now),
            },
            "spec": {
                "audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": token.text, "expirationTimestamp": rfc3339(now + seconds)},
        }  # fmt: skip
        request.audit["authentication.kubernetes.io/issued-credential-id"] = f"JTI={token.jti}"
        return respond.plain(registry, resource, request, answer, 201)


def _check_names(metadata: Obj, info: RequestInfo) -> None:
    for field, value in (("name", info.name), ("namespace", info.namespace)):
        if metadata.get(field) and metadata[field] != value:
            why = f"must match the service account {field} if specified"
            finding = errors.invalid_value(f"metadata.{field}", metadata[field], why)
            raise errors.invalid(TOKEN_REQUESTS, info.name, [finding])


def _check_uid(metadata: Obj, account: Obj) -> None:
    """Of two metadata."""
    asked, uid = metadata.get("uid"), account["uid"]
    if asked and asked != uid:
        why = f"the UID in the token request ({asked}) does not match the UID of the service account ({uid})"
        raise errors.conflict(TOKEN_REQUESTS, account["name"], why)


def _check_expiration(seconds: int) -> None:
    why = ""
    if seconds < EXPIRATION_S_MIN:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > EXPIRATION_S_MAX:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        finding = errors.invalid_value("spec.expirationSeconds", seconds, why)
        raise errors.invalid(TOKEN_REQUESTS, "", [finding])


async def _bound_object(
    registry: Registry, namespace: str, account: str, reference: Obj | None
) -> dict[str, Obj]:
    """What the token is bound to: {"pod": ..., "node": ...}, {"secret": ...} or nothing."""
    if reference is None:
        return {}
    group, version = group_version(reference.get("apiVersion", ""))
    kind, name = reference.get("kind", ""), reference.get("name", "")
    bound: dict[str, Obj] = {}
    if group or kind not in ("Pod", "Node", "Secret"):
        raise errors.BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    if kind == "Pod":
        pod = bound["pod"] = (await registry.get(PODS, namespace, name)).obj
        if pod["spec"].get("serviceAccountName") != account:
            raise errors.BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        if node_name := pod["spec"].get("nodeName"):
            node = await registry.find(NODES, "", node_name)
            # One that is gone is named all the same: it tells people where the pod was.
            bound["node"] = node.obj if node is not None else {"metadata": {"name": node_name}}
    elif kind == "Node":
        bound["node"] = (await registry.get(NODES, "", name)).obj
    else:
        bound["secret"] = (await registry.get(SECRETS, namespace, name)).obj
    found = bound[kind.lower()]
    uid = reference.get("uid")
    if uid and uid != found["metadata"]["uid"]:
        raise errors.Conflict(
            f'Operation cannot be fulfilled on {kind} "{name}": the UID in the bound object reference ({uid}) does not '
            "match the UID in record. The object might have been deleted and then recreated",
            details={"name": name, "kind": kind},
        )
    return bound
