"""What a pod of one operating system may not ask for, and the options of Windows containers.

Most pods name no system and have no Windows options: then one look at each container's securityContext is all.

Source: kubernetes pkg/apis/core/validation/validation.go validateOS, validateLinux, validateWindows,
validateWindowsSecurityContextOptions, validateWindowsHostProcessPod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, check_messages

_SYSTEMS = ("linux", "windows")
_NOT_WINDOWS = "cannot be set for a windows pod"
_NOT_LINUX = "windows options cannot be set for a linux pod"

# In upstream's order: below the pod's securityContext, or beside it.
_LINUX_OF_POD = (
    "securityContext.appArmorProfile", "securityContext.seLinuxOptions", "hostUsers", "hostPID", "hostIPC",
    "securityContext.seccompProfile", "securityContext.fsGroup", "securityContext.fsGroupChangePolicy",
    "securityContext.sysctls", "shareProcessNamespace", "securityContext.runAsUser", "securityContext.runAsGroup",
    "securityContext.supplementalGroups", "securityContext.supplementalGroupsPolicy",
    "securityContext.seLinuxChangePolicy",
)  # fmt: skip
_LINUX_OF_CONTAINER = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip
# These count only when there is something in them.
_EMPTY_IS_NONE = ("hostPID", "hostIPC", "securityContext.sysctls")

_SPEC_KIB_MAX, _DOMAIN_END, _USER_MAX = 64, 256, 104
_has_control = re.compile(r"[\x00-\x1f\x7f]").search
_is_netbios = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}', re.ASCII).fullmatch
_is_dns = re.compile(
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
).fullmatch
_has_bad_character = re.compile(r'["/\\:;|=,+*?<>@\[\]]').search


def check_os(spec: Obj, path: str, found: Errors) -> None:
    """A pod's spec at `path`."""
    of_pod = (spec.get("securityContext") or {}).get("windowsOptions")
    if of_pod is not None:
        _check_options(of_pod, f"{path}.securityContext.windowsOptions", found)
    containers = list(_windows_options(spec, path))
    for at, options in containers:
        _check_options(options, f"{at}.securityContext.windowsOptions", found)
    if of_pod is not None or containers:
        _check_host_process(spec, path, found)
    if not (system := spec.get("os")):
        return
    name = system.get("name") or ""
    if not name:
        found.append(errors.required(f"{path}.os.name"))
    elif name not in _SYSTEMS:
        found.append(errors.not_supported(f"{path}.os", name, _SYSTEMS))
    elif name == "linux":
        if of_pod is not None:
            found.append(errors.forbidden_field(f"{path}.securityContext.windowsOptions", _NOT_LINUX))
        for at, _ in containers:
            found.append(errors.forbidden_field(f"{at}.securityContext.windowsOptions", _NOT_LINUX))
    else:
        _check_windows(spec, path, found)


def _containers(spec: Obj, path: str) -> Iterator[tuple[str, Obj]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield f"{path}.{field}[{index}]", container


def _windows_options(spec: Obj, path: str) -> Iterator[tuple[str, Obj]]:
    """Of the containers that have any."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            options = (container.get("securityContext") or {}).get("windowsOptions")
            if options is not None:
                yield f"{path}.{field}[{index}]", options


def _check_windows(spec: Obj, path: str, found: Errors) -> None:
    context = spec.get("securityContext") or {}
    for field in _LINUX_OF_POD:
        where, _, name = field.rpartition(".")
        value = (context if where else spec).get(name)
        if value is not None and (value or field not in _EMPTY_IS_NONE):
            found.append(errors.forbidden_field(f"{path}.{field}", _NOT_WINDOWS))
    for at, container in _containers(spec, path):
        own = container.get("securityContext") or {}
        for name in _LINUX_OF_CONTAINER:
            if own.get(name) is not None:
                found.append(errors.forbidden_field(f"{at}.securityContext.{name}", _NOT_WINDOWS))


def _check_host_process(spec: Obj, path: str, found: Errors) -> None:
    of_pod = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    count = of_host = 0
    for at, container in _containers(spec, path):
        count += 1
        own = ((container.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
        if None not in (of_pod, own) and of_pod != own:
            why = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
            found.append(errors.invalid_value(f"{at}.securityContext.windowsOptions.hostProcess", own, why))
        of_host += bool(of_pod if own is None else own)
    if not of_host:
        return
    if of_host != count:
        why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        found.append(errors.invalid_value(path, "", why))
    if not spec.get("hostNetwork"):
        why = "hostNetwork must be true if pod contains any hostProcess containers"
        found.append(errors.invalid_value(f"{path}.hostNetwork", False, why))


def _check_options(options: Obj, path: str, found: Errors) -> None:
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        check_messages(names.dns1123_subdomain(name), name, f"{path}.gmsaCredentialSpecName", found)
    if (spec := options.get("gmsaCredentialSpec")) is not None:
        why = ""
        if not spec:
            why = "gmsaCredentialSpec cannot be an empty string"
        elif len(spec.encode()) > _SPEC_KIB_MAX * 1024:
            why = f"gmsaCredentialSpec size must be under {_SPEC_KIB_MAX} KiB"
        if why:
            found.append(errors.invalid_value(f"{path}.gmsaCredentialSpec", spec, why))
    if (user := options.get("runAsUserName")) is not None:
        for why in _user_faults(user):
            found.append(errors.invalid_value(f"{path}.runAsUserName", user, f"runAsUserName{why}"))


def _user_faults(text: str) -> Iterator[str]:
    r""" "user" or "domain\user"."""
    if not text:
        yield " cannot be an empty string"
        return
    if _has_control(text):
        yield " cannot contain control characters"
        return
    if text.count("\\") > 1:
        yield " cannot contain more than one backslash"
        return
    domain, backslash, user = text.rpartition("\\")
    if len(domain.encode()) >= _DOMAIN_END:
        yield f"'s Domain length must be under {_DOMAIN_END} characters"
    if backslash and not (_is_netbios(domain) or _is_dns(domain)):
        yield "'s Domain doesn't match the NetBios nor the DNS format"
    if not user:
        yield "'s User cannot be empty"
    elif len(user.encode()) > _USER_MAX:
        yield f"'s User length must not be longer than {_USER_MAX} characters"
    if user and not user.strip(". "):
        yield "'s User cannot contain only periods or spaces"
    if _has_bad_character(user):
        yield "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"
