"""Which kind behaves how: the table. What is not in it is a plain `Strategy`."""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.strategies import core, workloads
from kubepy.apiserver.registry.strategies.api_services import APIServiceStrategy
from kubepy.apiserver.registry.strategies.base import IsServed, Moment, Strategy, Unchecked, everything
from kubepy.apiserver.registry.strategies.custom import CustomStrategy, DefinitionStrategy
from kubepy.apiserver.registry.strategies.devices import (
    DeviceTaintRuleStrategy,
    ResourceSliceStrategy,
    drop_given_back,
)
from kubepy.apiserver.registry.strategies.namespaces import NamespaceStrategy
from kubepy.apiserver.registry.strategies.pods import PodStrategy
from kubepy.apiserver.registry.strategies.scheduling import PodGroupStrategy, WorkloadStrategy
from kubepy.apiserver.registry.strategies.services import ServiceStrategy


class CountedUnchecked(workloads.Counted):
    unconditional_update = False


class CountedReturned(workloads.Counted):
    returns_deleted = True


class UncheckedReturned(Unchecked):
    returns_deleted = True


class UncheckedUpsert(Unchecked):
    create_on_update = True


class StatusOnly(Strategy):
    """A write of the status touches no metadata that a client may set."""

    keeps_metadata_on_status_update = True


class FlowControlStrategy(workloads.Counted):
    """A write of the status touches no metadata at all. Source: flowcontrol/{flowschema,prioritylevelconfiguration}."""

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        entries = new["metadata"].get("managedFields")
        new["metadata"] = {**old["metadata"]} | ({"managedFields": entries} if entries else {})


class StatusOnlyUnchecked(StatusOnly):
    unconditional_update = False


class ResourceClaimStrategy(StatusOnly):
    returns_deleted = True

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        drop_given_back(new, old)


class StatusOnlyUncheckedReturned(StatusOnlyUnchecked):
    returns_deleted = True


class StatusOnlyCountedUnchecked(StatusOnlyUnchecked):
    counts_generations = True


STRATEGIES: dict[str, type[Strategy]] = {
    "apiservices.apiregistration.k8s.io": APIServiceStrategy,
    "certificatesigningrequests.certificates.k8s.io": core.CertificateSigningRequestStrategy,
    "clusterrolebindings.rbac.authorization.k8s.io": core.UpsertStrategy,
    "clusterroles.rbac.authorization.k8s.io": core.UpsertStrategy,
    "clustertrustbundles.certificates.k8s.io": Unchecked,
    "cronjobs.batch": workloads.Counted,
    "csidrivers.storage.k8s.io": UncheckedReturned,
    "csinodes.storage.k8s.io": UncheckedReturned,
    "csistoragecapacities.storage.k8s.io": Unchecked,
    "customresourcedefinitions.apiextensions.k8s.io": DefinitionStrategy,
    "daemonsets.apps": workloads.DaemonSetStrategy,
    "deployments.apps": workloads.DeploymentStrategy,
    "deviceclasses.resource.k8s.io": CountedReturned,
    "devicetaintrules.resource.k8s.io": DeviceTaintRuleStrategy,
    "endpoints": core.UpsertStrategy,
    "endpointslices.discovery.k8s.io": core.EndpointSliceStrategy,
    "events": core.EventStrategy,
    "flowschemas.flowcontrol.apiserver.k8s.io": FlowControlStrategy,
    "horizontalpodautoscalers.autoscaling": workloads.Counted,
    "ingressclasses.networking.k8s.io": workloads.Counted,
    "ingresses.networking.k8s.io": workloads.Counted,
    "jobs.batch": workloads.JobStrategy,
    "leases.coordination.k8s.io": core.LeaseStrategy,
    "limitranges": core.LimitRangeStrategy,
    "mutatingadmissionpolicies.admissionregistration.k8s.io": CountedUnchecked,
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": CountedUnchecked,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": CountedUnchecked,
    "namespaces": NamespaceStrategy,
    "networkpolicies.networking.k8s.io": workloads.Counted,
    "nodes": core.NodeStrategy,
    "persistentvolumeclaims": core.PersistentVolumeClaimStrategy,
    "persistentvolumes": core.PersistentVolumeStrategy,
    "podcertificaterequests.certificates.k8s.io": StatusOnlyUnchecked,
    "poddisruptionbudgets.policy": CountedUnchecked,
    "podgroups.scheduling.k8s.io": PodGroupStrategy,
    "pods": PodStrategy,
    "podtemplates": CountedReturned,
    "priorityclasses.scheduling.k8s.io": workloads.PriorityClassStrategy,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": FlowControlStrategy,
    "replicasets.apps": workloads.Counted,
    "replicationcontrollers": workloads.ReplicationControllerStrategy,
    "resourceclaims.resource.k8s.io": ResourceClaimStrategy,
    "resourceclaimtemplates.resource.k8s.io": core.ReturnedStrategy,
    "resourcequotas": core.ReturnedStrategy,
    "resourceslices.resource.k8s.io": ResourceSliceStrategy,
    "rolebindings.rbac.authorization.k8s.io": core.UpsertStrategy,
    "roles.rbac.authorization.k8s.io": core.UpsertStrategy,
    "runtimeclasses.node.k8s.io": UncheckedUpsert,
    "secrets": core.SecretStrategy,
    "serviceaccounts": core.ServiceAccountStrategy,
    "servicecidrs.networking.k8s.io": StatusOnly,
    "services": ServiceStrategy,
    "statefulsets.apps": workloads.Counted,
    "storageclasses.storage.k8s.io": core.ReturnedStrategy,
    "storageversionmigrations.storagemigration.k8s.io": StatusOnlyUnchecked,
    "validatingadmissionpolicies.admissionregistration.k8s.io": StatusOnlyCountedUnchecked,
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": CountedUnchecked,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": CountedUnchecked,
    "volumeattachments.storage.k8s.io": StatusOnlyUncheckedReturned,
    "volumeattributesclasses.storage.k8s.io": core.ReturnedStrategy,
    "workloads.scheduling.k8s.io": WorkloadStrategy,
}


def strategy_for(
    storage: Resource, empty_status: Obj | None = None, is_served: IsServed = everything
) -> Strategy:
    """The strategy of the row of a storage version."""
    cls = CustomStrategy if storage.custom else STRATEGIES.get(storage.group_resource, Strategy)
    return cls(storage, empty_status, is_served)
