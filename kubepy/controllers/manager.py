"""The table of controllers, and what starts and stops them.

    manager = ControllerManager(client, given, root_ca=pem)
    await manager.start()
    ...
    await manager.close()

Which ones run is said as kube-controller-manager's --controllers says it: "*" is all that are on by default, "foo"
turns one on, "-foo" turns it off, and the first that names a controller decides. Old names (aliases) are understood.

All of them read through one set of informers (as system:kube-controller-manager), and each writes under its own
identity, system:serviceaccount:kube-system:<its account>, so that audit and authorization see who did what.

Source: kubernetes 1.36 cmd/kube-controller-manager/{names,app}/*.go, staging controller-manager/app/helper.go; the
accounts: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from kubepy.api.builtins import (
    CLUSTER_TRUST_BUNDLES,
    DEVICE_TAINT_RULES,
    IP_ADDRESSES,
    POD_CERTIFICATE_REQUESTS,
    POD_GROUPS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    SERVICE_CIDRS,
    STORAGE_VERSION_MIGRATIONS,
    VOLUME_ATTRIBUTES_CLASSES,
)
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.api.volumes import LOCAL_PROVISIONER
from kubepy.client.client import Client
from kubepy.client.controller import Controller, ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.controllers import discovery, node_ipam, node_lifecycle, pod_garbage_collector
from kubepy.controllers.attach_detach import AttachDetachController
from kubepy.controllers.bootstrap_tokens import BootstrapSigner, TokenCleaner
from kubepy.controllers.certificate_approver import CertificateApprover
from kubepy.controllers.certificate_cleaner import CertificateCleaner, PodCertificateCleaner
from kubepy.controllers.certificate_requests import Authority
from kubepy.controllers.certificate_signer import CertificateSigner
from kubepy.controllers.cluster_role_aggregation import ClusterRoleAggregationController
from kubepy.controllers.cluster_trust_bundle_publisher import ClusterTrustBundlePublisher
from kubepy.controllers.cron_job import CronJobController
from kubepy.controllers.daemon_set import DaemonSetController
from kubepy.controllers.deployment import DeploymentController
from kubepy.controllers.device_taint_eviction import DeviceTaintEvictionController
from kubepy.controllers.discovery import Aggregated, Discover
from kubepy.controllers.disruption import DisruptionController
from kubepy.controllers.endpoint_slice import EndpointSliceController
from kubepy.controllers.endpoint_slice_mirroring import EndpointSliceMirroringController
from kubepy.controllers.endpoints import EndpointsController
from kubepy.controllers.ephemeral_volume import EphemeralVolumeController
from kubepy.controllers.garbage_collector import GarbageCollector
from kubepy.controllers.horizontal_pod_autoscaler import HorizontalPodAutoscalerController
from kubepy.controllers.job import JobController
from kubepy.controllers.legacy_token_cleaner import LegacyTokenCleaner
from kubepy.controllers.local_provisioner import LocalProvisioner
from kubepy.controllers.namespace import NamespaceController
from kubepy.controllers.node_ipam import NodeIpamController
from kubepy.controllers.node_lifecycle import NodeLifecycleController
from kubepy.controllers.persistent_volume_binder import PersistentVolumeBinder
from kubepy.controllers.pod_garbage_collector import PodGarbageCollector
from kubepy.controllers.protection import (
    AttributesClassProtection,
    ClaimProtection,
    PodGroupProtection,
    VolumeProtection,
)
from kubepy.controllers.replica_set import ReplicaSetController
from kubepy.controllers.replication_controller import ReplicationControllerController
from kubepy.controllers.resource_claim import ResourceClaimController
from kubepy.controllers.resource_quota import ResourceQuotaController
from kubepy.controllers.root_ca_certificate_publisher import RootCACertificatePublisher
from kubepy.controllers.service_account import ServiceAccountController
from kubepy.controllers.service_account_tokens import ServiceAccountTokens, Sign
from kubepy.controllers.service_cidrs import ServiceCidrsController
from kubepy.controllers.service_load_balancer import ADDRESSES, ServiceLoadBalancerController
from kubepy.controllers.stateful_set import StatefulSetController
from kubepy.controllers.storage_version_migrator import StorageVersionMigrator
from kubepy.controllers.taint_eviction import TaintEvictionController
from kubepy.controllers.ttl import TtlController
from kubepy.controllers.ttl_after_finished import TtlAfterFinishedController
from kubepy.controllers.validating_admission_policy_status import ValidatingAdmissionPolicyStatus
from kubepy.controllers.volume_expand import VolumeExpandController
from kubepy.lib.aio import Tasks, reported_to

USER = "system:kube-controller-manager"
# Who owns the fields that controllers set: one program, whatever account each of them has.
MANAGER = "kube-controller-manager"
_ACCOUNT_GROUPS = ("system:serviceaccounts", "system:serviceaccounts:kube-system")


class NodeOptions(Struct, frozen=True):
    """What users say about nodes and what becomes of their pods."""

    lifecycle: node_lifecycle.Options = field(default_factory=node_lifecycle.Options)
    terminated_pods_max: int = pod_garbage_collector.THRESHOLD  # --terminated-pod-gc-threshold
    ipam: node_ipam.Options | None = None  # None: nodes get no ranges, --allocate-node-cidrs


class Parts(Struct, frozen=True):
    """What some controllers need beyond their context."""

    discover: Discover
    root_ca: bytes
    nodes: NodeOptions
    authorities: Mapping[str, Authority] = field(default_factory=dict)  # who signs certificates, by signer
    sign_token: Sign | None = None  # makes the tokens of Secrets; None: nobody does
    load_balancer_addresses: str = ADDRESSES
    schemas: Schemas = field(default_factory=Schemas)  # of the built-in kinds


class Absent(Struct, frozen=True):
    """One of upstream's that is not here: its name is understood all the same, and turns nothing on."""

    name: str
    alias: str
    why: str


