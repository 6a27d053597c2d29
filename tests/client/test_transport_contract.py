"""The contract over both doors of the same API server."""

import pytest

from kubepy.client import kubeconfig
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.testing import Cluster
from kubepy.testing.contracts.transport import TransportContract


class TestLoopback(TransportContract):
    @pytest.fixture
    async def transport(self):
        async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
            yield cluster.client.transport


class TestHttp(TransportContract):
    @pytest.fixture
    async def transport(self):
        async with Cluster(nodes=0, controllers=(), scheduler="off", serve=True) as cluster:
            access = kubeconfig.load(cluster.kubeconfig)
            transport = access.transport(clock=RealClock(), random=Random())
            yield transport
            await transport.close()
