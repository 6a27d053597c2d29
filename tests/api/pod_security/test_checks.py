"""Upstream's cases of pod-security-admission policy/check_*_test.go, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.pod_security import baseline, restricted
from kubepy.api.pod_security.evaluation import Check

Obj = dict[str, Any]


def pod(*contexts: Obj | None, **spec: Any) -> Obj:
    """Containers a, b, c ... with these security contexts."""
    spec["containers"] = [
        {"name": name} if context is None else {"name": name, "securityContext": context}
        for name, context in zip("abcdefg", contexts or (None,), strict=False)
    ]
    return spec


def context(**fields: Any) -> Obj:
    """Of the pod."""
    return {"securityContext": fields}


LEVEL = {"seLinuxOptions": {"level": "s0"}}
WINDOWS = {"os": {"name": "windows"}}
USER_NAMESPACE = {"hostUsers": False}
UNMASKED = {"procMount": "Unmasked"}
ARMOR_A, ARMOR_B = (f"container.apparmor.security.beta.kubernetes.io/{name}" for name in "ab")
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_A, SECCOMP_B = (f"container.seccomp.security.alpha.kubernetes.io/{name}" for name in "ab")
PROFILE = "appArmorProfile"


def drop(*names: str, add: tuple[str, ...] = ()) -> Obj:
    return {"capabilities": {"drop": list(names), "add": list(add)}}


def probe(host: str, action: str = "httpGet") -> Obj:
    return {action: {"host": host, "port": 80}}


Case = tuple[Check, Obj, tuple[str, str] | None]

# (check, spec, (reason, detail))
CASES: list[Case] = [
    (
        baseline.capabilities,
        pod(drop(add=("FOO", "CHOWN", "BAR")), None, drop(add=("FOO",)), drop(add=("KILL",))),
        (
            "non-default capabilities",
            'containers "a", "c" must not include "BAR", "FOO" in securityContext.capabilities.add',
        ),
    ),
    (baseline.capabilities, pod(drop(add=("AUDIT_WRITE", "SYS_CHROOT"))), None),
    (
        baseline.host_namespaces,
        pod(hostNetwork=True, hostPID=True, hostIPC=True),
        ("host namespaces", "hostNetwork=true, hostPID=true, hostIPC=true"),
    ),
    (baseline.host_namespaces, pod(hostPID=True), ("host namespaces", "hostPID=true")),
    (baseline.host_namespaces, pod(hostNetwork=False), None),
    (
        baseline.host_path_volumes,
        pod(volumes=[{"name": "x", "hostPath": {}}, {"name": "y", "emptyDir": {}}]),
        ("hostPath volumes", 'volume "x"'),
    ),
    (
        baseline.host_path_volumes,
        pod(volumes=[{"name": "x", "hostPath": {}}, {"name": "y", "hostPath": {"path": "/"}}]),
        ("hostPath volumes", 'volumes "x", "y"'),
    ),
    (
        baseline.host_ports,
        {"containers": [{"name": "a", "ports": [{"hostPort": 20}, {"hostPort": 0}]}]},
        ("hostPort", 'container "a" uses hostPort 20'),
    ),
    (
        baseline.host_ports,
        {
            "initContainers": [{"name": "i", "ports": [{"hostPort": 9}]}],
            "containers": [{"name": "a", "ports": [{"hostPort": 10}, {"hostPort": 20}]}, {"name": "b"}],
            "ephemeralContainers": [{"name": "e", "ports": [{"hostPort": 20}]}],
        },
        # Sorted as texts.
        ("hostPort", 'containers "i", "a", "e" use hostPorts 10, 20, 9'),
    ),
    (
        baseline.host_probes_and_lifecycle,
        {"containers": [{"name": "a", "livenessProbe": probe("1.1.1.1")}]},
        ("probe or lifecycle host", 'container "a" uses probe or lifecycle host "1.1.1.1"'),
    ),
    (
        baseline.host_probes_and_lifecycle,
        {
            "containers": [
                {"name": "b", "readinessProbe": probe("2.2.2.2", "tcpSocket"), "startupProbe": probe("")},
                {"name": "a", "lifecycle": {"postStart": probe("1.1.1.1"), "preStop": probe("2.2.2.2")}},
                {"name": "c", "livenessProbe": {"exec": {}}},
            ]
        },
        (
            "probe or lifecycle host",
            'containers "a", "b" use probe or lifecycle hosts "1.1.1.1", "2.2.2.2"',
        ),
    ),
    (
        baseline.privileged,
        pod({"privileged": True}, {"privileged": False}, None, {"privileged": True}),
        ("privileged", 'containers "a", "d" must not set securityContext.privileged=true'),
    ),
    (
        baseline.proc_mount,
        pod(UNMASKED, {"procMount": "Default"}, {"procMount": "other"}, **USER_NAMESPACE),
        ("procMount", 'containers "a", "c" must not set securityContext.procMount to "Unmasked", "other"'),
    ),
    (baseline.proc_mount_35, pod(UNMASKED, **USER_NAMESPACE), None),
    (
        baseline.proc_mount_35,
        pod(UNMASKED, hostUsers=True),
        ("procMount", 'container "a" must not set securityContext.procMount to "Unmasked"'),
    ),
    (
        baseline.se_linux_options_0,
        pod(
            {"seLinuxOptions": {"type": "bar"}},
            {"seLinuxOptions": {"user": "bar", "role": "baz"}},
            {"seLinuxOptions": {"type": "container_init_t"}},
            LEVEL,
            **context(seLinuxOptions={"type": "foo"}),
        ),
        (
            "seLinuxOptions",
            'pod and containers "a", "b" set forbidden securityContext.seLinuxOptions: types "bar", "foo"; user may '
            "not be set; role may not be set",
        ),
    ),
    (
        baseline.se_linux_options_0,
        pod({"seLinuxOptions": {"type": "container_engine_t"}}),
        (
            "seLinuxOptions",
            'container "a" set forbidden securityContext.seLinuxOptions: type "container_engine_t"',
        ),
    ),
    (baseline.se_linux_options_31, pod({"seLinuxOptions": {"type": "container_engine_t"}}), None),
    (
        baseline.seccomp_profile,
        pod(
            {"seccompProfile": {"type": "Unconfined"}},
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}},
            {"seccompProfile": {"type": "Unknown"}},
            **context(seccompProfile={"type": "RuntimeDefault"}),
        ),
        (
            "seccompProfile",
            'containers "a", "c" must not set securityContext.seccompProfile.type to "Unconfined", "Unknown"',
        ),
    ),
    (
        baseline.seccomp_profile,
        pod(**context(seccompProfile={"type": "Unconfined"})),
        ("seccompProfile", 'pod must not set securityContext.seccompProfile.type to "Unconfined"'),
    ),
    (
        baseline.sysctls_0,
        pod(**context(sysctls=[{"name": "a"}, {"name": "kernel.shm_rmid_forced"}, {"name": "b"}])),
        ("forbidden sysctls", "a, b"),
    ),
    (
        baseline.sysctls_0,
        pod(**context(sysctls=[{"name": "net.ipv4.ip_local_reserved_ports"}])),
        ("forbidden sysctls", "net.ipv4.ip_local_reserved_ports"),
    ),
    (baseline.sysctls_27, pod(**context(sysctls=[{"name": "net.ipv4.ip_local_reserved_ports"}])), None),
    (baseline.sysctls_29, pod(**context(sysctls=[{"name": "net.ipv4.tcp_fin_timeout"}])), None),
    (baseline.sysctls_32, pod(**context(sysctls=[{"name": "net.ipv4.tcp_rmem"}])), None),
    (
        baseline.sysctls_32,
        pod(**context(sysctls=[{"name": "net.ipv4.tcp_notsent_lowat"}])),
        ("forbidden sysctls", "net.ipv4.tcp_notsent_lowat"),
    ),
    (baseline.sysctls_37, pod(**context(sysctls=[{"name": "net.ipv4.tcp_notsent_lowat"}])), None),
    (
        baseline.windows_host_process,
        pod(
            {"windowsOptions": {"hostProcess": True}},
            {"windowsOptions": {"hostProcess": False}},
            {"windowsOptions": {}},
            **context(windowsOptions={"hostProcess": True}),
        ),
        (
            "hostProcess",
            'pod and container "a" must not set securityContext.windowsOptions.hostProcess=true',
        ),
    ),
    (
        restricted.allow_privilege_escalation,
        pod(None, {}, {"allowPrivilegeEscalation": True}, {"allowPrivilegeEscalation": False}, **WINDOWS),
        (
            "allowPrivilegeEscalation != false",
            'containers "a", "b", "c" must set securityContext.allowPrivilegeEscalation=false',
        ),
    ),
    (restricted.allow_privilege_escalation_25, pod(None, **WINDOWS), None),
    (
        restricted.allow_privilege_escalation_25,
        pod(os={"name": "linux"}),
        (
            "allowPrivilegeEscalation != false",
            'container "a" must set securityContext.allowPrivilegeEscalation=false',
        ),
    ),
    (
        restricted.capabilities,
        pod(
            None,
            drop("FOO"),
            drop("ALL", add=("NET_BIND_SERVICE",)),
            drop("ALL", "BAR", add=("FOO", "BAR")),
            drop(add=("BAZ",)),
        ),
        (
            "unrestricted capabilities",
            'containers "a", "b", "e" must set securityContext.capabilities.drop=["ALL"]; containers "d", "e" must not '
            'include "BAR", "BAZ", "FOO" in securityContext.capabilities.add',
        ),
    ),
    (restricted.capabilities_25, pod(None, **WINDOWS), None),
    (
        restricted.volumes,
        pod(
            volumes=[
                {"name": "a", "hostPath": {}},
                {"name": "b", "secret": {}},
                {"name": "c", "nfs": {}},
                {"name": "d"},
                {"name": "e", "image": {}},
            ]
        ),
        (
            "restricted volume types",
            'volumes "a", "c", "d" use restricted volume types "hostPath", "nfs", "unknown"',
        ),
    ),
    (
        restricted.volumes,
        pod(volumes=[{"name": "a", "gitRepo": {}}]),
        ("restricted volume types", 'volume "a" uses restricted volume type "gitRepo"'),
    ),
    (
        restricted.volumes,
        pod(volumes=[{"name": kind, kind: {}} for kind in restricted.VOLUMES_ALLOWED]),
        None,
    ),
    (
        restricted.run_as_non_root,
        pod(None, {}, {"runAsNonRoot": True}),
        ("runAsNonRoot != true", 'pod or containers "a", "b" must set securityContext.runAsNonRoot=true'),
    ),
    (
        restricted.run_as_non_root,
        pod({"runAsNonRoot": True}, {"runAsNonRoot": False}, **context(runAsNonRoot=False)),
        (
            "runAsNonRoot != true",
            'pod and container "b" must not set securityContext.runAsNonRoot=false',
        ),
    ),
    (restricted.run_as_non_root, pod(None, {}, **context(runAsNonRoot=True)), None),
    (restricted.run_as_non_root, pod({"runAsNonRoot": True}), None),
    (
        restricted.run_as_non_root,
        pod({"runAsNonRoot": True}, **context(runAsNonRoot=False)),
        ("runAsNonRoot != true", "pod must not set securityContext.runAsNonRoot=false"),
    ),
    (restricted.run_as_non_root_35, pod(**USER_NAMESPACE), None),
    (
        restricted.run_as_user,
        pod({"runAsUser": 0}, {"runAsUser": 1}, None, **context(runAsUser=0)),
        ("runAsUser=0", 'pod and container "a" must not set runAsUser=0'),
    ),
    (restricted.run_as_user, pod({"runAsUser": 1000}, **context(runAsUser=1000)), None),
    (restricted.run_as_user_35, pod({"runAsUser": 0}, **USER_NAMESPACE), None),
    (
        restricted.seccomp_profile_required,
        pod(None, {"seccompProfile": {"type": "RuntimeDefault"}}, {}),
        (
            "seccompProfile",
            'pod or containers "a", "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
            '"Localhost"',
        ),
    ),
    (restricted.seccomp_profile_required, pod(**context(seccompProfile={"type": "Localhost"})), None),
    (
        restricted.seccomp_profile_required,
        pod(
            None,
            {"seccompProfile": {"type": "Unconfined"}},
            **context(seccompProfile={"type": "RuntimeDefault"}),
        ),
        (
            "seccompProfile",
            'container "b" must not set securityContext.seccompProfile.type to "Unconfined"',
        ),
    ),
    (restricted.seccomp_profile_required_25, pod(**WINDOWS), None),
]


@pytest.mark.parametrize(("check", "spec", "expected"), CASES)
def test_checks_of_specs(check: Check, spec: Obj, expected: tuple[str, str] | None) -> None:
    assert check({}, spec) == expected


@pytest.mark.parametrize(
    ("check", "annotations", "spec", "expected"),
    [
        (
            baseline.app_armor_profile,
            {},
            pod(
                {PROFILE: {"type": "Unconfined"}},
                {PROFILE: {"type": "Localhost"}},
                **context(**{PROFILE: {"type": ""}}),
            ),
            (
                "forbidden AppArmor profiles",
                'pod and container "a" must not set AppArmor profile type to "", "Unconfined"',
            ),
        ),
        (
            baseline.app_armor_profile,
            {ARMOR_B: "unconfined", ARMOR_A: "other", "else": "unconfined"},
            pod({PROFILE: {"type": "Unconfined"}}),
            (
                "forbidden AppArmor profiles",
                f'container "a" and annotations must not set AppArmor profile type to "Unconfined", '
                f'"{ARMOR_A}="other"", "{ARMOR_B}="unconfined""',
            ),
        ),
        (
            baseline.app_armor_profile,
            {ARMOR_A: "unconfined"},
            pod(),
            (
                "forbidden AppArmor profile",
                f'annotation must not set AppArmor profile type to "{ARMOR_A}="unconfined""',
            ),
        ),
        (
            baseline.app_armor_profile,
            {ARMOR_A: "runtime/default", ARMOR_B: "localhost/p", ARMOR_A + "x": ""},
            pod({PROFILE: {"type": "RuntimeDefault"}}),
            None,
        ),
        (
            baseline.seccomp_annotations,
            {SECCOMP_POD: "unconfined", SECCOMP_B: "unconfined", SECCOMP_A: "runtime/default"},
            pod(None, None),
            ("seccompProfile", f'forbidden annotations {SECCOMP_B}="unconfined", {SECCOMP_POD}="unconfined"'),
        ),
        (
            baseline.seccomp_annotations,
            # b is no container of it.
            {SECCOMP_POD: "docker/default", SECCOMP_A: "localhost/p", SECCOMP_B: "unconfined"},
            pod(None),
            None,
        ),
        (
            baseline.seccomp_annotations,
            {SECCOMP_A: ""},
            pod(None),
            ("seccompProfile", f'forbidden annotation {SECCOMP_A}=""'),
        ),
    ],
)
def test_checks_of_annotations(
    check: Check, annotations: dict[str, str], spec: Obj, expected: tuple[str, str] | None
) -> None:
    assert check({"annotations": annotations}, spec) == expected
