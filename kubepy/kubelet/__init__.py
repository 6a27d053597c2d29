"""Nodes and what runs on them. One process plays thousands of nodes; cost per idle node is near zero.

Reading order: stages.py (simulated life as data), runtimes/fake.py, node.py (registration, heartbeat), kubelet.py.
May import client and api, never apiserver or store. Upstream: pkg/kubelet; kwok for stages.
"""
