"""The rules of a pod's spec, for pods and for the templates of everything that makes pods.

`check_spec` walks a defaulted v1.PodSpec once, in upstream's order. It runs on every pod that is created, so the happy
path formats little more than one path per container and volume.

Not here: AppArmor and seccomp annotations (superseded by fields), per-volume rules of the
removed in-tree drivers beyond their required fields.

Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePodSpec and what it calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kubepy.api import errors, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.pods import is_sidecar
from kubepy.api.validation.pod_os import check_os
from kubepy.api.validation.rules import (
    INT32_MAX,
    Errors,
    check_enum,
    check_ip,
    check_label_key,
    check_label_selector,
    check_labels,
    check_messages,
    check_non_negative,
    check_port,
    check_range,
    check_required_enum,
    same,
)

_FILE_MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
_ONE_VOLUME_TEXT = "may not specify more than 1 volume type"
_ONE_HANDLER_TEXT = "may not specify more than 1 handler type"
_NONE: tuple[Any, ...] = ()

_check_restart_policy = check_required_enum(("Always", "OnFailure", "Never"))
_check_dns_policy = check_required_enum(("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"))
_check_preemption_policy = check_required_enum(("PreemptLowerPriority", "Never"))
_check_pull_policy = check_required_enum(("Always", "IfNotPresent", "Never"))
_check_message_policy = check_required_enum(("File", "FallbackToLogsOnError"))
_check_protocol = check_required_enum(("SCTP", "TCP", "UDP"))
_check_http_scheme = check_enum(("HTTP", "HTTPS"))
_check_id = check_range(0, INT32_MAX)
_check_active_deadline = check_range(1, INT32_MAX)
_check_fs_group_policy = check_enum(("Always", "OnRootMismatch"))
_check_mount_propagation = check_enum(("Bidirectional", "HostToContainer", "None"))
_check_host_path_type = check_enum(
    ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
)
_check_taint_effect = check_enum(("NoSchedule", "PreferNoSchedule", "NoExecute"))
_check_when_unsatisfiable = check_enum(("DoNotSchedule", "ScheduleAnyway"))
_check_node_policy = check_enum(("Honor", "Ignore"))
_check_container_restart = check_enum(("Always", "Never", "OnFailure"))
_check_seccomp_type = check_enum(("Localhost", "RuntimeDefault", "Unconfined"))


def check_spec(spec: Obj, path: str, found: Errors, *, is_pod: bool = False, pod_name: str = "") -> None:
    """A pod spec at `path`; `is_pod` False for a template, which is a little more lenient about host ports."""
    grace_period = spec.get("terminationGracePeriodSeconds")
    if grace_period is None:
        found.append(errors.required(f"{path}.terminationGracePeriodSeconds"))
    volumes = _check_volumes(spec.get("volumes") or _NONE, f"{path}.volumes", found, pod_name)
    claims = _check_resource_claims(spec.get("resourceClaims") or _NONE, f"{path}.resourceClaims", found)
    walk = _Walk(spec, volumes, claims, grace_period, found)
    walk.containers(spec.get("containers") or _NONE, f"{path}.containers")
    if spec.get("initContainers"):
        walk.init_containers(spec["initContainers"], f"{path}.initContainers")
    if spec.get("ephemeralContainers"):
        walk.ephemeral_containers(spec["ephemeralContainers"], f"{path}.ephemeralContainers")
    if spec.get("resources"):
        _check_pod_resources(spec, f"{path}.resources", found)
    if spec.get("hostNetwork"):
        _check_host_network(spec, f"{path}.containers", found, is_pod)
    _check_restart_policy(spec.get("restartPolicy"), f"{path}.restartPolicy", found)
    _check_dns_policy(spec.get("dnsPolicy"), f"{path}.dnsPolicy", found)
    for field, check in _OPTIONAL:
        value = spec.get(field)
        if value:
            check(value, f"{path}.{field}", found)
    check_os(spec, path, found)
    _check_dns(spec, f"{path}.dnsConfig", found)
    if spec.get("hostUsers") is False:
        _check_host_users(spec, path, found)


class _Walk:
    """One walk over a spec's containers: what they may refer to, and where findings go."""

    __slots__ = ("_claims", "_found", "_grace_period", "_restart_policy", "_spec", "_volumes")

    def __init__(
        self, spec: Obj, volumes: dict[str, Obj], claims: set[str], grace_period: int | None, found: Errors
    ) -> None:
        self._spec, self._volumes, self._claims = spec, volumes, claims
        self._grace_period, self._found = grace_period, found
        self._restart_policy = spec.get("restartPolicy")

    def containers(self, containers: Sequence[Obj], path: str) -> None:
        found = self._found
        if not containers:
            found.append(errors.required(path))
            return
        seen: set[str] = set()
        for index, container in enumerate(containers):
            at = f"{path}[{index}]"
            self._common(container, at)
            name = container.get("name")
            if name in seen:
                found.append(errors.duplicate(f"{at}.name", name))
            else:
                seen.add(name or "")
            self._running(container, at)
            if container.get("restartPolicy") is not None or container.get("restartPolicyRules"):
                _check_restart_rules(container, at, found)
        _check_host_ports(containers, path, found)

    def init_containers(self, containers: Sequence[Obj], path: str) -> None:
        found = self._found
        seen = {container.get("name") for container in self._spec.get("containers") or _NONE}
        for index, container in enumerate(containers):
            at = f"{path}[{index}]"
            self._common(container, at)
            if container.get("restartPolicy") is not None or container.get("restartPolicyRules"):
                _check_restart_rules(container, at, found)
            name = container.get("name")
            if name in seen:
                found.append(errors.duplicate(f"{at}.name", name))
            elif name:
                seen.add(name)
            _check_host_ports([container], path, found)
            if is_sidecar(container):
                self._running(container, at)
                continue
            for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
                if container.get(field) is not None:
                    why = "may not be set for init containers without restartPolicy=Always"
                    found.append(errors.forbidden_field(f"{at}.{field}", why))
            for number, policy in enumerate(container.get("resizePolicy") or _NONE):
                if policy.get("restartPolicy") == "RestartContainer":
                    why = "must not be set to 'RestartContainer' for non-sidecar initContainers"
                    field = f"{at}.resizePolicy[{number}].restartPolicy"
                    found.append(errors.invalid_value(field, "RestartContainer", why))

    def ephemeral_containers(self, containers: Sequence[Obj], path: str) -> None:
        found, spec = self._found, self._spec
        others = {
            container.get("name")
            for container in (*(spec.get("containers") or _NONE), *(spec.get("initContainers") or _NONE))
        }
        seen = set(others)
        for index, container in enumerate(containers):
            at = f"{path}[{index}]"
            self._common(container, at)
            check_image_blanks(container, at, found)
            name, target = container.get("name"), container.get("targetContainerName")
            if name in seen:
                found.append(errors.duplicate(f"{at}.name", name))
            else:
                seen.add(name)
            if target and target not in others:
                found.append(errors.not_found_field(f"{at}.targetContainerName", target))
            for field in _NOT_FOR_EPHEMERAL:
                if container.get(field):
                    why = "cannot be set for an Ephemeral Container"
                    found.append(errors.forbidden_field(f"{at}.{field}", why))

    def _common(self, container: Obj, path: str) -> None:
        """What every kind of container must meet. Source: validateContainerCommon."""
        found, get = self._found, container.get
        name = get("name")
        if not name:
            found.append(errors.required(f"{path}.name"))
        elif messages := names.dns1123_label(name):
            check_messages(messages, name, f"{path}.name", found)
        if not get("image"):
            found.append(errors.required(f"{path}.image"))
        _check_message_policy(get("terminationMessagePolicy"), f"{path}.terminationMessagePolicy", found)
        if ports := get("ports"):
            _check_ports(ports, f"{path}.ports", found)
        if env := get("env"):
            _check_env(env, f"{path}.env", found)
        if env_from := get("envFrom"):
            _check_env_from(env_from, f"{path}.envFrom", found)
        mounts, devices = get("volumeMounts"), get("volumeDevices")
        if mounts:
            self._mounts(mounts, devices or _NONE, container, f"{path}.volumeMounts")
        if devices:
            self._devices(devices, mounts or _NONE, f"{path}.volumeDevices")
        _check_pull_policy(get("imagePullPolicy"), f"{path}.imagePullPolicy", found)
        if resources := get("resources"):
            check_resources(resources, f"{path}.resources", found, claims=self._claims)
        if resize := get("resizePolicy"):
            _check_resize_policy(resize, f"{path}.resizePolicy", self._restart_policy, found)
        if context := get("securityContext"):
            _check_security_context(context, f"{path}.securityContext", self._spec, found)

    def _running(self, container: Obj, path: str) -> None:
        """Probes and hooks of containers that stay. Source: validateContainers."""
        found = self._found
        if lifecycle := container.get("lifecycle"):
            for hook in ("postStart", "preStop"):
                if handler := lifecycle.get(hook):
                    _check_handler(handler, f"{path}.lifecycle.{hook}", self._grace_period, found)
            if lifecycle.get("stopSignal") and not self._spec.get("os"):
                why = "may not be set for containers with empty `spec.os.name`"
                found.append(errors.forbidden_field(f"{path}.lifecycle.stopSignal", why))
        for field in ("livenessProbe", "readinessProbe", "startupProbe"):
            probe = container.get(field)
            if probe is not None:
                _check_probe(probe, f"{path}.{field}", field, self._grace_period, found)

    def _mounts(self, mounts: Sequence[Obj], devices: Sequence[Obj], container: Obj, path: str) -> None:
        found = self._found
        seen: set[str] = set()
        device_names = {device.get("name") for device in devices}
        device_paths = {device.get("devicePath") for device in devices}
        for index, mount in enumerate(mounts):
            name, mount_path = mount.get("name") or "", mount.get("mountPath") or ""
            at = f"{path}[{index}]"
            if not name:
                found.append(errors.required(f"{at}.name"))
            if name not in self._volumes:
                found.append(errors.not_found_field(f"{at}.name", name))
            if not mount_path:
                found.append(errors.required(f"{at}.mountPath"))
            if mount_path in seen:
                found.append(errors.invalid_value(f"{at}.mountPath", mount_path, "must be unique"))
            seen.add(mount_path)
            if name in device_names:
                found.append(
                    errors.invalid_value(f"{at}.name", name, "must not already exist in volumeDevices")
                )
            if mount_path in device_paths:
                why = "must not already exist as a path in volumeDevices"
                found.append(errors.invalid_value(f"{at}.mountPath", mount_path, why))
            sub_path, expression = mount.get("subPath"), mount.get("subPathExpr")
            if sub_path:
                _check_descending_path(sub_path, f"{path}.subPath", found)
            if expression:
                if sub_path:
                    why = "subPathExpr and subPath are mutually exclusive"
                    found.append(errors.invalid_value(f"{at}.subPathExpr", expression, why))
                _check_descending_path(expression, f"{path}.subPathExpr", found)
            if mount.get("mountPropagation") is not None:
                _check_propagation(mount["mountPropagation"], container, f"{path}.mountPropagation", found)
            if mount.get("recursiveReadOnly") is not None:
                _check_recursive_read_only(mount, f"{path}.recursiveReadOnly", found)

    def _devices(self, devices: Sequence[Obj], mounts: Sequence[Obj], path: str) -> None:
        found = self._found
        seen_names: set[str] = set()
        seen_paths: set[str] = set()
        mount_names = {mount.get("name") for mount in mounts}
        mount_paths = {mount.get("mountPath") for mount in mounts}
        for index, device in enumerate(devices):
            name, device_path = device.get("name") or "", device.get("devicePath") or ""
            at = f"{path}[{index}]"
            if not name:
                found.append(errors.required(f"{at}.name"))
            if name in seen_names:
                found.append(errors.invalid_value(f"{at}.name", name, "must be unique"))
            volume = self._volumes.get(name)
            if volume is None:
                found.append(errors.not_found_field(f"{at}.name", name))
            elif "persistentVolumeClaim" not in volume and "ephemeral" not in volume:
                why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
                found.append(errors.invalid_value(f"{at}.name", name, why))
            if not device_path:
                found.append(errors.required(f"{at}.devicePath"))
            if device_path in seen_paths:
                found.append(errors.invalid_value(f"{at}.devicePath", device_path, "must be unique"))
            if ".." in device_path.split("/"):
                why = "can not contain backsteps ('..')"
                found.append(errors.invalid_value(f"{at}.devicePath", device_path, why))
            seen_names.add(name)
            seen_paths.add(device_path)
            if name in mount_names:
                found.append(
                    errors.invalid_value(f"{at}.name", name, "must not already exist in volumeMounts")
                )
            if device_path in mount_paths:
                why = "must not already exist as a path in volumeMounts"
                found.append(errors.invalid_value(f"{at}.devicePath", device_path, why))


