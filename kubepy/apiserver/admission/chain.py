"""The admission chain: which plugins there are, in which order they run, and which are on.

When a mutating webhook or policy changed the object after others had looked at it, all mutating plugins look once more;
webhooks and policies know themselves whether they want to.

Source: kubernetes pkg/kubeapiserver/options/plugins.go (AllOrderedPlugins, DefaultOffAdmissionPlugins), apiserver
pkg/server/options/admission.go, pkg/admission/{chain,reinvocation}.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from kubepy.apiserver.admission.base import Attributes, Plugin, Tools
from kubepy.apiserver.admission.metrics import ADMIT, VALIDATE, AdmissionMetrics
from kubepy.apiserver.admission.plugins.always_admit import AlwaysAdmit
from kubepy.apiserver.admission.plugins.always_deny import AlwaysDeny
from kubepy.apiserver.admission.plugins.always_pull_images import AlwaysPullImages
from kubepy.apiserver.admission.plugins.certificate_approval import CertificateApproval
from kubepy.apiserver.admission.plugins.certificate_signing import CertificateSigning
from kubepy.apiserver.admission.plugins.certificate_subject_restriction import CertificateSubjectRestriction
from kubepy.apiserver.admission.plugins.cluster_trust_bundle_attest import ClusterTrustBundleAttest
from kubepy.apiserver.admission.plugins.default_ingress_class import DefaultIngressClass
from kubepy.apiserver.admission.plugins.default_storage_class import DefaultStorageClass
from kubepy.apiserver.admission.plugins.default_toleration_seconds import DefaultTolerationSeconds
from kubepy.apiserver.admission.plugins.deny_service_external_ips import DenyServiceExternalIPs
from kubepy.apiserver.admission.plugins.event_rate_limit import EventRateLimit
from kubepy.apiserver.admission.plugins.extended_resource_toleration import ExtendedResourceToleration
from kubepy.apiserver.admission.plugins.image_policy_webhook import ImagePolicyWebhook
from kubepy.apiserver.admission.plugins.limit_pod_hard_anti_affinity_topology import (
    LimitPodHardAntiAffinityTopology,
)
from kubepy.apiserver.admission.plugins.limit_ranger import LimitRanger
from kubepy.apiserver.admission.plugins.mutating_admission_policy import MutatingAdmissionPolicy
from kubepy.apiserver.admission.plugins.namespace_auto_provision import NamespaceAutoProvision
from kubepy.apiserver.admission.plugins.namespace_exists import NamespaceExists
from kubepy.apiserver.admission.plugins.namespace_lifecycle import NamespaceLifecycle
from kubepy.apiserver.admission.plugins.node_declared_feature_validator import NodeDeclaredFeatureValidator
from kubepy.apiserver.admission.plugins.node_restriction import NodeRestriction
from kubepy.apiserver.admission.plugins.owner_references_permission_enforcement import (
    OwnerReferencesPermissionEnforcement,
)
from kubepy.apiserver.admission.plugins.persistent_volume_claim_resize import PersistentVolumeClaimResize
from kubepy.apiserver.admission.plugins.pod_group_protection import PodGroupProtection
from kubepy.apiserver.admission.plugins.pod_group_workload_exists import PodGroupWorkloadExists
from kubepy.apiserver.admission.plugins.pod_node_selector import PodNodeSelector
from kubepy.apiserver.admission.plugins.pod_resize_validator import PodResizeValidator
from kubepy.apiserver.admission.plugins.pod_security import PodSecurity
from kubepy.apiserver.admission.plugins.pod_toleration_restriction import PodTolerationRestriction
from kubepy.apiserver.admission.plugins.pod_topology_labels import PodTopologyLabels
from kubepy.apiserver.admission.plugins.priority import Priority
from kubepy.apiserver.admission.plugins.resource_quota import ResourceQuota
from kubepy.apiserver.admission.plugins.runtime_class import RuntimeClass
from kubepy.apiserver.admission.plugins.service_account import ServiceAccount
from kubepy.apiserver.admission.plugins.storage_object_in_use_protection import StorageObjectInUseProtection
from kubepy.apiserver.admission.plugins.taint_nodes_by_condition import TaintNodesByCondition
from kubepy.apiserver.admission.plugins.validating_admission_policy import ValidatingAdmissionPolicy
from kubepy.apiserver.admission.webhooks.mutating import MutatingAdmissionWebhook
from kubepy.apiserver.admission.webhooks.validating import ValidatingAdmissionWebhook
from kubepy.apiserver.authz import aggregate

# In upstream's order; a name without a class is known, and accepted in the flags, but does nothing here.
PLUGINS: dict[str, type[Plugin] | None] = {
    "AlwaysAdmit": AlwaysAdmit,
    "NamespaceAutoProvision": NamespaceAutoProvision,
    "NamespaceLifecycle": NamespaceLifecycle,
    "NamespaceExists": NamespaceExists,
    "LimitPodHardAntiAffinityTopology": LimitPodHardAntiAffinityTopology,
    "LimitRanger": LimitRanger,
    "ServiceAccount": ServiceAccount,
    "NodeRestriction": NodeRestriction,
    "TaintNodesByCondition": TaintNodesByCondition,
    "AlwaysPullImages": AlwaysPullImages,
    "ImagePolicyWebhook": ImagePolicyWebhook,
    "PodSecurity": PodSecurity,
    "PodNodeSelector": PodNodeSelector,
    "Priority": Priority,
    "DefaultTolerationSeconds": DefaultTolerationSeconds,
    "PodTolerationRestriction": PodTolerationRestriction,
    "EventRateLimit": EventRateLimit,
    "ExtendedResourceToleration": ExtendedResourceToleration,
    "DefaultStorageClass": DefaultStorageClass,
    "StorageObjectInUseProtection": StorageObjectInUseProtection,
    "PodGroupProtection": PodGroupProtection,
    "OwnerReferencesPermissionEnforcement": OwnerReferencesPermissionEnforcement,
    "PersistentVolumeClaimResize": PersistentVolumeClaimResize,
    "RuntimeClass": RuntimeClass,
    "CertificateApproval": CertificateApproval,
    "CertificateSigning": CertificateSigning,
    "ClusterTrustBundleAttest": ClusterTrustBundleAttest,
    "CertificateSubjectRestriction": CertificateSubjectRestriction,
    "DefaultIngressClass": DefaultIngressClass,
    "DenyServiceExternalIPs": DenyServiceExternalIPs,
    "PodTopologyLabels": PodTopologyLabels,
    "PodGroupWorkloadExists": PodGroupWorkloadExists,
    "NodeDeclaredFeatureValidator": NodeDeclaredFeatureValidator,
    "JobValidation": None,
    "PodResizeValidator": PodResizeValidator,
    "MutatingAdmissionPolicy": MutatingAdmissionPolicy,
    "MutatingAdmissionWebhook": MutatingAdmissionWebhook,
    "ValidatingAdmissionPolicy": ValidatingAdmissionPolicy,
    "ValidatingAdmissionWebhook": ValidatingAdmissionWebhook,
    "ResourceQuota": ResourceQuota,
    "AlwaysDeny": AlwaysDeny,
}
OFF_BY_DEFAULT = frozenset(
    (
        "AlwaysAdmit", "AlwaysDeny", "AlwaysPullImages", "DenyServiceExternalIPs", "EventRateLimit",
        "ExtendedResourceToleration", "ImagePolicyWebhook", "LimitPodHardAntiAffinityTopology",
        "NamespaceAutoProvision", "NamespaceExists", "NodeRestriction", "OwnerReferencesPermissionEnforcement",
        "PodNodeSelector", "PodTolerationRestriction",
    )
)  # fmt: skip


def enabled(enable: Sequence[str], disable: Sequence[str]) -> list[str]:
    """The names of the plugins that are on, in order. Raises ValueError in upstream's words."""
    problems = [
        f'{flag}-admission-plugins plugin "{name}" is unknown'
        for flag, names in (("enable", enable), ("disable", disable))
        for name in names
        if name not in PLUGINS
    ]
    if both := sorted(set(enable) & set(disable)):
        problems.append(
            f"[{' '.join(both)}] in enable-admission-plugins and disable-admission-plugins overlapped"
        )
    if problems:
        raise ValueError(aggregate(problems))
    return [
        name for name in PLUGINS if name not in disable and (name in enable or name not in OFF_BY_DEFAULT)
    ]


