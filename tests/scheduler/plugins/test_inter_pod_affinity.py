"""Cases: pkg/scheduler/framework/plugins/interpodaffinity/{filtering,scoring,plugin}_test.go."""

import pytest

from kubepy.api.builtins import NAMESPACES
from kubepy.scheduler.args import InterPodAffinityArgs
from kubepy.scheduler.framework import CycleState, Hint
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.plugins.inter_pod_affinity import InterPodAffinity, _after_node
from tests.scheduler import builders
from tests.scheduler.builders import document, node, pod, pod_info

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
NODES = [
    node("a1", labels={"region": "r1", "zone": "z1", "hostname": "a1"}),
    node("a2", labels={"region": "r1", "zone": "z2", "hostname": "a2"}),
    node("b1", labels={"region": "r2", "zone": "z3", "hostname": "b1"}),
    node("bare"),
]
RED = {"team": "red"}


def term(key, selector=None, **fields):
    return {
        "topologyKey": key,
        "labelSelector": {"matchLabels": RED} if selector is None else selector,
        **fields,
    }


def near(*terms):
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def apart(*terms):
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def preferred(weight, wanted, kind="podAffinity"):
    entry = {"weight": weight, "podAffinityTerm": wanted}
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [entry]}}


def at(where, labels=None, namespace="default", name="", **fields):
    one = pod(name or f"p-{where}", labels=RED if labels is None else labels, nodeName=where, **fields)
    one["metadata"]["namespace"] = namespace
    return one


def verdicts(pods, wanted, namespaces=()):
    tools = builders.toolbox()
    search = builders.search(tools, NODES, pods, only=("InterPodAffinity",))
    builders.put(tools, NAMESPACES, *namespaces)
    plugin = search.framework.cluster_filters[0]
    state, info = CycleState(), PodInfo(document(wanted))
    if plugin.pre_filter(state, info) is not None:
        return {}
    tools.cache.refresh()
    answers = plugin.filter_nodes(state, info, tools.cache.nodes)
    return {n.name: s.message for n, s in zip(tools.cache.nodes, answers, strict=True) if s is not None}


def everywhere(reason, *names):
    return dict.fromkeys(names, reason)


@pytest.mark.parametrize(
    ("pods", "wanted", "rejected"),
    [
        # nothing asked, nothing refused
        ([at("a1")], pod("p"), {}),
        # near red pods, by region
        ([at("a1")], pod("p", affinity=near(term("region"))), everywhere(AFFINITY, "b1", "bare")),
        ([at("a1", {"team": "blue"})], pod("p", affinity=near(term("region"))),
         everywhere(AFFINITY, "a1", "a2", "b1", "bare")),
        # In, NotIn, Exists in the selector
        ([at("a1")], pod("p", affinity=near(term("region", {"matchExpressions": [
            {"key": "team", "operator": "In", "values": ["red", "blue"]}]}))), everywhere(AFFINITY, "b1", "bare")),
        ([at("a1")], pod("p", labels=RED, affinity=near(term("region", {"matchExpressions": [
            {"key": "team", "operator": "NotIn", "values": ["red"]}]}))),
         everywhere(AFFINITY, "a1", "a2", "b1", "bare")),
        # another namespace does not count
        ([at("a1", namespace="other")], pod("p", affinity=near(term("region"))),
         everywhere(AFFINITY, "a1", "a2", "b1", "bare")),
        ([at("a1", namespace="other")], pod("p", affinity=near(term("region", namespaces=["other"]))),
         everywhere(AFFINITY, "b1", "bare")),
        # all terms must be met by one and the same pods
        ([at("a1", {"team": "red"}), at("a2", {"tier": "web"}, name="q")],
         pod("p", affinity=near(term("region"), term("region", {"matchLabels": {"tier": "web"}}))),
         everywhere(AFFINITY, "a1", "a2", "b1", "bare")),
        ([at("a1", {"team": "red", "tier": "web"})],
         pod("p", affinity=near(term("region"), term("zone", {"matchLabels": {"tier": "web"}}))),
         everywhere(AFFINITY, "a2", "b1", "bare")),
        # the first of a series begins anywhere that has the label
        ([], pod("p", labels=RED, affinity=near(term("region"))), everywhere(AFFINITY, "bare")),
        ([at("b1")], pod("p", labels=RED, affinity=near(term("region"))), everywhere(AFFINITY, "a1", "a2", "bare")),
        # away from red pods
        ([at("a1")], pod("p", affinity=apart(term("region"))), everywhere(ANTI, "a1", "a2")),
        ([at("a1")], pod("p", affinity=apart(term("hostname"))), everywhere(ANTI, "a1")),
        # symmetry: those that run want to be away from this one
        ([at("a1", {}, affinity=apart(term("zone")))], pod("p", labels=RED), everywhere(EXISTING, "a1")),
        ([at("a1", {}, affinity=apart(term("region")))], pod("p", labels={"team": "blue"}), {}),
        ([at("a1", {}, namespace="other", affinity=apart(term("region")))], pod("p", labels=RED), {}),
        # near and away together
        ([at("a1"), at("b1", {"team": "blue"})],
         pod("p", affinity=near(term("region")) | apart(term("hostname", {"matchLabels": RED}))),
         {"a1": ANTI, "b1": AFFINITY, "bare": AFFINITY}),
    ],
)  # fmt: skip
def test_filter(pods, wanted, rejected):
    assert verdicts(pods, wanted) == rejected