_NOT_FOR_EPHEMERAL = (
    "ports",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "restartPolicy",
    "restartPolicyRules",
    "resizePolicy",
)


def check_image_blanks(container: Obj, path: str, found: Errors) -> None:
    """Source: validateContainerOnlyForPod."""
    image = container.get("image") or ""
    if image != image.strip():
        why = "must not have leading or trailing whitespace"
        found.append(errors.invalid_value(f"{path}.image", image, why))


# -- parts of a container --------------------------------------------------------------------------------------


def _check_ports(ports: Sequence[Obj], path: str, found: Errors) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        name, number, host = port.get("name"), port.get("containerPort"), port.get("hostPort")
        if name:
            if messages := names.port_name(name):
                check_messages(messages, name, f"{at}.name", found)
            elif name in seen:
                found.append(errors.duplicate(f"{at}.name", name))
            else:
                seen.add(name)
        if not number:
            found.append(errors.required(f"{at}.containerPort"))
        else:
            check_messages(names.port_number(number), number, f"{at}.containerPort", found)
        if host:
            check_messages(names.port_number(host), host, f"{at}.hostPort", found)
        _check_protocol(port.get("protocol"), f"{at}.protocol", found)


def _check_host_ports(containers: Sequence[Obj], path: str, found: Errors) -> None:
    """No two containers may want the same port of the node. Source: AccumulateUniqueHostPorts."""
    seen: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or _NONE):
            host_port = port.get("hostPort")
            if host_port:
                wanted = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{host_port}"
                if wanted in seen:
                    found.append(errors.duplicate(f"{path}[{index}].ports[{number}].hostPort", wanted))
                seen.add(wanted)


