"""The checks of the restricted level: the present practice of hardening pods.

Each takes a pod's metadata and spec (or a template's) and returns what is wrong. In versions: see evaluation.py.

Source: pod-security-admission policy/check_*.go, one file each.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.api.pod_security.baseline import PROFILE_TYPES, seccomp_profile
from kubepy.api.pod_security.containers import (
    Violation,
    inner,
    is_in_user_namespace,
    is_windows,
    named,
    plural,
    pod_context,
    quoted,
    security_contexts,
    setters,
)

VOLUMES_ALLOWED = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
)  # fmt: skip
VOLUMES_NAMED = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd",
    "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk",
    "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
)  # fmt: skip


def allow_privilege_escalation(metadata: Obj, spec: Obj) -> Violation | None:
    found = [
        name
        for name, context in security_contexts(spec)
        if context.get("allowPrivilegeEscalation") is not False
    ]
    if not found:
        return None
    return Violation(
        "allowPrivilegeEscalation != false",
        f"{named('container', found)} must set securityContext.allowPrivilegeEscalation=false",
    )


def allow_privilege_escalation_25(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_windows(spec) else allow_privilege_escalation(metadata, spec)


def capabilities(metadata: Obj, spec: Obj) -> Violation | None:
    keeping: list[str] = []
    adding: list[str] = []
    added: set[str] = set()
    for name, context in security_contexts(spec):
        if "ALL" not in (inner(context, "capabilities", "drop") or ()):
            keeping.append(name)
        if bad := set(inner(context, "capabilities", "add") or ()) - {"NET_BIND_SERVICE"}:
            adding.append(name)
            added |= bad
    details = []
    if keeping:
        details.append(f'{named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        details.append(
            f"{named('container', adding)} must not include {quoted(sorted(added))} in "
            "securityContext.capabilities.add"
        )
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def capabilities_25(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_windows(spec) else capabilities(metadata, spec)


def volumes(metadata: Obj, spec: Obj) -> Violation | None:
    found: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        if not any(volume.get(kind) is not None for kind in VOLUMES_ALLOWED):
            found.append(volume["name"])
            types.add(next((kind for kind in VOLUMES_NAMED if volume.get(kind) is not None), "unknown"))
    if not found:
        return None
    return Violation(
        "restricted volume types",
        f"{named('volume', found)} {plural(len(found), 'uses', 'use')} "
        f"{named('restricted volume type', sorted(types))}",
    )


def run_as_non_root(metadata: Obj, spec: Obj) -> Violation | None:
    reason = "runAsNonRoot != true"
    by_pod = pod_context(spec).get("runAsNonRoot")
    by_container = {name: context.get("runAsNonRoot") for name, context in security_contexts(spec)}
    who = setters(by_pod is False, [name for name, value in by_container.items() if value is False])
    if who:
        return Violation(reason, f"{who} must not set securityContext.runAsNonRoot=false")
    silent = [name for name, value in by_container.items() if value is None]
    if silent and not by_pod:
        return Violation(
            reason, f"pod or {named('container', silent)} must set securityContext.runAsNonRoot=true"
        )
    return None


def run_as_non_root_35(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_in_user_namespace(spec) else run_as_non_root(metadata, spec)


def run_as_user(metadata: Obj, spec: Obj) -> Violation | None:
    who = setters(
        pod_context(spec).get("runAsUser") == 0,
        [name for name, context in security_contexts(spec) if context.get("runAsUser") == 0],
    )
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


def run_as_user_35(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_in_user_namespace(spec) else run_as_user(metadata, spec)


def seccomp_profile_required(metadata: Obj, spec: Obj) -> Violation | None:
    if (bad := seccomp_profile(metadata, spec)) is not None:
        return bad
    if inner(pod_context(spec), "seccompProfile", "type") in PROFILE_TYPES:
        return None
    silent = [name for name, context in security_contexts(spec) if context.get("seccompProfile") is None]
    if not silent:
        return None
    return Violation(
        "seccompProfile",
        f"pod or {named('container', silent)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"',
    )


def seccomp_profile_required_25(metadata: Obj, spec: Obj) -> Violation | None:
    return None if is_windows(spec) else seccomp_profile_required(metadata, spec)
