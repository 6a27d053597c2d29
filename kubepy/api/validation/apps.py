"""Deployments, ReplicaSets, ReplicationControllers, StatefulSets, DaemonSets, ControllerRevisions.

Source: kubernetes pkg/apis/apps/validation/validation.go, pkg/apis/core/validation/validation.go
(ReplicationController).
"""

from __future__ import annotations

from typing import Any

from kubepy.api import errors, internals, names, selectors
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_volumes import check_claim_spec
from kubepy.api.validation.pods import check_template, check_template_metadata
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    Rule,
    check_at_most_100_percent,
    check_int_or_percent,
    check_label_selector,
    check_messages,
    check_non_negative,
    immutable,
    non_negative,
    not_above,
    not_decremented,
    on_update,
    percent_of,
    same,
    selector_of,
    selects_nothing_in_particular,
)

_NO_MATCH_TEXT = "`selector` does not match template `labels`"


def check_template_matches(
    template: Obj, selector: selectors.LabelSelector, path: str, found: Errors
) -> None:
    labels = (template.get("metadata") or {}).get("labels")
    if not selector.is_empty and not selector.matches(labels or {}):
        found.append(errors.invalid_value(f"{path}.metadata.labels", labels, _NO_MATCH_TEXT))


def _check_always(template: Obj, path: str, owner: str, found: Errors) -> None:
    """Pods of controllers never end by themselves."""
    spec = template.get("spec") or {}
    policy = spec.get("restartPolicy") or ""
    if policy != "Always":
        found.append(errors.not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {owner} is not Supported"
        found.append(errors.forbidden_field(f"{path}.spec.activeDeadlineSeconds", why))


def _check_selector(spec: Obj, owner: str, found: Errors) -> selectors.LabelSelector | None:
    """The compiled spec.selector, None when there is none to go on with."""
    selector = spec.get("selector")
    if selector is None:
        found.append(errors.required("spec.selector"))
        return selectors.NOTHING
    check_label_selector(selector, "spec.selector", found)
    if selects_nothing_in_particular(selector):
        why = f"empty selector is invalid for {owner}"
        found.append(errors.invalid_value("spec.selector", internals.of("LabelSelector", selector), why))
    return selector_of(selector)


def _check_replicated(obj: Obj, found: Errors) -> None:
    """Selector and template of Deployments and ReplicaSets, which say the same of both."""
    spec = obj.get("spec") or {}
    selector = _check_selector(spec, "deployment", found)
    if selector is None:
        found.append(
            errors.invalid_value(
                "spec.selector", internals.of("LabelSelector", spec.get("selector")), "invalid label selector"
            )
        )
        return
    template = spec.get("template") or {}
    check_template_matches(template, selector, "spec.template", found)
    check_template(template, "spec.template", found)
    _check_always(template, "spec.template", "ReplicaSet", found)


# -- rolling updates -------------------------------------------------------------------------------------------


def _amount(value: Any) -> int:
    """25 for 25 and for "25%", 0 for nothing. Source: getIntOrPercentValue."""
    percent = percent_of(value)
    if percent is not None:
        return percent
    return value if isinstance(value, int) else 0


def _check_deployment_strategy(obj: Obj, found: Errors) -> None:
    strategy = (obj.get("spec") or {}).get("strategy") or {}
    type_, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    path = "spec.strategy.rollingUpdate"
    if type_ == "Recreate":
        if rolling is not None:
            why = "may not be specified when strategy `type` is 'Recreate'"
            found.append(errors.forbidden_field(path, why))
    elif type_ != "RollingUpdate":
        found.append(
            errors.not_supported(
                "spec.strategy", internals.of("DeploymentStrategy", strategy), ("Recreate", "RollingUpdate")
            )
        )
    elif rolling is None:
        found.append(errors.required(path, "this should be defaulted and never be nil"))
    else:
        unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
        check_int_or_percent(unavailable, f"{path}.maxUnavailable", found)
        check_int_or_percent(surge, f"{path}.maxSurge", found)
        if _amount(unavailable) == 0 and _amount(surge) == 0:
            why = "may not be 0 when `maxSurge` is 0"
            found.append(errors.invalid_value(f"{path}.maxUnavailable", unavailable, why))
        check_at_most_100_percent(unavailable, f"{path}.maxUnavailable", found)


def _check_deadline(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        check_non_negative(deadline, "spec.progressDeadlineSeconds", found)
        if deadline <= (spec.get("minReadySeconds") or 0):
            why = "must be greater than minReadySeconds"
            found.append(errors.invalid_value("spec.progressDeadlineSeconds", deadline, why))


# -- StatefulSet -----------------------------------------------------------------------------------------------


def _check_stateful_spec(
    spec: Obj, found: Errors, *, is_new: bool = False, with_template: bool = True
) -> None:
    """Source: ValidateStatefulSetSpec."""
    policy = spec.get("podManagementPolicy")
    if not policy:
        found.append(errors.required("spec.podManagementPolicy"))
    elif policy not in ("OrderedReady", "Parallel"):
        why = "must be 'OrderedReady' or 'Parallel'"
        found.append(errors.invalid_value("spec.podManagementPolicy", policy, why))
    _check_stateful_strategy(spec.get("updateStrategy") or {}, found)
    retention = spec.get("persistentVolumeClaimRetentionPolicy")
    if retention:
        for field in ("whenDeleted", "whenScaled"):
            if retention.get(field) not in ("Retain", "Delete"):
                path = f"spec.persistentVolumeClaimRetentionPolicy.{field}"
                found.append(errors.not_supported(path, retention.get(field) or "", ("Retain", "Delete")))
    if is_new:
        for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            check_claim_spec(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}].spec", found)
    check_non_negative(spec.get("replicas"), "spec.replicas", found)
    check_non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds", found)
    check_non_negative((spec.get("ordinals") or {}).get("start"), "spec.ordinals.start", found)
    service = spec.get("serviceName")
    if is_new and service:
        check_messages(names.dns1123_label(service), service, "spec.serviceName", found)
    selector = _check_selector(spec, "statefulset", found)
    template = spec.get("template") or {}
    if selector is None:
        found.append(
            errors.invalid_value("spec.selector", internals.of("LabelSelector", spec.get("selector")), "")
        )
    else:
        check_template_matches(template, selector, "spec.template", found)
        if with_template:
            check_template(_as_pods_will_be(template, spec), "spec.template", found)
        # Once more, as upstream does.
        check_template_metadata(template, "spec.template", found)
    pod_spec = template.get("spec") or {}
    if pod_spec.get("restartPolicy") != "Always":
        restart = pod_spec.get("restartPolicy") or ""
        found.append(errors.not_supported("spec.template.spec.restartPolicy", restart, ("Always",)))
    if pod_spec.get("activeDeadlineSeconds") is not None:
        why = "activeDeadlineSeconds in StatefulSet is not Supported"
        found.append(errors.forbidden_field("spec.template.spec.activeDeadlineSeconds", why))


def _as_pods_will_be(template: Obj, spec: Obj) -> Obj:
    """The template as its pods will look: named by the controller, and with the claims as volumes to mount."""
    pod_spec = {
        field: value
        for field, value in (template.get("spec") or {}).items()
        if field not in ("hostname", "subdomain")
    }
    claims = spec.get("volumeClaimTemplates")
    if not claims:
        return template | {"spec": pod_spec}
    names_of_claims = list(dict.fromkeys((claim.get("metadata") or {}).get("name") for claim in claims))
    made = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names_of_claims]
    kept = [volume for volume in pod_spec.get("volumes") or () if volume.get("name") not in names_of_claims]
    return template | {"spec": pod_spec | {"volumes": made + kept}}


