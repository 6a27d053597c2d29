"""What the writing verbs share: whose object it is, and whether it is where the request says.

Source: apiserver pkg/registry/rest/meta.go, pkg/endpoints/handlers/rest.go checkName.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.options import WriteOptions
from kubepy.apiserver.registry.registry import Call
from kubepy.apiserver.registry.registry import ensure_namespace as ensure_namespace
from kubepy.apiserver.request import Request, User

NOBODY = User("")


def call_of(resource: Resource, request: Request, options: WriteOptions, *, is_patch: bool = False) -> Call:
    info, may = request.info, request.may

    async def may_create() -> None:
        """Who may update or patch may not therefore create. Source: update.go withAuthorization."""
        if may is not None:
            await may(request, replace(info, verb="create"))

    return Call(
        resource,
        info.namespace if resource.namespaced else "",
        info.name,
        request.user or NOBODY,
        info.subresource,
        options,
        request.warnings,
        request.request_id,
        not request.in_process,
        is_patch,
        request.audit,
        may_create,
    )


def check_name(metadata: Obj, name: str) -> None:
    given = metadata.get("name") or ""
    if not given:
        raise BadRequest(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if given != name:
        raise BadRequest(f"the name of the object ({given}) does not match the name on the URL ({name})")


_MANAGER_SIZE_MAX = 128  # Source: validation.FieldManagerMaxLength


def manager_of(request: Request, options: WriteOptions) -> str:
    """Who is to own what the request writes. Source: endpoints/handlers/create.go managerOrUserAgent."""
    if options.field_manager:
        return options.field_manager
    name = request.user_agent.partition("/")[0]
    if not name.isprintable():
        # What is no UTF-8 arrived as surrogates; Go prints U+FFFD there.
        name = name.encode(errors="surrogateescape").decode(errors="replace")
        name = "".join(filter(str.isprintable, name))
    encoded = name.encode()
    return name if len(encoded) <= _MANAGER_SIZE_MAX else encoded[:_MANAGER_SIZE_MAX].decode(errors="ignore")


_SYSTEM_FIELDS = ("creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def wipe_system_fields(metadata: Obj) -> None:
    """What only the server decides. Source: rest.WipeObjectMetaSystemFields."""
    for name in _SYSTEM_FIELDS:
        metadata.pop(name, None)
