"""The built-in resources: one row per resource and served version, as Kubernetes 1.37 serves by default.

Default means kube-apiserver without flags: stable versions, no alpha or beta group version. Within one group
version the resources stand in alphabetical order, the groups in the order of discovery; both are the order
clients see. Each row is a line of TABLE; code that means one kind imports its constant (PODS, DEPLOYMENTS)
and never spells group, version and plural again. `Catalog` is the set a server serves: these rows, and custom
resources that come and go.

Not here: what a kind does (strategies), what its fields are (schema.py).
Source: kubernetes 1.36 api/discovery/aggregated_v2.json, pkg/controlplane/instance.go (what is on),
pkg/kubeapiserver/default_storage_factory_builder.go (shared storage); what 1.37 made stable is served, too.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubepy.api.resources import ALL_VERBS, Resource, Subresource

# plural, kind, scope, then what differs from the ordinary: short=<short names>  in=<categories>
# sub=<subresources>  verbs=<if not all eight>  storage=<api version that owns the stored object, if another>
# hash=<version that upstream stores it in, if another>.
TABLE = """
[v1]
bindings                          Binding                           namespaced  verbs=create
componentstatuses                 ComponentStatus                   cluster     verbs=get,list short=cs
configmaps                        ConfigMap                         namespaced  short=cm
endpoints                         Endpoints                         namespaced  short=ep
events                            Event                             namespaced  short=ev
limitranges                       LimitRange                        namespaced  short=limits
namespaces                        Namespace                         cluster     short=ns verbs=create,delete,get,list,patch,update,watch sub=finalize,status
nodes                             Node                              cluster     short=no sub=proxy,status
persistentvolumeclaims            PersistentVolumeClaim             namespaced  short=pvc sub=status
persistentvolumes                 PersistentVolume                  cluster     short=pv sub=status
pods                              Pod                               namespaced  short=po in=all sub=attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status
podtemplates                      PodTemplate                       namespaced
replicationcontrollers            ReplicationController             namespaced  short=rc in=all sub=scale,status
resourcequotas                    ResourceQuota                     namespaced  short=quota sub=status
secrets                           Secret                            namespaced
serviceaccounts                   ServiceAccount                    namespaced  short=sa sub=token
services                          Service                           namespaced  short=svc in=all sub=proxy,status

[apiregistration.k8s.io/v1]
apiservices                       APIService                        cluster     in=api-extensions sub=status

[apps/v1]
controllerrevisions               ControllerRevision                namespaced
daemonsets                        DaemonSet                         namespaced  short=ds in=all sub=status
deployments                       Deployment                        namespaced  short=deploy in=all sub=scale,status
replicasets                       ReplicaSet                        namespaced  short=rs in=all sub=scale,status
statefulsets                      StatefulSet                       namespaced  short=sts in=all sub=scale,status

[events.k8s.io/v1]
events                            Event                             namespaced  short=ev storage=v1

[authentication.k8s.io/v1]
selfsubjectreviews                SelfSubjectReview                 cluster     verbs=create
tokenreviews                      TokenReview                       cluster     verbs=create

[authorization.k8s.io/v1]
localsubjectaccessreviews         LocalSubjectAccessReview          namespaced  verbs=create
selfsubjectaccessreviews          SelfSubjectAccessReview           cluster     verbs=create
selfsubjectrulesreviews           SelfSubjectRulesReview            cluster     verbs=create
subjectaccessreviews              SubjectAccessReview               cluster     verbs=create

[autoscaling/v2]
horizontalpodautoscalers          HorizontalPodAutoscaler           namespaced  short=hpa in=all sub=status

[autoscaling/v1]
horizontalpodautoscalers          HorizontalPodAutoscaler           namespaced  short=hpa in=all sub=status storage=autoscaling/v2

[batch/v1]
cronjobs                          CronJob                           namespaced  short=cj in=all sub=status
jobs                              Job                               namespaced  in=all sub=status

[certificates.k8s.io/v1]
certificatesigningrequests        CertificateSigningRequest         cluster     short=csr sub=approval,status
clustertrustbundles               ClusterTrustBundle                cluster
podcertificaterequests            PodCertificateRequest             namespaced  sub=status

