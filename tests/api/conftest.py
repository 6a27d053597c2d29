from __future__ import annotations

import pytest

from kubepy.api.schema import Schemas


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """Of the newest version; what it has compiled all tests share."""
    return Schemas()
