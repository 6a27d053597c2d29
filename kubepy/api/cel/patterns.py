"""Regular expressions with RE2's syntax.

Source: github.com/google/re2 doc/syntax.txt; Go regexp/syntax.
"""

from __future__ import annotations

import functools
import re

from kubepy.api.cel.errors import CelError


@functools.lru_cache(1024)
def compile(pattern: str) -> re.Pattern[str]:
    """Raises CelError."""
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as error:
        raise CelError(f"error parsing regexp: {error}")


def matches(text: str, pattern: str) -> bool:
    return compile(pattern).search(text) is not None