def _check_stateful_strategy(strategy: Obj, found: Errors) -> None:
    type_, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    path = "spec.updateStrategy"
    if not type_:
        found.append(errors.required(path))
    elif type_ == "OnDelete":
        if rolling is not None:
            why = "only allowed for updateStrategy 'RollingUpdate'"
            shown = internals.of("RollingUpdateStatefulSetStrategy", rolling)
            found.append(errors.invalid_value(f"{path}.rollingUpdate", shown, why))
    elif type_ != "RollingUpdate":
        shown = internals.of("StatefulSetUpdateStrategy", strategy)
        found.append(errors.invalid_value(path, shown, "must be 'RollingUpdate' or 'OnDelete'"))
    elif rolling:
        check_non_negative(rolling.get("partition"), f"{path}.rollingUpdate.partition", found)
        if (unavailable := rolling.get("maxUnavailable")) is not None:
            at = f"{path}.rollingUpdate.maxUnavailable"
            check_int_or_percent(unavailable, at, found)
            if not _amount(unavailable):
                found.append(errors.invalid_value(at, unavailable, "cannot be 0"))
            check_at_most_100_percent(unavailable, at, found)


def _check_stateful_create(obj: Obj, found: Errors) -> None:
    _check_stateful_spec(obj.get("spec") or {}, found, is_new=True)