_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
# What the downward API knows at all; others are no field labels.
_DOWNWARD_FIELDS = frozenset((*_ENV_FIELDS, *_VOLUME_FIELDS, "spec.restartPolicy", "status.phase"))
_RESOURCE_FIELDS = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)


def _check_env(variables: Sequence[Obj], path: str, found: Errors) -> None:
    for index, variable in enumerate(variables):
        name = variable.get("name")
        if not name:
            found.append(errors.required(f"{path}[{index}].name"))
        elif messages := names.env_var_name(name):
            check_messages(messages, name, f"{path}[{index}].name", found)
        if variable.get("valueFrom") is not None:
            _check_value_from(variable, f"{path}[{index}].valueFrom", found)


def _check_value_from(variable: Obj, path: str, found: Errors) -> None:
    source = variable["valueFrom"]
    count = 0
    for field, check in _VALUE_SOURCES:
        if source.get(field) is not None:
            count += 1
            check(source[field], f"{path}.{field}", found)
    if count == 0:
        words = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        found.append(errors.invalid_value(path, "", f"must specify one of: {words}"))
    elif variable.get("value"):
        found.append(errors.invalid_value(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        found.append(errors.invalid_value(path, "", "may not have more than one field specified at a time"))


def _check_field_ref(reference: Obj, path: str, found: Errors, fields: Sequence[str] = _ENV_FIELDS) -> None:
    field = reference.get("fieldPath") or ""
    if not reference.get("apiVersion"):
        found.append(errors.required(f"{path}.apiVersion"))
    elif not field:
        found.append(errors.required(f"{path}.fieldPath"))
    elif field.endswith("']") and "['" in field:
        base, _, key = field[:-2].partition("['")
        if base == "metadata.annotations":
            check_label_key(key.lower(), path, found)
        elif base == "metadata.labels":
            check_label_key(key, path, found)
        else:
            found.append(errors.invalid_value(path, base, "does not support subscript"))
    elif field not in _DOWNWARD_FIELDS:
        why = f"error converting fieldPath: field label not supported: {field}"
        found.append(errors.invalid_value(f"{path}.fieldPath", field, why))
    elif field not in fields:
        found.append(errors.not_supported(f"{path}.fieldPath", field, fields))


def _check_resource_ref(reference: Obj, path: str, found: Errors, *, in_volume: bool = False) -> None:
    resource = reference.get("resource") or ""
    if in_volume and not reference.get("containerName"):
        found.append(errors.required(f"{path}.containerName"))
    elif not resource:
        found.append(errors.required(f"{path}.resource"))
    elif resource not in _RESOURCE_FIELDS and not resource.startswith(
        ("requests.hugepages-", "limits.hugepages-")
    ):
        found.append(errors.not_supported(f"{path}.resource", resource, _RESOURCE_FIELDS))
    _check_divisor(resource, reference.get("divisor"), f"{path}.divisor", found)


_SIZE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
# what a resource's name begins with behind limits. and requests. -> (its divisors, its name in the text)
_DIVISORS = (
    ("cpu", ("1m", "1"), "cpu"),
    ("memory", _SIZE_DIVISORS, "memory"),
    ("ephemeral-storage", _SIZE_DIVISORS, "local ephemeral storage"),
    ("hugepages-", _SIZE_DIVISORS, "hugepages"),
)


def _check_divisor(resource: str, divisor: Any, path: str, found: Errors) -> None:
    if divisor is None or not quantity.nano(divisor):
        return
    name = resource.partition(".")[2]
    for prefix, divisors, word in _DIVISORS:
        if name == prefix or (prefix.endswith("-") and name.startswith(prefix)):
            if quantity.normalize(divisor) not in divisors:
                listed = " and ".join(divisors) if len(divisors) == 2 else ", ".join(divisors)
                why = f"only divisor's values {listed} are supported with the {word} resource"
                found.append(errors.invalid_value(path, resource, why))
            return


def _check_key_ref(reference: Obj, path: str, found: Errors) -> None:
    """Of a ConfigMap or a Secret. Source: validateConfigMapKeySelector."""
    name, key = reference.get("name") or "", reference.get("key")
    check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)
    if not key:
        found.append(errors.required(f"{path}.key"))
    else:
        check_messages(names.config_key(key), key, f"{path}.key", found)


def _check_file_ref(reference: Obj, path: str, found: Errors) -> None:
    for field in ("volumeName", "path", "key"):
        if not reference.get(field):
            found.append(errors.required(f"{path}.{field}"))


_VALUE_SOURCES: tuple[tuple[str, Callable[[Obj, str, Errors], None]], ...] = (
    ("fieldRef", _check_field_ref),
    ("resourceFieldRef", _check_resource_ref),
    ("configMapKeyRef", _check_key_ref),
    ("secretKeyRef", _check_key_ref),
    ("fileKeyRef", _check_file_ref),
)


def _check_env_from(sources: Sequence[Obj], path: str, found: Errors) -> None:
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        prefix = source.get("prefix")
        if prefix:
            check_messages(names.env_var_name(prefix), prefix, f"{at}.prefix", found)
        count = 0
        for field in ("configMapRef", "secretRef"):
            if source.get(field) is not None:
                count += 1
                if not source[field].get("name"):
                    found.append(errors.required(f"{at}.{field}.name"))
        if count == 0:
            found.append(errors.invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif count > 1:
            found.append(
                errors.invalid_value(path, "", "may not have more than one field specified at a time")
            )


def _check_probe(probe: Obj, path: str, kind: str, grace_period: int | None, found: Errors) -> None:
    _check_handler(probe, path, grace_period, found)
    for field in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        check_non_negative(probe.get(field), f"{path}.{field}", found)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        at = f"{path}.terminationGracePeriodSeconds"
        found.append(errors.invalid_value(at, grace, "must be greater than 0"))
    if kind == "readinessProbe":
        if grace is not None:
            at = f"{path}.terminationGracePeriodSeconds"
            found.append(errors.invalid_value(at, grace, "must not be set for readinessProbes"))
    elif probe.get("successThreshold", 0) != 1:
        at = f"{path}.successThreshold"
        found.append(errors.invalid_value(at, probe.get("successThreshold", 0), "must be 1"))


def _check_handler(handler: Obj, path: str, grace_period: int | None, found: Errors) -> None:
    """Of a probe or a hook: exactly one way. Source: validateHandler."""
    count = 0
    for field in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        action = handler.get(field)
        if action is None:
            continue
        at = f"{path}.{field}"
        count += 1
        if count > 1:
            found.append(errors.forbidden_field(at, _ONE_HANDLER_TEXT))
        elif field == "exec":
            if not action.get("command"):
                found.append(errors.required(f"{at}.command"))
        elif field == "httpGet":
            _check_http_get(action, at, found)
        elif field == "sleep":
            seconds = action.get("seconds", 0)
            if grace_period is not None and not 0 <= seconds <= grace_period:
                why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_period})"
                found.append(errors.invalid_value(at, seconds, why))
        else:
            check_port(action.get("port"), f"{at}.port", found)
    if count == 0:
        found.append(errors.required(path, "must specify a handler type"))


