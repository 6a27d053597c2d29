"""The controllers of kube-controller-manager, one file each; manager.py is the table that starts them.

Each file: docstring, a frozen Plan, a pure plan(), then the class that acts. May import client and api, never
apiserver or store; so they run against any Kubernetes API server. Upstream: pkg/controller.
"""