class _Stage(NamedTuple):
    """One plugin's part in one step of one kind of request."""

    run: Callable[[Attributes], Awaitable[None]]
    passed: Any
    rejected: Any


class _Step(NamedTuple):
    stages: tuple[_Stage, ...]
    passed: Any
    rejected: Any


class Chain:
    """The plugins that are on. `enable` and `disable` are the flags of the same names. Raises ValueError for names that
    are unknown, or in both."""

    def __init__(self, tools: Tools, *, enable: Sequence[str] = (), disable: Sequence[str] = ()) -> None:
        on = enabled(enable, disable)
        self.plugins = [cls(tools) for name in on if (cls := PLUGINS[name]) is not None]
        self._now = tools.clock.monotonic
        self._metrics = AdmissionMetrics(tools.metrics)
        self._admit: dict[tuple[str, str, str], _Step] = {}
        self._validate: dict[tuple[str, str, str], _Step] = {}

    async def admit(self, attributes: Attributes) -> None:
        key = (attributes.operation, attributes.resource.group_resource, attributes.subresource)
        step = self._admit.get(key)
        if step is None:
            step = self._admit[key] = self._concerned(attributes, ADMIT)
        await self._run(step, attributes)
        if attributes.wants_reinvocation:
            attributes.is_reinvoked = True
            await self._run(step, attributes)

    async def validate(self, attributes: Attributes) -> None:
        key = (attributes.operation, attributes.resource.group_resource, attributes.subresource)
        step = self._validate.get(key)
        if step is None:
            step = self._validate[key] = self._concerned(attributes, VALIDATE)
        await self._run(step, attributes)

    async def close(self) -> None:
        for plugin in self.plugins:
            await plugin.close()

    async def _run(self, step: _Step, attributes: Attributes) -> None:
        if not step.stages:
            return
        now = self._now
        start = at = now()
        for run, passed, rejected in step.stages:
            try:
                await run(attributes)
            except BaseException:
                end = now()
                rejected.observe(end - at)
                step.rejected.observe(end - start)
                raise
            end = now()
            passed.observe(end - at)
            at = end
        step.passed.observe(at - start)

    def _concerned(self, attributes: Attributes, what: str) -> _Step:
        operation, metrics = attributes.operation, self._metrics
        does = "mutates" if what == ADMIT else "validates"
        stages = tuple(
            _Stage(
                getattr(plugin, what),
                metrics.of_controller(plugin.name, what, operation, rejected=False),
                metrics.of_controller(plugin.name, what, operation, rejected=True),
            )
            for plugin in self.plugins
            if getattr(plugin, does) and plugin.wants(operation, attributes.resource, attributes.subresource)
        )
        return _Step(
            stages,
            metrics.of_step(what, operation, rejected=False),
            metrics.of_step(what, operation, rejected=True),
        )