[networking.k8s.io/v1]
ingressclasses                    IngressClass                      cluster
ingresses                         Ingress                           namespaced  short=ing sub=status
ipaddresses                       IPAddress                         cluster     short=ip
networkpolicies                   NetworkPolicy                     namespaced  short=netpol
servicecidrs                      ServiceCIDR                       cluster     sub=status

[policy/v1]
poddisruptionbudgets              PodDisruptionBudget               namespaced  short=pdb sub=status

[rbac.authorization.k8s.io/v1]
clusterrolebindings               ClusterRoleBinding                cluster
clusterroles                      ClusterRole                       cluster
rolebindings                      RoleBinding                       namespaced
roles                             Role                              namespaced

[storage.k8s.io/v1]
csidrivers                        CSIDriver                         cluster
csinodes                          CSINode                           cluster
csistoragecapacities              CSIStorageCapacity                namespaced
storageclasses                    StorageClass                      cluster     short=sc
volumeattachments                 VolumeAttachment                  cluster     sub=status
volumeattributesclasses           VolumeAttributesClass             cluster     short=vac

[admissionregistration.k8s.io/v1]
mutatingadmissionpolicies         MutatingAdmissionPolicy           cluster     in=api-extensions
mutatingadmissionpolicybindings   MutatingAdmissionPolicyBinding    cluster     in=api-extensions
mutatingwebhookconfigurations     MutatingWebhookConfiguration      cluster     in=api-extensions
validatingadmissionpolicies       ValidatingAdmissionPolicy         cluster     in=api-extensions sub=status
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding  cluster     in=api-extensions
validatingwebhookconfigurations   ValidatingWebhookConfiguration    cluster     in=api-extensions

[apiextensions.k8s.io/v1]
customresourcedefinitions         CustomResourceDefinition          cluster     short=crd,crds in=api-extensions sub=status hash=v1beta1

[scheduling.k8s.io/v1]
priorityclasses                   PriorityClass                     cluster     short=pc

[coordination.k8s.io/v1]
leases                            Lease                             namespaced

[node.k8s.io/v1]
runtimeclasses                    RuntimeClass                      cluster

[discovery.k8s.io/v1]
endpointslices                    EndpointSlice                     namespaced

[resource.k8s.io/v1]
deviceclasses                     DeviceClass                       cluster
devicetaintrules                  DeviceTaintRule                   cluster     sub=status
resourceclaims                    ResourceClaim                     namespaced  sub=status
resourceclaimtemplates            ResourceClaimTemplate             namespaced
resourceslices                    ResourceSlice                     cluster

[flowcontrol.apiserver.k8s.io/v1]
flowschemas                       FlowSchema                        cluster     sub=status
prioritylevelconfigurations       PriorityLevelConfiguration        cluster     sub=status

[storagemigration.k8s.io/v1]
storageversionmigrations          StorageVersionMigration           cluster     sub=status
"""  # noqa: E501 - one resource, one line

# Served only where a user turns them on; see enablement.py.
_OPTIONAL_TABLE = """
[scheduling.k8s.io/v1beta1]
podgroups                         PodGroup                          namespaced  sub=status
workloads                         Workload                          namespaced
"""

_READ_WRITE = ("get", "patch", "update")
_CONNECT = ("create", "get")

# name -> (kind of its bodies, verbs[, group, version of that kind if they differ]); {kind} = the resource's.
_SUBRESOURCES: dict[str, tuple[str, tuple[str, ...]] | tuple[str, tuple[str, ...], str, str]] = {
    "approval": ("{kind}", _READ_WRITE),
    "attach": ("{kind}AttachOptions", _CONNECT),
    "binding": ("Binding", ("create",)),
    "ephemeralcontainers": ("{kind}", _READ_WRITE),
    "eviction": ("Eviction", ("create",), "policy", "v1"),
    "exec": ("{kind}ExecOptions", _CONNECT),
    "finalize": ("{kind}", ("update",)),
    "log": ("{kind}", ("get",)),
    "portforward": ("{kind}PortForwardOptions", _CONNECT),
    "proxy": ("{kind}ProxyOptions", ("create", "delete", "get", "patch", "update")),
    "resize": ("{kind}", _READ_WRITE),
    "scale": ("Scale", _READ_WRITE, "autoscaling", "v1"),
    "status": ("{kind}", _READ_WRITE),
    "token": ("TokenRequest", ("create",), "authentication.k8s.io", "v1"),
}

# Groups whose Go packages live outside k8s.io/api.
_PACKAGES = {
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "internal.apiserver.k8s.io": "io.k8s.api.apiserverinternal",
}


def definition(group: str, version: str, kind: str) -> str:
    """The name of a kind's schema: ("apps", "v1", "Deployment") -> "io.k8s.api.apps.v1.Deployment"."""
    package = _PACKAGES.get(group) or f"io.k8s.api.{group.partition('.')[0] or 'core'}"
    return f"{package}.{version}.{kind}"