_STATEFUL_MUTABLE = frozenset(
    (
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    )
)


def _check_stateful_update(new: Obj, old: Obj, found: Errors) -> None:
    """A template that is not valid is let be in a set that was not valid before. Source: ValidateStatefulSetUpdate."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    of_new: Errors = []
    _check_stateful_spec(after, of_new)
    if of_new:
        of_old: Errors = []
        _check_stateful_spec(before, of_old)
        if of_old:
            of_new.clear()
            _check_stateful_spec(after, of_new, with_template=False)
    found += of_new
    for field in (after.keys() | before.keys()) - _STATEFUL_MUTABLE:
        if not same(after.get(field), before.get(field)):
            why = (
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden"
            )
            found.append(errors.forbidden_field("spec", why))
            return


# -- DaemonSet -------------------------------------------------------------------------------------------------


def _check_daemon_set(obj: Obj, found: Errors) -> None:
    """Source: ValidateDaemonSetSpec."""
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector"), spec.get("template") or {}
    check_label_selector(selector, "spec.selector", found)
    compiled = selector_of(selector) if selector is not None else selectors.NOTHING
    labels = (template.get("metadata") or {}).get("labels")
    if compiled is not None and not compiled.matches(labels or {}):
        found.append(errors.invalid_value("spec.template.metadata.labels", labels, _NO_MATCH_TEXT))
    if selector is not None and selects_nothing_in_particular(selector):
        why = "empty selector is invalid for daemonset"
        found.append(errors.invalid_value("spec.selector", internals.of("LabelSelector", selector), why))
    check_template(template, "spec.template", found)
    _check_always(template, "spec.template", "DaemonSet", found)
    _check_daemon_strategy(spec.get("updateStrategy") or {}, found)


def _check_daemon_strategy(strategy: Obj, found: Errors) -> None:
    type_, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    path = "spec.updateStrategy.rollingUpdate"
    if type_ == "OnDelete":
        return
    if type_ != "RollingUpdate":
        shown = internals.of("DaemonSetUpdateStrategy", strategy)
        found.append(errors.not_supported("spec.updateStrategy", shown, ("RollingUpdate", "OnDelete")))
        return
    if rolling is None:
        found.append(errors.required(path))
        return
    values = {field: rolling.get(field, 0) for field in ("maxUnavailable", "maxSurge")}
    for check in (check_int_or_percent, check_at_most_100_percent):
        for field, value in values.items():
            check(value, f"{path}.{field}", found)
    unavailable, surge = _amount(values["maxUnavailable"]), _amount(values["maxSurge"])
    if unavailable and surge:
        why = "may not be set when maxUnavailable is non-zero"
        found.append(errors.invalid_value(f"{path}.maxSurge", values["maxSurge"], why))
    elif not unavailable and not surge:
        found.append(errors.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))


# -- ReplicationController, ControllerRevision -----------------------------------------------------------------


def _check_replication_controller(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    if not spec.get("selector"):
        found.append(errors.required("spec.selector"))
    if spec.get("replicas") is None:
        found.append(errors.required("spec.replicas"))
    check_non_negative(spec.get("replicas"), "spec.replicas", found)
    template = spec.get("template")
    if template is None:
        found.append(errors.required("spec.template"))
        return
    check_template_matches(template, selectors.from_set(spec.get("selector")), "spec.template", found)
    check_template(template, "spec.template", found)
    _check_always(template, "spec.template", "ReplicationController", found)


def _check_revision_data(obj: Obj, found: Errors) -> None:
    data = obj.get("data")
    if data is None:
        found.append(errors.required("data", "data is mandatory"))
    elif not isinstance(data, dict):
        found.append(errors.required("data", "data must be a valid JSON object"))


# -- status ----------------------------------------------------------------------------------------------------

_ABOVE_TEXT = "cannot be greater than status.replicas"


def _counts(*fields: str) -> Rule:
    return non_negative(*(f"status.{field}" for field in fields))


def _bounded(*fields: str, ready_text: str = "cannot be greater than readyReplicas") -> tuple[Rule, ...]:
    """None of the counts may exceed status.replicas, nor available ones ready ones."""
    return (
        *(not_above(f"status.{field}", "status.replicas", _ABOVE_TEXT) for field in fields),
        not_above("status.availableReplicas", "status.readyReplicas", ready_text),
    )


_REPLICA_SET_STATUS = on_update(
    _counts(
        "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
        "terminatingReplicas",
    ),
    *_bounded("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
)  # fmt: skip


_DAEMON_SET = (_check_daemon_set, non_negative("spec.minReadySeconds", "spec.revisionHistoryLimit"))

APPS: dict[tuple[str, str], Kind] = {
    ("apps", "Deployment"): Kind(
        rules=(
            non_negative("spec.replicas"),
            _check_replicated,
            _check_deployment_strategy,
            non_negative("spec.minReadySeconds", "spec.revisionHistoryLimit"),
            _check_deadline,
        ),
        update=(immutable("spec.selector", struct="LabelSelector"),),
        subresources={
            "status": (
                *on_update(
                    _counts(
                        "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                        "unavailableReplicas", "terminatingReplicas", "collisionCount",
                    ),
                    *_bounded("updatedReplicas", "readyReplicas", "availableReplicas"),
                ),
                not_decremented("status.collisionCount"),
            )
        },
    ),
    ("apps", "ReplicaSet"): Kind(
        rules=(non_negative("spec.replicas", "spec.minReadySeconds"), _check_replicated),
        update=(immutable("spec.selector", struct="LabelSelector"),),
        subresources={"status": _REPLICA_SET_STATUS},
    ),
    ("", "ReplicationController"): Kind(
        name=names.name_is_long_name,
        rules=(non_negative("spec.minReadySeconds"), _check_replication_controller),
        subresources={"status": _REPLICA_SET_STATUS},
    ),
    ("apps", "StatefulSet"): Kind(
        name=names.name_is_dns_label,
        create=(_check_stateful_create,),
        update=(_check_stateful_update,),
        subresources={
            "status": (
                *on_update(
                    _counts(
                        "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
                        "observedGeneration", "collisionCount",
                    ),
                    *_bounded(
                        "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
                        ready_text="cannot be greater than status.readyReplicas",
                    ),
                ),
                not_decremented("status.collisionCount"),
            )
        },
    ),
    ("apps", "DaemonSet"): Kind(
        create=_DAEMON_SET,
        update=(immutable("spec.selector", struct="LabelSelector"), *on_update(*_DAEMON_SET)),
        subresources={
            "status": (
                *on_update(
                    _counts(
                        "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                        "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
                        "collisionCount",
                    )
                ),
                not_decremented("status.collisionCount"),
            )
        },
    ),
    ("apps", "ControllerRevision"): Kind(
        rules=(non_negative("revision"),), create=(_check_revision_data,), update=(immutable("data"),)
    ),
}  # fmt: skip
