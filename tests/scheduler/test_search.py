import pytest

from kubepy.lib.random import Random
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import Code, Scope, Status
from kubepy.scheduler.outcomes import Choice, Rejection
from kubepy.scheduler.queue import Nominator
from kubepy.scheduler.runtime import PluginFailed
from kubepy.scheduler.search import Search, feasible_wanted
from tests.scheduler.builders import document, framework, node, pod_info, taint, tolerates

NOBODY = Nominator()


class Counting:
    """A NODE-scoped plugin that counts how often it is asked."""

    name = "Counting"
    scope = Scope.NODE

    def __init__(self, signature=""):
        self.signature, self.asked = signature, []

    def sign(self, pod):
        return self.signature

    def filter(self, state, pod, where):
        self.asked.append(where.name)


class EvenOnly:
    """A CLUSTER-scoped plugin: nodes with an even number, the higher the better."""

    name = "EvenOnly"
    scope = Scope.CLUSTER
    refusal = Status(Code.UNSCHEDULABLE, "node(s) were odd", plugin="EvenOnly")

    def filter_nodes(self, state, pod, nodes):
        return [None if number(n) % 2 == 0 else self.refusal for n in nodes]

    def score_nodes(self, state, pod, nodes):
        return [number(n) for n in nodes]


def number(info):
    return int(info.name.removeprefix("node-"))


def search_over(*nodes, using=None, seed=1):
    cache = Cache()
    for one in nodes:
        cache.put_node(document(one))
    return Search(using or framework(cache=cache), cache, Random(seed)), cache


def many(count, **fields):
    return [node(f"node-{i}", **fields) for i in range(count)]


@pytest.mark.parametrize(
    ("percentage", "nodes", "wanted"),
    # Upstream's TestNumFeasibleNodesToFind.
    [
        (0, 10, 10),
        (40, 10, 10),
        (0, 1000, 420),
        (40, 1000, 400),
        (0, 6000, 300),
        (40, 6000, 2400),
        (0, 150, 100),
    ],
)
def test_feasible_wanted(percentage, nodes, wanted):
    assert feasible_wanted(percentage, nodes) == wanted


def test_the_best_node_is_taken():
    search, _ = search_over(node("small", cpu="2"), node("large", cpu="8"))
    choice = search.decide(pod_info(cpu="1"), NOBODY)
    assert isinstance(choice, Choice)
    assert (choice.node.name, choice.evaluated, choice.feasible, choice.ties) == ("large", 2, 2, 1)
    # 3 x 100 for no taints; free: cpu 87 %, memory 98 %; the pod takes cpu out of balance from 100 to 93.
    assert choice.score == 300 + (87 + 98) // 2 + 50 + (50 + 93 - 100) // 2
    assert dict(choice.details)["large"] == choice.score


def test_equals_are_chosen_by_chance():
    taken = set()
    search, _ = search_over(*many(3))
    for _ in range(50):
        taken.add(search.decide(pod_info(), NOBODY).node.name)
    assert taken == {"node-0", "node-1", "node-2"}


def test_plugins_are_asked_again_only_about_nodes_that_changed():
    plugin = Counting()
    search, cache = search_over(*many(3), using=framework((plugin, 0)))
    search.decide(pod_info("a"), NOBODY)
    assert sorted(plugin.asked) == ["node-0", "node-1", "node-2"]
    plugin.asked.clear()
    cache.assume(pod_info("a"), "node-1")
    search.decide(pod_info("b"), NOBODY)
    assert plugin.asked == ["node-1"]
    plugin.asked.clear()
    search.decide(pod_info("c"), NOBODY)
    assert plugin.asked == []
    search.decide(pod_info("d", cpu="1"), NOBODY)
    assert len(plugin.asked) == 3


def test_a_pod_without_a_signature_is_not_remembered():
    plugin = Counting(signature=None)
    search, _ = search_over(*many(3), using=framework((plugin, 0)))
    search.decide(pod_info("a"), NOBODY)
    search.decide(pod_info("b"), NOBODY)
    assert len(plugin.asked) == 6


def test_memory_survives_neither_new_nodes_nor_lost_changes():
    search, cache = search_over(node("node-0", cpu="1"))
    assert isinstance(search.decide(pod_info(cpu="2"), NOBODY), Rejection)
    cache.put_node(document(node("node-1", cpu="4")))
    assert search.decide(pod_info(cpu="2"), NOBODY).node.name == "node-1"
    filler = pod_info("filler", cpu="4")
    for _ in range(20_000):
        cache.assume(filler, "node-1")
        cache.forget(filler)
    cache.assume(filler, "node-1")
    assert isinstance(search.decide(pod_info(cpu="2"), NOBODY), Rejection)


def test_remembered_decisions_equal_fresh_ones():
    """The same sequence with memory and without gives the same scores and the same counts."""
    random = Random(7)
    nodes = [node(f"node-{i}", cpu=str(2 + i % 5), taints=[taint("a", effect="PreferNoSchedule")] if i % 3 else None)
             for i in range(40)]  # fmt: skip
    search, cache = search_over(*nodes)
    for i in range(300):
        new = pod_info(f"p{i}", cpu=random.choice(["100m", "500m", "1"]))
        remembered = search.decide(new, NOBODY)
        fresh = Search(framework(), cache, Random(1)).decide(new, NOBODY)
        assert type(remembered) is type(fresh)
        if isinstance(remembered, Choice):
            assert (remembered.score, remembered.feasible, remembered.ties) == (
                fresh.score,
                fresh.feasible,
                fresh.ties,
            )
            cache.assume(new, remembered.node.name)
        else:
            assert remembered.message() == fresh.message()