def _subresource(name: str, kind: str) -> Subresource:
    body, *rest = _SUBRESOURCES[name]
    return Subresource(name, str(body).format(kind=kind), *rest)


def _row(api_version: str, line: str) -> Resource:
    plural, kind, scope, *words = line.split()
    options: dict[str, tuple[str, ...]] = {}
    for word in words:
        key, _, value = word.partition("=")
        options[key] = tuple(value.split(","))
    group, version = _split(api_version)
    verbs = options.get("verbs", ALL_VERBS)
    storage_group: str | None = None
    storage_version = ""
    if "storage" in options:
        storage_group, storage_version = _split(options["storage"][0])
    return Resource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        namespaced=scope == "namespaced",
        verbs=verbs,
        short_names=options.get("short", ()),
        categories=options.get("in", ()),
        subresources=tuple(_subresource(name, kind) for name in options.get("sub", ())),
        storage_version=storage_version,
        storage_group=storage_group,
        list_kind=f"{kind}List" if "list" in verbs else "",
        schema=definition(group, version, kind),
        hashed_version=options["hash"][0] if "hash" in options else "",
    )


def _split(api_version: str) -> tuple[str, str]:
    group, _, version = api_version.rpartition("/")
    return group, version


def parse(table: str) -> tuple[Resource, ...]:
    """Rows of a text like TABLE."""
    rows, api_version = [], ""
    for line in table.split("\n"):
        if line.startswith("["):
            api_version = line.strip("[]")
        elif line:
            rows.append(_row(api_version, line))
    return tuple(rows)


BUILTINS: tuple[Resource, ...] = parse(TABLE)
OPTIONAL: tuple[Resource, ...] = parse(_OPTIONAL_TABLE)
_GROUP_ORDER = {group: rank for rank, group in enumerate(dict.fromkeys(row.group for row in BUILTINS))}
_BY_NAME = {(row.group_resource, row.version): row for row in (*BUILTINS, *OPTIONAL)}


def _named(group_resource: str, version: str = "v1") -> Resource:
    return _BY_NAME[group_resource, version]