class Descriptor(Struct, frozen=True):
    """One row of the table."""

    name: str  # "deployment-controller"
    alias: str  # "deployment"
    account: str  # its ServiceAccount in kube-system; "": it works as the manager itself
    make: Callable[[ControllerContext, Parts], Controller | None]  # None: a part that it needs is missing
    source: str = ""  # of its events, where that is not the account's name
    needs: tuple[Resource, ...] = ()  # what not every version of Kubernetes serves
    by_default: bool = True  # "*" means it, too


def _plain(controller: type[Controller]) -> Callable[[ControllerContext, Parts], Controller]:
    return lambda context, parts: controller(context)


def _token_controller(context: ControllerContext, parts: Parts) -> Controller | None:
    if parts.sign_token is None:
        return None
    return ServiceAccountTokens(context, sign=parts.sign_token, root_ca=parts.root_ca)


def _bundle_publisher(context: ControllerContext, parts: Parts) -> Controller | None:
    return ClusterTrustBundlePublisher(context, root_ca=parts.root_ca) if parts.root_ca else None


def _signer(context: ControllerContext, parts: Parts) -> Controller | None:
    return CertificateSigner(context, authorities=parts.authorities) if parts.authorities else None


def _node_ipam(context: ControllerContext, parts: Parts) -> Controller | None:
    return NodeIpamController(context, parts.nodes.ipam) if parts.nodes.ipam is not None else None


