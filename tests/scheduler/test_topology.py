import random

import pytest

from kubepy.api.objects import Key
from kubepy.api.selectors import NOTHING, from_set
from kubepy.scheduler import topology
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.terms import Condition, Files, pod_terms
from kubepy.scheduler.topology import View
from tests.scheduler.builders import document, node, pod, pod_info

ZONES, APPS = ("z1", "z2", "z3", None), ("web", "db")


def condition(app, namespace="default"):
    return Condition(frozenset((namespace,)), NOTHING, from_set({"app": app}))


def labels(zone):
    return {"zone": zone} if zone else {}


def anti(app):
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": app}}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def recount(nodes, pods, app):
    """zone -> pods, and the fewest in any, counted one by one."""
    counts = {}
    for where, kind, _ in pods.values():
        zone = nodes.get(where)
        if zone and kind == app:
            counts[zone] = counts.get(zone, 0) + 1
    zones = {zone for zone in nodes.values() if zone}
    return counts, min((counts.get(zone, 0) for zone in zones), default=None)


@pytest.mark.parametrize("seed", range(30))
def test_kept_counts_are_those_that_counting_gives(seed):
    dice, cache = random.Random(seed), Cache()
    nodes, pods = {}, {}  # name -> zone; name -> (node, app, whether it has anti-affinity)
    for step in range(120):
        where, name = f"n{dice.randrange(5)}", f"p{dice.randrange(12)}"
        match dice.randrange(4):
            case 0:
                nodes[where] = dice.choice(ZONES)
                cache.put_node(document(node(where, labels=labels(nodes[where])), step))
            case 1:
                nodes.pop(where, None)
                cache.remove_node(where)
            case 2:
                app, has_term = dice.choice(APPS), dice.random() < 0.5
                pods[name] = (where, app, has_term)
                affinity = {"affinity": anti(app)} if has_term else {}
                cache.add_pod(pod_info(name, labels={"app": app}, nodeName=where, **affinity), where)
            case 3:
                pods.pop(name, None)
                cache.remove_pod(Key("default", name))
        for app in APPS:
            tally = cache.topology.tally((condition(app),), "zone")
            assert (tally.counts, tally.fewest()) == recount(nodes, pods, app)
            only = {key: value for key, value in pods.items() if value[2]}
            places = [c.places for c in cache.topology.claims.about("default", {"app": app}, lambda name: {})]
            assert places == [counts for counts in [recount(nodes, only, app)[0]] if counts]


def test_groups_that_nobody_asks_about_are_forgotten(monkeypatch):
    monkeypatch.setattr(topology, "GROUPS_MAX", 3)
    cache = Cache()
    cache.put_node(document(node(labels={"zone": "z1"})))
    for number in range(5):
        cache.add_pod(pod_info(f"p{number}", labels={"app": f"a{number}"}), "node-1")
    for number in range(5):
        assert cache.topology.tally((condition(f"a{number}"),), "zone").counts == {"z1": 1}
    assert cache.topology.statistics() == {"kins": 5, "groups": 3, "domains": 1, "claims": 0}
    assert cache.topology.tally((condition("a0"),), "zone").counts == {"z1": 1}
    for number in range(5):
        cache.remove_pod(Key("default", f"p{number}"))
    assert cache.topology.statistics()["kins"] == 0


def test_a_view_says_what_would_be_and_leaves_what_is():
    cache = Cache()
    for number, zone in enumerate(("z1", "z2")):
        cache.put_node(document(node(f"n{number}", labels={"zone": zone})))
    cache.add_pod(pod_info("a", labels={"app": "web"}), "n0")
    view = View(cache.topology.tally((condition("web"),), "zone"))
    assert (view.pods("z1"), view.pods("z2"), view.fewest(), view.is_empty) == (1, 0, 0, False)
    other = view.clone()
    other.change("n1", 2)
    assert (other.pods("z2"), other.fewest()) == (2, 1)
    other.change("n0", -1)
    assert (other.pods("z1"), other.fewest()) == (0, 0)
    other.change("n1", -2)
    assert other.is_empty
    assert (view.pods("z1"), view.fewest()) == (1, 0)


def test_some_nodes_do_not_take_part():
    cache = Cache()
    for name, zone in (("n0", "z1"), ("n1", "z1"), ("n2", "z2")):
        cache.put_node(document(node(name, labels={"zone": zone})))
        cache.add_pod(pod_info(f"on-{name}", labels={"app": "web"}), name)
    tally = cache.topology.tally(
        (condition("web"),), "zone", taking_part="not n1", takes_part=lambda n: n.name != "n1"
    )
    assert (tally.counts, tally.domains.sizes) == ({"z1": 1, "z2": 1}, {"z1": 1, "z2": 1})


def test_a_pod_that_is_about_to_go_counts_where_it_is_asked_to():
    cache = Cache()
    cache.put_node(document(node(labels={"zone": "z1"})))
    going = pod("a", labels={"app": "web"}, nodeName="node-1")
    cache.add_pod(pod_info("a", labels={"app": "web"}), "node-1")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    staying = cache.topology.group((condition("web"),), counts_terminating=False)
    everybody = cache.topology.group((condition("web"),))
    assert (staying.nodes, everybody.nodes) == ({"node-1": 1}, {"node-1": 1})
    cache.update_pod(type(pod_info())(document(going, 2)), "node-1")
    assert (staying.nodes, everybody.nodes) == ({}, {"node-1": 1})


def test_terms_of_a_template_are_compiled_once():
    one, other = (pod(name, affinity=anti("web")) for name in "ab")
    assert pod_terms(one) is pod_terms(other)
    (term,) = pod_terms(one).anti_affinity
    assert term.condition.namespaces == {"default"} and term.topology_key == "zone"


def test_files_are_found_by_a_label_and_the_rest_always():
    class Filed:
        def __init__(self, wanted):
            self.condition = Condition(frozenset(), NOTHING, from_set(wanted))

    web, db, anyone = Filed({"app": "web"}), Filed({"app": "db"}), Filed({})
    files = Files()
    for one in (web, db, anyone):
        files.put(one)
    assert list(files.near({"app": "web", "x": "y"})) == [anyone, web]
    files.drop(web)
    assert list(files.near({"app": "web"})) == [anyone]
