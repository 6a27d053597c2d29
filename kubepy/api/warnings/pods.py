"""Warnings about pods and the templates of pods.

Source: kubernetes pkg/api/pod/warnings.go, pkg/api/node/util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kubepy.api import app_armor, names
from kubepy.api.errors import quote
from kubepy.api.objects import Obj
from kubepy.api.warnings.parts import NONE, Texts, of_claim_spec, of_fractions, of_ip

DEPRECATED_LABELS = {
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
DEPRECATED_VOLUMES = {
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
SHOWN = {"storageos": "storageOS"}
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_AMOUNTS = ("memory", "ephemeral-storage")
_PLACING = ("nodeSelector", "affinity", "topologySpreadConstraints")
_NULL_SELECTOR = "a null labelSelector results in matching no pod"


def of_pod_spec(template: Obj, root: str) -> Texts:
    """Of a pod (root "") or a template (root "spec.template."). Source: warningsForPodSpecAndMeta."""
    spec, annotations = template.get("spec") or {}, (template.get("metadata") or {}).get("annotations") or {}
    # Looked at only where it is set: most of it is not, in most pods.
    if not spec.keys().isdisjoint(_PLACING):
        yield from _placement(spec, f"{root}spec.")
    if annotations:
        for key, message in _DEPRECATED_ANNOTATIONS.items():
            if key in annotations:
                yield f"{root}metadata.annotations[{key}]: {message}"
    volumes = spec.get("volumes") or NONE
    for index, volume in enumerate(volumes):
        yield from _volume(volume, f"{root}spec.volumes[{index}]")
    for volume in volumes:
        yield from _overlapping_paths(volume)
    if spec.get("hostAliases"):
        yield from _duplicates(spec["hostAliases"], "ip", f"{root}spec.hostAliases")
    secrets = spec.get("imagePullSecrets") or NONE
    if secrets:
        yield from _duplicates(secrets, "name", f"{root}spec.imagePullSecrets")
    for index, secret in enumerate(secrets):
        if not secret.get("name"):
            yield f'{root}spec.imagePullSecrets[{index}].name: invalid empty name ""'
    if spec.get("overhead"):
        yield from of_fractions(spec["overhead"], f"{root}spec.overhead", _AMOUNTS)
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
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or NONE):
        yield from of_ip(server, f"{root}spec.dnsConfig.nameservers[{index}]")
    for index, alias in enumerate(spec.get("hostAliases") or NONE):
        yield from of_ip(alias.get("ip") or "", f"{root}spec.hostAliases[{index}].ip")


def _containers(spec: Obj, root: str) -> Iterator[tuple[Obj, str]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or NONE):
            yield container, f"{root}spec.{field}[{index}]"


def _placement(spec: Obj, root: str) -> Texts:
    for key in spec.get("nodeSelector") or NONE:
        if message := DEPRECATED_LABELS.get(key):
            yield f"{root}nodeSelector[{key}]: {message}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    at = f"{root}affinity.nodeAffinity"
    for index, term in enumerate(required.get("nodeSelectorTerms") or NONE):
        path = f"{at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]"
        yield from of_node_term(term, path)
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or NONE
    for index, term in enumerate(preferred):
        path = f"{at}.preferredDuringSchedulingIgnoredDuringExecution[{index}].preference"
        yield from of_node_term(term.get("preference") or {}, path, check_values=True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or NONE):
        path, key = f"{root}topologySpreadConstraints[{index}]", constraint.get("topologyKey") or ""
        if message := DEPRECATED_LABELS.get(key):
            yield f"{path}.topologyKey: {key} is {message}"
        if constraint.get("labelSelector") is None:
            yield f"{path}.labelSelector: {_NULL_SELECTOR}"


def of_node_term(term: Obj, path: str, check_values: bool = False) -> Texts:
    for index, expression in enumerate(term.get("matchExpressions") or NONE):
        key = expression.get("key") or ""
        if message := DEPRECATED_LABELS.get(key):
            yield f"{path}.matchExpressions[{index}].key: {key} is {message}"
        if check_values:
            for number, value in enumerate(expression.get("values") or NONE):
                for message in names.label_value(value):
                    yield f"{path}.matchExpressions[{index}].values[{number}]: {value} is invalid, {message}"


def _pod_affinity(affinity: Obj, path: str) -> Texts:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        field = "requiredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(terms.get(field) or NONE):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{field}[{index}].labelSelector: {_NULL_SELECTOR}"
        field = "preferredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(terms.get(field) or NONE):
            if (term.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{field}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}"


def _volume(volume: Obj, path: str) -> Texts:
    for field, message in DEPRECATED_VOLUMES.items():
        if volume.get(field) is not None:
            yield f"{path}.{SHOWN.get(field, field)}: {message}"
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template:
        yield from of_claim_spec(template.get("spec") or {}, f"{path}.ephemeral.volumeClaimTemplate.spec")


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
        for source in projected.get("sources") or NONE:
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
                if amount in (resources.get(side) or NONE):
                    yield from of_fractions(resources[side], f"{path}.resources.{side}", (amount,))
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or NONE):
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
        for index, port in enumerate(container.get("ports") or NONE):
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