CONTROLLERS = (
    Descriptor(
        "namespace-controller", "namespace", "namespace-controller",
        lambda context, parts: NamespaceController(context, discover=parts.discover),
    ),
    Descriptor(
        "serviceaccount-controller", "serviceaccount", "service-account-controller", _plain(ServiceAccountController),
    ),
    Descriptor(
        "root-ca-certificate-publisher-controller", "root-ca-cert-publisher", "root-ca-cert-publisher",
        lambda context, parts: RootCACertificatePublisher(context, root_ca=parts.root_ca),
    ),
    Descriptor("deployment-controller", "deployment", "deployment-controller", _plain(DeploymentController)),
    Descriptor("replicaset-controller", "replicaset", "replicaset-controller", _plain(ReplicaSetController)),
    Descriptor(
        "replicationcontroller-controller", "replicationcontroller", "replication-controller",
        _plain(ReplicationControllerController),
    ),
    Descriptor("endpoints-controller", "endpoint", "endpoint-controller", _plain(EndpointsController)),
    Descriptor(
        "endpointslice-controller", "endpointslice", "endpointslice-controller", _plain(EndpointSliceController),
        source="endpoint-slice-controller",
    ),
    Descriptor(
        "endpointslice-mirroring-controller", "endpointslicemirroring", "endpointslicemirroring-controller",
        _plain(EndpointSliceMirroringController), source="endpoint-slice-mirroring-controller",
    ),
    # In Kubernetes this is the cloud's to do; here the addresses come from a range of our own.
    Descriptor(
        "service-lb-controller", "service", "service-controller",
        lambda context, parts: ServiceLoadBalancerController(context, addresses=parts.load_balancer_addresses),
    ),
    Descriptor("statefulset-controller", "statefulset", "statefulset-controller", _plain(StatefulSetController)),
    Descriptor(
        "daemonset-controller", "daemonset", "daemon-set-controller", _plain(DaemonSetController),
        source="daemonset-controller",
    ),
    Descriptor("job-controller", "job", "job-controller", _plain(JobController)),
    Descriptor("cronjob-controller", "cronjob", "cronjob-controller", _plain(CronJobController)),
    Descriptor(
        "ttl-after-finished-controller", "ttl-after-finished", "ttl-after-finished-controller",
        _plain(TtlAfterFinishedController),
    ),
    Descriptor(
        "garbage-collector-controller", "garbagecollector", "generic-garbage-collector",
        lambda context, parts: GarbageCollector(context, discover=parts.discover),
        source="garbage-collector-controller",
    ),
    Descriptor(
        "horizontal-pod-autoscaler-controller", "horizontalpodautoscaling", "horizontal-pod-autoscaler",
        lambda context, parts: HorizontalPodAutoscalerController(context, discover=parts.discover),
    ),
    Descriptor(
        "resourcequota-controller", "resourcequota", "resourcequota-controller",
        lambda context, parts: ResourceQuotaController(context, discover=parts.discover),
    ),
    Descriptor(
        "clusterrole-aggregation-controller", "clusterrole-aggregation", "clusterrole-aggregation-controller",
        _plain(ClusterRoleAggregationController),
    ),
    Descriptor(
        "disruption-controller", "disruption", "disruption-controller",
        lambda context, parts: DisruptionController(context, discover=parts.discover),
        source="controllermanager",
    ),
    Descriptor(
        "node-lifecycle-controller", "nodelifecycle", "node-controller",
        lambda context, parts: NodeLifecycleController(context, parts.nodes.lifecycle),
    ),
    Descriptor(
        "taint-eviction-controller", "", "node-controller", _plain(TaintEvictionController),
        source="taint-eviction-controller",
    ),
    Descriptor(
        "device-taint-eviction-controller", "", "device-taint-eviction-controller",
        _plain(DeviceTaintEvictionController), needs=(DEVICE_TAINT_RULES,),
    ),
    Descriptor(
        "pod-garbage-collector-controller", "podgc", "pod-garbage-collector",
        lambda context, parts: PodGarbageCollector(context, threshold=parts.nodes.terminated_pods_max),
    ),
    Descriptor("ttl-controller", "ttl", "ttl-controller", _plain(TtlController)),
    Descriptor("node-ipam-controller", "nodeipam", "node-controller", _node_ipam, source="cidrAllocator"),
    Descriptor(
        "service-cidr-controller", "servicecidr", "service-cidrs-controller", _plain(ServiceCidrsController),
        needs=(SERVICE_CIDRS, IP_ADDRESSES),
    ),
    Descriptor(
        "serviceaccount-token-controller", "serviceaccount-token", "", _token_controller,
    ),
    Descriptor(
        "legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner",
        "legacy-service-account-token-cleaner", _plain(LegacyTokenCleaner),
    ),
    Descriptor(
        "certificatesigningrequest-signing-controller", "csrsigning", "certificate-controller", _signer,
    ),
    Descriptor(
        "certificatesigningrequest-approving-controller", "csrapproving", "certificate-controller",
        _plain(CertificateApprover),
    ),
    Descriptor(
        "certificatesigningrequest-cleaner-controller", "csrcleaner", "certificate-controller",
        _plain(CertificateCleaner),
    ),
    Descriptor(
        "podcertificaterequest-cleaner-controller", "", "podcertificaterequestcleaner",
        _plain(PodCertificateCleaner), needs=(POD_CERTIFICATE_REQUESTS,),
    ),
    Descriptor(
        "kube-apiserver-serving-clustertrustbundle-publisher-controller", "",
        "kube-apiserver-serving-clustertrustbundle-publisher", _bundle_publisher, needs=(CLUSTER_TRUST_BUNDLES,),
    ),
    Descriptor(
        "validatingadmissionpolicy-status-controller", "", "validatingadmissionpolicy-status-controller",
        lambda context, parts: ValidatingAdmissionPolicyStatus(
            context, discover=parts.discover, schemas=parts.schemas
        ),
    ),
    Descriptor(
        "storage-version-migrator-controller", "svm", "storage-version-migrator-controller",
        lambda context, parts: StorageVersionMigrator(context, discover=parts.discover),
        needs=(STORAGE_VERSION_MIGRATIONS,),
    ),
    Descriptor(
        "bootstrap-signer-controller", "bootstrapsigner", "bootstrap-signer", _plain(BootstrapSigner), by_default=False,
    ),
    Descriptor(
        "token-cleaner-controller", "tokencleaner", "token-cleaner", _plain(TokenCleaner), by_default=False,
    ),
    Descriptor(
        "resourceclaim-controller", "resource-claim-controller", "resource-claim-controller",
        _plain(ResourceClaimController), source="resource_claim", needs=(RESOURCE_CLAIMS, RESOURCE_CLAIM_TEMPLATES),
    ),
    Descriptor(
        "persistentvolume-binder-controller", "persistentvolume-binder", "persistent-volume-binder",
        _plain(PersistentVolumeBinder), source="persistentvolume-controller",
    ),
    # Kubernetes has none of its own; kind ships rancher.io/local-path. It works under the binder's account.
    Descriptor(
        "local-path-provisioner", "", "persistent-volume-binder", _plain(LocalProvisioner),
        source=LOCAL_PROVISIONER,
    ),
    Descriptor(
        "persistentvolume-attach-detach-controller", "attachdetach", "attachdetach-controller",
        _plain(AttachDetachController),
    ),
    Descriptor(
        "persistentvolume-expander-controller", "persistentvolume-expander", "expand-controller",
        _plain(VolumeExpandController), source="volume_expand",
    ),
    Descriptor(
        "persistentvolumeclaim-protection-controller", "pvc-protection", "pvc-protection-controller",
        _plain(ClaimProtection),
    ),
    Descriptor(
        "persistentvolume-protection-controller", "pv-protection", "pv-protection-controller",
        _plain(VolumeProtection),
    ),
    Descriptor(
        "volumeattributesclass-protection-controller", "", "volumeattributesclass-protection-controller",
        _plain(AttributesClassProtection), needs=(VOLUME_ATTRIBUTES_CLASSES,),
    ),
    Descriptor(
        "podgroup-protection-controller", "", "podgroup-protection-controller", _plain(PodGroupProtection),
        needs=(POD_GROUPS,),
    ),
    Descriptor(
        "ephemeral-volume-controller", "ephemeral-volume", "ephemeral-volume-controller",
        _plain(EphemeralVolumeController), source="ephemeral_volume",
    ),
)  # fmt: skip