NS = [{"metadata": {"name": "other", "labels": {"env": "prod"}}}, {"metadata": {"name": "third"}}]
PROD = {"matchLabels": {"env": "prod"}}


@pytest.mark.parametrize(
    ("pods", "wanted", "rejected"),
    [
        (
            [at("a1", namespace="other")],
            pod("p", affinity=apart(term("hostname", namespaceSelector=PROD))),
            {"a1"},
        ),
        (
            [at("a1", namespace="third")],
            pod("p", affinity=apart(term("hostname", namespaceSelector=PROD))),
            set(),
        ),
        (
            [at("a1", namespace="third")],
            pod("p", affinity=apart(term("hostname", namespaceSelector={}))),
            {"a1"},
        ),
        # with a selector or a list, the own namespace counts only if it is among them
        ([at("a1")], pod("p", affinity=apart(term("hostname", namespaceSelector=PROD))), set()),
    ],
)
def test_namespaces(pods, wanted, rejected):
    assert set(verdicts(pods, wanted, NS)) == rejected


def test_a_namespace_that_is_labelled_later_counts_from_then_on():
    tools = builders.toolbox()
    search = builders.search(tools, NODES, [at("a1", namespace="other")], only=("InterPodAffinity",))
    wanted = pod_info("p", affinity=apart(term("hostname", namespaceSelector=PROD)))
    nobody = tools.queue.nominator
    builders.put(tools, NAMESPACES, {"metadata": {"name": "other"}})
    assert search.decide(wanted, nobody).feasible == 4
    builders.put(tools, NAMESPACES, {"metadata": {"name": "other", "labels": {"env": "prod"}}}, revision=2)
    assert search.decide(wanted, nobody).feasible == 3


def scores(pods, wanted, *args, nodes=NODES[:3]):
    tools = builders.toolbox(*args)
    search = builders.search(tools, nodes, pods, only=("InterPodAffinity",))
    plugin = search.framework.cluster_filters[0]
    state, info = CycleState(), PodInfo(document(wanted))
    if plugin.pre_score(state, info, ()) is not None:
        return None
    tools.cache.refresh()
    found = plugin.normalize(plugin.score_nodes(state, info, tools.cache.nodes))
    return {n.name: score for n, score in zip(tools.cache.nodes, found, strict=True)}


