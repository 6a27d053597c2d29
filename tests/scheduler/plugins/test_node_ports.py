"""Cases: pkg/scheduler/framework/plugins/nodeports/node_ports_test.go."""

import pytest

from kubepy.scheduler.framework import Code, CycleState, Hint
from kubepy.scheduler.plugins.node_ports import NodePorts, _after_pod_deleted
from tests.scheduler.builders import container, node_info, pod, pod_info


def with_ports(name, *ports, **fields):
    """ "TCP/127.0.0.1/8080" each."""
    parsed = [text.split("/") for text in ports]
    wanted = [{"protocol": p, "hostIP": ip, "hostPort": int(port)} for p, ip, port in parsed]
    return pod(name, containers=[container({}, ports=wanted)], **fields)


def infos(*ports):
    return pod_info("p", containers=with_ports("p", *ports)["spec"]["containers"])


@pytest.mark.parametrize(
    ("wanted", "taken", "fits"),
    [
        (["UDP/127.0.0.1/8080"], ["UDP/127.0.0.1/9090"], True),
        (["UDP/127.0.0.1/8080"], ["UDP/127.0.0.1/8080"], False),
        (["TCP/127.0.0.1/8080"], ["UDP/127.0.0.1/8080"], True),
        (["TCP/127.0.0.1/8080"], ["TCP/127.0.0.2/8080"], True),
        (["TCP/0.0.0.0/8080"], ["TCP/127.0.0.1/8080"], False),
        (["TCP/10.0.10.10/8001"], ["TCP/0.0.0.0/8001"], False),
        (["TCP/127.0.0.1/8000", "UDP/127.0.0.1/8080"], ["UDP/127.0.0.1/8080"], False),
    ],
)
def test_filter(wanted, taken, fits):
    incoming, where = infos(*wanted), node_info(running=[infos(*taken)])
    plugin, state = NodePorts(), CycleState()
    assert plugin.pre_filter(state, incoming) is None
    status = plugin.filter(state, incoming, where)
    assert (status is None) is fits
    if status is not None:
        assert status.message == "node(s) didn't have free ports for the requested pod ports"
    where.remove_pod(next(iter(where.pods.values())))
    assert plugin.filter(state, incoming, where) is None


def test_pods_without_host_ports_are_skipped_and_sidecars_have_theirs():
    assert NodePorts().pre_filter(CycleState(), pod_info()).code is Code.SKIP
    ports = [{"containerPort": 80, "hostPort": 80}]
    inits = [{"name": "once", "ports": ports}, {"name": "side", "ports": ports, "restartPolicy": "Always"}]
    assert pod_info("p", initContainers=inits).host_ports == (("TCP", 80, "0.0.0.0"),)


@pytest.mark.parametrize(
    ("deleted", "hint"),
    [
        (with_ports("d", "TCP/0.0.0.0/80", nodeName="n"), Hint.QUEUE),
        (with_ports("d", "TCP/0.0.0.0/80"), Hint.SKIP),
        (with_ports("d", "TCP/0.0.0.0/81", nodeName="n"), Hint.SKIP),
        (with_ports("d", nodeName="n"), Hint.SKIP),
    ],
)
def test_which_deletions_may_help(deleted, hint):
    assert _after_pod_deleted(infos("TCP/10.0.0.1/80"), deleted, None) is hint