def _check_http_get(action: Obj, path: str, found: Errors) -> None:
    if not action.get("path"):
        found.append(errors.required(f"{path}.path"))
    check_port(action.get("port"), f"{path}.port", found)
    _check_http_scheme(action.get("scheme") or "", f"{path}.scheme", found)
    for header in action.get("httpHeaders") or _NONE:
        name = header.get("name") or ""
        check_messages(names.http_header_name(name), name, f"{path}.httpHeaders", found)


def _check_propagation(propagation: str, container: Obj, path: str, found: Errors) -> None:
    _check_mount_propagation(propagation, path, found)
    privileged = (container.get("securityContext") or {}).get("privileged")
    if propagation == "Bidirectional" and not privileged:
        why = "Bidirectional mount propagation is available only to privileged containers"
        found.append(errors.forbidden_field(path, why))


def _check_recursive_read_only(mount: Obj, path: str, found: Errors) -> None:
    mode = mount["recursiveReadOnly"]
    if mode in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            found.append(errors.forbidden_field(path, "may only be specified when readOnly is true"))
        if (mount.get("mountPropagation") or "None") != "None":
            why = "may only be specified when mountPropagation is None or not specified"
            found.append(errors.forbidden_field(path, why))
    elif mode != "Disabled":
        found.append(errors.not_supported(path, mode, ("Disabled", "Enabled", "IfPossible")))


def _check_resize_policy(policies: Sequence[Obj], path: str, restart_policy: Any, found: Errors) -> None:
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if resource in seen:
            found.append(errors.duplicate(f"{path}[{index}]", resource))
        seen.add(resource)
        _check_resize_resource(resource, path, found)
        _check_resize_restart(restart, path, found)
        if restart_policy == "Never" and restart != "NotRequired":
            why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            found.append(errors.invalid_value(path, restart, why))


_check_resize_resource = check_required_enum(("cpu", "memory"))
_check_resize_restart = check_required_enum(("NotRequired", "RestartContainer"))


def _check_restart_rules(container: Obj, path: str, found: Errors) -> None:
    """Source: validateContainerRestartPolicy."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or _NONE
    if policy is None:
        why = "must specify restartPolicy when restart rules are used"
        found.append(errors.required(f"{path}.restartPolicy", why))
    else:
        _check_container_restart(policy, f"{path}.restartPolicy", found)
    if len(rules) > 20:
        found.append(errors.too_many(f"{path}.restartPolicyRules", len(rules), 20))
    for index, rule in enumerate(rules):
        at = f"{path}.restartPolicyRules[{index}]"
        actions = ("Restart", "RestartAllContainers")
        if rule.get("action") not in actions:
            found.append(errors.not_supported(f"{at}.action", rule.get("action") or "", actions))
        codes = rule.get("exitCodes")
        if codes is None:
            found.append(errors.required(f"{at}.exitCodes", "must be specified"))
            continue
        if codes.get("operator") not in ("In", "NotIn"):
            operator = codes.get("operator") or ""
            found.append(errors.not_supported(f"{at}.exitCodes.operator", operator, ("In", "NotIn")))
        if len(codes.get("values") or _NONE) > 255:
            found.append(errors.too_many(f"{at}.exitCodes.values", len(codes["values"]), 255))


# -- resources -------------------------------------------------------------------------------------------------

_CONTAINER_RESOURCES = frozenset(("cpu", "memory", "ephemeral-storage"))
_STANDARD_RESOURCES = _CONTAINER_RESOURCES | {
    f"{side}.{name}" for side in ("requests", "limits") for name in _CONTAINER_RESOURCES
}
_COUNTED_RESOURCES = frozenset(
    (
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    )
)
STANDARD_RESOURCES = _STANDARD_RESOURCES | _COUNTED_RESOURCES | {"storage", "requests.storage"}


def is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def is_native(name: str) -> bool:
    """Source: helper.IsNativeResource."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """Source: helper.IsExtendedResourceName."""
    return (
        not is_native(name) and not name.startswith("requests.") and not names.label_key(f"requests.{name}")
    )


def is_overcommittable(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


def check_resource_name(name: str, path: str, found: Errors) -> None:
    """Source: validateResourceName."""
    if messages := names.label_key(name):
        check_messages(messages, name, path, found)
    elif (
        "/" not in name
        and name not in STANDARD_RESOURCES
        and not is_huge_page(name.removeprefix("requests."))
    ):
        why = "must be a standard resource type or fully qualified"
        found.append(errors.invalid_value(path, name, why))


def check_amount(name: str, amount: Any, path: str, found: Errors) -> None:
    """Source: ValidateResourceQuantityValue."""
    nanos = quantity.nano(amount)
    if nanos < 0:
        found.append(errors.invalid_value(path, amount, names.NON_NEGATIVE_TEXT))
    if nanos % quantity.NANOS and (name in _COUNTED_RESOURCES or is_extended(name)):
        found.append(errors.invalid_value(path, amount, "must be an integer"))


def _check_container_resource(name: str, amount: Any, path: str, found: Errors) -> None:
    # The three names of nearly every pod need no further look.
    if name not in _CONTAINER_RESOURCES:
        check_resource_name(name, path, found)
        if "/" not in name:
            if not is_huge_page(name):
                why = "must be a standard resource for containers"
                found.append(errors.invalid_value(path, name, why))
        elif not is_native(name) and not is_extended(name):
            why = "doesn't follow extended resource name standard"
            found.append(errors.invalid_value(path, name, why))
    check_amount(name, amount, path, found)


def check_resources(resources: Obj, path: str, found: Errors, *, claims: Iterable[str] = ()) -> None:
    """requests and limits of one container. Source: validateResourceRequirements."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in limits.items():
        _check_container_resource(name, amount, f"{path}.limits[{name}]", found)
    for name, amount in requests.items():
        _check_container_resource(name, amount, f"{path}.requests[{name}]", found)
        limit = limits.get(name)
        if limit is None:
            if not is_overcommittable(name):
                why = "Limit must be set for non overcommitable resources"
                found.append(errors.required(f"{path}.limits", why))
            continue
        asked, allowed = quantity.nano(amount), quantity.nano(limit)
        if asked != allowed and not is_overcommittable(name):
            why = f"must be equal to {name} limit of {limit}"
            found.append(errors.invalid_value(f"{path}.requests", str(amount), why))
        elif asked > allowed:
            why = f"must be less than or equal to {name} limit of {limit}"
            found.append(errors.invalid_value(f"{path}.requests", str(amount), why))
    _check_huge_pages(limits, requests, path, found)
    for index, claim in enumerate(resources.get("claims") or _NONE):
        name = claim.get("name") or ""
        at = f"{path}.claims[{index}].name"
        if not name:
            found.append(errors.required(at))
        elif name not in claims:
            found.append(errors.not_found_field(at, name))


