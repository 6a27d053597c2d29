"""Cases of TestValidateWindowsSecurityContextOptions, TestValidateWindowsHostProcessPod, TestValidateOSFields."""

import json

import pytest

WINDOWS, LINUX = {"os": {"name": "windows"}}, {"os": {"name": "linux"}}


def pod(container=None, **spec):
    containers = [{"name": "c", "image": "i", **({"securityContext": container} if container else {})}]
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": containers, **spec}})


@pytest.mark.parametrize(
    ("container", "spec", "wanted"),
    [
        (None, WINDOWS, []),
        ({"windowsOptions": {"runAsUserName": "dummy"}}, WINDOWS, []),
        (
            {"windowsOptions": {"runAsUserName": "dummy"}}, LINUX,
            [
                "spec.containers[0].securityContext.windowsOptions: Forbidden: "
                "windows options cannot be set for a linux pod"
            ],
        ),
        (
            {"privileged": True, "capabilities": {"add": ["X"]}},
            WINDOWS | {"hostPID": True, "securityContext": {"fsGroup": 5}},
            [
                "spec.hostPID: Forbidden: cannot be set for a windows pod",
                "spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod",
                "spec.containers[0].securityContext.capabilities: Forbidden: cannot be set for a windows pod",
                "spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod",
            ],
        ),
        (
            None, {"os": {"name": "dummyOS"}},
            ['spec.os: Unsupported value: "dummyOS": supported values: "linux", "windows"'],
        ),
        (None, {"os": {"name": ""}}, ["spec.os.name: Required value"]),
        ({"windowsOptions": {"hostProcess": True}}, {"hostNetwork": True}, []),
        (
            {"windowsOptions": {"hostProcess": True}}, {},
            [
                "spec.hostNetwork: Invalid value: false: "
                "hostNetwork must be true if pod contains any hostProcess containers"
            ],
        ),
        (
            {"windowsOptions": {"hostProcess": False}},
            {"hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": True}}},
            [
                "spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: "
                "pod hostProcess value must be identical if both are specified, was true"
            ],
        ),
    ],
)  # fmt: skip
def test_what_a_system_forbids(rules, container, spec, wanted):
    assert rules.create(pod(container, **spec)) == wanted


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("NetworkService", ""),
        ("example.domain.com\\dummy", ""),
        ("", "runAsUserName cannot be an empty string"),
        ("ctrl\nchar", "runAsUserName cannot contain control characters"),
        ("a\\b\\c", "runAsUserName cannot contain more than one backslash"),
        (".example\\u", "runAsUserName's Domain doesn't match the NetBios nor the DNS format"),
        ("example\\", "runAsUserName's User cannot be empty"),
        ("x" * 105, "runAsUserName's User length must not be longer than 104 characters"),
        ("... ...", "runAsUserName's User cannot contain only periods or spaces"),
        ("Not;Allowed", "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"),
    ],
)
def test_names_of_windows_users(rules, user, why):
    found = rules.create(pod({"windowsOptions": {"runAsUserName": user}}))
    assert [each.endswith(why) for each in found] == ([True] if why else [])
