from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.api.objects import DocumentPool
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.lib.clock import RealClock
from kubepy.observability.logs import silent
from kubepy.store.base import Store
from kubepy.store.memory import MemoryStore
from kubepy.store.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store: Store = MemoryStore()
    if request.param == "sqlite":
        store = await SqliteStore.open(tmp_path / "store.db", clock=RealClock(), log=silent())
    yield store
    await store.close()


@pytest.fixture
def cache(store: MemoryStore) -> ResourceCache:
    return ResourceCache(store, CONFIG_MAPS, DocumentPool(), history_max=4)
