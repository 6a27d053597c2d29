"""The order of groups and versions."""

from kubepy.api.builtins import Catalog, GroupVersions
from kubepy.apiserver.aggregation import priorities
from kubepy.apiserver.aggregation.priorities import Priority


def test_the_catalogs_own_order_is_that_of_the_priorities():
    groups = Catalog().groups()
    assert priorities.merged(groups, {}) == groups


def test_every_builtin_group_version_has_one():
    for group, versions in Catalog().groups():
        if group != "apiregistration.k8s.io":
            assert all(priorities.builtin(group, version) for version in versions), group
    assert priorities.of("example.com", "v1") == priorities.CUSTOM


def test_other_groups_stand_where_their_priorities_say():
    local = [
        GroupVersions("", ("v1",)),
        GroupVersions("apiregistration.k8s.io", ("v1",)),
        GroupVersions("apps", ("v1",)),
        GroupVersions("custom.io", ("v2", "v1")),
    ]
    remote = {
        ("high.io", "v1"): Priority(20000, 1),
        ("low.io", "v1"): Priority(10, 1),
        ("equal.io", "v1"): Priority(1000, 1),
        ("custom.io", "v3"): Priority(500, 1000),
    }
    assert priorities.merged(local, remote) == [
        GroupVersions("", ("v1",)),
        GroupVersions("apiregistration.k8s.io", ("v1",)),
        GroupVersions("high.io", ("v1",)),
        GroupVersions("apps", ("v1",)),
        # One version with a high priority is enough for the group; among equals the name decides: v1.custom.io.
        GroupVersions("custom.io", ("v3", "v2", "v1")),
        GroupVersions("equal.io", ("v1",)),
        GroupVersions("low.io", ("v1",)),
    ]
