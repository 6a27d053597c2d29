"""The rules of a pod's spec, for pods and for the templates of everything that makes pods.

`check_spec` walks a defaulted v1.PodSpec once, in upstream's order. It runs on every pod that is created, so the happy
path formats little more than one path per container and volume. Its parts have modules of their own: containers.py
with environment.py, pod_volumes.py, pod_resources.py, pod_placement.py, pod_security.py, pod_os.py.

Not here: AppArmor and seccomp annotations (superseded by fields).

Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePodSpec and what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.containers import ContainerWalk
from kubepy.api.validation.pod_os import check_os
from kubepy.api.validation.pod_placement import check_affinity, check_spread, check_tolerations
from kubepy.api.validation.pod_resources import check_pod_resources, check_resource_claims, check_resources
from kubepy.api.validation.pod_security import check_pod_security
from kubepy.api.validation.pod_volumes import check_volumes
from kubepy.api.validation.rules import (
    INT32_MAX,
    Errors,
    check_ip,
    check_label_key,
    check_labels,
    check_messages,
    check_range,
    check_required_enum,
)

_NONE: tuple[Any, ...] = ()
_check_restart_policy = check_required_enum(("Always", "OnFailure", "Never"))
_check_dns_policy = check_required_enum(("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"))
_check_preemption_policy = check_required_enum(("PreemptLowerPriority", "Never"))
_check_active_deadline = check_range(1, INT32_MAX)


def check_spec(spec: Obj, path: str, found: Errors, *, is_pod: bool = False, pod_name: str = "") -> None:
    """A pod spec at `path`; `is_pod` False for a template, which is a little more lenient."""
    grace_period = spec.get("terminationGracePeriodSeconds")
    if grace_period is None:
        found.append(errors.required(f"{path}.terminationGracePeriodSeconds"))
    volumes = check_volumes(spec.get("volumes") or _NONE, f"{path}.volumes", found, pod_name=pod_name)
    claims = check_resource_claims(spec.get("resourceClaims") or _NONE, f"{path}.resourceClaims", found)
    walk = ContainerWalk(spec, volumes, claims, grace_period, found)
    walk.containers(spec.get("containers") or _NONE, f"{path}.containers")
    if spec.get("initContainers"):
        walk.init_containers(spec["initContainers"], f"{path}.initContainers")
    if spec.get("ephemeralContainers"):
        walk.ephemeral_containers(spec["ephemeralContainers"], f"{path}.ephemeralContainers")
    if spec.get("resources"):
        check_pod_resources(spec, f"{path}.resources", found, claims)
    if spec.get("hostNetwork"):
        _check_host_network(spec, f"{path}.containers", found, is_pod)
    _check_restart_policy(spec.get("restartPolicy"), f"{path}.restartPolicy", found)
    _check_dns_policy(spec.get("dnsPolicy"), f"{path}.dnsPolicy", found)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.append(errors.invalid_value(f"{path}.securityContext.shareProcessNamespace", True, why))
    for field, check in _OPTIONAL:
        value = spec.get(field)
        if value is not None:
            check(value, f"{path}.{field}", found)
    check_os(spec, path, found)
    _check_dns(spec, f"{path}.dnsConfig", found)
    if spec.get("hostUsers") is False:
        _check_host_users(spec, path, found)
    if spec.get("hostnameOverride") is not None:
        _check_hostname_override(spec, f"{path}.hostnameOverride", found)
    _check_file_volumes(spec, path, found)


def _check_hostname_override(spec: Obj, path: str, found: Errors) -> None:
    """Source: validatePodHostName."""
    name = spec["hostnameOverride"]
    for field in ("setHostnameAsFQDN", "hostNetwork"):
        if spec.get(field):
            found.append(errors.forbidden_field(path, f"may not be specified when {field} is true"))
    if len(name.encode()) > 64:
        found.append(errors.too_long(path, 64))
    check_messages(names.dns1123_subdomain(name), name, path, found)


def _check_file_volumes(spec: Obj, path: str, found: Errors) -> None:
    """Files that variables are read from lie in volumes of the pod's own. Source: validateFileKeyRefVolumes."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or _NONE):
            for number, variable in enumerate(container.get("env") or _NONE):
                reference = (variable.get("valueFrom") or {}).get("fileKeyRef")
                if reference is None:
                    continue
                at = f"{path}.{field}[{index}].env[{number}].valueFrom.fileKeyRef.volumeName"
                name = reference.get("volumeName") or ""
                named = [volume for volume in spec.get("volumes") or _NONE if volume.get("name", "") == name]
                if not named:
                    found.append(errors.not_found_field(at, name))
                elif named[-1].get("emptyDir") is None:
                    why = "referenced volume must be of type emptyDir"
                    found.append(errors.invalid_value(at, name, why))


