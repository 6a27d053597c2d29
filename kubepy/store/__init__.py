"""The etcd role: bytes in, revisions out. Knows no kinds; may import lib and observability only.

Read in this order: base.py (the contract), transaction.py (what a txn does, pure), memory.py over sortedmap.py,
sqlite.py over table.py, watch.py (fan-out), compact.py (the five-minute compactor). The contract as tests is
kubepy.testing.contracts.store.
Upstream: etcd server/storage/mvcc.
"""