def _check_huge_pages(limits: Obj, requests: Obj, path: str, found: Errors) -> None:
    wanted = limits.keys() | requests.keys()
    if any(map(is_huge_page, wanted)) and not wanted & {"cpu", "memory"}:
        found.append(errors.forbidden_field(path, "HugePages require cpu or memory"))


def _check_pod_resources(spec: Obj, path: str, found: Errors) -> None:
    """Source: validatePodResources and validatePodResourceConsistency."""
    resources = spec["resources"]
    if resources.get("claims") is not None:
        why = "claims may not be set for Resources at pod-level"
        found.append(errors.forbidden_field(f"{path}.claims", why))
    for side in ("limits", "requests"):
        for name in resources.get(side) or {}:
            if name not in ("cpu", "memory") and not is_huge_page(name):
                supported = ("cpu", "hugepages-", "memory")
                found.append(errors.not_supported(f"{path}.{side}[{name}]", name, supported))
    check_resources({k: v for k, v in resources.items() if k != "claims"}, path, found)
    containers = spec.get("containers") or _NONE
    for name, amount in (resources.get("requests") or {}).items():
        total = sum(
            quantity.nano(((c.get("resources") or {}).get("requests") or {}).get(name, "0"))
            for c in containers
        )
        if total > quantity.nano(amount):
            summed = quantity.Quantity(total, quantity.parse(amount).format)
            why = f"must be greater than or equal to aggregate container requests of {summed}"
            found.append(errors.invalid_value(f"{path}.requests[{name}]", str(amount), why))
    limits = resources.get("limits") or {}
    for index, container in enumerate(containers):
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and quantity.nano(amount) > quantity.nano(limits[name]):
                why = f"must be less than or equal to pod limits of {limits[name]}"
                at = f"{path}.containers[{index}][{name}].limits"
                found.append(errors.invalid_value(at, str(amount), why))


def _check_resource_claims(claims: Sequence[Obj], path: str, found: Errors) -> set[str]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        at = f"{path}[{index}]"
        name = claim.get("name") or ""
        if not name:
            found.append(errors.required(f"{at}.name"))
        elif name in seen:
            found.append(errors.duplicate(f"{at}.name", name))
        else:
            check_messages(names.dns1123_label(name), name, f"{at}.name", found)
            seen.add(name)
        by_name, by_template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        if by_name and by_template:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            found.append(errors.invalid_value(at, claim, why))
        if not by_name and not by_template:
            why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            found.append(errors.invalid_value(at, claim, why))
    return seen


# -- volumes ---------------------------------------------------------------------------------------------------


def _check_volumes(volumes: Sequence[Obj], path: str, found: Errors, pod_name: str) -> dict[str, Obj]:
    """The valid volumes by name. Source: ValidateVolumes."""
    valid: dict[str, Obj] = {}
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        before = len(found)
        name = volume.get("name") or ""
        _check_volume_source(volume, at, found)
        if not name:
            found.append(errors.required(f"{at}.name"))
        elif messages := names.dns1123_label(name):
            check_messages(messages, name, f"{at}.name", found)
        if name in valid:
            found.append(errors.duplicate(f"{at}.name", name))
        if len(found) == before:
            valid[name] = volume
    if pod_name:
        _check_created_claims(volumes, path, pod_name, found)
    return valid


def _check_created_claims(volumes: Sequence[Obj], path: str, pod_name: str, found: Errors) -> None:
    created = {f"{pod_name}-{volume.get('name')}" for volume in volumes if "ephemeral" in volume}
    if not created:
        return
    for index, volume in enumerate(volumes):
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in created:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            at = f"{path}[{index}].persistentVolumeClaim.claimName"
            found.append(errors.invalid_value(at, claim, why))


def _check_volume_source(volume: Obj, path: str, found: Errors) -> None:
    count = 0
    # Nearly every volume has a name and one source.
    sources = [field for field in volume if field in VOLUME_SOURCES]
    if len(sources) > 1:
        sources.sort(key=_SOURCE_ORDER.__getitem__)
    for field in sources:
        source = volume[field]
        if source is None:
            continue
        count += 1
        if count > 1:
            found.append(errors.forbidden_field(f"{path}.{field}", _ONE_VOLUME_TEXT))
        else:
            VOLUME_SOURCES[field](source, f"{path}.{field}", found)
    if count == 0:
        found.append(errors.required(path, "must specify a volume type"))


SourceCheck = Callable[[Obj, str, Errors], None]


def _need(*fields: str) -> SourceCheck:
    """A source that only has to name some things."""

    def check(source: Obj, path: str, found: Errors) -> None:
        for field in fields:
            if not source.get(field):
                found.append(errors.required(f"{path}.{field}"))

    return check


def _check_empty_dir(source: Obj, path: str, found: Errors) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.nano(limit) < 0:
        why = "SizeLimit field must be a valid resource quantity"
        found.append(errors.forbidden_field(f"{path}.sizeLimit", why))


def check_host_path(source: Obj, path: str, found: Errors) -> None:
    if not source.get("path"):
        found.append(errors.required(f"{path}.path"))
        return
    _check_no_backsteps(source["path"], f"{path}.path", found)
    _check_host_path_type(source.get("type"), f"{path}.type", found)


def check_nfs(source: Obj, path: str, found: Errors) -> None:
    _need("server", "path")(source, path, found)
    target = source.get("path") or ""
    if not target.startswith("/"):
        found.append(errors.invalid_value(f"{path}.path", target, "must be an absolute path"))


def _check_mode(source: Obj, field: str, path: str, found: Errors) -> None:
    mode = source.get(field)
    if mode is not None and not 0 <= mode <= 0o777:
        found.append(errors.invalid_value(f"{path}.{field}", mode, _FILE_MODE_TEXT))