ABSENT = (
    Absent("resourcepoolstatusrequest-controller", "", "alpha, off by default (DRAResourcePoolStatus)"),
    Absent(
        "storageversion-garbage-collector-controller", "storage-version-gc",
        "alpha, off by default (StorageVersionAPI)",
    ),
    Absent("selinux-warning-controller", "", "off by default; nothing here runs SELinux"),
    Absent("cloud-node-lifecycle-controller", "cloud-node-lifecycle", "the cloud's to do; there is none"),
    Absent("node-route-controller", "route", "the cloud's to do; there is none"),
)  # fmt: skip

# What not every server has, and some controllers cannot do without.
OPTIONAL = frozenset(resource for row in CONTROLLERS for resource in row.needs)


def select(wanted: Sequence[str], table: Sequence[Descriptor] = CONTROLLERS) -> list[Descriptor]:
    """The rows that `wanted` turns on, in the table's order. Raises ValueError for a name that is none.

    Source: controller-manager/app/helper.go IsControllerEnabled, options.go Validate.
    """
    all_: list[Descriptor | Absent] = [*table, *ABSENT]
    names = {row.alias: row.name for row in all_ if row.alias}
    known = {row.name for row in all_}
    canonical = [_canonical(word, names) for word in wanted]
    unknown = [word for word in canonical if word != "*" and word.removeprefix("-") not in known]
    if unknown:
        raise ValueError(f'"{unknown[0].removeprefix("-")}" is not in the list of known controllers')
    return [row for row in table if _is_enabled(row, canonical)]


