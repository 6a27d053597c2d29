"""The plugin as users get it; in a checkout nothing has registered its entry point."""

from kubepy.testing.plugin import _cluster as cluster
from kubepy.testing.plugin import pytest_configure

__all__ = ["cluster", "pytest_configure"]
