"""The API server: the only door to the store.

Reading order: request.py (what a request is), app.py (the filter chain as one list), filters/, authn/,
authz/, handlers/ (one per verb), registry/ (generic CRUD over the store, watch cache, strategies for kinds
that behave), patch/, admission/, discovery.py, openapi.py, server.py (HTTP), loopback.py (the same chain
without a socket). May import client, store, api. Upstream: staging/src/k8s.io/apiserver.
"""
