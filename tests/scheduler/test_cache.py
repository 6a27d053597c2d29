import pytest

from kubepy.api.objects import Key
from kubepy.scheduler.cache import Cache
from tests.scheduler.builders import document, node, pod_info, taint


def cache_of(*nodes):
    cache = Cache()
    for one in nodes:
        cache.put_node(document(one))
    cache.refresh()
    return cache


def zoned(name, zone):
    return node(name, labels={"topology.kubernetes.io/zone": zone})


def counted(cache, name="node-1"):
    info = cache.node(name)
    return info.requested.milli_cpu, len(info.pods)


WEB = Key("default", "web")


def test_an_assumed_pod_counts_at_once_and_its_confirmation_changes_nothing():
    cache = cache_of(node())
    cache.assume(pod_info(cpu="1"), "node-1")
    assert counted(cache) == (1000, 1)
    assert cache.is_assumed(WEB, "uid-web")
    before = cache.position
    cache.add_pod(pod_info(cpu="1", nodeName="node-1"), "node-1")
    assert counted(cache) == (1000, 1)
    assert not cache.is_assumed(WEB, "uid-web")
    assert cache.changed_since(before) == []


def test_a_forgotten_pod_gives_its_room_back_once():
    cache = cache_of(node())
    web = pod_info(cpu="1")
    cache.assume(web, "node-1")
    assert cache.forget(web)
    assert not cache.forget(web)
    assert counted(cache) == (0, 0)


def test_a_confirmed_pod_cannot_be_forgotten():
    cache = cache_of(node())
    web = pod_info(cpu="1")
    cache.assume(web, "node-1")
    cache.add_pod(pod_info(cpu="1"), "node-1")
    assert not cache.forget(web)
    assert counted(cache) == (1000, 1)


def test_a_pod_confirmed_elsewhere_moves():
    cache = cache_of(node("node-1"), node("node-2"))
    cache.assume(pod_info(cpu="1"), "node-1")
    cache.add_pod(pod_info(cpu="1"), "node-2")
    assert counted(cache, "node-1") == (0, 0)
    assert counted(cache, "node-2") == (1000, 1)


def test_a_pod_is_not_assumed_twice():
    cache = cache_of(node())
    cache.assume(pod_info(), "node-1")
    with pytest.raises(AssertionError, match="cannot be assumed"):
        cache.assume(pod_info(), "node-1")


def test_an_update_counts_what_the_pod_asks_for_now():
    cache = cache_of(node())
    cache.add_pod(pod_info(cpu="2"), "node-1")
    cache.update_pod(pod_info(cpu="1"), "node-1")
    assert counted(cache) == (1000, 1)
    assert cache.node_of(WEB) == "node-1"
    assert cache.remove_pod(WEB)
    assert not cache.remove_pod(WEB)
    assert cache.node_of(WEB) == ""
    assert counted(cache) == (0, 0)


def test_a_recreated_pod_replaces_the_one_it_is_named_after():
    cache = cache_of(node())
    cache.add_pod(pod_info(uid="one", cpu="2"), "node-1")
    cache.add_pod(pod_info(uid="two", cpu="2"), "node-1")
    assert counted(cache) == (2000, 1)
    assert cache.node("node-1").pods[WEB].uid == "two"


def test_pods_known_before_their_node_count_when_it_comes():
    cache = cache_of()
    cache.add_pod(pod_info(cpu="1"), "node-1")
    assert cache.node("node-1") is None
    cache.put_node(document(node()))
    cache.refresh()
    assert counted(cache) == (1000, 1)


def test_a_node_leaves_its_pods_behind_until_they_go_too():
    cache = cache_of(node())
    cache.add_pod(pod_info(cpu="1"), "node-1")
    cache.remove_node("node-1")
    cache.refresh()
    assert cache.nodes == []
    assert cache.statistics() == {"nodes": 1, "pods": 1, "assumed": 0}
    cache.remove_pod(WEB)
    assert cache.statistics() == {"nodes": 0, "pods": 0, "assumed": 0}


def test_zones_take_turns():
    cache = cache_of(zoned("a1", "a"), zoned("a2", "a"), zoned("a3", "a"), zoned("b1", "b"), zoned("c1", "c"))
    assert [info.name for info in cache.nodes] == ["a1", "b1", "c1", "a2", "a3"]
    assert [info.slot for info in cache.nodes] == [0, 1, 2, 3, 4]


def test_changes_name_the_slots_and_nothing_else():
    cache = cache_of(node("node-1"), node("node-2"), node("node-3"))
    position = cache.position
    cache.assume(pod_info(), "node-2")
    cache.put_node(document(node("node-3", taints=[taint("a")])))
    cache.touch_node(document(node("node-1"), revision=2))
    assert cache.changed_since(position) == [1, 2]
    assert cache.changed_since(cache.position) == []


def test_a_new_layout_makes_old_positions_unknown():
    cache = cache_of(node("node-1"))
    cache.assume(pod_info(), "node-1")
    position, layout = cache.position, cache.layout
    cache.put_node(document(node("node-2")))
    cache.refresh()
    assert cache.layout != layout
    cache.refresh()
    assert cache.layout == layout + 1
    assert cache.changed_since(position) == []
    assert cache.changed_since(0) is None


def test_the_list_of_changes_is_bounded():
    cache = cache_of(node())
    web = pod_info()
    for _ in range(20_000):
        cache.assume(web, "node-1")
        cache.forget(web)
    assert cache.changed_since(0) is None
    assert len(cache.changed_since(cache.position - 100)) == 100


def test_with_pods_leaves_the_node_alone():
    cache = cache_of(node())
    old, new = pod_info("old", cpu="1"), pod_info("new", cpu="2")
    cache.add_pod(old, "node-1")
    info = cache.node("node-1")
    changed = info.with_pods([new], removed=[old])
    assert (changed.requested.milli_cpu, list(changed.pods)) == (2000, [new.key])
    assert (info.requested.milli_cpu, list(info.pods)) == (1000, [old.key])