COMPONENT_STATUSES = _named("componentstatuses")
CONFIG_MAPS = _named("configmaps")
ENDPOINTS = _named("endpoints")
EVENTS = _named("events")
LIMIT_RANGES = _named("limitranges")
NAMESPACES = _named("namespaces")
NODES = _named("nodes")
PERSISTENT_VOLUME_CLAIMS = _named("persistentvolumeclaims")
PERSISTENT_VOLUMES = _named("persistentvolumes")
PODS = _named("pods")
REPLICATION_CONTROLLERS = _named("replicationcontrollers")
RESOURCE_QUOTAS = _named("resourcequotas")
SECRETS = _named("secrets")
SERVICE_ACCOUNTS = _named("serviceaccounts")
SERVICES = _named("services")
API_SERVICES = _named("apiservices.apiregistration.k8s.io")
CONTROLLER_REVISIONS = _named("controllerrevisions.apps")
DAEMON_SETS = _named("daemonsets.apps")
DEPLOYMENTS = _named("deployments.apps")
REPLICA_SETS = _named("replicasets.apps")
STATEFUL_SETS = _named("statefulsets.apps")
TOKEN_REVIEWS = _named("tokenreviews.authentication.k8s.io")
SUBJECT_ACCESS_REVIEWS = _named("subjectaccessreviews.authorization.k8s.io")
HORIZONTAL_POD_AUTOSCALERS = _named("horizontalpodautoscalers.autoscaling", "v2")
CRON_JOBS = _named("cronjobs.batch")
JOBS = _named("jobs.batch")
CERTIFICATE_SIGNING_REQUESTS = _named("certificatesigningrequests.certificates.k8s.io")
CLUSTER_TRUST_BUNDLES = _named("clustertrustbundles.certificates.k8s.io")
POD_CERTIFICATE_REQUESTS = _named("podcertificaterequests.certificates.k8s.io")
INGRESS_CLASSES = _named("ingressclasses.networking.k8s.io")
INGRESSES = _named("ingresses.networking.k8s.io")
IP_ADDRESSES = _named("ipaddresses.networking.k8s.io")
NETWORK_POLICIES = _named("networkpolicies.networking.k8s.io")
SERVICE_CIDRS = _named("servicecidrs.networking.k8s.io")
POD_DISRUPTION_BUDGETS = _named("poddisruptionbudgets.policy")
CLUSTER_ROLE_BINDINGS = _named("clusterrolebindings.rbac.authorization.k8s.io")
CLUSTER_ROLES = _named("clusterroles.rbac.authorization.k8s.io")
ROLE_BINDINGS = _named("rolebindings.rbac.authorization.k8s.io")
ROLES = _named("roles.rbac.authorization.k8s.io")
CSI_DRIVERS = _named("csidrivers.storage.k8s.io")
CSI_NODES = _named("csinodes.storage.k8s.io")
CSI_STORAGE_CAPACITIES = _named("csistoragecapacities.storage.k8s.io")
STORAGE_CLASSES = _named("storageclasses.storage.k8s.io")
VOLUME_ATTACHMENTS = _named("volumeattachments.storage.k8s.io")
VOLUME_ATTRIBUTES_CLASSES = _named("volumeattributesclasses.storage.k8s.io")
MUTATING_ADMISSION_POLICIES = _named("mutatingadmissionpolicies.admissionregistration.k8s.io")
MUTATING_ADMISSION_POLICY_BINDINGS = _named("mutatingadmissionpolicybindings.admissionregistration.k8s.io")
MUTATING_WEBHOOK_CONFIGURATIONS = _named("mutatingwebhookconfigurations.admissionregistration.k8s.io")
VALIDATING_ADMISSION_POLICIES = _named("validatingadmissionpolicies.admissionregistration.k8s.io")
VALIDATING_ADMISSION_POLICY_BINDINGS = _named(
    "validatingadmissionpolicybindings.admissionregistration.k8s.io"
)
VALIDATING_WEBHOOK_CONFIGURATIONS = _named("validatingwebhookconfigurations.admissionregistration.k8s.io")
CUSTOM_RESOURCE_DEFINITIONS = _named("customresourcedefinitions.apiextensions.k8s.io")
PRIORITY_CLASSES = _named("priorityclasses.scheduling.k8s.io")
POD_GROUPS = _named("podgroups.scheduling.k8s.io", "v1beta1")
WORKLOADS = _named("workloads.scheduling.k8s.io", "v1beta1")
LEASES = _named("leases.coordination.k8s.io")
RUNTIME_CLASSES = _named("runtimeclasses.node.k8s.io")
ENDPOINT_SLICES = _named("endpointslices.discovery.k8s.io")
DEVICE_CLASSES = _named("deviceclasses.resource.k8s.io")
DEVICE_TAINT_RULES = _named("devicetaintrules.resource.k8s.io")
RESOURCE_CLAIMS = _named("resourceclaims.resource.k8s.io")
RESOURCE_CLAIM_TEMPLATES = _named("resourceclaimtemplates.resource.k8s.io")
RESOURCE_SLICES = _named("resourceslices.resource.k8s.io")
FLOW_SCHEMAS = _named("flowschemas.flowcontrol.apiserver.k8s.io")
PRIORITY_LEVEL_CONFIGURATIONS = _named("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io")
STORAGE_VERSION_MIGRATIONS = _named("storageversionmigrations.storagemigration.k8s.io")