def _check_host_network(spec: Obj, path: str, found: Errors, is_pod: bool) -> None:
    for index, container in enumerate(spec.get("containers") or _NONE):
        for number, port in enumerate(container.get("ports") or _NONE):
            host_port = port.get("hostPort") or 0
            if (is_pod or host_port) and host_port != port.get("containerPort"):
                why = "must match `containerPort` when `hostNetwork` is true"
                at = f"{path}[{index}].ports[{number}].hostPort"
                found.append(errors.invalid_value(at, host_port, why))


def _check_host_users(spec: Obj, path: str, found: Errors) -> None:
    """Source: validateHostUsers; the odd capitals are upstream's."""
    for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            found.append(errors.forbidden_field(f"{path}.{shown}", "when `hostUsers` is false"))


def _check_dns(spec: Obj, path: str, found: Errors) -> None:
    """Source: validatePodDNSConfig."""
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            found.append(errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
            return
        if not config.get("nameservers"):
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            found.append(errors.required(f"{path}.nameservers", why))
            return
    if config is None:
        return
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > 3:
        why = "must not have more than 3 nameservers"
        found.append(errors.invalid_value(f"{path}.nameservers", servers, why))
    for index, server in enumerate(servers):
        check_ip(server, f"{path}.nameservers[{index}]", found)
    if len(searches) > 32:
        why = "must not have more than 32 search paths"
        found.append(errors.invalid_value(f"{path}.searches", searches, why))
    if len(" ".join(searches)) > 2048:
        why = "must not have more than 2048 characters (including spaces) in the search list"
        found.append(errors.invalid_value(f"{path}.searches", searches, why))
    for index, search in enumerate(searches):
        if search != ".":
            domain = search.removesuffix(".")
            messages = names.dns1123_subdomain_underscore(domain)
            check_messages(messages, domain, f"{path}.searches[{index}]", found)
    for index, option in enumerate(config.get("options") or _NONE):
        if not option.get("name"):
            found.append(errors.required(f"{path}.options[{index}]", "must not be empty"))


def _check_readiness_gates(gates: Sequence[Obj], path: str, found: Errors) -> None:
    for index, gate in enumerate(gates):
        check_label_key(gate.get("conditionType"), f"{path}[{index}].conditionType", found)


def _check_scheduling_gates(gates: Sequence[Obj], path: str, found: Errors) -> None:
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        check_label_key(name, f"{path}[{index}]", found)
        if name in seen:
            found.append(errors.duplicate(f"{path}[{index}]", name))
        seen.add(name)


def _check_host_aliases(aliases: Sequence[Obj], path: str, found: Errors) -> None:
    for index, alias in enumerate(aliases):
        check_ip(alias.get("ip"), f"{path}[{index}].ip", found)
        for number, hostname in enumerate(alias.get("hostnames") or _NONE):
            messages = names.dns1123_subdomain(hostname)
            check_messages(messages, hostname, f"{path}[{index}].hostnames[{number}]", found)


def _check_subdomain(value: str, path: str, found: Errors) -> None:
    if messages := names.dns1123_subdomain(value):
        check_messages(messages, value, path, found)


def _check_label(value: str, path: str, found: Errors) -> None:
    if messages := names.dns1123_label(value):
        check_messages(messages, value, path, found)


def _check_overhead(overhead: Obj, path: str, found: Errors) -> None:
    check_resources({"limits": overhead}, path, found)


def _check_scheduling_group(group: Obj, path: str, found: Errors) -> None:
    name = group.get("podGroupName")
    if name is None:
        found.append(
            errors.invalid_value(f"{path}.podGroupName", None, "must specify one of: `podGroupName`")
        )
    else:
        _check_subdomain(name, f"{path}.podGroupName", found)


# Fields of a spec that are looked at when they are set, in upstream's order.
_OPTIONAL: tuple[tuple[str, Callable[[Any, str, Errors], None]], ...] = (
    ("nodeSelector", check_labels),
    ("securityContext", check_pod_security),
    ("affinity", check_affinity),
    ("readinessGates", _check_readiness_gates),
    ("schedulingGates", _check_scheduling_gates),
    ("topologySpreadConstraints", check_spread),
    ("serviceAccountName", _check_subdomain),
    ("nodeName", _check_subdomain),
    ("activeDeadlineSeconds", _check_active_deadline),
    ("hostname", _check_label),
    ("subdomain", _check_label),
    ("tolerations", check_tolerations),
    ("hostAliases", _check_host_aliases),
    ("priorityClassName", _check_subdomain),
    ("runtimeClassName", _check_subdomain),
    ("preemptionPolicy", _check_preemption_policy),
    ("overhead", _check_overhead),
    ("schedulingGroup", _check_scheduling_group),
)
