"""The scheduler. Reading order: framework.py (protocols in the order a pod meets them), plugins/ (one file each),
queue.py, cache.py, topology.py and terms.py (what is counted across nodes), profiles.py (configuration.py reads them
from files), runtime.py, search.py (how a node is found fast), scheduler.py (_schedule_one, top to bottom); events.py
says what a change may mean for waiting pods, decisions.py remembers what was decided, why.py explains it.
May import client and api, never apiserver or store. Upstream: pkg/scheduler.
"""
