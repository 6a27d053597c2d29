import pytest

from kubepy.scheduler.framework import Code, CycleState, Hint, Narrowed, Status
from kubepy.scheduler.plugins.node_affinity import NodeAffinity
from tests.scheduler.builders import node, node_info, pod_info


def needs(*terms):
    return {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    }


def labels(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def names(operator, *values):
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(values)}]}


# From upstream's TestNodeAffinity: (spec, node labels, fits).
FILTER = [
    ({"nodeSelector": {"foo": "bar"}}, {}, False),
    ({"nodeSelector": {"foo": "bar"}}, {"foo": "bar"}, True),
    ({"nodeSelector": {"foo": "bar"}}, {"foo": "bar", "baz": "blah"}, True),
    ({"nodeSelector": {"foo": "bar", "baz": "blah"}}, {"foo": "bar"}, False),
    ({"affinity": needs(labels("foo", "In", "bar", "value2"))}, {"foo": "bar"}, True),
    ({"affinity": needs(labels("kernel-version", "Gt", "0204"))}, {"kernel-version": "0206"}, True),
    ({"affinity": needs(labels("mem-type", "NotIn", "DDR", "DDR2"))}, {"mem-type": "DDR3"}, True),
    ({"affinity": needs(labels("GPU", "Exists"))}, {"GPU": "NVIDIA-GRID-K1"}, True),
    ({"affinity": needs(labels("foo", "In", "value1"))}, {"foo": "bar"}, False),
    ({"affinity": needs({"matchExpressions": []})}, {"foo": "bar"}, False),
    ({"affinity": needs(labels("foo", "In", "bar"), labels("diffkey", "In", "wrong"))}, {"foo": "bar"}, True),
    ({"affinity": needs(labels("foo", "Exists")), "nodeSelector": {"foo": "bar"}}, {"foo": "bar"}, True),
    (
        {"affinity": needs(labels("foo", "Exists")), "nodeSelector": {"foo": "bar"}},
        {"foo": "barrrrrr"},
        False,
    ),
    ({"affinity": needs(labels("foo", "NotIn", "invalid value: ___@#$%^"))}, {"foo": "bar"}, False),
    ({"affinity": needs(names("In", "node-1"))}, {}, True),
]


@pytest.mark.parametrize(("spec", "node_labels", "fits"), FILTER)
def test_filter(spec, node_labels, fits):
    plugin, state, new = NodeAffinity(), CycleState(), pod_info(**spec)
    assert not isinstance(plugin.pre_filter(state, new), Status)
    status = plugin.filter(state, new, node_info(labels=node_labels))
    assert (status is None) is fits
    if not fits:
        assert status.reasons == ("node(s) didn't match Pod's node affinity/selector",)
        assert status.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE


def test_a_pod_that_demands_nothing_is_not_filtered_or_scored():
    plugin = NodeAffinity()
    assert plugin.pre_filter(CycleState(), pod_info()).code is Code.SKIP
    assert plugin.pre_score(CycleState(), pod_info(), ()).code is Code.SKIP


PRE_FILTER = [
    (needs(names("In", "node-1"), names("In", "node-2")), Narrowed(frozenset({"node-1", "node-2"}))),
    (needs(names("In", "node-1") | labels("foo", "Exists")), Narrowed(frozenset({"node-1"}))),
    (needs(names("In", "node-1"), labels("foo", "Exists")), None),
    (needs(names("NotIn", "node-1")), None),
]


@pytest.mark.parametrize(("affinity", "answer"), PRE_FILTER)
def test_terms_that_all_name_nodes_narrow_the_search(affinity, answer):
    assert NodeAffinity().pre_filter(CycleState(), pod_info(affinity=affinity)) == answer


def test_two_names_at_once_are_a_conflict():
    both = {"matchFields": [*names("In", "node-1")["matchFields"], *names("In", "node-2")["matchFields"]]}
    status = NodeAffinity().pre_filter(CycleState(), pod_info(affinity=needs(both)))
    assert status.message == "pod affinity terms conflict"


def prefers(*weighted):
    terms = [{"weight": weight, "preference": term} for weight, term in weighted]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def test_score_adds_the_weights_of_matching_terms_and_stretches_them():
    plugin, state = NodeAffinity(), CycleState()
    new = pod_info(affinity=prefers((2, labels("foo", "In", "bar")), (4, labels("key", "In", "value"))))
    assert plugin.pre_score(state, new, ()) is None
    nodes = [{"foo": "bar"}, {"key": "value"}, {"foo": "bar", "key": "value"}, {}]
    raw = [plugin.score(state, new, node_info(labels=node_labels)) for node_labels in nodes]
    assert raw == [2, 4, 6, 0]
    assert plugin.normalize(raw) == [33, 66, 100, 0]


def test_signature_tells_selectors_and_affinities_apart():
    sign = NodeAffinity().sign
    assert sign(pod_info("a")) == sign(pod_info("b"))
    assert sign(pod_info(nodeSelector={"a": "1", "b": "2"})) == sign(
        pod_info(nodeSelector={"b": "2", "a": "1"})
    )
    assert sign(pod_info(nodeSelector={"a": "1"})) != sign(pod_info(nodeSelector={"a": "2"}))
    assert sign(pod_info(affinity=prefers((1, labels("a", "Exists"))))) != sign(pod_info())


GOOD, BAD = node(labels={"foo": "bar"}), node(labels={"foo": "baz"})
HINTS = [(None, GOOD, Hint.QUEUE), (None, BAD, Hint.SKIP), (BAD, GOOD, Hint.QUEUE), (GOOD, GOOD, Hint.SKIP)]


@pytest.mark.parametrize(("old", "new", "hint"), HINTS)
def test_a_node_helps_when_it_starts_to_match(old, new, hint):
    assert NodeAffinity().events()[0].hint(pod_info(nodeSelector={"foo": "bar"}), old, new) is hint
