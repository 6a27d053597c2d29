from collections.abc import AsyncIterator

import pytest

from kubepy.testing import Cluster


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """One node; pods are bound by hand."""
    async with Cluster(nodes=1, scheduler="off", controllers=("serviceaccount-controller",)) as made:
        yield made
