"""Cases: pkg/scheduler/framework/plugins/podtopologyspread/{filtering,scoring,plugin}_test.go."""

import pytest

from kubepy.api.builtins import REPLICA_SETS, SERVICES
from kubepy.api.objects import Key
from kubepy.scheduler.args import PodTopologySpreadArgs
from kubepy.scheduler.framework import CycleState, Hint
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.plugins.pod_topology_spread import PodTopologySpread
from tests.scheduler import builders
from tests.scheduler.builders import document, node, pod, pod_info, taint, tolerates

FOO = {"matchLabels": {"foo": ""}}
SKEWED = "node(s) didn't match pod topology spread constraints"
NO_LABEL = f"{SKEWED} (missing required label)"


def constraint(skew, key, action="DoNotSchedule", selector=FOO, **fields):
    found = {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": action, "labelSelector": selector}
    return {key: value for key, value in (found | fields).items() if value is not None}


def zones(**more):
    """Two zones of two nodes: a, b in zone1, x, y in zone2."""
    places = {"node-a": "zone1", "node-b": "zone1", "node-x": "zone2", "node-y": "zone2"}
    return [
        node(name, labels={"zone": zone, "node": name}, **more.get(name.removeprefix("node-"), {}))
        for name, zone in places.items()
    ]


def running(where, count=1, labels=None, **fields):
    """`count` pods labelled foo on a node."""
    found = []
    for i in range(count):
        one = pod(
            f"p-{where}-{i}", labels={"foo": ""} if labels is None else labels, nodeName=where, **fields
        )
        found.append(one)
    return found


def verdicts(nodes, pods, incoming, *args):
    """Node name -> message, of the nodes the plugin rejects."""
    tools = builders.toolbox(*args)
    search = builders.search(tools, nodes, pods, only=("PodTopologySpread",))
    plugin = search.framework.cluster_filters[0]
    state, info = CycleState(), PodInfo(document(incoming))
    if plugin.pre_filter(state, info) is not None:
        return {}
    tools.cache.refresh()
    answers = plugin.filter_nodes(state, info, tools.cache.nodes)
    return {n.name: s.message for n, s in zip(tools.cache.nodes, answers, strict=True) if s is not None}


def incoming(*constraints, labels=None, **fields):
    return pod(
        "p",
        labels={"foo": ""} if labels is None else labels,
        topologySpreadConstraints=list(constraints),
        **fields,
    )


A3 = [*running("node-a", 2), *running("node-b", 1)]
PILED = [*running("node-a", 2), *running("node-b", 1), *running("node-x", 0), *running("node-y", 3)]


@pytest.mark.parametrize(
    ("pods", "wanted", "rejected"),
    [
        # nobody there: everything fits
        ([], incoming(constraint(1, "zone")), {}),
        # 3/0 over zones: only zone2 fits
        (A3, incoming(constraint(1, "zone")), {"node-a", "node-b"}),
        # a pod that does not match its own selector may still go where skew would not grow too far
        (A3, incoming(constraint(3, "zone"), labels={"bar": ""}), set()),
        (A3, incoming(constraint(2, "zone"), labels={"bar": ""}), {"node-a", "node-b"}),
        # by node, 2/1/0/3: only the emptiest
        (PILED, incoming(constraint(1, "node")), {"node-a", "node-b", "node-y"}),
        (PILED, incoming(constraint(2, "node")), {"node-a", "node-y"}),
        # both constraints, 3/3 over zones and 2/1/0/3 over nodes: zones allow all, nodes only x
        (PILED, incoming(constraint(1, "zone"), constraint(1, "node")), {"node-a", "node-b", "node-y"}),
        # pods of other namespaces, and those about to go, do not count
        ([{**p, "metadata": {**p["metadata"], "namespace": "other"}} for p in A3], incoming(constraint(1, "zone")), {}),
        ([{**p, "metadata": {**p["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}} for p in A3],
         incoming(constraint(1, "zone")), {}),
        # fewer places than minDomains: the fewest counts as 0
        ([*running("node-a"), *running("node-x")], incoming(constraint(1, "zone", minDomains=2)), {}),
        ([*running("node-a"), *running("node-x")], incoming(constraint(1, "zone", minDomains=3)),
         {"node-a", "node-b", "node-x", "node-y"}),
        # an empty selector counts nobody, yet the pod matches it
        (A3, incoming(constraint(1, "zone", selector={})), {}),
        # no selector selects nobody
        (A3, incoming(constraint(1, "zone", selector=None)), {}),
        # matchLabelKeys: only pods of the same revision count
        (A3, incoming(constraint(1, "zone", matchLabelKeys=["rev"]), labels={"foo": "", "rev": "2"}), {}),
        (running("node-a", 1, {"foo": "", "rev": "2"}),
         incoming(constraint(1, "zone", matchLabelKeys=["rev"]), labels={"foo": "", "rev": "2"}), {"node-a", "node-b"}),
        # nodes that the pod's own node affinity rules out do not count, unless told so
        (running("node-a", 1), incoming(constraint(1, "zone"), nodeSelector={"zone": "zone1"}), {}),
        (running("node-a", 1), incoming(
            constraint(1, "zone", nodeAffinityPolicy="Ignore"), nodeSelector={"zone": "zone1"}),
         {"node-a", "node-b"}),
    ],
)  # fmt: skip
def test_hard_constraints(pods, wanted, rejected):
    found = verdicts(zones(), pods, wanted)
    assert set(found) == set(rejected)
    assert set(found.values()) <= {SKEWED}


def test_nodes_without_the_label_do_not_fit_nor_count():
    nodes = [*zones(), node("bare", labels={"node": "bare"})]
    assert verdicts(nodes, [], incoming(constraint(1, "zone"))) == {"bare": NO_LABEL}
    # with two keys, a node that lacks one is no place for either
    assert verdicts(nodes, [], incoming(constraint(1, "node"), constraint(1, "zone"))) == {"bare": NO_LABEL}
    assert set(
        verdicts(nodes, running("bare", 5), incoming(constraint(1, "node"), constraint(1, "zone")))
    ) == {"bare"}


@pytest.mark.parametrize(
    ("policy", "tolerations", "rejected"),
    [
        (None, [], {"node-a", "node-b"}),  # the tainted zone counts, and is empty
        ("Honor", [], set()),
        ("Honor", [tolerates("t", operator="Exists")], {"node-a", "node-b"}),
    ],
)
def test_taints_count_only_if_asked(policy, tolerations, rejected):
    tainted = {"taints": [taint("t")]}
    wanted = incoming(constraint(1, "zone", nodeTaintsPolicy=policy), tolerations=tolerations)
    found = verdicts(zones(x=tainted, y=tainted), running("node-a"), wanted)
    assert set(found) - {"node-x", "node-y"} == rejected


def test_counts_follow_pods_and_nodes():
    tools = builders.toolbox()
    search = builders.search(tools, zones(), A3, only=("PodTopologySpread",))
    cache, wanted = (
        tools.cache,
        pod_info("p", labels={"foo": ""}, topologySpreadConstraints=[constraint(1, "zone")]),
    )
    nobody = tools.queue.nominator

    def places():
        cache.refresh()
        walked = search.decide(wanted, nobody)
        return walked.feasible

    assert places() == 2
    cache.add_pod(pod_info("q", labels={"foo": ""}), "node-x")
    assert places() == 2
    for name in ("p-node-a-0", "p-node-a-1"):
        cache.remove_pod(Key("default", name))
    assert places() == 4  # 1 and 1
    cache.put_node(document(node("node-b", labels={"zone": "zone2", "node": "node-b"})))
    assert places() == 1  # only node-a is left in zone1, and has none
    cache.remove_node("node-a")
    assert places() == 3  # one place only
    cache.put_node(document(node("node-a", labels={"zone": "zone3", "node": "node-a"})))
    assert places() == 1


def scores(nodes, pods, wanted, *args, extra=lambda tools: None):
    tools = builders.toolbox(*args)
    extra(tools)
    search = builders.search(tools, nodes, pods, only=("PodTopologySpread",))
    plugin = search.framework._cluster_pre_filters[0]
    state, info = CycleState(), PodInfo(document(wanted))
    if plugin.pre_score(state, info, ()) is not None:
        return None
    tools.cache.refresh()
    found = plugin.score_nodes(state, info, tools.cache.nodes)
    return {n.name: score for n, score in zip(tools.cache.nodes, found, strict=True)}


def soft(skew, key, **fields):
    return constraint(skew, key, "ScheduleAnyway", **fields)


def hosts(*names, **labels):
    return [node(name, labels={"kubernetes.io/hostname": name, **labels}) for name in names]


@pytest.mark.parametrize(
    ("nodes", "pods", "constraints", "expected"),
    [
        # one constraint on hosts, no pods
        (hosts("node-a", "node-b"), [], [soft(1, "kubernetes.io/hostname")], {"node-a": 100, "node-b": 100}),
        # 2/1/0/3
        (hosts("node-a", "node-b", "node-c", "node-d"),
         [*running("node-a", 2), *running("node-b", 1), *running("node-d", 3)],
         [soft(1, "kubernetes.io/hostname")], {"node-a": 20, "node-b": 60, "node-c": 100, "node-d": 0}),
        # 4/3/2/1, the last two not candidates in upstream's table: all are here
        (hosts("node-a", "node-b", "node-c", "node-d"),
         [*running("node-a", 4), *running("node-b", 3), *running("node-c", 2), *running("node-d", 1)],
         [soft(1, "kubernetes.io/hostname")], {"node-a": 28, "node-b": 57, "node-c": 71, "node-d": 100}),
        # nodes without the label are worth nothing
        ([*hosts("node-a"), node("bare")], [], [soft(1, "kubernetes.io/hostname")], {"node-a": 100, "bare": 0}),
    ],
)  # fmt: skip
def test_soft_constraints(nodes, pods, constraints, expected):
    assert scores(nodes, pods, incoming(*constraints)) == expected


def test_without_constraints_services_and_controllers_say_what_belongs_together():
    service = {"metadata": {"name": "s", "namespace": "default"}, "spec": {"selector": {"foo": ""}}}
    nodes = hosts("node-a", "node-b")
    pods = running("node-a", 4)
    wanted = pod("p", labels={"foo": ""})
    assert scores(nodes, pods, wanted) is None
    found = scores(nodes, pods, wanted, extra=lambda tools: builders.put(tools, SERVICES, service))
    assert found["node-b"] > found["node-a"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "u", "controller": True}
    owned = {**wanted, "metadata": {**wanted["metadata"], "ownerReferences": [owner]}}
    replica_set = {"metadata": {"name": "rs", "namespace": "default", "uid": "u"}, "spec": {"selector": FOO}}
    assert scores(nodes, pods, owned) is None
    found = scores(nodes, pods, owned, extra=lambda tools: builders.put(tools, REPLICA_SETS, replica_set))
    assert found["node-b"] > found["node-a"]
    off = PodTopologySpreadArgs(defaulting_type="List")
    assert scores(nodes, pods, owned, off, extra=lambda t: builders.put(t, REPLICA_SETS, replica_set)) is None


OTHER = pod("other", labels={"foo": ""}, nodeName="n1")


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (None, OTHER, Hint.QUEUE),
        (None, pod("other", labels={"bar": ""}, nodeName="n1"), Hint.SKIP),
        (None, pod("other", labels={"foo": ""}), Hint.SKIP),
        (OTHER, None, Hint.QUEUE),
        (OTHER, pod("other", labels={"bar": ""}, nodeName="n1"), Hint.QUEUE),
        (OTHER, pod("other", labels={"foo": "", "bar": ""}, nodeName="n1"), Hint.SKIP),
    ],
)
def test_which_pods_may_help(old, new, hint):
    plugin = PodTopologySpread(builders.toolbox())
    waiting = pod_info("p", labels={"foo": ""}, topologySpreadConstraints=[constraint(1, "zone")])
    assert plugin._after_pod(waiting, old, new) is hint


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        (None, {"zone": "zone1"}, Hint.QUEUE),
        (None, {"node": "n"}, Hint.SKIP),
        ({"zone": "zone1"}, None, Hint.QUEUE),
        ({"zone": "zone1"}, {"zone": "zone2"}, Hint.QUEUE),
        ({"zone": "zone1"}, {"zone": "zone1", "x": "y"}, Hint.SKIP),
        ({"zone": "zone1"}, {}, Hint.QUEUE),
    ],
)
def test_which_nodes_may_help(before, after, hint):
    plugin = PodTopologySpread(builders.toolbox())
    waiting = pod_info("p", topologySpreadConstraints=[constraint(1, "zone")])
    old, new = (None if labels is None else node("n", labels=labels) for labels in (before, after))
    assert plugin._after_node(waiting, old, new) is hint