def _canonical(word: str, names: Mapping[str, str]) -> str:
    minus = "-" if word.startswith("-") else ""
    name = word.removeprefix("-")
    return minus + names.get(name, name)


def _is_enabled(row: Descriptor, wanted: Sequence[str]) -> bool:
    for word in wanted:
        if word == row.name:
            return True
        if word == f"-{row.name}":
            return False
    return row.by_default and "*" in wanted


class ControllerManager:
    """`client` is the transport's; `resources` lists the kinds the server serves, `aggregated` those of servers behind
    it; None asks the server. `is_served` says of OPTIONAL kinds whether it has them."""

    def __init__(
        self,
        client: Client,
        given: Given,
        *,
        root_ca: bytes,
        nodes: NodeOptions | None = None,
        resources: Callable[[], Iterable[Resource]] | None = None,
        is_served: Callable[[Resource], bool] = lambda resource: True,
        enabled: Sequence[str] = ("*",),
        aggregated: Callable[[], Aggregated] = Aggregated,
        authorities: Mapping[str, Authority] | None = None,
        sign_token: Sign | None = None,
        load_balancer_addresses: str = ADDRESSES,
        schemas: Schemas | None = None,
    ) -> None:
        self._clock, self._log = given.clock, given.log
        self._tasks = Tasks(reported_to(self._log))
        own = client.named(MANAGER, user=USER)
        self.informers = InformerFactory(own, given, self._tasks)
        self._events = EventSink(own, given)
        discover = (
            discovery.of_server(own) if resources is None else discovery.of_catalog(resources, aggregated)
        )
        parts = Parts(
            discover,
            root_ca,
            nodes or NodeOptions(),
            authorities or {},
            sign_token,
            load_balancer_addresses,
            schemas or Schemas(),
        )
        self.controllers: dict[str, Controller] = {}
        for row in select(enabled):
            if not all(map(is_served, row.needs)):
                continue
            user = f"system:serviceaccount:kube-system:{row.account}"
            context = ControllerContext.of(
                replace(given, log=given.log.bind(component=row.name)),
                client.named(MANAGER, user=user, groups=_ACCOUNT_GROUPS) if row.account else own,
                self.informers,
                self._events.recorder(row.source or row.account),
            )
            if (controller := row.make(context, parts)) is not None:
                self.controllers[row.name] = controller

    async def start(self) -> None:
        """Start them all; they work as soon as each has seen what is there. Does not wait for that."""
        self._tasks.start(self._events.run(), name="events")
        for name, controller in self.controllers.items():
            self._tasks.start(controller.run(), name=name)
        # One turn, in which they declare what they watch.
        await self._clock.sleep(0)

    async def wait_synced(self) -> None:
        """Until every informer has its first full state."""
        await self.informers.wait_synced()

    async def close(self) -> None:
        """Stop them all. What they were doing is taken up again by the next start; safe to call twice."""
        await self._tasks.close()

    def statistics(self) -> Mapping[str, int]:
        """Keys that wait, by controller."""
        return {name: len(controller.queue) for name, controller in self.controllers.items()}
