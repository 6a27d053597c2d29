"""The checks of the baseline level: no known way out of the container.

Each takes a pod's metadata and spec (or a template's) and returns what is wrong. In versions: see evaluation.py.

Source: pod-security-admission policy/check_*.go, one file each.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubepy.api.errors import quote
from kubepy.api.objects import Obj
from kubepy.api.pod_security.containers import (
    Violation,
    containers,
    inner,
    is_in_user_namespace,
    named,
    plural,
    pod_context,
    quoted,
    security_contexts,
    setters,
)

APP_ARMOR_PREFIX = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_PREFIX = "container.seccomp.security.alpha.kubernetes.io/"

PROFILE_TYPES = ("RuntimeDefault", "Localhost")

CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip

SE_LINUX_TYPES_0 = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
SE_LINUX_TYPES_31 = SE_LINUX_TYPES_0 | {"container_engine_t"}

SYSCTLS_0 = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    }
)
SYSCTLS_27 = SYSCTLS_0 | {"net.ipv4.ip_local_reserved_ports"}
SYSCTLS_29 = SYSCTLS_27 | {
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
SYSCTLS_32 = SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
SYSCTLS_37 = SYSCTLS_32 | {"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}


def _bad_profiles(spec: Obj, field: str) -> tuple[str, set[str]]:
    """(who sets a profile of a forbidden type, the types)."""
    values: set[str] = set()

    def is_bad(context: Obj) -> bool:
        profile = context.get(field)
        if profile is None or profile.get("type", "") in PROFILE_TYPES:
            return False
        values.add(profile.get("type", ""))
        return True

    does_pod = is_bad(pod_context(spec))
    return setters(does_pod, [name for name, context in security_contexts(spec) if is_bad(context)]), values


def app_armor_profile(metadata: Obj, spec: Obj) -> Violation | None:
    who, values = _bad_profiles(spec, "appArmorProfile")
    annotations = sorted(
        f"{key}={quote(value)}"
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(APP_ARMOR_PREFIX)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    )
    if annotations:
        who = " and ".join(filter(None, (who, plural(len(annotations), "annotation"))))
    if not who:
        return None
    bad = sorted(values) + annotations
    return Violation(
        f"forbidden AppArmor {plural(len(bad), 'profile')}",
        f"{who} must not set AppArmor profile type to {quoted(bad)}",
    )


def capabilities(metadata: Obj, spec: Obj) -> Violation | None:
    found = {
        name: bad
        for name, context in security_contexts(spec)
        if (bad := set(inner(context, "capabilities", "add") or ()) - CAPABILITIES)
    }
    if not found:
        return None
    added = quoted(sorted(set().union(*found.values())))
    return Violation(
        "non-default capabilities",
        f"{named('container', found)} must not include {added} in securityContext.capabilities.add",
    )


def host_namespaces(metadata: Obj, spec: Obj) -> Violation | None:
    shared = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None


def host_path_volumes(metadata: Obj, spec: Obj) -> Violation | None:
    found = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return Violation("hostPath volumes", named("volume", found)) if found else None


def host_ports(metadata: Obj, spec: Obj) -> Violation | None:
    found = {
        container["name"]: bad
        for container in containers(spec)
        if (bad := {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")})
    }
    if not found:
        return None
    ports = sorted(set().union(*found.values()))
    return Violation(
        "hostPort",
        f"{named('container', found)} {plural(len(found), 'uses', 'use')} "
        f"{plural(len(ports), 'hostPort')} {', '.join(ports)}",
    )


def host_probes_and_lifecycle(metadata: Obj, spec: Obj) -> Violation | None:
    found = {
        container["name"]: bad for container in containers(spec) if (bad := set(_handler_hosts(container)))
    }
    if not found:
        return None
    hosts = sorted(set().union(*found.values()))
    return Violation(
        "probe or lifecycle host",
        f"{named('container', sorted(found))} {plural(len(found), 'uses', 'use')} "
        f"{named('probe or lifecycle host', hosts)}",
    )


def _handler_hosts(container: Obj) -> Iterator[str]:
    lifecycle = container.get("lifecycle") or {}
    handlers = [container.get(probe) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in (*handlers, lifecycle.get("postStart"), lifecycle.get("preStop")):
        for action in ("httpGet", "tcpSocket"):
            if host := inner(handler or {}, action, "host"):
                yield host


def privileged(metadata: Obj, spec: Obj) -> Violation | None:
    found = [name for name, context in security_contexts(spec) if context.get("privileged")]
    if not found:
        return None
    return Violation(
        "privileged", f"{named('container', found)} must not set securityContext.privileged=true"
    )


def proc_mount(metadata: Obj, spec: Obj) -> Violation | None:
    found = {
        name: mount
        for name, context in security_contexts(spec)
        if (mount := context.get("procMount")) not in (None, "Default")
    }
    if not found:
        return None
    mounts = quoted(sorted(set(found.values())))
    return Violation(
        "procMount", f"{named('container', found)} must not set securityContext.procMount to {mounts}"
    )


def proc_mount_35(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_in_user_namespace(spec) else proc_mount(metadata, spec)


def se_linux_options_0(metadata: Obj, spec: Obj) -> Violation | None:
    return _se_linux_options(spec, SE_LINUX_TYPES_0)


def se_linux_options_31(metadata: Obj, spec: Obj) -> Violation | None:
    return _se_linux_options(spec, SE_LINUX_TYPES_31)


def _se_linux_options(spec: Obj, allowed: frozenset[str]) -> Violation | None:
    types: set[str] = set()
    roles: set[str] = set()

    def is_bad(context: Obj) -> bool:
        options = context.get("seLinuxOptions") or {}
        bad_types = {options.get("type", "")} - allowed
        set_fields = {field for field in ("user", "role") if options.get(field)}
        types.update(bad_types)
        roles.update(set_fields)
        return bool(bad_types or set_fields)

    does_pod = is_bad(pod_context(spec))
    who = setters(does_pod, [name for name, context in security_contexts(spec) if is_bad(context)])
    if not who:
        return None
    bad = [named("type", sorted(types))] if types else []
    bad += [f"{field} may not be set" for field in ("user", "role") if field in roles]
    return Violation(
        "seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(bad)}"
    )


def seccomp_annotations(metadata: Obj, spec: Obj) -> Violation | None:
    annotations = metadata.get("annotations") or {}
    keys = [SECCOMP_POD, *(SECCOMP_PREFIX + container["name"] for container in containers(spec))]
    found = sorted(
        {
            f"{key}={quote(annotations[key])}"
            for key in keys
            if key in annotations
            and annotations[key] not in ("runtime/default", "docker/default")
            and not annotations[key].startswith("localhost/")
        }
    )
    if not found:
        return None
    return Violation("seccompProfile", f"forbidden {plural(len(found), 'annotation')} {', '.join(found)}")


def seccomp_profile(metadata: Obj, spec: Obj) -> Violation | None:
    who, values = _bad_profiles(spec, "seccompProfile")
    if not who:
        return None
    return Violation(
        "seccompProfile",
        f"{who} must not set securityContext.seccompProfile.type to {quoted(sorted(values))}",
    )


def sysctls_0(metadata: Obj, spec: Obj) -> Violation | None:
    return _sysctls(spec, SYSCTLS_0)


def sysctls_27(metadata: Obj, spec: Obj) -> Violation | None:
    return _sysctls(spec, SYSCTLS_27)


def sysctls_29(metadata: Obj, spec: Obj) -> Violation | None:
    return _sysctls(spec, SYSCTLS_29)


def sysctls_32(metadata: Obj, spec: Obj) -> Violation | None:
    return _sysctls(spec, SYSCTLS_32)


def sysctls_37(metadata: Obj, spec: Obj) -> Violation | None:
    return _sysctls(spec, SYSCTLS_37)


def _sysctls(spec: Obj, allowed: frozenset[str]) -> Violation | None:
    names = [sysctl["name"] for sysctl in pod_context(spec).get("sysctls") or ()]
    found = [name for name in names if name not in allowed]
    return Violation("forbidden sysctls", ", ".join(found)) if found else None


def windows_host_process(metadata: Obj, spec: Obj) -> Violation | None:
    who = setters(
        bool(inner(pod_context(spec), "windowsOptions", "hostProcess")),
        [
            name
            for name, context in security_contexts(spec)
            if inner(context, "windowsOptions", "hostProcess")
        ],
    )
    if not who:
        return None
    return Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true")
