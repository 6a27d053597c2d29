"""Composition: configuration, keys and certificates, bootstrap objects, components in start order. Decides nothing."""
