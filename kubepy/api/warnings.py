"""Advice about objects that are valid: what goes out as Warning headers on create and update, and for old versions.

`on_create` and `on_update` give texts about an object that passed validation; nothing for most kinds, at the price of
one dict lookup. `of_version` gives the one text about a kind that is deprecated as such.

Promised: upstream's texts, in upstream's order. Not here: whether a TLS Secret's key belongs to its certificate.

Source: kubernetes pkg/api/{pod,service,node,persistentvolume,persistentvolumeclaim,storage,job}/*.go,
pkg/registry/*/*/strategy.go (WarningsOnCreate, WarningsOnUpdate), apiserver pkg/endpoints/deprecation/deprecation.go,
apiextensions-apiserver pkg/registry/{customresourcedefinition/strategy,customresource/validator}.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kubepy.api import app_armor, formats, names, quantity, structural
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, annotations_of, labels_of
from kubepy.api.resources import Resource

Texts = Iterator[str]
_NONE: tuple[Any, ...] = ()


def on_create(resource: Resource, obj: Obj) -> list[str]:
    """About an object that is being created."""
    if resource.custom:
        return list(_finalizers(obj, None))
    about = _ON_CREATE.get(resource.group_resource)
    return list(about(obj)) if about is not None else []


def on_update(resource: Resource, new: Obj, old: Obj) -> list[str]:
    """About an update of the object itself; a template that stays as it was is not spoken of again."""
    if resource.custom:
        return list(_finalizers(new, old))
    about = _ON_UPDATE.get(resource.group_resource)
    return list(about(new, old)) if about is not None else []


# (version of the kind, kind) -> (deprecated since minor, removed in minor or 0, replacement)
_DEPRECATED: dict[tuple[str, str], tuple[int, int, str]] = {
    ("v1", "ComponentStatus"): (19, 0, ""),
    ("v1", "Endpoints"): (33, 0, "discovery.k8s.io/v1 EndpointSlice"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"): (
        29, 32, "flowcontrol.apiserver.k8s.io/v1 FlowSchema",
    ),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "PriorityLevelConfiguration"): (
        29, 32, "flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
    ),
}  # fmt: skip


def of_version(resource: Resource, minor: int) -> str:
    """ "v1 Endpoints is deprecated in v1.33+; ..." for servers of that minor version or later, else ""."""
    row = _DEPRECATED.get((resource.api_version, resource.kind))
    if row is None or minor < row[0]:
        return ""
    since, removed, replacement = row
    text = f"{resource.api_version} {resource.kind} is deprecated in v1.{since}+"
    if removed:
        text += f", unavailable in v1.{removed}+"
    return f"{text}; use {replacement}" if replacement else text


# -- pods ------------------------------------------------------------------------------------------------------

_DEPRECATED_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": (
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead'
    ),
    "failure-domain.beta.kubernetes.io/zone": (
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ),
    "beta.kubernetes.io/instance-type": (
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'
    ),
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
_DEPRECATED_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_DEPRECATED_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
# What upstream's texts call a field that JSON spells otherwise.
_SHOWN = {"storageos": "storageOS"}
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_AMOUNTS = ("memory", "ephemeral-storage")
_PLACING = ("nodeSelector", "affinity", "topologySpreadConstraints")
_NULL_SELECTOR = "a null labelSelector results in matching no pod"


def _pod_spec(template: Obj, root: str) -> Texts:
    """Of a pod (root "") or a template (root "spec.template."). Source: warningsForPodSpecAndMeta."""
    spec, annotations = template.get("spec") or {}, (template.get("metadata") or {}).get("annotations") or {}
    # Looked at only where it is set: most of it is not, in most pods.
    if not spec.keys().isdisjoint(_PLACING):
        yield from _placement(spec, f"{root}spec.")
    if annotations:
        for key, message in _DEPRECATED_ANNOTATIONS.items():
            if key in annotations:
                yield f"{root}metadata.annotations[{key}]: {message}"
    volumes = spec.get("volumes") or _NONE
    for index, volume in enumerate(volumes):
        yield from _volume(volume, f"{root}spec.volumes[{index}]")
    for volume in volumes:
        yield from _overlapping_paths(volume)
    if spec.get("hostAliases"):
        yield from _duplicates(spec["hostAliases"], "ip", f"{root}spec.hostAliases")
    secrets = spec.get("imagePullSecrets") or _NONE
    if secrets:
        yield from _duplicates(secrets, "name", f"{root}spec.imagePullSecrets")
    for index, secret in enumerate(secrets):
        if not secret.get("name"):
            yield f'{root}spec.imagePullSecrets[{index}].name: invalid empty name ""'
    if spec.get("overhead"):
        yield from _fractions(spec["overhead"], f"{root}spec.overhead", _AMOUNTS)
    security = spec.get("securityContext") or {}
    if not security.get("seccompProfile") and _SECCOMP_POD in annotations:
        yield f"{root}metadata.annotations[{_SECCOMP_POD}]: {_USE_SECCOMP}"
    for container, path in _containers(spec, root):
        yield from _container(container, path, annotations, root, security)
    yield from _ports(spec, root)
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        why = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{root}spec.terminationGracePeriodSeconds: {why}"
    if spec.get("affinity"):
        yield from _pod_affinity(spec["affinity"], f"{root}spec.affinity")
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or _NONE):
        yield from _ip(server, f"{root}spec.dnsConfig.nameservers[{index}]")
    for index, alias in enumerate(spec.get("hostAliases") or _NONE):
        yield from _ip(alias.get("ip") or "", f"{root}spec.hostAliases[{index}].ip")


def _containers(spec: Obj, root: str) -> Iterator[tuple[Obj, str]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or _NONE):
            yield container, f"{root}spec.{field}[{index}]"


def _placement(spec: Obj, root: str) -> Texts:
    for key in spec.get("nodeSelector") or _NONE:
        if message := _DEPRECATED_LABELS.get(key):
            yield f"{root}nodeSelector[{key}]: {message}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    at = f"{root}affinity.nodeAffinity"
    for index, term in enumerate(required.get("nodeSelectorTerms") or _NONE):
        path = f"{at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]"
        yield from _node_term(term, path)
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or _NONE
    for index, term in enumerate(preferred):
        path = f"{at}.preferredDuringSchedulingIgnoredDuringExecution[{index}].preference"
        yield from _node_term(term.get("preference") or {}, path, check_values=True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or _NONE):
        path, key = f"{root}topologySpreadConstraints[{index}]", constraint.get("topologyKey") or ""
        if message := _DEPRECATED_LABELS.get(key):
            yield f"{path}.topologyKey: {key} is {message}"
        if constraint.get("labelSelector") is None:
            yield f"{path}.labelSelector: {_NULL_SELECTOR}"


def _node_term(term: Obj, path: str, check_values: bool = False) -> Texts:
    for index, expression in enumerate(term.get("matchExpressions") or _NONE):
        key = expression.get("key") or ""
        if message := _DEPRECATED_LABELS.get(key):
            yield f"{path}.matchExpressions[{index}].key: {key} is {message}"
        if check_values:
            for number, value in enumerate(expression.get("values") or _NONE):
                for message in names.label_value(value):
                    yield f"{path}.matchExpressions[{index}].values[{number}]: {value} is invalid, {message}"


def _pod_affinity(affinity: Obj, path: str) -> Texts:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        field = "requiredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(terms.get(field) or _NONE):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{field}[{index}].labelSelector: {_NULL_SELECTOR}"
        field = "preferredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(terms.get(field) or _NONE):
            if (term.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{field}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}"


def _volume(volume: Obj, path: str) -> Texts:
    for field, message in _DEPRECATED_VOLUMES.items():
        if volume.get(field) is not None:
            yield f"{path}.{_SHOWN.get(field, field)}: {message}"
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template:
        yield from _claim_spec(template.get("spec") or {}, f"{path}.ephemeral.volumeClaimTemplate.spec")


def _overlapping_paths(volume: Obj) -> Texts:
    """Keys of one volume that would be written over each other. Source: warningsForOverlappingVirtualPaths."""
    name = volume.get("name") or ""
    for field, kind, name_field in (
        ("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"), ("downwardAPI", "DownwardAPI", ""),
    ):  # fmt: skip
        source = volume.get(field)
        if source and source.get("items"):
            what = f"{kind} {quote(source.get(name_field) or '')}" if name_field else kind
            paths = [(item.get("path") or "", "") for item in source["items"]]
            for text in _overlaps(paths):
                yield f"volume {quote(name)} ({what}): overlapping paths: {text}"
    projected = volume.get("projected")
    if projected:
        paths = []
        for source in projected.get("sources") or _NONE:
            if not source:
                yield f"volume {quote(name)} (Projected) has no sources provided"
            paths += list(_projected_paths(source))
        for text in _overlaps(paths):
            yield f"volume {quote(name)} (Projected): overlapping paths: {text}"


def _projected_paths(source: Obj) -> Iterator[tuple[str, str]]:
    for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
        part = source.get(field)
        if part and part.get("items"):
            what = kind if kind == "DownwardAPI" else f"{kind} {quote(part.get('name') or '')}"
            for item in part["items"]:
                yield item.get("path") or "", what
            return
    if token := source.get("serviceAccountToken"):
        yield token.get("path") or "", "ServiceAccountToken"
    elif bundle := source.get("clusterTrustBundle"):
        name = bundle.get("name") or bundle.get("signerName") or ""
        yield bundle.get("path") or "", f"ClusterTrustBundle {quote(name)}"
    elif certificate := source.get("podCertificate"):
        for field, what in (
            ("certificateChainPath", "chain"), ("keyPath", "key"), ("credentialBundlePath", "credential bundle"),
        ):  # fmt: skip
            if certificate.get(field):
                yield certificate[field], f"PodCertificate {what}"


def _overlaps(paths: Iterable[tuple[str, str]]) -> Texts:
    seen: list[tuple[str, str]] = []
    for path, source in paths:
        path = path.rstrip("/")
        for other, other_source in seen:
            if path and other and (f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/")):
                yield f"{_path_and_source(path, source)} with {_path_and_source(other, other_source)}"
        seen.append((path, source))


def _path_and_source(path: str, source: str) -> str:
    return f"{quote(path)} ({source})" if source else quote(path)


def _duplicates(items: Iterable[Obj], field: str, path: str) -> Texts:
    seen: set[str] = set()
    for index, item in enumerate(items):
        value = item.get(field) or ""
        if value in seen:
            yield f"{path}[{index}].{field}: duplicate {field} {quote(value)}"
        seen.add(value)


def _fractions(amounts: Obj, path: str, of: Iterable[str]) -> Texts:
    for name in of:
        value = amounts.get(name)
        if value is not None and quantity.milli(value) % 1000:
            yield f"{path}[{name}]: fractional byte value {quote(str(value))} is invalid, must be an integer"


def _container(container: Obj, path: str, annotations: Obj, root: str, pod_security: Obj) -> Texts:
    security, name = container.get("securityContext") or {}, container.get("name") or ""
    key = _SECCOMP_CONTAINER + name
    if key in annotations and not security.get("seccompProfile"):
        yield f"{root}metadata.annotations[{key}]: {_USE_SECCOMP}"
    key = app_armor.PREFIX + name
    if root and key in annotations and not security.get("appArmorProfile"):
        wanted = app_armor.profile(annotations[key])
        if wanted is None or wanted != pod_security.get("appArmorProfile"):
            why = 'deprecated since v1.30; use the "appArmorProfile" field instead'
            yield f"{root}metadata.annotations[{key}]: {why}"
    resources = container.get("resources")
    if resources:
        for amount in _AMOUNTS:
            for side in ("limits", "requests"):
                if amount in (resources.get(side) or _NONE):
                    yield from _fractions(resources[side], f"{path}.resources.{side}", (amount,))
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or _NONE):
        named, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({named})"
        if named in seen:
            if variable.get("valueFrom") is not None or value == reference or reference not in value:
                why = f"hides previous definition of {quote(named)}, which may be dropped when using apply"
                yield f"{path}.env[{index}]: {why}"
        seen.add(named)


def _ports(spec: Obj, root: str) -> Texts:
    ports: dict[tuple[Any, Any], list[tuple[str, Obj]]] = {}
    names_: list[tuple[str, str]] = []
    for container, path in _containers(spec, root):
        for index, port in enumerate(container.get("ports") or _NONE):
            at = f"{path}.ports[{index}]"
            if port.get("hostIP") and not port.get("hostPort"):
                yield f"{at}: hostIP set without hostPort: {_go_port(port)}"
            others = ports.setdefault((port.get("containerPort"), port.get("protocol")), [])
            for other_at, other in others:
                if word := _conflict(port, other):
                    yield f"{at}: {word} with {other_at}"
            others.append((at, port))
            if port.get("name"):
                names_.append((port["name"], at))
    first: dict[str, str] = {}
    for name, at in names_:
        other_at = first.setdefault(name, at)
        if other_at != at:
            yield (
                f"{at}: duplicate port name {quote(name)} with {other_at}, services and probes that select ports by "
                f"name will use {other_at}"
            )


def _conflict(port: Obj, other: Obj) -> str:
    ip, other_ip = port.get("hostIP") or "", other.get("hostIP") or ""
    number, other_number = port.get("hostPort") or 0, other.get("hostPort") or 0
    if (ip, number) == (other_ip, other_number):
        return "duplicate port definition"
    if not number or not other_number:
        return "overlapping port definition"
    if number == other_number and bool(ip) != bool(other_ip):
        return "dangerously ambiguous port definition"
    return ""


def _go_port(port: Obj) -> str:
    """As Go's %+v prints a ContainerPort."""
    fields = {
        "Name": port.get("name", ""),
        "HostPort": port.get("hostPort", 0),
        "ContainerPort": port.get("containerPort", 0),
        "Protocol": port.get("protocol", ""),
        "HostIP": port.get("hostIP", ""),
    }
    return "{" + " ".join(f"{name}:{value}" for name, value in fields.items()) + "}"


