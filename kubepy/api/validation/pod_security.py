"""The rules of security contexts, of pods and of containers.

Differs: versions before 1.37 refuse MountOption as seLinuxChangePolicy, as SELinuxMount is off there.

Source: kubernetes pkg/apis/core/validation/validation.go, validatePodSpecSecurityContext, ValidateSecurityContext.
"""

from __future__ import annotations

import re
from typing import Any

from kubepy.api import errors, internals
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_volumes import check_descending_path
from kubepy.api.validation.rules import INT32_MAX, Errors, check_enum, check_range

_NONE: tuple[Any, ...] = ()
check_id = check_range(0, INT32_MAX)
_check_fs_group_policy = check_enum(("Always", "OnRootMismatch"))
_check_selinux_policy = check_enum(("MountOption", "Recursive"))
_check_seccomp_type = check_enum(("Localhost", "RuntimeDefault", "Unconfined"))


_APP_ARMOR_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROFILE_LENGTH_MAX = 4095  # PATH_MAX - 1
_SYSCTL_MAX = 253
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_is_sysctl = re.compile(_SYSCTL).fullmatch


def check_pod_security(context: Obj, path: str, found: Errors) -> None:
    """Source: validatePodSpecSecurityContext."""
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        check_id(context.get(field), f"{path}.{field}", found)
    for index, group in enumerate(context.get("supplementalGroups") or _NONE):
        check_id(group, f"{path}.supplementalGroups[{index}]", found)
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
    _check_app_armor(context.get("appArmorProfile"), f"{path}.appArmorProfile", found)
    _check_selinux_policy(context.get("seLinuxChangePolicy"), f"{path}.seLinuxChangePolicy", found)


def check_security_context(context: Obj, path: str, spec: Obj, found: Errors) -> None:
    """Of a container. Source: ValidateSecurityContext."""
    for field in ("runAsUser", "runAsGroup"):
        check_id(context.get(field), f"{path}.{field}", found)
    proc_mount = context.get("procMount")
    if proc_mount is not None:
        if proc_mount not in ("Default", "Unmasked"):
            found.append(errors.not_supported(f"{path}.procMount", proc_mount, ("Default", "Unmasked")))
        elif proc_mount == "Unmasked" and spec.get("hostUsers") is not False:
            why = "`hostUsers` must be false to use `Unmasked`"
            found.append(errors.invalid_value(f"{path}.procMount", proc_mount, why))
    _check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", found)
    _check_app_armor(context.get("appArmorProfile"), f"{path}.appArmorProfile", found)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(errors.invalid_value(path, internals.of("SecurityContext", context), why))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or _NONE):
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(errors.invalid_value(path, internals.of("SecurityContext", context), why))


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
            check_descending_path(local, f"{path}.localhostProfile", found)
    elif local is not None:
        why = "can only be set when seccomp type is Localhost"
        shown = internals.of("SeccompProfile", profile)
        found.append(errors.invalid_value(f"{path}.localhostProfile", shown, why))


def _check_app_armor(profile: Obj | None, path: str, found: Errors) -> None:
    """Source: ValidateAppArmorProfileField."""
    if profile is None:
        return
    type_, local = profile.get("type") or "", profile.get("localhostProfile")
    path_of_local = f"{path}.localhostProfile"
    if not type_:
        found.append(errors.required(f"{path}.type", "type is required when appArmorProfile is set"))
    elif type_ not in _APP_ARMOR_TYPES:
        found.append(errors.not_supported(f"{path}.type", type_, _APP_ARMOR_TYPES))
    elif type_ != "Localhost":
        if local is not None:
            why = "can only be set when AppArmor type is Localhost"
            found.append(errors.invalid_value(path_of_local, local, why))
    elif not (local or "").strip():
        if local:
            found.append(errors.invalid_value(path_of_local, local, "must not be padded with whitespace"))
        else:
            found.append(errors.required(path_of_local, "must be set when AppArmor type is Localhost"))
    else:
        assert local is not None
        if local != local.strip():
            found.append(errors.invalid_value(path_of_local, local, "must not be padded with whitespace"))
        if len(local.encode()) > _PROFILE_LENGTH_MAX:
            found.append(errors.too_long(path_of_local, _PROFILE_LENGTH_MAX))
