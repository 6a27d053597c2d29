"""How everything but the API server sees the cluster. May import api, observability, lib.

Reading order: transport.py (the protocol), http.py (over the network), client.py (verbs), reflector.py and informer.py
(shared read cache), workqueue.py, controller.py (the only reconcile loop), events.py, leader.py, kubeconfig.py.
Upstream: client-go, controller-runtime.
"""
