"""Pure Kubernetes knowledge: no asyncio, no I/O. May import lib only.

Reading order: objects.py (what an object is), resources.py and builtins.py (THE table), errors.py, schema.py (decode,
prune, default, validate), defaults.py and validation/ (what no schema says), selectors.py, quantity.py, names.py,
tables/ (kubectl's columns), openapi.py (documents), pods.py and placement.py (arithmetic that several rooms share).
Upstream: staging/src/k8s.io/{api,apimachinery}, pkg/apis.
"""
