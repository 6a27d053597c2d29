import pytest

from kubepy.scheduler.framework import Code, CycleState
from kubepy.scheduler.plugins.node_name import NodeName
from tests.scheduler.builders import node_info, pod_info


@pytest.mark.parametrize(("wanted", "fits"), [("", True), ("foo", True), ("bar", False)])
def test_a_pod_that_names_a_node_fits_no_other(wanted, fits):
    status = NodeName().filter(CycleState(), pod_info(nodeName=wanted), node_info("foo"))
    assert (status is None) is fits
    if not fits:
        assert status.reasons == ("node(s) didn't match the requested node name",)


def test_pods_without_a_name_are_not_filtered():
    assert NodeName().pre_filter(CycleState(), pod_info()).code is Code.SKIP
