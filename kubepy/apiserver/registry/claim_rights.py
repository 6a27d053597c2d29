"""What the writer of a ResourceClaim must be allowed besides the write itself.

Admin access to devices, asked for or given to somebody, is only for namespaces that are labelled for it. Who writes an
allocation or who may use it takes the verb on resourceclaims/binding; who writes what a device says of itself takes
it on resourceclaims/driver, for the driver's name: `associated-node:` suffices for a driver on the node of the claim,
anybody else takes `arbitrary-node:`.

Differs: --kubernetes-version older than 1.36 asks for these rights, too.

Source: kubernetes pkg/registry/resource/utils.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kubepy.api import errors, names
from kubepy.api.builtins import NAMESPACES, RESOURCE_CLAIMS
from kubepy.api.errors import FieldError
from kubepy.api.objects import Document, Obj, labels_of
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Ask
from kubepy.apiserver.authz import forbidden
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.request import RequestInfo, User

LABEL = "resource.kubernetes.io/admin-access"

_NODE_NAME = "authentication.kubernetes.io/node-name"


class Lookup(Protocol):
    async def find(self, resource: Resource, namespace: str, name: str) -> Document | None: ...


class ClaimRights:
    def __init__(self, ask: Ask, lookup: Lookup) -> None:
        self._ask, self._lookup = ask, lookup

    async def check(
        self, call: Call, obj: Obj, old: Obj | None, findings: list[FieldError]
    ) -> list[FieldError]:
        """A registry.LiveRule of claims and of their templates."""
        if old is None:
            return await self._admin(call.namespace, requested_at(obj)) + findings
        if call.subresource != "status":
            # The spec does not change.
            return findings
        new_status, old_status = obj.get("status") or {}, old.get("status") or {}
        granted = "" if granted_at(old_status) else granted_at(new_status)
        return [
            *await self._admin(call.namespace, granted),
            *await self._binding(call, new_status, old_status),
            *await self._devices(call, new_status, old_status),
            *findings,
        ]

    async def _admin(self, namespace: str, path: str) -> list[FieldError]:
        if not path:
            return []
        found = await self._lookup.find(NAMESPACES, "", namespace)
        if found is not None and labels_of(found.obj).get(LABEL) == "true":
            return []
        why = f"admin access to devices requires the `{LABEL}: true` label on the containing namespace"
        return [errors.forbidden_field(path, why)]

    async def _binding(self, call: Call, new: Obj, old: Obj) -> list[FieldError]:
        if all(
            (new.get(field) or None) == (old.get(field) or None) for field in ("allocation", "reservedFor")
        ):
            return []
        verb = _verb(call)
        refusal = await self._refusal(call, verb, "binding")
        if not refusal:
            return []
        why = (
            "changing status.allocation or status.reservedFor requires "
            f'resource="resourceclaims/binding", verb="{verb}" permission: {refusal}'
        )
        return [errors.forbidden_field("status.allocation", why)]

    async def _devices(self, call: Call, new: Obj, old: Obj) -> list[FieldError]:
        # Without an allocation there is no status of devices, either.
        if new.get("allocation") is None:
            return []
        verbs = [f"arbitrary-node:{_verb(call)}"]
        if is_on_node(call.user, node_of(new["allocation"])):
            verbs.insert(0, f"associated-node:{_verb(call)}")
        found = []
        for driver in changed_drivers(new.get("devices") or (), old.get("devices") or ()):
            refusals = []
            for verb in verbs:
                refusal = await self._refusal(call, verb, "driver", namespace=call.namespace, name=driver)
                if not refusal:
                    break
                refusals.append(refusal)
            else:
                why = (
                    'changing status.devices requires resource="resourceclaims/driver", '
                    f'verb="[{" ".join(verbs)}]" permission: {refusals[0]}'
                )
                found.append(errors.forbidden_field("status.devices", why))
        return found

    async def _refusal(
        self, call: Call, verb: str, subresource: str, *, namespace: str = "", name: str = ""
    ) -> str:
        """Why the user may not, "" when he may."""
        kind = call.resource
        info = RequestInfo(
            True, "", verb, group=kind.group, version=kind.version, resource=RESOURCE_CLAIMS.plural,
            subresource=subresource, namespace=namespace, name=name,
        )  # fmt: skip
        decision = await self._ask(call.user, info)
        if decision.is_allowed:
            return ""
        why = ": ".join(text for text in (decision.error, decision.reason) if text)
        return forbidden(call.user, info, why).message


def _verb(call: Call) -> str:
    return "patch" if call.is_patch else "update"


def requested_at(obj: Obj) -> str:
    """Where a new claim, or a template of one, asks for admin access; "" where it does not."""
    spec = obj.get("spec") or {}
    requests = ((spec.get("spec") or spec).get("devices") or {}).get("requests") or ()
    for index, request in enumerate(requests):
        if (request.get("exactly") or {}).get("adminAccess"):
            return f"spec.devices.requests[{index}].adminAccess"
    return ""


def granted_at(status: Obj) -> str:
    """Where a claim's status gives admin access; "" where it does not."""
    devices = (status.get("allocation") or {}).get("devices") or {}
    for index, result in enumerate(devices.get("results") or ()):
        if result.get("adminAccess"):
            return f"status.allocation.devices.results[{index}].adminAccess"
    return ""


def changed_drivers(new: Sequence[Obj], old: Sequence[Obj]) -> list[str]:
    """Drivers of devices whose status came, went or changed, sorted."""
    after, before = ({_device(status): status for status in devices} for devices in (new, old))
    return sorted({key[0] for key in after.keys() | before.keys() if after.get(key) != before.get(key)})


def _device(status: Obj) -> tuple[Any, ...]:
    return tuple(status.get(field) or "" for field in ("driver", "pool", "device", "shareID"))


def node_of(allocation: Obj) -> str:
    """The one node that an allocation is for; "" where it is for others, too."""
    terms = (allocation.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    if len(terms) != 1 or terms[0].get("matchExpressions") or len(terms[0].get("matchFields") or ()) != 1:
        return ""
    (field,) = terms[0]["matchFields"]
    values = field.get("values") or []
    is_one = field.get("key") == "metadata.name" and field.get("operator") == "In" and len(values) == 1
    return str(values[0]) if is_one else ""


def is_on_node(user: User, node: str) -> bool:
    """Whether a service account's token is of a pod on `node`."""
    told = user.extra.get(_NODE_NAME) or []
    return (
        bool(node)
        and user.name.startswith("system:serviceaccount:")
        and told == [node]
        and not names.dns1123_subdomain(node)
    )