# -- addresses -------------------------------------------------------------------------------------------------


def _ip(value: str, path: str) -> Texts:
    """Source: apimachinery pkg/util/validation/ip.go GetWarningsForIP."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        octets = value.split(".")
        if len(octets) == 4 and all(octet.isdigit() and int(octet) < 256 for octet in octets):
            plain = ".".join(str(int(octet)) for octet in octets)
            yield f"{path}: non-standard IP address {quote(value)} is invalid: use {quote(plain)}"
        return
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield f"{path}: non-standard IP address {quote(value)} is invalid: use {quote(str(address.ipv4_mapped))}"
    elif str(address) != value:
        canonical = quote(str(address))
        yield f"{path}: IPv6 address {quote(value)} should be in RFC 5952 canonical format ({canonical})"


def _cidr(value: str, path: str) -> Texts:
    """Source: GetWarningsForCIDR."""
    try:
        interface = ipaddress.ip_interface(value)
    except ValueError:
        return
    network = interface.network
    if interface.ip != network.network_address:
        single = f"{interface.ip}/{network.max_prefixlen}"
        yield (
            f"{path}: CIDR value {quote(value)} is ambiguous in this context "
            f"(should be {quote(str(network))} or {quote(single)}?)"
        )
    elif network.version == 6 and str(network) != value:
        canonical = quote(str(network))
        yield f"{path}: IPv6 CIDR value {quote(value)} should be in RFC 5952 canonical format ({canonical})"


# -- the kinds -------------------------------------------------------------------------------------------------


def _name_in_pods(obj: Obj, where: str = "Pod names and hostnames") -> Texts:
    if messages := names.dns1123_label(obj["metadata"].get("name") or ""):
        why = "which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: this is used in {where}, {why}: [{' '.join(messages)}]"


def _pod(pod: Obj) -> Texts:
    yield from _name_in_pods(pod, "the Pod's hostname")
    yield from _pod_spec(pod, "")


def _template(obj: Obj) -> Texts:
    yield from _pod_spec((obj.get("spec") or {}).get("template") or {}, "spec.template.")


def _named_template(obj: Obj) -> Texts:
    yield from _name_in_pods(obj)
    yield from _template(obj)


def _pod_template(obj: Obj) -> Texts:
    yield from _pod_spec(obj.get("template") or {}, "template.")


def _stateful_set(obj: Obj) -> Texts:
    yield from _template(obj)
    yield from _stateful_set_extras(obj)


def _stateful_set_extras(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or _NONE):
        yield from _claim_spec(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}]")
    if (spec.get("revisionHistoryLimit") or 0) < 0:
        why = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield f"spec.revisionHistoryLimit: {why}"


def _job_spec(spec: Obj, path: str) -> Texts:
    if spec.get("completionMode") == "Indexed":
        if (spec.get("completions") or 0) > 100_000 and (spec.get("parallelism") or 0) > 10_000:
            yield (
                f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
                "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
            )
    yield from _pod_spec(spec.get("template") or {}, f"{path}.template.")


def _job(obj: Obj) -> Texts:
    yield from _name_in_pods(obj)
    yield from _job_spec(obj.get("spec") or {}, "spec")


def _cron_job_template(obj: Obj) -> Texts:
    template = (obj.get("spec") or {}).get("jobTemplate") or {}
    yield from _job_spec(template.get("spec") or {}, "spec.jobTemplate.spec")


def _cron_job(obj: Obj) -> Texts:
    yield from _name_in_pods(obj)
    yield from _cron_job_template(obj)


def _cron_job_zone(obj: Obj) -> Texts:
    if "TZ" in ((obj.get("spec") or {}).get("schedule") or ""):
        where = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
        yield (
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, "
            f"see {where} for more details"
        )


def _service(obj: Obj) -> Texts:
    """Source: pkg/api/service/warnings.go."""
    spec, annotations = obj.get("spec") or {}, annotations_of(obj)
    hints = "service.kubernetes.io/topology-aware-hints"
    if hints in annotations:
        yield f"annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"
    type_, external = spec.get("type"), spec.get("externalIPs") or _NONE
    for index, ip in enumerate(spec.get("clusterIPs") or _NONE):
        if ip != "None":
            yield from _ip(ip, f"spec.clusterIPs[{index}]")
    is_headless = type_ == "ClusterIP" and spec.get("clusterIP") == "None"
    if is_headless:
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if external:
            yield "spec.externalIPs is ignored for headless services"
        if spec.get("sessionAffinity") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    for index, ip in enumerate(external):
        yield from _ip(ip, f"spec.externalIPs[{index}]")
    if external and not is_headless and type_ != "ExternalName":
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    if spec.get("loadBalancerIP"):
        yield from _ip(spec["loadBalancerIP"], "spec.loadBalancerIP")
    for index, text in enumerate(spec.get("loadBalancerSourceRanges") or _NONE):
        yield from _cidr(text, f"spec.loadBalancerSourceRanges[{index}]")
    if type_ == "ExternalName" and external:
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if type_ != "ExternalName" and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def _endpoints(obj: Obj) -> Texts:
    if labels_of(obj).get("endpoints.kubernetes.io/managed-by") == "endpoint-controller":
        return
    for index, subset in enumerate(obj.get("subsets") or _NONE):
        for field in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(field) or _NONE):
                yield from _ip(address.get("ip") or "", f"subsets[{index}].{field}[{number}].ip")


_SLICE_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")


def _endpoint_slice(obj: Obj) -> Texts:
    if obj.get("addressType") == "FQDN":
        yield "spec.addressType: FQDN endpoints are deprecated"
    yield from _slice_addresses(obj)


def _slice_addresses(obj: Obj) -> Texts:
    if labels_of(obj).get("endpointslice.kubernetes.io/managed-by") in _SLICE_CONTROLLERS:
        return
    for index, endpoint in enumerate(obj.get("endpoints") or _NONE):
        for number, address in enumerate(endpoint.get("addresses") or _NONE):
            yield from _ip(address, f"endpoints[{index}].addresses[{number}]")


def _node(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    if spec.get("configSource") is not None:
        yield "spec.configSource: the feature is removed"
    if spec.get("externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    for index, cidr in enumerate(spec.get("podCIDRs") or _NONE):
        yield from _cidr(cidr, f"spec.podCIDRs[{index}]")


def _claim_spec(spec: Obj, path: str) -> Texts:
    resources = spec.get("resources") or {}
    for side in ("requests", "limits"):
        yield from _fractions(resources.get(side) or {}, f"{path}.resources.{side}", ("storage",))


_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def _claim(obj: Obj) -> Texts:
    if _BETA_CLASS in annotations_of(obj):
        why = 'deprecated since v1.8; use "storageClassName" attribute instead'
        yield f"metadata.annotations[{_BETA_CLASS}]: {why}"
    yield from _claim_spec(obj.get("spec") or {}, "spec")


_VOLUME_ANNOTATIONS = {
    _BETA_CLASS: 'deprecated since v1.8; use "storageClassName" attribute instead',
    "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
}


def _persistent_volume(obj: Obj) -> Texts:
    spec, annotations = obj.get("spec") or {}, annotations_of(obj)
    for key, message in _VOLUME_ANNOTATIONS.items():
        if key in annotations:
            yield f"metadata.annotations[{key}]: {message}"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    for index, term in enumerate(required.get("nodeSelectorTerms") or _NONE):
        yield from _node_term(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    for field in ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"):
        if spec.get(field) is not None:
            yield f"spec.{_SHOWN.get(field, field)}: {_DEPRECATED_VOLUMES[field]}"


def _resource_quota(obj: Obj) -> Texts:
    hard = (obj.get("spec") or {}).get("hard") or {}
    for name in ("cpu", "memory", "storage", "ephemeral-storage"):
        request, limit = f"requests.{name}", f"limits.{name}"
        if request not in hard and name in ("cpu", "memory"):
            request = name
        if request in hard and limit in hard and quantity.nano(hard[request]) > quantity.nano(hard[limit]):
            yield f"ResourceQuota {request} ({hard[request]}) should be less than {limit} ({hard[limit]})"


_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"


def _service_account(obj: Obj) -> Texts:
    if _MOUNTABLE in annotations_of(obj):
        why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        yield f"metadata.annotations[{_MOUNTABLE}]: {why}"


_INGRESS_CLASS = "kubernetes.io/ingress.class"


def _ingress(obj: Obj) -> Texts:
    if _INGRESS_CLASS in annotations_of(obj) and (obj.get("spec") or {}).get("ingressClassName") is None:
        yield f"annotation {quote(_INGRESS_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"


def _network_policy(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or _NONE):
            for number, peer in enumerate(rule.get(peers) or _NONE):
                block, path = peer.get("ipBlock"), f"spec.{direction}[{index}].{peers}[{number}].ipBlock"
                if block:
                    yield from _cidr(block.get("cidr") or "", f"{path}.cidr")
                    for count, text in enumerate(block.get("except") or _NONE):
                        yield from _cidr(text, f"{path}.except[{count}]")


def _runtime_class(obj: Obj) -> Texts:
    for key in (obj.get("scheduling") or {}).get("nodeSelector") or _NONE:
        if message := _DEPRECATED_LABELS.get(key):
            yield f"scheduling.nodeSelector: {message}"


def _storage_class(obj: Obj) -> Texts:
    for index, topology in enumerate(obj.get("allowedTopologies") or _NONE):
        for number, expression in enumerate(topology.get("matchLabelExpressions") or _NONE):
            if message := _DEPRECATED_LABELS.get(expression.get("key") or ""):
                yield f"allowedTopologies[{index}].matchLabelExpressions[{number}].key: {message}"


def _storage_capacity(obj: Obj) -> Texts:
    topology = obj.get("nodeTopology") or {}
    for index, expression in enumerate(topology.get("matchExpressions") or _NONE):
        key = expression.get("key") or ""
        if message := _DEPRECATED_LABELS.get(key):
            yield f"nodeTopology.matchExpressions[{index}].key: {key} is {message}"
    for key in topology.get("matchLabels") or _NONE:
        if message := _DEPRECATED_LABELS.get(key):
            yield f"nodeTopology.matchLabels.{key}: {message}"


def _csi_driver(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    if spec.get("tokenRequests") and spec.get("serviceAccountTokenInSecrets") is None:
        yield (
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent "
            "possible logging of tokens in volume attributes"
        )


def _resource_slice(obj: Obj) -> Texts:
    driver = (obj.get("spec") or {}).get("driver") or ""
    if driver != driver.lower():
        yield f"spec.driver: driver names should be lowercase; {quote(driver)} contains uppercase characters"


# -- definitions of custom kinds, and their objects -------------------------------------------------------------------


def _definition(obj: Obj) -> Texts:
    """Source: customresourcedefinition/strategy.go getUnrecognizedFormatsInCRD."""
    for version in obj["spec"].get("versions") or _NONE:
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        for each in structural.everything(schema) if schema else _NONE:
            format_ = each.get("format")
            if format_ and not formats.is_recognized(format_, each.get("type", "")):
                yield f"unrecognized format {quote(format_)}"


def _definition_update(new: Obj, old: Obj) -> Texts:
    known = set(_definition(old))
    for text in _definition(new):
        if text not in known:
            yield text


_STANDARD_FINALIZERS = frozenset(("orphan", "foregroundDeletion", "kubernetes"))


def _finalizers(new: Obj, old: Obj | None) -> Texts:
    """Source: customresource/validator.go validateKubeFinalizerName."""
    added = new["metadata"].get("finalizers")
    if not added:
        return
    before = (old["metadata"].get("finalizers") if old is not None else None) or _NONE
    for name in sorted(set(added).difference(before)):
        at = f"metadata.finalizers: {quote(name)}"
        for message in names.label_key(name):
            yield f"{at}: {message}"
        if "/" in name or name in _STANDARD_FINALIZERS:
            continue
        path = " including a path (/)" if "." in name else ""
        yield (
            f"{at}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer "
            "writers"
        )


def _static_name(obj: Obj) -> Texts:
    """Source: admissionregistration/validation WarningsForStaticSuffix."""
    if (obj["metadata"].get("name") or "").endswith(".static.k8s.io"):
        yield (
            'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations '
            "and cannot be managed via the API"
        )


_ADMISSION = tuple(
    f"{plural}.admissionregistration.k8s.io"
    for plural in (
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
        "validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations",
    )
)  # fmt: skip
_ON_CREATE: dict[str, Callable[[Obj], Texts]] = {
    **dict.fromkeys(_ADMISSION, _static_name),
    "pods": _pod,
    "podtemplates": _pod_template,
    "replicationcontrollers": _named_template,
    "deployments.apps": _named_template,
    "replicasets.apps": _named_template,
    "daemonsets.apps": _template,
    "statefulsets.apps": _stateful_set,
    "jobs.batch": _job,
    "cronjobs.batch": _cron_job,
    "services": _service,
    "endpoints": _endpoints,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "nodes": _node,
    "persistentvolumes": _persistent_volume,
    "persistentvolumeclaims": _claim,
    "resourcequotas": _resource_quota,
    "serviceaccounts": _service_account,
    "ingresses.networking.k8s.io": _ingress,
    "networkpolicies.networking.k8s.io": _network_policy,
    "runtimeclasses.node.k8s.io": _runtime_class,
    "storageclasses.storage.k8s.io": _storage_class,
    "csistoragecapacities.storage.k8s.io": _storage_capacity,
    "csidrivers.storage.k8s.io": _csi_driver,
    "resourceslices.resource.k8s.io": _resource_slice,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}


def _as_created(about: Callable[[Obj], Texts]) -> Callable[[Obj, Obj], Texts]:
    return lambda new, old: about(new)


def _if_changed(about: Callable[[Obj], Texts]) -> Callable[[Obj, Obj], Texts]:
    """Only when the generation moved: when something was asked for."""

    def on_update(new: Obj, old: Obj) -> Texts:
        if new["metadata"].get("generation") != old["metadata"].get("generation"):
            yield from about(new)

    return on_update


def _cron_job_update(new: Obj, old: Obj) -> Texts:
    yield from _if_changed(_cron_job_template)(new, old)
    yield from _cron_job_zone(new)


def _stateful_set_update(new: Obj, old: Obj) -> Texts:
    yield from _if_changed(_template)(new, old)
    yield from _stateful_set_extras(new)


def _service_account_update(new: Obj, old: Obj) -> Texts:
    if _MOUNTABLE not in annotations_of(old):
        yield from _service_account(new)


_ON_UPDATE: dict[str, Callable[[Obj, Obj], Texts]] = {
    "replicationcontrollers": _if_changed(_template),
    "deployments.apps": _if_changed(_template),
    "replicasets.apps": _if_changed(_template),
    "daemonsets.apps": _if_changed(_template),
    "statefulsets.apps": _stateful_set_update,
    "jobs.batch": _if_changed(lambda obj: _job_spec(obj.get("spec") or {}, "spec")),
    "cronjobs.batch": _cron_job_update,
    "endpointslices.discovery.k8s.io": _as_created(_slice_addresses),
    "podtemplates": _if_changed(_pod_template),
    "serviceaccounts": _service_account_update,
    "customresourcedefinitions.apiextensions.k8s.io": _definition_update,
    **{
        name: _as_created(_ON_CREATE[name])
        for name in (
            "services", "endpoints", "nodes", "persistentvolumes", "persistentvolumeclaims",
            "networkpolicies.networking.k8s.io", "runtimeclasses.node.k8s.io", "storageclasses.storage.k8s.io",
            "csistoragecapacities.storage.k8s.io", "csidrivers.storage.k8s.io",
            "resourceslices.resource.k8s.io", *_ADMISSION,
        )
    },
}  # fmt: skip
