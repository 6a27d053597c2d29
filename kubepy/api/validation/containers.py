"""The rules of a pod's containers: common ones, and those of each of the three kinds.

Source: kubernetes pkg/apis/core/validation/validation.go, validateContainers, validateInitContainers,
validateEphemeralContainers, validateContainerCommon and what they call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.pods import is_sidecar
from kubepy.api.validation.environment import check_env, check_env_from
from kubepy.api.validation.pod_resources import check_resources
from kubepy.api.validation.pod_security import check_security_context
from kubepy.api.validation.pod_volumes import check_descending_path, check_pull_policy
from kubepy.api.validation.rules import (
    Errors,
    check_enum,
    check_messages,
    check_non_negative,
    check_port,
    check_required_enum,
)

_ONE_HANDLER_TEXT = "may not specify more than 1 handler type"
_NONE: tuple[Any, ...] = ()
_check_message_policy = check_required_enum(("File", "FallbackToLogsOnError"))
_check_protocol = check_required_enum(("SCTP", "TCP", "UDP"))
_check_http_scheme = check_enum(("HTTP", "HTTPS"))
_check_mount_propagation = check_enum(("Bidirectional", "HostToContainer", "None"))
_check_container_restart = check_enum(("Always", "Never", "OnFailure"))


class ContainerWalk:
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
            why = "cannot be set for an Ephemeral Container"
            for field in _NOT_FOR_EPHEMERAL:
                value = container.get(field)
                # Go points to most of them, and so they are set, empty or not; an empty list does not come so far.
                if value is not None and (field != "resources" or value):
                    found.append(errors.forbidden_field(f"{at}.{field}", why))
            for number, mount in enumerate(container.get("volumeMounts") or _NONE):
                for field in ("subPath", "subPathExpr"):
                    if mount.get(field):
                        found.append(errors.forbidden_field(f"{at}.volumeMounts[{number}].{field}", why))

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
            check_env(env, f"{path}.env", found)
        if env_from := get("envFrom"):
            check_env_from(env_from, f"{path}.envFrom", found)
        mounts, devices = get("volumeMounts"), get("volumeDevices")
        if mounts:
            self._mounts(mounts, devices or _NONE, container, f"{path}.volumeMounts")
        if devices:
            self._devices(devices, mounts or _NONE, f"{path}.volumeDevices")
        check_pull_policy(get("imagePullPolicy"), f"{path}.imagePullPolicy", found)
        if resources := get("resources"):
            check_resources(resources, f"{path}.resources", found, claims=self._claims)
        if resize := get("resizePolicy"):
            _check_resize_policy(resize, f"{path}.resizePolicy", self._restart_policy, found)
        if context := get("securityContext"):
            check_security_context(context, f"{path}.securityContext", self._spec, found)

    def _running(self, container: Obj, path: str) -> None:
        """Probes and hooks of containers that stay. Source: validateContainers."""
        found = self._found
        if lifecycle := container.get("lifecycle"):
            for hook in ("postStart", "preStop"):
                handler = lifecycle.get(hook)
                if handler is not None:
                    _check_handler(handler, f"{path}.lifecycle.{hook}", self._grace_period, found)
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
                check_descending_path(sub_path, f"{path}.subPath", found)
            if expression:
                if sub_path:
                    why = "subPathExpr and subPath are mutually exclusive"
                    found.append(errors.invalid_value(f"{at}.subPathExpr", expression, why))
                check_descending_path(expression, f"{path}.subPathExpr", found)
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


# In the order of Go's struct.
_NOT_FOR_EPHEMERAL = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


def check_image_blanks(container: Obj, path: str, found: Errors) -> None:
    """Source: validateContainerOnlyForPod."""
    image = container.get("image") or ""
    if image != image.strip():
        why = "must not have leading or trailing whitespace"
        found.append(errors.invalid_value(f"{path}.image", image, why))


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
