from collections.abc import AsyncIterator

import pytest

from kubepy.testing import Cluster

# Pods mount the token of their account, and with it the CA.
_CONTROLLERS = ("serviceaccount-controller", "root-ca-certificate-publisher-controller")


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """One node; pods are bound by hand."""
    async with Cluster(nodes=1, scheduler="off", controllers=_CONTROLLERS) as made:
        yield made
