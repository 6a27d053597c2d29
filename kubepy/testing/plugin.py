"""The pytest plugin: a `cluster` fixture, one warm cluster per test.

    async def test_three_pods_become_ready(cluster):
        await cluster.client.create(DEPLOYMENTS, make_deployment("web").replicas(3).obj())
        await cluster.until(lambda: cluster.pods(ready=True), count=3)

    @pytest.mark.kubepy(nodes=10, controllers=["*", "-garbage-collector"])
    async def test_...

The marker's arguments are those of `kubepy.testing.Cluster`. Needs pytest-asyncio.

Every pytest run of a project that has kubepy installed imports this module, so it imports nothing of kubepy until a
test asks for a cluster.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kubepy.testing.cluster import Cluster

try:
    from pytest_asyncio import fixture
except ImportError:

    @pytest.fixture
    def cluster() -> None:
        pytest.skip("the cluster fixture needs pytest-asyncio")

else:

    @fixture(name="cluster")
    async def _cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
        """A running `kubepy.testing.Cluster` on virtual time; @pytest.mark.kubepy(...) says how it differs."""
        from kubepy.testing.cluster import Cluster

        marker = request.node.get_closest_marker("kubepy")
        async with Cluster(**(marker.kwargs if marker else {})) as cluster:
            yield cluster


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "kubepy(**arguments): how the test's `cluster` is made; see kubepy.testing.Cluster"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its cluster logged."""
    report = yield
    # Other people's fixtures may be called `cluster`, too.
    log = getattr(getattr(item, "funcargs", {}).get("cluster"), "log", None)
    if report.when == "call" and report.failed and isinstance(log, str):
        report.sections.append(("kubepy log", log))
    return report
