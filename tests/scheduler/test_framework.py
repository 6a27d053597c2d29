import pytest

from kubepy.scheduler.framework import Action, ClusterEvent, normalize


def test_an_interest_matches_any_of_its_actions():
    interest = ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL)
    assert interest.matches(ClusterEvent("Node", Action.ADD))
    assert not interest.matches(ClusterEvent("Node", Action.DELETE))
    assert not interest.matches(ClusterEvent("Pod", Action.ADD))
    assert ClusterEvent("*", Action.ALL).matches(ClusterEvent("Pod", Action.UPDATE_OTHER))


# Upstream's TestDefaultNormalizeScore.
@pytest.mark.parametrize(
    ("reverse", "scores", "normalized"),
    [
        (False, [1, 2, 3, 4], [25, 50, 75, 100]),
        (True, [1, 2, 3, 4], [75, 50, 25, 0]),
        (False, [1000, 10, 20, 30], [100, 1, 2, 3]),
        (True, [1000, 10, 20, 30], [0, 99, 98, 97]),
        (False, [1, 1, 1, 1], [100, 100, 100, 100]),
        (False, [0, 0], [0, 0]),
        (True, [0, 0], [100, 100]),
        (False, [], []),
    ],
)
def test_normalize(reverse, scores, normalized):
    assert normalize(scores, reverse=reverse) == normalized