class GroupVersions(NamedTuple):
    """One API group as discovery lists it."""

    group: str  # "" for core
    versions: tuple[str, ...]  # most preferred first

    @property
    def preferred(self) -> str:
        return self.versions[0]


class Catalog:
    """The resources a server serves. A lookup is one dict access; `add`, `remove` are for custom resources.

    `generation` counts the changes: whoever builds documents from a catalog sees when to build them again.
    Documents are built in threads, so the methods that walk the rows walk a copy.
    """

    def __init__(self, resources: Iterable[Resource] = BUILTINS) -> None:
        self.generation = 0
        self._rows: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self.add(resource)

    def get(self, group: str, version: str, plural: str) -> Resource | None:
        return self._rows.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """("apps/v1", "Deployment") -> its row."""
        return self._by_kind.get((api_version, kind))

    def storage(self, resource: Resource) -> Resource:
        """The row in whose form the objects of `resource` are stored; itself for most."""
        if resource.own is not None and resource.own.storage is not None:
            return resource.own.storage
        if not resource.storage_version and resource.storage_group is None:
            return resource
        group = resource.group if resource.storage_group is None else resource.storage_group
        return self._rows[group, resource.storage_version or resource.version, resource.plural]

    def hub(self, resource: Resource) -> Resource:
        """The row in whose form a write through `resource` is admitted, validated and prepared: the stored one, but
        custom objects stay in the version of the request until they are stored.

        Source: apiserver pkg/endpoints/handlers/rest.go RequestScope.HubGroupVersion.
        """
        return resource if resource.custom else self.storage(resource)

    def is_builtin(self, group: str) -> bool:
        """Whether the group is the API server's own, "" included, and not one of custom resources."""
        return group in _GROUP_ORDER

    def groups(self) -> list[GroupVersions]:
        """Core first, built-in groups in kube-apiserver's order, custom groups after them by name."""
        versions: dict[str, set[str]] = {}
        for group, version, _ in list(self._rows):
            versions.setdefault(group, set()).add(version)
        ordered = sorted(versions, key=lambda group: (_GROUP_ORDER.get(group, len(_GROUP_ORDER)), group))
        return [
            GroupVersions(group, tuple(sorted(versions[group], key=version_rank))) for group in ordered
        ]  # fmt: skip

    def resources(self, group: str, version: str) -> list[Resource]:
        """The rows of one group version in discovery's order: by plural."""
        rows = (row for row in list(self._rows.values()) if row.group == group and row.version == version)
        return sorted(rows, key=lambda row: row.plural)

    def add(self, resource: Resource) -> None:
        """Adds the row, or replaces the one of the same group, version and plural."""
        self.remove(resource)
        self._rows[resource.group, resource.version, resource.plural] = resource
        self._by_kind[resource.api_version, resource.kind] = resource
        self.generation += 1

    def remove(self, resource: Resource) -> None:
        """Removes the row of this group, version and plural, if any."""
        known = self._rows.pop((resource.group, resource.version, resource.plural), None)
        if known is not None:
            del self._by_kind[known.api_version, known.kind]
            self.generation += 1

    def storage_version_hash(self, resource: Resource) -> str:
        """As legacy discovery shows it; "" for what is not stored.

        Source: apiserver pkg/endpoints/discovery/storageversionhash.go.
        """
        if "create" not in resource.verbs or "list" not in resource.verbs:
            return ""
        row = self.storage(resource)
        version = row.hashed_version or row.version
        digest = hashlib.sha256(f"{row.group}/{version}/{row.kind}".encode()).digest()
        return base64.b64encode(digest[:8]).decode()

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)


_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STABILITY = {None: 0, "beta": 1, "alpha": 2}


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sorts versions most preferred first: v10, v2, v1, v11beta2, v12alpha1, then other names by name.

    Source: apimachinery pkg/version/helpers.go CompareKubeAwareVersionStrings.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return (3, 0, 0, version)
    major, stability, minor = match.groups()
    return (_STABILITY[stability], -int(major), -int(minor or 0), "")