def test_large_clusters_are_sampled_in_turn():
    search, _ = search_over(*many(200), using=framework(percentage=50))
    first, second = search.decide(pod_info("a"), NOBODY), search.decide(pod_info("b"), NOBODY)
    assert first.feasible == second.feasible == 100
    assert number(first.node) < 100 <= number(second.node)


def test_a_sample_goes_on_until_enough_nodes_are_feasible():
    nodes = [node(f"node-{i}", unschedulable=i % 2 == 0) for i in range(400)]
    search, _ = search_over(*nodes, using=framework(percentage=1))
    choice = search.decide(pod_info(), NOBODY)
    assert choice.feasible >= 100
    assert 200 <= choice.evaluated <= 264
    assert [(s.plugin, count) for s, count in choice.verdicts.items()] == [
        ("NodeUnschedulable", choice.evaluated - choice.feasible)
    ]


def test_soft_taints_are_weighed_against_each_other():
    soft = [taint("a", effect="PreferNoSchedule")]
    search, _ = search_over(node("tainted", cpu="64", taints=soft), node("clean", cpu="4"))
    assert search.decide(pod_info(cpu="1"), NOBODY).node.name == "clean"
    indifferent = pod_info("b", cpu="1", tolerations=[tolerates("a", effect="PreferNoSchedule")])
    assert search.decide(indifferent, NOBODY).node.name == "tainted"


def test_message_counts_nodes_by_reason_as_text_in_order():
    search, _ = search_over(
        node("node-0", cpu="1"), node("node-1", cpu="1", memory="1"), node("node-2", unschedulable=True),
        node("node-3", taints=[taint("a")]), node("node-4", pods="0"),
    )  # fmt: skip
    rejection = search.decide(pod_info(cpu="2", memory="1Gi"), NOBODY)
    assert rejection.message() == (
        "0/5 nodes are available: 1 Insufficient memory, 1 Too many pods, 1 node(s) had untolerated taint(s), "
        "1 node(s) were unschedulable, 2 Insufficient cpu."
    )
    assert rejection.message("preemption: none.") == rejection.message() + " preemption: none."
    assert rejection.unschedulable_plugins == {"NodeResourcesFit", "NodeUnschedulable", "TaintToleration"}
    assert len(rejection.per_node()) == len(rejection.details) == 5


def needs_names(*terms):
    fields = [
        [{"key": "metadata.name", "operator": "In", "values": [name]} for name in term] for term in terms
    ]
    selector = {"nodeSelectorTerms": [{"matchFields": expressions} for expressions in fields]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def test_a_pod_that_names_nodes_is_tried_on_those_only():
    search, _ = search_over(*many(3))
    choice = search.decide(pod_info(affinity=needs_names(["node-1"])), NOBODY)
    assert (choice.node.name, choice.evaluated) == ("node-1", 1)
    rejection = search.decide(pod_info(affinity=needs_names(["node-1"]), cpu="100"), NOBODY)
    assert rejection.message() == (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )
    assert rejection.unschedulable_plugins == {"NodeResourcesFit", "NodeAffinity"}


def test_what_pre_filter_refuses_is_refused_for_all_nodes():
    search, _ = search_over(*many(2))
    rejection = search.decide(pod_info(affinity=needs_names(["node-0", "node-1"])), NOBODY)
    assert rejection.message() == "0/2 nodes are available: pod affinity terms conflict."
    assert rejection.unschedulable_plugins == {"NodeAffinity"}


def test_cluster_scoped_plugins_are_asked_about_the_candidates():
    search, _ = search_over(*many(5), using=framework((EvenOnly(), 1000)))
    choice = search.decide(pod_info(), NOBODY)
    assert (choice.node.name, choice.feasible) == ("node-4", 3)
    odd, _ = search_over(node("node-1"), node("node-3"), using=framework((EvenOnly(), 1)))
    rejection = odd.decide(pod_info(), NOBODY)
    assert rejection.message() == "0/2 nodes are available: 2 node(s) were odd."
    assert rejection.unschedulable_plugins == {"EvenOnly"}


def test_a_plugins_error_ends_the_decision():
    class Broken(Counting):
        def filter(self, state, pod, where):
            return Status(Code.ERROR, "disk on fire", plugin="Broken")

    search, _ = search_over(node(), using=framework((Broken(), 0)))
    with pytest.raises(PluginFailed, match='running plugin "Broken": disk on fire'):
        search.decide(pod_info(), NOBODY)


def test_nominated_pods_hold_their_place_against_lesser_ones():
    search, cache = search_over(node("node-1", cpu="2"))
    nominator = Nominator(cache.touch)
    nominator.put(pod_info("vip", cpu="2", priority=10), "node-1")
    assert isinstance(search.decide(pod_info("low", cpu="1"), nominator), Rejection)
    assert isinstance(search.decide(pod_info("peer", cpu="1", priority=11), nominator), Choice)
    nominator.remove("uid-vip")
    assert isinstance(search.decide(pod_info("low", cpu="1"), nominator), Choice)


def test_a_nominated_pod_takes_its_node_without_looking_further():
    search, _ = search_over(node("node-1"), node("node-2", cpu="64"))
    nominator, vip = Nominator(), pod_info("vip", cpu="1")
    nominator.put(vip, "node-1")
    choice = search.decide(vip, nominator)
    assert (choice.node.name, choice.evaluated) == ("node-1", 1)


def test_an_empty_cluster_rejects():
    search, _ = search_over()
    rejection = search.decide(pod_info(), NOBODY)
    assert rejection.nodes == 0