@pytest.mark.parametrize(
    ("pods", "wanted", "args", "expected"),
    [
        ([at("a1")], pod("p"), (), None),
        ([at("a1")], pod("p", affinity=preferred(5, term("region"))), (), {"a1": 100, "a2": 100, "b1": 0}),
        ([at("a1")], pod("p", affinity=preferred(5, term("zone"))), (), {"a1": 100, "a2": 0, "b1": 0}),
        ([at("a1"), at("a1", name="q"), at("b1")], pod("p", affinity=preferred(5, term("region"))), (),
         {"a1": 100, "a2": 100, "b1": 0}),
        ([at("a1")], pod("p", affinity=preferred(5, term("zone"), "podAntiAffinity")), (),
         {"a1": 0, "a2": 100, "b1": 100}),
        # symmetry: what those that run prefer, and what they require
        ([at("a1", {}, affinity=preferred(5, term("zone")))], pod("p", labels=RED), (), {"a1": 100, "a2": 0, "b1": 0}),
        ([at("a1", {}, affinity=preferred(5, term("zone"), "podAntiAffinity"))], pod("p", labels=RED), (),
         {"a1": 0, "a2": 100, "b1": 100}),
        ([at("a1", {}, affinity=near(term("region")))], pod("p", labels=RED), (), {"a1": 100, "a2": 100, "b1": 0}),
        ([at("a1", {}, affinity=near(term("region")))], pod("p", labels=RED),
         (InterPodAffinityArgs(hard_pod_affinity_weight=0),), None),
        ([at("a1", {}, affinity=preferred(5, term("zone")))], pod("p", labels=RED),
         (InterPodAffinityArgs(ignore_preferred_terms_of_existing_pods=True),), None),
        # 8 for a1, 3 for b1: stretched to 0 ... 100
        ([at("a1", name="x"), at("b1", {}, name="y", affinity=preferred(3, term("hostname")))],
         pod("p", labels=RED, affinity=preferred(8, term("hostname"))), (), {"a1": 100, "a2": 0, "b1": 37}),
    ],
)  # fmt: skip
def test_score(pods, wanted, args, expected):
    assert scores(pods, wanted, *args) == expected


OTHER = at("n1")


@pytest.mark.parametrize(
    ("wanted", "old", "new", "hint"),
    [
        (near(term("zone")), None, OTHER, Hint.QUEUE),
        (near(term("zone")), None, at("n1", {}), Hint.SKIP),
        (near(term("zone")), None, pod("unscheduled", labels=RED), Hint.SKIP),
        (near(term("zone")), at("n1", {}), OTHER, Hint.QUEUE),
        (near(term("zone")), OTHER, at("n1", {}), Hint.SKIP),
        (apart(term("zone")), OTHER, at("n1", {}), Hint.QUEUE),
        (apart(term("zone")), OTHER, None, Hint.QUEUE),
        (apart(term("zone")), at("n1", {}), None, Hint.SKIP),
        ({}, at("n1", {}, affinity=apart(term("zone", {}))), None, Hint.QUEUE),
    ],
)
def test_which_pods_may_help(wanted, old, new, hint):
    assert InterPodAffinity(builders.toolbox())._after_pod(pod_info("p", affinity=wanted), old, new) is hint


@pytest.mark.parametrize(
    ("wanted", "before", "after", "hint"),
    [
        (near(term("zone")), None, {"zone": "z1"}, Hint.QUEUE),
        (near(term("zone")), None, {}, Hint.SKIP),
        (near(term("zone")), {}, {"zone": "z1"}, Hint.QUEUE),
        (near(term("zone")), {"zone": "z1"}, {"zone": "z2"}, Hint.QUEUE),
        (near(term("zone")), {"zone": "z1"}, {"zone": "z1", "x": ""}, Hint.SKIP),
        (apart(term("zone")), None, {}, Hint.QUEUE),
        (apart(term("zone")), {"zone": "z1"}, {}, Hint.QUEUE),
        (apart(term("zone")), {"zone": "z1"}, {"zone": "z2"}, Hint.QUEUE),
        (apart(term("zone")), {}, {"zone": "z1"}, Hint.SKIP),
    ],
)
def test_which_nodes_may_help(wanted, before, after, hint):
    old, new = (None if labels is None else node("n", labels=labels) for labels in (before, after))
    assert _after_node(pod_info("p", affinity=wanted), old, new) is hint
