import pytest

from kubepy.api.builtins import NODES
from kubepy.scheduler.framework import CycleState, Hint
from kubepy.scheduler.plugins.node_declared_features import NodeDeclaredFeatures, required_features
from tests.scheduler.builders import container, document, node, node_info, pod_info

RESTARTS = "RestartAllContainersOnContainerExits"
RULES = {"restartPolicyRules": [{"action": "RestartAllContainers"}]}
NEEDY = {"containers": [container({}, **RULES)]}


def declares(*features):
    found = node()
    found["status"]["declaredFeatures"] = list(features)
    return found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [{}]}, set()),
        ({"containers": [{"restartPolicyRules": [{"action": "Restart"}]}]}, set()),
        ({"containers": [RULES]}, {RESTARTS}),
        ({"containers": [{}], "initContainers": [RULES]}, {RESTARTS}),
        ({"containers": [{}], "hostNetwork": True}, set()),
        ({"containers": [{}], "hostNetwork": True, "hostUsers": False}, {"UserNamespacesHostNetworkSupport"}),
    ],
)
def test_what_a_pod_requires(spec, expected):
    assert required_features(spec) == expected


@pytest.mark.parametrize(
    ("features", "fits"), [((), False), (("Other",), False), ((RESTARTS, "Other"), True)]
)
def test_a_node_has_to_declare_it(features, fits):
    where = node_info()
    where.document = document(declares(*features))
    status = NodeDeclaredFeatures().filter(CycleState(), pod_info(**NEEDY), where)
    assert status is None if fits else status.reasons == ("node(s) didn't match Pod's required features",)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (None, declares(RESTARTS), Hint.QUEUE),
        (None, declares(), Hint.SKIP),
        (declares(), declares(RESTARTS), Hint.QUEUE),
        (declares(RESTARTS), declares(RESTARTS, "Other"), Hint.SKIP),
    ],
)
def test_a_node_that_declares_it_wakes_the_pod(old, new, hint):
    assert NodeDeclaredFeatures().events()[0].hint(pod_info(**NEEDY), old, new) is hint


async def test_a_node_that_learns_it(world):
    await world.start()
    await world.add_node()
    await world.add_pod(containers=[container({}, restartPolicy="Never", restartPolicyRules=[
        {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [1]}}])])  # fmt: skip
    assert await world.node_of() == ""
    await world.client.patch(
        NODES, "node-1", {"status": {"declaredFeatures": [RESTARTS]}}, subresource="status"
    )
    await world.clock.advance(2)
    assert await world.node_of() == "node-1"
