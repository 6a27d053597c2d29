"""docs/COVERAGE.md: what of Kubernetes is there and what is not, read off the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from kubepy.api import fields, tables, versions
from kubepy.api.builtins import BUILTINS, OPTIONAL
from kubepy.api.resources import ALL_VERBS, Resource, Subresource
from kubepy.api.schema import Schemas
from kubepy.api.validation.kinds import KINDS
from kubepy.apiserver.admission.chain import PLUGINS
from kubepy.apiserver.handlers.dispatch import WHOLE
from kubepy.apiserver.handlers.subresources import Subresources, streams
from kubepy.controllers.manager import ABSENT, CONTROLLERS

# All that kube-controller-manager 1.36 knows, in its order: cmd/kube-controller-manager/names/controller_names.go.
UPSTREAM_CONTROLLERS = tuple(
    """
    serviceaccount-token endpoints endpointslice endpointslice-mirroring replicationcontroller pod-garbage-collector
    resourcequota namespace serviceaccount garbage-collector daemonset job deployment replicaset
    horizontal-pod-autoscaler disruption statefulset cronjob certificatesigningrequest-signing
    certificatesigningrequest-approving
    certificatesigningrequest-cleaner podcertificaterequest-cleaner ttl bootstrap-signer token-cleaner node-ipam
    node-lifecycle taint-eviction device-taint-eviction persistentvolume-binder persistentvolume-attach-detach
    persistentvolume-expander clusterrole-aggregation persistentvolumeclaim-protection persistentvolume-protection
    podgroup-protection ttl-after-finished root-ca-certificate-publisher
    kube-apiserver-serving-clustertrustbundle-publisher ephemeral-volume storageversion-garbage-collector resourceclaim
    resourcepoolstatusrequest legacy-serviceaccount-token-cleaner validatingadmissionpolicy-status
    volumeattributesclass-protection service-cidr storage-version-migrator selinux-warning
    service-lb node-route cloud-node-lifecycle
    """.split()  # noqa: SIM905 - fifty names read better as text
)

# What a client can see, and no table tells.
DIFFERENCES = (
    "/debug/pprof, which tells of a Go process, is 404.",
    "OpenAPI v3 is JSON; who accepts only its protobuf form gets a 406 (v2 has both). Documents are not compressed.",
    "In a Table an IPAddress has no third cell, its age, which upstream adds without a column; the bookmark of a watch "
    "of them has a parentRef of null.",
    "A refused merge or JSON patch is shown with all fields by name; Go keeps what the patch did not touch as it was.",
    "Where a refusal names several fields of one map, they are in the order of the request; Go's is random.",
    "A CEL expression with several syntax errors is refused for the first one; cel-go tells of all.",
    "What a conversion webhook answered holds for ten seconds; upstream asks it at each read.",
    "An empty list or map where Go tells it from none, as the ports of an ephemeral container, counts as none.",
    "JSON that is nested deeper than 128 levels is refused; Go reads 10 000.",
    "A node that was made under another --kubernetes-version goes on naming that version as its kubelet's.",
)

_METADATA_FIELDS = {"metadata.name", "metadata.namespace"}


def render() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    # Whether a handler is there is all that is asked of these; none is called.
    anything = cast(Any, object())
    handled = Subresources(signer=anything, tokens=anything, authorizer=anything, components=dict)
    yield "# What is there"
    yield ""
    yield "Made by `scripts/docs` from the tables that the code runs by; not to be edited. A ~~struck-out~~ name is in"
    yield "discovery and answered with 404, because nothing here does it yet."
    yield ""
    yield "## Resources"
    yield ""
    yield f"{len(BUILTINS)} rows of the newest version, {versions.NEWEST}."
    yield "Reads: JSON, YAML, Table, PartialObjectMetadata; label selectors on all. Patches: JSON patch, merge patch,"
    yield "strategic merge patch, server-side apply (custom resources: no strategic merge). Validation counts the rules"
    yield "beyond those of metadata and schema, which hold for every kind. In *italics*: off by default, on with"
    yield "`--runtime-config` and `--feature-gates` (api/enablement.py)."
    yield ""
    yield "| resource | verbs | subresources | field selectors | table | validation |"
    yield "|---|---|---|---|---|---|"
    for row in (*BUILTINS, *OPTIONAL):
        cells = (
            f"`{row.api_version}` {f'*{row.plural}*' if row in OPTIONAL else row.plural}",
            _verbs(row, handled),
            ", ".join(_subresource(row, sub, handled) for sub in row.subresources),
            ", ".join(sorted(fields.fields_of(row).keys() - _METADATA_FIELDS)),
            _table(row),
            _validation(row),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from _versions()
    absent = {row.name.removesuffix("-controller"): row.why for row in ABSENT}
    yield from _parts("Controllers", _controllers(), absent)
    yield from _parts("Admission plugins", ((name, cls is not None) for name, cls in PLUGINS.items()))
    yield "## What a client can tell apart"
    yield ""
    yield from (f"- {text}" for text in DIFFERENCES)


def _verbs(row: Resource, handled: Subresources) -> str:
    if set(row.verbs) == set(ALL_VERBS):
        return "all"
    if row.verbs == ("create",) and row.group_resource not in handled.virtual:
        return "~~create~~"
    return ", ".join(row.verbs)


def _subresource(row: Resource, sub: Subresource, handled: Subresources) -> str:
    handler = handled.find(row, sub.name)
    # It tells who cannot be reached, and reaches nobody.
    is_there = sub.name in WHOLE or handler not in (None, streams.stream)
    return sub.name if is_there else f"~~{sub.name}~~"


def _table(row: Resource) -> str:
    if "list" not in row.verbs:
        return ""
    printer = tables.PRINTERS.get((row.group, row.kind))
    if printer is None:
        return "default"
    wide = sum(column.priority > 0 for column in printer.columns)
    return f"{len(printer.columns) - wide} + {wide} wide" if wide else str(len(printer.columns))


def _validation(row: Resource) -> str:
    kind = KINDS.get((row.group, row.kind))
    if kind is None:
        return "" if "list" not in row.verbs else "schema"
    counts = (
        ("", len(kind.rules) + len(kind.create)),
        ("update ", len(kind.update)),
        *((f"{name} ", len(rules)) for name, rules in kind.subresources.items()),
    )
    return ", ".join(f"{what}{count}" for what, count in counts if count) or "name"


def _versions() -> Iterator[str]:
    """What `--kubernetes-version` changes."""
    yield "## Versions"
    yield ""
    yield "| version | resources | new | gone |"
    yield "|---|---|---|---|"
    before: set[str] = set()
    for version in versions.VERSIONS:
        served = {_name(row) for row in versions.served(version, Schemas(version))}
        new = ", ".join(sorted(served - before)) if before else ""
        yield f"| {version} | {len(served)} | {new} | {', '.join(sorted(before - served))} |"
        before = served
    yield ""


def _name(row: Resource) -> str:
    return f"{row.plural}.{row.version}" + (f".{row.group}" if row.group else "")


def _controllers() -> Iterator[tuple[str, bool]]:
    there = {row.name for row in CONTROLLERS}
    for name in UPSTREAM_CONTROLLERS:
        yield name, f"{name}-controller" in there


def _parts(
    title: str, parts: Iterable[tuple[str, bool]], absent: Mapping[str, str] | None = None
) -> Iterator[str]:
    """`absent`: why some are not there on purpose."""
    listed, absent = list(parts), absent or {}
    yield f"## {title}"
    yield ""
    yield f"There: {', '.join(name for name, is_there in listed if is_there)}."
    yield ""
    missing = [name for name, is_there in listed if not is_there and name not in absent]
    if missing or not absent:
        yield f"Not yet: {', '.join(missing)}."
        yield ""
    if absent:
        yield "Left out:"
        yield ""
        for name, why in absent.items():
            yield f"- {name}: {why}."
    yield ""
