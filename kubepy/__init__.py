"""kubepy: the whole Kubernetes control plane in one asyncio process. docs/ARCHITECTURE.md is the map."""

__version__ = "0.1.0"
