"""Which checks make up a level of a version, and what they say of a pod.

A check counts from a version on, until a later row of the same name replaces it. A restricted check may stand in for
a baseline one. Versions after the newest row mean the same as it does, and so does the latest.

Source: pod-security-admission policy/{registry,checks}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from kubepy.api.objects import Obj
from kubepy.api.pod_security import baseline, restricted
from kubepy.api.pod_security.containers import Violation
from kubepy.api.pod_security.levels import PRIVILEGED, RESTRICTED, Standard

Check = Callable[[Obj, Obj], Violation | None]  # of a pod's metadata and spec


class Since(NamedTuple):
    """One row: a check as it is since v1.<minor>."""

    name: str
    minor: int
    check: Check
    stands_in_for: str = ""  # the baseline check that it makes unnecessary


# By name, in this order they answer: baseline first.
BASELINE_CHECKS = (
    Since("appArmorProfile", 0, baseline.app_armor_profile),
    Since("capabilities_baseline", 0, baseline.capabilities),
    Since("hostNamespaces", 0, baseline.host_namespaces),
    Since("hostPathVolumes", 0, baseline.host_path_volumes),
    Since("hostPorts", 0, baseline.host_ports),
    Since("hostProbesAndHostLifecycle", 34, baseline.host_probes_and_lifecycle),
    Since("privileged", 0, baseline.privileged),
    Since("procMount", 0, baseline.proc_mount),
    Since("procMount", 35, baseline.proc_mount_35),
    Since("seLinuxOptions", 0, baseline.se_linux_options_0),
    Since("seLinuxOptions", 31, baseline.se_linux_options_31),
    Since("seccompProfile_baseline", 0, baseline.seccomp_annotations),
    Since("seccompProfile_baseline", 19, baseline.seccomp_profile),
    Since("sysctls", 0, baseline.sysctls_0),
    Since("sysctls", 27, baseline.sysctls_27),
    Since("sysctls", 29, baseline.sysctls_29),
    Since("sysctls", 32, baseline.sysctls_32),
    Since("sysctls", 37, baseline.sysctls_37),
    Since("windowsHostProcess", 0, baseline.windows_host_process),
)
RESTRICTED_CHECKS = (
    Since("allowPrivilegeEscalation", 8, restricted.allow_privilege_escalation),
    Since("allowPrivilegeEscalation", 25, restricted.allow_privilege_escalation_25),
    Since("capabilities_restricted", 22, restricted.capabilities, "capabilities_baseline"),
    Since("capabilities_restricted", 25, restricted.capabilities_25, "capabilities_baseline"),
    Since("procMount_restricted", 35, baseline.proc_mount, "procMount"),
    Since("restrictedVolumes", 0, restricted.volumes, "hostPathVolumes"),
    Since("runAsNonRoot", 0, restricted.run_as_non_root),
    Since("runAsNonRoot", 35, restricted.run_as_non_root_35),
    Since("runAsUser", 23, restricted.run_as_user),
    Since("runAsUser", 35, restricted.run_as_user_35),
    Since("seccompProfile_restricted", 19, restricted.seccomp_profile_required, "seccompProfile_baseline"),
    Since("seccompProfile_restricted", 25, restricted.seccomp_profile_required_25, "seccompProfile_baseline"),
)
NEWEST = max(row.minor for row in BASELINE_CHECKS + RESTRICTED_CHECKS)


def _current(rows: Sequence[Since], minor: int) -> list[Since]:
    newest = {row.name: row for row in rows if row.minor <= minor}
    return list(newest.values())


@cache
def _checks(level: str, minor: int) -> tuple[Check, ...]:
    found = _current(BASELINE_CHECKS, minor)
    if level == RESTRICTED:
        stricter = _current(RESTRICTED_CHECKS, minor)
        replaced = {row.stands_in_for for row in stricter}
        found = [row for row in found if row.name not in replaced] + stricter
    return tuple(row.check for row in found)


def evaluate(standard: Standard, metadata: Obj, spec: Obj) -> list[Violation]:
    """All that a pod (or a template of one) has against it."""
    if standard.level == PRIVILEGED:
        return []
    minor = NEWEST if standard.minor is None else min(standard.minor, NEWEST)
    found = (check(metadata, spec) for check in _checks(standard.level, minor))
    return [violation for violation in found if violation is not None]


def reasons(violations: Sequence[Violation]) -> str:
    """`host namespaces, privileged`: for what is said of many pods."""
    return ", ".join(violation.reason for violation in violations)


def details(violations: Sequence[Violation]) -> str:
    """`host namespaces (hostPID=true), privileged (container "c" must not ...)`: for what is said of one."""
    return ", ".join(f"{reason} ({detail})" if detail else reason for reason, detail in violations)
