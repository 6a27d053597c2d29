"""Query parameters and bodies that say how a verb is meant, parsed once; api.validation.options judges them.

Source: apimachinery pkg/apis/meta/internalversion/{types,defaults}.go, pkg/apis/meta/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from kubepy.api import errors, selectors
from kubepy.api.errors import FieldError, Invalid
from kubepy.api.objects import Obj
from kubepy.api.validation import options as rules
from kubepy.apiserver.request import Query

EXACT = "Exact"
NOT_OLDER_THAN = "NotOlderThan"
_META = "meta.k8s.io/v1"
IGNORE, WARN, STRICT = "Ignore", "Warn", "Strict"


def invalid_options(kind: str, findings: Sequence[FieldError]) -> Invalid:
    """422 about an options kind of meta.k8s.io, which has no name."""
    return Invalid(
        f'{kind}.meta.k8s.io "" is invalid: {errors.aggregate(findings)}',
        details={"group": "meta.k8s.io", "kind": kind, "causes": [finding.cause() for finding in findings]},
    )


class ListOptions(Struct, frozen=True):
    """Of list, watch and deletecollection."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""  # "", "0" or a number
    match: str = ""  # "", "Exact", "NotOlderThan"
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_s: int | None = None

    @property
    def revision(self) -> int:
        return int(self.resource_version or 0)


DEFAULT_LIST = ListOptions()


def list_options(query: Query) -> ListOptions:
    """Raises BadRequest for what is no number, Invalid for combinations that are forbidden."""
    if not query:
        return DEFAULT_LIST
    options = _parsed(query)
    if findings := rules.validate_list(
        resource_version=options.resource_version,
        resource_version_match=options.match,
        continue_token=options.continue_token,
        send_initial_events=options.send_initial_events,
    ):
        # Selectors that cannot be read are told of first.
        selectors.parse_labels(options.label_selector)
        selectors.parse_fields(options.field_selector)
        raise invalid_options("ListOptions", findings)
    # Together with a token it is nothing that is looked at.
    if not options.continue_token:
        check_revision(options.resource_version, of_list=True)
    return options


def watch_options(query: Query) -> ListOptions:
    """The same for a watch. One that starts "anywhere" or at "the newest" has always begun with the state there."""
    options = _parsed(query)
    if options.send_initial_events is None and not options.match and options.resource_version in ("", "0"):
        options = replace(options, send_initial_events=True, match=NOT_OLDER_THAN)
    if findings := rules.validate_list(
        is_watch=True,
        resource_version=options.resource_version,
        resource_version_match=options.match,
        continue_token=options.continue_token,
        send_initial_events=options.send_initial_events,
    ):
        raise invalid_options("ListOptions", findings)
    check_revision(options.resource_version)
    return options


def _parsed(query: Query) -> ListOptions:
    return ListOptions(
        label_selector=query.get("labelSelector"),
        field_selector=query.get("fieldSelector"),
        limit=max(query.integer("limit") or 0, 0),
        continue_token=query.get("continue"),
        resource_version=query.get("resourceVersion"),
        match=query.get("resourceVersionMatch"),
        bookmarks=query.flag("allowWatchBookmarks"),
        send_initial_events=query.flag("sendInitialEvents") if "sendInitialEvents" in query else None,
        timeout_s=query.integer("timeoutSeconds"),
    )


def check_revision(text: str, *, of_list: bool = False) -> None:
    """Raises if a resourceVersion parameter is no number: BadRequest for a list; of a get and a watch nobody upstream
    makes a Status. Source: storage/interfaces.go ValidateListOptions, etcd3/api_object_versioner.go."""
    if why := unparsable(text):
        finding = errors.invalid_value("resourceVersion", text, why)
        if of_list:
            raise errors.BadRequest(f"invalid resource version: {finding}")
        raise errors.StatusError(str(finding), reason="")


