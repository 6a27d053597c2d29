"""Nodes and what runs on them. One process plays thousands of nodes; cost per idle node is near zero.

Reading order: runtimes/fake.py (what a container does), probes.py (when that is found out), turns.py (whose turn it
is), status.py (what comes of it), stages.py (when: simulated life as data), pods.py (the loop), narrator.py (what is
said meanwhile), nodes.py (registration, heartbeat, trouble), kubelet.py.
May import client and api, never apiserver or store. Upstream: pkg/kubelet; kwok for stages.
"""
