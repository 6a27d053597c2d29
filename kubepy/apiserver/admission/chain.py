"""The admission chain: which plugins there are, in which order they run, and which are on.

Source: kubernetes pkg/kubeapiserver/options/plugins.go (AllOrderedPlugins, DefaultOffAdmissionPlugins).
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Plugin, Tools
from kubepy.apiserver.admission.plugins.default_storage_class import DefaultStorageClass
from kubepy.apiserver.admission.plugins.default_toleration_seconds import DefaultTolerationSeconds
from kubepy.apiserver.admission.plugins.limit_ranger import LimitRanger
from kubepy.apiserver.admission.plugins.namespace_lifecycle import NamespaceLifecycle
from kubepy.apiserver.admission.plugins.persistent_volume_claim_resize import PersistentVolumeClaimResize
from kubepy.apiserver.admission.plugins.priority import Priority
from kubepy.apiserver.admission.plugins.resource_quota import ResourceQuota
from kubepy.apiserver.admission.plugins.runtime_class import RuntimeClass
from kubepy.apiserver.admission.plugins.service_account import ServiceAccount
from kubepy.apiserver.admission.plugins.storage_object_in_use_protection import StorageObjectInUseProtection
from kubepy.apiserver.admission.plugins.taint_nodes_by_condition import TaintNodesByCondition

# In upstream's order; a name without a class is known, and accepted in the flags, but does nothing here.
PLUGINS: dict[str, type[Plugin] | None] = {
    "AlwaysAdmit": None,
    "NamespaceAutoProvision": None,
    "NamespaceLifecycle": NamespaceLifecycle,
    "NamespaceExists": None,
    "LimitPodHardAntiAffinityTopology": None,
    "LimitRanger": LimitRanger,
    "ServiceAccount": ServiceAccount,
    "NodeRestriction": None,
    "TaintNodesByCondition": TaintNodesByCondition,
    "AlwaysPullImages": None,
    "ImagePolicyWebhook": None,
    "PodSecurity": None,
    "PodNodeSelector": None,
    "Priority": Priority,
    "DefaultTolerationSeconds": DefaultTolerationSeconds,
    "PodTolerationRestriction": None,
    "EventRateLimit": None,
    "ExtendedResourceToleration": None,
    "DefaultStorageClass": DefaultStorageClass,
    "StorageObjectInUseProtection": StorageObjectInUseProtection,
    "OwnerReferencesPermissionEnforcement": None,
    "PersistentVolumeClaimResize": PersistentVolumeClaimResize,
    "RuntimeClass": RuntimeClass,
    "CertificateApproval": None,
    "CertificateSigning": None,
    "ClusterTrustBundleAttest": None,
    "CertificateSubjectRestriction": None,
    "DefaultIngressClass": None,
    "DenyServiceExternalIPs": None,
    "PodTopologyLabels": None,
    "NodeDeclaredFeatureValidator": None,
    "MutatingAdmissionPolicy": None,
    "MutatingAdmissionWebhook": None,
    "ValidatingAdmissionPolicy": None,
    "ValidatingAdmissionWebhook": None,
    "ResourceQuota": ResourceQuota,
    "AlwaysDeny": None,
}


class Chain:
    """The plugins that are on. `enable` and `disable` are the flags of the same names; disabling wins."""

    def __init__(self, tools: Tools, *, enable: Sequence[str] = (), disable: Sequence[str] = ()) -> None:
        for name in (*enable, *disable):
            if name not in PLUGINS:
                raise ValueError(f"unknown admission plugin {name!r}")
        self.plugins = [
            cls(tools) for name, cls in PLUGINS.items() if cls is not None and name not in disable
        ]
        self._mutating: dict[tuple[str, str, str], list[Plugin]] = {}
        self._validating: dict[tuple[str, str, str], list[Plugin]] = {}

    async def admit(self, attributes: Attributes) -> None:
        for plugin in self._concerned(attributes, self._mutating, "mutates"):
            await plugin.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        for plugin in self._concerned(attributes, self._validating, "validates"):
            await plugin.validate(attributes)

    def _concerned(
        self, attributes: Attributes, known: dict[tuple[str, str, str], list[Plugin]], does: str
    ) -> list[Plugin]:
        resource: Resource = attributes.resource
        key = (attributes.operation, resource.group_resource, attributes.subresource)
        plugins = known.get(key)
        if plugins is None:
            plugins = known[key] = [
                plugin
                for plugin in self.plugins
                if getattr(plugin, does)
                and plugin.wants(attributes.operation, resource, attributes.subresource)
            ]
        return plugins
