"""The contract of `store.base.Store` as tests. Subclass `StoreContract` and give it a fixture `store`: an open, empty
store, closed afterwards.
"""

from kubepy.testing.contracts.store.compaction import Compaction
from kubepy.testing.contracts.store.ends import Ends
from kubepy.testing.contracts.store.parts import Recorder, delete, keys, put
from kubepy.testing.contracts.store.reads import Reads
from kubepy.testing.contracts.store.watches import Watches
from kubepy.testing.contracts.store.writes import Writes

__all__ = ["Recorder", "StoreContract", "delete", "keys", "put"]


class StoreContract(Writes, Reads, Compaction, Watches, Ends):
    """Everything that base.py says, and what callers would take for granted."""
