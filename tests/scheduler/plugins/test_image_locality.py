"""Cases: pkg/scheduler/framework/plugins/imagelocality/image_locality_test.go."""

import pytest

from kubepy.scheduler.framework import CycleState
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.plugins.image_locality import normalized
from tests.scheduler import builders
from tests.scheduler.builders import container, document, node, pod

MIB = 1024 * 1024


def with_images(name, **sizes):
    one = node(name)
    one["status"]["images"] = [
        {"names": [f"gcr.io/{i}:latest"], "sizeBytes": mib * MIB} for i, mib in sizes.items()
    ]
    return one


def scores(nodes, *images):
    tools = builders.toolbox()
    search = builders.search(tools, nodes, only=("ImageLocality",))
    (scorer,) = search.framework.cluster_scorers
    incoming = pod("p", containers=[{**container({}), "image": f"gcr.io/{image}"} for image in images])
    state, info = CycleState(), PodInfo(document(incoming))
    tools.cache.refresh()
    if scorer.pre_score(state, info, ()) is not None:
        return None
    return scorer.score_nodes(state, info, tools.cache.nodes)


@pytest.mark.parametrize(
    ("nodes", "images", "expected"),
    [
        # 40 MiB on one of two nodes counts half, which is below what counts at all
        (
            [with_images("n1", **{"40": 40, "300": 300}), with_images("n2", **{"250": 250})],
            ("40", "250"),
            [0, 5],
        ),
        (
            [with_images("n1", **{"40": 40, "300": 300}), with_images("n2", **{"250": 250})],
            ("40", "300"),
            [7, 0],
        ),
        # large images count up to 1 000 MiB per container
        ([with_images("n1", **{"4000": 4000, "10": 10}), with_images("n2")], ("10", "4000"), [100, 0]),
        # on all nodes: no difference
        ([with_images("n1", **{"300": 300}), with_images("n2", **{"300": 300})], ("300",), [28, 28]),
        # nobody has it
        ([with_images("n1", **{"300": 300}), with_images("n2")], ("other",), None),
    ],
)
def test_score(nodes, images, expected):
    assert scores(nodes, *images) == expected


def test_images_that_leave_a_node_are_forgotten():
    tools = builders.toolbox()
    builders.search(tools, [with_images("n1", **{"300": 300}), with_images("n2", **{"300": 300})])
    cache = tools.cache
    assert len(cache.images["gcr.io/300:latest"].nodes) == 2
    cache.put_node(document(node("n1"), 2))
    assert cache.images["gcr.io/300:latest"].nodes == {"n2"}
    cache.remove_node("n2")
    assert not cache.images


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("root", "root:latest"),
        ("root:tag", "root:tag"),
        ("gcr.io:5000/root", "gcr.io:5000/root:latest"),
        ("root@sha256:abc", "root@sha256:abc"),
    ],
)
def test_names_have_a_tag(name, full):
    assert normalized(name) == full