def unparsable(text: str) -> str:
    """Why a text is no resourceVersion, in Go's words; "" if it is one."""
    if not text:
        return ""
    is_number = text.isascii() and text.isdigit()
    if is_number and len(text) <= 20 and int(text) < 1 << 64:
        return ""
    why = "value out of range" if is_number else "invalid syntax"
    return f"strconv.ParseUint: parsing {errors.quote(text)}: {why}"


class WriteOptions(Struct, frozen=True):
    """Of create, update and patch."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = WARN
    force: bool = False  # of an apply
    asked_validation: str = ""  # as the client put it

    def to_json(self, kind: str) -> Obj:
        """As admission shows them: CreateOptions or UpdateOptions."""
        options: Obj = {"kind": kind, "apiVersion": _META}
        if self.dry_run:
            options["dryRun"] = ["All"]
        if self.field_manager:
            options["fieldManager"] = self.field_manager
        if self.asked_validation:
            options["fieldValidation"] = self.asked_validation
        return options


DEFAULT_WRITE = WriteOptions()


def write_options(query: Query, kind: str, *, is_apply: bool = False) -> WriteOptions:
    """kind: CreateOptions, UpdateOptions or PatchOptions. Raises Invalid."""
    if not query and not is_apply:
        return DEFAULT_WRITE
    force = query.flag("force") if "force" in query else None
    dry_run, manager = tuple(query.all("dryRun")), query.get("fieldManager")
    return _write_options(kind, is_apply, force, dry_run, manager, query.get("fieldValidation"))


# Every client says the same all its life.
@lru_cache(maxsize=256)
def _write_options(
    kind: str, is_apply: bool, force: bool | None, dry_run: tuple[str, ...], manager: str, validation: str
) -> WriteOptions:
    if kind == "PatchOptions":
        findings = rules.validate_patch(
            is_apply=is_apply,
            force=force,
            dry_run=dry_run,
            field_manager=manager,
            field_validation=validation,
        )
    else:
        findings = rules.validate_write(dry_run=dry_run, field_manager=manager, field_validation=validation)
    if findings:
        raise invalid_options(kind, findings)
    return WriteOptions(bool(dry_run), manager, validation or WARN, is_apply and bool(force), validation)


class DeleteOptions(Struct):
    """Of delete and deletecollection."""

    grace_period_s: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    orphan_dependents: bool | None = None
    propagation: str | None = None  # "Background", "Foreground", "Orphan"
    dry_run: bool = False

    def to_json(self) -> Obj:
        """As admission shows them."""
        preconditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        options: Obj = {
            "gracePeriodSeconds": self.grace_period_s,
            "preconditions": {key: value for key, value in preconditions.items() if value} or None,
            "orphanDependents": self.orphan_dependents,
            "propagationPolicy": self.propagation,
            "dryRun": ["All"] if self.dry_run else None,
        }
        given = {key: value for key, value in options.items() if value is not None}
        return {"kind": "DeleteOptions", "apiVersion": _META, **given}


def delete_options(body: Obj | None, query: Query) -> DeleteOptions:
    """From the body if there is one, else from the query, as upstream. Raises BadRequest, Invalid."""
    if body is None:
        if not query:
            return DeleteOptions()
        body = {
            "gracePeriodSeconds": query.integer("gracePeriodSeconds"),
            "orphanDependents": query.flag("orphanDependents") if "orphanDependents" in query else None,
            "propagationPolicy": query.get("propagationPolicy") or None,
            "dryRun": list(query.all("dryRun")),
            "preconditions": {
                "uid": query.get("uid") or None,
                "resourceVersion": query.get("resourceVersion") or None,
            },
        }
    if findings := rules.validate_delete(body):
        raise invalid_options("DeleteOptions", findings)
    preconditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    return DeleteOptions(
        grace_period_s=grace if grace is None or grace >= 0 else 1,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        orphan_dependents=body.get("orphanDependents"),
        propagation=body.get("propagationPolicy"),
        dry_run=bool(body.get("dryRun")),
    )
