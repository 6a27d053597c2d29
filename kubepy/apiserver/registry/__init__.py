"""The only door to the store: caches, the generic registry, strategies of kinds that behave, subresources."""
