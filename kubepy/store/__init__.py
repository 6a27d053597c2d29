"""The etcd role: bytes in, revisions out. Knows no kinds; may import lib and observability only.

Read in this order: base.py (the contract), memory.py, sqlite.py, watch.py (fan-out).
Upstream: etcd server/storage/mvcc.
"""
