import pytest

from kubepy.kubelet.addresses import Exhausted, Pool, node_ip


def test_addresses_are_unique_stable_and_reused_last():
    pool = Pool("10.0.0.0/29")
    assert [pool.take(o) for o in "abca"] == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.2"]
    pool.release("a")
    assert pool.take("d") == "10.0.0.5" and pool.take("e") == "10.0.0.6"
    assert pool.take("f") == "10.0.0.2"
    with pytest.raises(Exhausted, match=r"no address is left in 10.0.0.0/29"):
        pool.take("g")


def test_what_pods_already_have_is_not_given_away():
    pool = Pool("10.0.0.0/29")
    pool.claim("old", "10.0.0.2")
    assert pool.take("new") == "10.0.0.3" and pool.take("old") == "10.0.0.2"


def test_a_node_with_a_range_of_its_own_gives_from_there():
    pool = Pool("10.0.0.0/16")
    assert [pool.take("a", "10.0.7.0/29"), pool.take("b"), pool.take("c", "10.0.7.0/29")] == [
        "10.0.7.2", "10.0.0.2", "10.0.7.3",
    ]  # fmt: skip
    pool.release("a")
    assert [pool.take(o, "10.0.7.0/29") for o in "defg"] == ["10.0.7.4", "10.0.7.5", "10.0.7.6", "10.0.7.2"]


def test_node_ips_are_distinct():
    assert node_ip(1) == "10.0.0.1"
    assert len({node_ip(n) for n in range(1, 5001)}) == 5000