def _check_items(items: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: validateKeyToPath."""
    for index, item in enumerate(items):
        at = f"{path}[{index}]"
        _need("key", "path")(item, at, found)
        _check_local_path(item.get("path") or "", f"{at}.path", found)
        _check_mode(item, "mode", at, found)


def _check_secret(source: Obj, path: str, found: Errors) -> None:
    _check_keyed(source, "secretName", path, found)


def _check_config_map(source: Obj, path: str, found: Errors) -> None:
    _check_keyed(source, "name", path, found)


def _check_keyed(source: Obj, name_field: str, path: str, found: Errors) -> None:
    if not source.get(name_field):
        found.append(errors.required(f"{path}.{name_field}"))
    _check_mode(source, "defaultMode", path, found)
    if items := source.get("items"):
        _check_items(items, f"{path}.items", found)


def _check_downward(source: Obj, path: str, found: Errors) -> None:
    _check_mode(source, "defaultMode", path, found)
    for item in source.get("items") or _NONE:
        _check_downward_file(item, path, found)


def _check_downward_file(item: Obj, path: str, found: Errors) -> None:
    """Source: validateDownwardAPIVolumeFile. Its paths leave out the index."""
    if not item.get("path"):
        found.append(errors.required(f"{path}.path"))
    _check_local_path(item.get("path") or "", f"{path}.path", found)
    if item.get("fieldRef") is not None:
        _check_field_ref(item["fieldRef"], f"{path}.fieldRef", found, _VOLUME_FIELDS)
        if item.get("resourceFieldRef") is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            found.append(errors.invalid_value(path, "resource", why))
    elif item.get("resourceFieldRef") is not None:
        _check_resource_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", found, in_volume=True)
    else:
        found.append(errors.required(path, "one of fieldRef and resourceFieldRef is required"))
    _check_mode(item, "mode", path, found)


def _check_projected(source: Obj, path: str, found: Errors) -> None:
    """Source: validateProjectionSources."""
    _check_mode(source, "defaultMode", path, found)
    taken: set[str] = set()
    for index, projection in enumerate(source.get("sources") or _NONE):
        at = f"{path}.sources[{index}]"
        kinds = [field for field in _PROJECTIONS if projection.get(field) is not None]
        for kind in kinds:
            _PROJECTIONS[kind](projection[kind], f"{at}.{kind}", path, found)
            _check_taken(projection[kind], kind, path, taken, found)
        if len(kinds) > 1:
            found.append(errors.forbidden_field(at, f"{_ONE_VOLUME_TEXT} per source"))


def _check_taken(projection: Obj, kind: str, path: str, taken: set[str], found: Errors) -> None:
    """Two files may not have one path."""
    paths = [item.get("path") for item in projection.get("items") or _NONE]
    if kind == "clusterTrustBundle":
        paths.append(projection.get("path"))
    for target in paths:
        if target in taken:
            value = target if kind in ("downwardAPI", "clusterTrustBundle") else projection.get("name") or ""
            found.append(errors.invalid_value(path, value, "conflicting duplicate paths"))
        elif target:
            taken.add(target)


def _check_projected_items(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    if not source.get("name"):
        found.append(errors.required(f"{path}.name"))
    _check_items(source.get("items") or _NONE, f"{path}.items", found)


def _check_projected_downward(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    for item in source.get("items") or _NONE:
        _check_downward_file(item, path, found)


def _check_projected_token(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    seconds = source.get("expirationSeconds") or 0
    if seconds < 600:
        why = "may not specify a duration less than 10 minutes"
        found.append(errors.invalid_value(f"{path}.expirationSeconds", seconds, why))
    if seconds > 1 << 32:
        why = "may not specify a duration larger than 2^32 seconds"
        found.append(errors.invalid_value(f"{path}.expirationSeconds", seconds, why))
    if not source.get("path"):
        found.append(errors.required(f"{volume_path}.path"))
    else:
        _check_local_path(source["path"], f"{volume_path}.path", found)


def _check_projected_bundle(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        found.append(errors.invalid_value(path, source, "only one of name and signerName may be used"))
    elif name is None and signer is None:
        found.append(errors.required(path, "either name or signerName must be specified"))
    if not source.get("path"):
        found.append(errors.required(f"{path}.path"))
    _check_local_path(source.get("path") or "", f"{path}.path", found)


def _check_projected_certificate(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    kinds = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
    if source.get("keyType") not in kinds:
        found.append(errors.not_supported(f"{path}.keyType", source.get("keyType") or "", kinds))


_PROJECTIONS: dict[str, Callable[[Obj, str, str, Errors], None]] = {
    "secret": _check_projected_items,
    "configMap": _check_projected_items,
    "downwardAPI": _check_projected_downward,
    "serviceAccountToken": _check_projected_token,
    "clusterTrustBundle": _check_projected_bundle,
    "podCertificate": _check_projected_certificate,
}


def check_csi_driver_name(name: str, path: str, found: Errors) -> None:
    """Source: ValidateCSIDriverName."""
    if not name:
        found.append(errors.required(path))
        return
    if len(name) > 63:
        found.append(errors.too_long(path, 63))
    check_messages(names.dns1123_subdomain(name.lower()), name, path, found)


def _check_csi(source: Obj, path: str, found: Errors) -> None:
    check_csi_driver_name(source.get("driver") or "", f"{path}.driver", found)
    reference = source.get("nodePublishSecretRef")
    if reference is not None:
        name = reference.get("name")
        if not name:
            found.append(errors.required(f"{path}.nodePublishSecretRef.name"))
        else:
            check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)


def _check_ephemeral(source: Obj, path: str, found: Errors) -> None:
    template = source.get("volumeClaimTemplate")
    if template is None:
        found.append(errors.required(f"{path}.volumeClaimTemplate"))
        return
    metadata = template.get("metadata") or {}
    check_labels(metadata.get("labels"), f"{path}.volumeClaimTemplate.metadata.labels", found)
    check_claim_spec(template.get("spec") or {}, f"{path}.volumeClaimTemplate.spec", found)


def _nothing(source: Obj, path: str, found: Errors) -> None:
    """A source of which nothing is required."""


# In upstream's order: the first source of a volume counts, the others are one too many.
VOLUME_SOURCES: dict[str, SourceCheck] = {
    "emptyDir": _check_empty_dir,
    "hostPath": check_host_path,
    "gitRepo": _need("repository"),
    "gcePersistentDisk": _need("pdName"),
    "awsElasticBlockStore": _need("volumeID"),
    "secret": _check_secret,
    "nfs": check_nfs,
    "iscsi": _need("targetPortal", "iqn"),
    "glusterfs": _need("endpoints", "path"),
    "flocker": _nothing,
    "persistentVolumeClaim": _need("claimName"),
    "rbd": _need("monitors", "image"),
    "cinder": _need("volumeID"),
    "cephfs": _need("monitors"),
    "quobyte": _need("registry", "volume"),
    "downwardAPI": _check_downward,
    "fc": _nothing,
    "flexVolume": _need("driver"),
    "configMap": _check_config_map,
    "azureFile": _need("secretName", "shareName"),
    "vsphereVolume": _need("volumePath"),
    "photonPersistentDisk": _need("pdID"),
    "portworxVolume": _need("volumeID"),
    "azureDisk": _need("diskName", "diskURI"),
    "storageos": _nothing,
    "projected": _check_projected,
    "scaleIO": _need("gateway", "system", "volumeName"),
    "csi": _check_csi,
    "ephemeral": _check_ephemeral,
    "image": _nothing,
}
_SOURCE_ORDER = {field: index for index, field in enumerate(VOLUME_SOURCES)}

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
check_volume_mode = check_enum(("Block", "Filesystem"))


def check_access_modes(modes: Sequence[str], path: str, found: Errors) -> None:
    for mode in modes:
        if mode not in _ACCESS_MODES:
            found.append(errors.not_supported(path, mode, _ACCESS_MODES))
    if "ReadWriteOncePod" in modes and any(mode != "ReadWriteOncePod" for mode in modes):
        why = "may not use ReadWriteOncePod with other access modes"
        found.append(errors.forbidden_field(path, why))


def check_claim_spec(spec: Obj, path: str, found: Errors) -> None:
    """Of a PersistentVolumeClaim, or a template of one. Source: ValidatePersistentVolumeClaimSpec."""
    modes = spec.get("accessModes") or _NONE
    if not modes:
        found.append(errors.required(f"{path}.accessModes", "at least 1 access mode is required"))
    check_label_selector(spec.get("selector"), f"{path}.selector", found)
    check_access_modes(modes, f"{path}.accessModes", found)
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        found.append(errors.required(f"{path}.resources[storage]"))
    elif quantity.nano(storage) <= 0:
        found.append(errors.invalid_value(f"{path}.resources[storage]", storage, "must be greater than zero"))
    class_name = spec.get("storageClassName")
    if class_name:
        messages = names.dns1123_subdomain(class_name)
        check_messages(messages, class_name, f"{path}.storageClassName", found)
    check_volume_mode(spec.get("volumeMode"), f"{path}.volumeMode", found)
    _check_data_sources(spec, path, found)
    attributes = spec.get("volumeAttributesClassName")
    if attributes:
        messages = names.dns1123_subdomain(attributes)
        check_messages(messages, attributes, f"{path}.volumeAttributesClassName", found)


def _check_data_sources(spec: Obj, path: str, found: Errors) -> None:
    """What a claim starts from; the two fields say the same, but only the newer one can name a namespace."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for field, value in (("dataSource", source), ("dataSourceRef", reference)):
        if value is not None:
            _check_data_source(value, f"{path}.{field}", found)
    namespace = (reference or {}).get("namespace")
    if source is None or reference is None:
        return
    # Upstream shows the path of the field in the place of its value.
    if namespace:
        why = "may not be specified when dataSourceRef.namespace is specified"
        found.append(errors.invalid_value(path, f"{path}.dataSource", why))
    elif not same(source, reference):
        found.append(errors.invalid_value(path, f"{path}.dataSource", "must match dataSourceRef"))


def _check_data_source(source: Obj, path: str, found: Errors) -> None:
    for field in ("name", "kind"):
        if not source.get(field):
            found.append(errors.required(f"{path}.{field}"))
    group, kind, namespace = source.get("apiGroup") or "", source.get("kind") or "", source.get("namespace")
    if not group and kind != "PersistentVolumeClaim":
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(errors.invalid_value(path, kind, why))
    if group:
        check_messages(names.dns1123_subdomain(group), group, f"{path}.apiGroup", found)
    if namespace:
        check_messages(names.dns1123_label(namespace), namespace, f"{path}.namespace", found)


# -- paths -----------------------------------------------------------------------------------------------------


def _check_no_backsteps(target: str, path: str, found: Errors) -> None:
    if ".." in target and ".." in target.split("/"):
        found.append(errors.invalid_value(path, target, "must not contain '..'"))


def _check_descending_path(target: str, path: str, found: Errors) -> None:
    if target.startswith("/"):
        found.append(errors.invalid_value(path, target, "must be a relative path"))
    _check_no_backsteps(target, path, found)


def _check_local_path(target: str, path: str, found: Errors) -> None:
    """Source: ValidateLocalNonReservedPath."""
    _check_descending_path(target, path, found)
    if target.startswith("..") and not target.startswith("../"):
        found.append(errors.invalid_value(path, target, "must not start with '..'"))


# -- what the pod says of itself -------------------------------------------------------------------------------


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


_SYSCTL_MAX = 253
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_is_sysctl = re.compile(_SYSCTL).fullmatch


def _check_pod_security(context: Obj, path: str, found: Errors) -> None:
    """Source: validatePodSpecSecurityContext."""
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        _check_id(context.get(field), f"{path}.{field}", found)
    for index, group in enumerate(context.get("supplementalGroups") or _NONE):
        _check_id(group, f"{path}.supplementalGroups[{index}]", found)
    seen: set[str] = set()
    for index, sysctl in enumerate(context.get("sysctls") or _NONE):
        name = sysctl.get("name") or ""
        if not name:
            found.append(errors.required(f"{path}.sysctls[{index}].name"))
        elif len(name) > _SYSCTL_MAX or not _is_sysctl(name):
            why = f"must have at most {_SYSCTL_MAX} characters and match regex ^{_SYSCTL}$"
            found.append(errors.invalid_value(f"{path}.sysctls[{index}].name", name, why))
        elif name in seen:
            found.append(errors.duplicate(f"{path}.sysctls[{index}].name", name))
        seen.add(name)
    _check_fs_group_policy(context.get("fsGroupChangePolicy"), f"{path}.fsGroupChangePolicy", found)
    _check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", found)


def _check_security_context(context: Obj, path: str, spec: Obj, found: Errors) -> None:
    """Of a container. Source: ValidateSecurityContext."""
    for field in ("runAsUser", "runAsGroup"):
        _check_id(context.get(field), f"{path}.{field}", found)
    proc_mount = context.get("procMount")
    if proc_mount is not None:
        if proc_mount not in ("Default", "Unmasked"):
            found.append(errors.not_supported(f"{path}.procMount", proc_mount, ("Default", "Unmasked")))
        elif proc_mount == "Unmasked" and spec.get("hostUsers") is not False:
            why = "`hostUsers` must be false to use `Unmasked`"
            found.append(errors.invalid_value(f"{path}.procMount", proc_mount, why))
    _check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", found)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(errors.invalid_value(path, context, why))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or _NONE):
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(errors.invalid_value(path, context, why))


def _check_seccomp(profile: Obj | None, path: str, found: Errors) -> None:
    if profile is None:
        return
    type_, local = profile.get("type"), profile.get("localhostProfile")
    if not type_:
        found.append(errors.required(f"{path}.type", "type is required when seccompProfile is set"))
    else:
        _check_seccomp_type(type_, f"{path}.type", found)
    if type_ == "Localhost":
        if local is None:
            why = "must be set when seccomp type is Localhost"
            found.append(errors.required(f"{path}.localhostProfile", why))
        else:
            _check_descending_path(local, f"{path}.localhostProfile", found)
    elif local is not None:
        why = "can only be set when seccomp type is Localhost"
        found.append(errors.invalid_value(f"{path}.localhostProfile", profile, why))


def check_tolerations(tolerations: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: ValidateTolerations."""
    for index, toleration in enumerate(tolerations):
        at = f"{path}[{index}]"
        key, operator = toleration.get("key"), toleration.get("operator") or ""
        value, effect = toleration.get("value") or "", toleration.get("effect") or ""
        if key:
            check_label_key(key, f"{at}.key", found)
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(errors.invalid_value(f"{at}.operator", operator, why))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(errors.invalid_value(f"{at}.effect", effect, why))
        if operator in ("", "Equal"):
            if messages := names.label_value(value):
                found.append(errors.invalid_value(f"{at}.operator", value, ";".join(messages)))
        elif operator == "Exists":
            if value:
                why = "value must be empty when `operator` is 'Exists'"
                found.append(errors.invalid_value(f"{at}.operator", value, why))
        else:
            values = ("Equal", "Exists", "Lt", "Gt") if operator in ("Lt", "Gt") else ("Equal", "Exists")
            found.append(errors.not_supported(f"{at}.operator", operator, values))
        if effect:
            _check_taint_effect(effect, f"{at}.effect", found)


def _check_affinity(affinity: Obj, path: str, found: Errors) -> None:
    if node := affinity.get("nodeAffinity"):
        required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
        if required is not None:
            at = f"{path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
            check_node_selector(required, at, found)
        at = f"{path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(node.get("preferredDuringSchedulingIgnoredDuringExecution") or _NONE):
            _check_weight(term, f"{at}[{index}]", found)
            _check_node_term(term.get("preference") or {}, f"{at}[{index}].preference", found)
    for field in ("podAffinity", "podAntiAffinity"):
        if affinity.get(field):
            _check_pod_affinity(affinity[field], f"{path}.{field}", found)


def _check_weight(term: Obj, path: str, found: Errors) -> None:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        found.append(errors.invalid_value(f"{path}.weight", weight, "must be in the range 1-100"))


def _check_pod_affinity(affinity: Obj, path: str, found: Errors) -> None:
    at = f"{path}.requiredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or _NONE):
        _check_affinity_term(term, f"{at}[{index}]", found)
    at = f"{path}.preferredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or _NONE):
        _check_weight(term, f"{at}[{index}]", found)
        _check_affinity_term(term.get("podAffinityTerm") or {}, f"{at}[{index}].podAffinityTerm", found)


def _check_affinity_term(term: Obj, path: str, found: Errors) -> None:
    """Source: validatePodAffinityTerm."""
    selector = term.get("labelSelector")
    check_label_selector(selector, f"{path}.labelSelector", found)
    check_label_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector", found)
    for name in term.get("namespaces") or _NONE:
        check_messages(names.dns1123_label(name), name, f"{path}.namespace", found)
    _check_label_keys(term, path, found)
    key = term.get("topologyKey") or ""
    if not key:
        found.append(errors.required(f"{path}.topologyKey", "can not be empty"))
    check_label_key(key, f"{path}.topologyKey", found)


def _check_label_keys(term: Obj, path: str, found: Errors) -> None:
    """matchLabelKeys and mismatchLabelKeys. Source: ValidateMatchLabelKeysAndMismatchLabelKeys."""
    matched = term.get("matchLabelKeys") or _NONE
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field)
        if not keys:
            continue
        if term.get("labelSelector") is None:
            why = "must not be specified when labelSelector is not set"
            found.append(errors.forbidden_field(f"{path}.{field}", why))
            continue
        for index, key in enumerate(keys):
            check_label_key(key, f"{path}.{field}[{index}]", found)
    mismatched = frozenset(term.get("mismatchLabelKeys") or _NONE)
    for index, key in enumerate(matched):
        if key in mismatched:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.append(errors.invalid_value(f"{path}.matchLabelKeys[{index}]", key, why))


def check_node_selector(selector: Obj, path: str, found: Errors) -> None:
    """Source: ValidateNodeSelector."""
    terms = selector.get("nodeSelectorTerms") or _NONE
    if not terms:
        why = "must have at least one node selector term"
        found.append(errors.required(f"{path}.nodeSelectorTerms", why))
    for index, term in enumerate(terms):
        _check_node_term(term, f"{path}.nodeSelectorTerms[{index}]", found)


def _check_node_term(term: Obj, path: str, found: Errors) -> None:
    for index, expression in enumerate(term.get("matchExpressions") or _NONE):
        _check_node_expression(expression, f"{path}.matchExpressions[{index}]", found)
    for index, expression in enumerate(term.get("matchFields") or _NONE):
        _check_node_field(expression, f"{path}.matchFields[{index}]", found)


def _check_node_expression(expression: Obj, path: str, found: Errors) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or _NONE
    if operator in ("In", "NotIn"):
        if not values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(errors.required(f"{path}.values", why))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(errors.forbidden_field(f"{path}.values", why))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            found.append(errors.required(f"{path}.values", why))
    else:
        found.append(errors.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    check_label_key(expression.get("key"), f"{path}.key", found)
    for index, value in enumerate(values):
        check_messages(names.label_value(value), value, f"{path}.values[{index}]", found)


def _check_node_field(expression: Obj, path: str, found: Errors) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or _NONE
    if operator not in ("In", "NotIn"):
        found.append(errors.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.append(errors.required(f"{path}.values", why))
    key = expression.get("key") or ""
    if key != "metadata.name":
        found.append(errors.invalid_value(f"{path}.key", key, "not a valid field selector key"))
        return
    for index, value in enumerate(values):
        check_messages(names.dns1123_subdomain(value), value, f"{path}.values[{index}]", found)


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


def _check_spread(constraints: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: validateTopologySpreadConstraints."""
    for index, constraint in enumerate(constraints):
        at = f"{path}[{index}]"
        skew = constraint.get("maxSkew") or 0
        if skew <= 0:
            found.append(errors.invalid_value(f"{at}.maxSkew", skew, "must be greater than zero"))
        key, when = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if not key:
            found.append(errors.required(f"{at}.topologyKey", "can not be empty"))
        _check_when_unsatisfiable(when, f"{at}.whenUnsatisfiable", found)
        for other in constraints[index + 1 :]:
            if (other.get("topologyKey") or "", other.get("whenUnsatisfiable") or "") == (key, when):
                pair = f"{{{key}, {when}}}"
                found.append(errors.duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", pair))
                break
        domains = constraint.get("minDomains")
        if domains is not None:
            if domains <= 0:
                found.append(errors.invalid_value(f"{at}.minDomains", domains, "must be greater than zero"))
            if when != "DoNotSchedule":
                why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
                found.append(errors.invalid_value(f"{at}.minDomains", domains, why))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            _check_node_policy(constraint.get(field), f"{at}.{field}", found)
        _check_label_keys(constraint, at, found)
        check_label_selector(constraint.get("labelSelector"), f"{at}.labelSelector", found)


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


# Fields of a spec that are looked at when they are set, in upstream's order.
_OPTIONAL: tuple[tuple[str, Callable[[Any, str, Errors], None]], ...] = (
    ("nodeSelector", check_labels),
    ("securityContext", _check_pod_security),
    ("affinity", _check_affinity),
    ("readinessGates", _check_readiness_gates),
    ("schedulingGates", _check_scheduling_gates),
    ("topologySpreadConstraints", _check_spread),
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
)
