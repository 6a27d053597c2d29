"""Nodes, Secrets, ServiceAccounts, volumes, Events, CertificateSigningRequests, EndpointSlices.

Source: kubernetes pkg/registry/{core,certificates,discovery}/*/strategy.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj, labels_of
from kubepy.apiserver.registry.strategies.base import UNSUPPORTED, Moment, Strategy, content, take


class NodeStrategy(Strategy):
    """Kubelets are configured by files only: the fields of dynamic configuration are dropped.

    Source: node/strategy.go dropDisabledFields."""

    keeps_status_on_create = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        obj["spec"].pop("configSource", None)
        (obj.get("status") or {}).pop("config", None)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        if not (old.get("spec") or {}).get("configSource"):
            new["spec"].pop("configSource", None)

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        if not (old.get("status") or {}).get("config"):
            (new.get("status") or {}).pop("config", None)


class SecretStrategy(Strategy):
    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        if not new.get("type"):
            take(new, old, "type")


class ServiceAccountStrategy(Strategy):
    returns_deleted = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        _only_names(obj)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        _only_names(new)


def _only_names(account: Obj) -> None:
    if account.get("secrets"):
        account["secrets"] = [{"name": s["name"]} if s.get("name") else {} for s in account["secrets"]]


class PersistentVolumeStrategy(Strategy):
    returns_deleted = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": moment.now}

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        status, before = new.setdefault("status", {}), old.get("status") or {}
        field = "lastPhaseTransitionTime"
        if status.get("phase") == before.get("phase"):
            if not status.get(field):
                take(status, before, field)
        elif status.get(field) in (None, before.get(field)):
            status[field] = moment.now


_CLASSIC_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


class PersistentVolumeClaimStrategy(Strategy):
    returns_deleted = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        obj["status"] = {"phase": "Pending"}
        _drop_foreign_source(obj["spec"], {})
        _drop_other_sources(obj["spec"], {})
        _normalize_data_sources(obj["spec"])

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        _drop_foreign_source(new["spec"], old.get("spec") or {})
        _drop_other_sources(new["spec"], old.get("spec") or {})
        _normalize_data_sources(new["spec"])


def _drop_foreign_source(spec: Obj, old: Obj) -> None:
    """A source in another namespace is dropped without a word: its feature (CrossNamespaceVolumeDataSource) is off.

    Source: pkg/api/persistentvolumeclaim/util.go DropDisabledFields."""
    reference = spec.get("dataSourceRef")
    if reference is not None and reference.get("namespace") and old.get("dataSourceRef") is None:
        del spec["dataSourceRef"]


def _drop_other_sources(spec: Obj, old: Obj) -> None:
    """dataSource takes claims and snapshots only; anything else is dropped without a word.

    Source: pkg/api/persistentvolumeclaim/util.go EnforceDataSourceBackwardsCompatibility."""
    source, in_use = spec.get("dataSource"), ("dataSource", "dataSourceRef")
    if source is None or spec.get("dataSourceRef") is not None or any(old.get(f) is not None for f in in_use):
        return
    if (source.get("apiGroup") or "", source.get("kind")) not in _CLASSIC_SOURCES:
        del spec["dataSource"]


def _normalize_data_sources(spec: Obj) -> None:
    """dataSource and dataSourceRef say the same: who sets one has set both.

    Source: pkg/api/persistentvolumeclaim/util.go NormalizeDataSources."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = {field: value for field, value in reference.items() if field != "namespace"}


class ReturnedStrategy(Strategy):
    """Kinds whose delete answers with the object."""

    returns_deleted = True


class EventStrategy(Strategy):
    garbage_collection = UNSUPPORTED
    create_on_update = True


class UpsertStrategy(Strategy):
    create_on_update = True


class LimitRangeStrategy(UpsertStrategy):
    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        """One without a name gets one. Source: limitrange/strategy.go."""
        super().prepare_create(obj, moment)
        metadata = obj["metadata"]
        if not metadata.get("name"):
            metadata["name"] = metadata["uid"]


class LeaseStrategy(Strategy):
    create_on_update = True
    unconditional_update = False


class EndpointSliceStrategy(Strategy):
    counts_generations = True

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        return content(new) != content(old) or labels_of(new) != labels_of(old)


class CertificateSigningRequestStrategy(Strategy):
    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        user, spec = moment.user, obj["spec"]
        for field, value in (
            ("username", user.name), ("uid", user.uid), ("groups", list(user.groups)), ("extra", user.extra),
        ):  # fmt: skip
            spec.pop(field, None)
            if value:
                spec[field] = value
        obj["status"] = {}

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        take(new, old, "spec")
        take(new, old, "status")

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        take(new, old, "spec")
        status, before = new.setdefault("status", {}), old.get("status") or {}
        if subresource == "approval":
            conditions = status.get("conditions") or []
            new["status"] = dict(before, conditions=conditions)
        else:
            _keep_conditions("Approved", status, before)
            _keep_conditions("Denied", status, before)
        _stamp_conditions(new["status"], before, moment.now)


def _keep_conditions(type_: str, status: Obj, before: Obj) -> None:
    """Approval and denial are not the signer's to change; validation refuses to add one or take one away.

    Source: certificates/strategy.go preserveConditionInstances.
    """
    kept = [each for each in before.get("conditions") or () if each.get("type") == type_]
    conditions = status.get("conditions") or []
    places = [index for index, each in enumerate(conditions) if each.get("type") == type_]
    if len(places) == len(kept):
        for index, condition in zip(places, kept):
            conditions[index] = condition


def _stamp_conditions(status: Obj, before: Obj, now: str) -> None:
    """Source: certificates/strategy.go populateConditionTimestamps."""
    old = {c["type"]: c for c in before.get("conditions") or ()}
    for condition in status.get("conditions") or ():
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = now
        if not condition.get("lastTransitionTime"):
            same = old.get(condition["type"])
            if (
                same is not None
                and same.get("status") == condition.get("status")
                and "lastTransitionTime" in same
            ):
                condition["lastTransitionTime"] = same["lastTransitionTime"]
            else:
                condition["lastTransitionTime"] = now
