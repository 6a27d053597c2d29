"""Durations as Go reads and prints them, and as plain seconds."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_s(text: str) -> float | None:
    """ "90", "1.5", "1m30s" -> seconds; None if it is neither."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def render(seconds: int) -> str:
    """10 -> 10s, 80 -> 1m20s, 300 -> 5m0s. Source: Go's time.Duration.String."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def render_exact(seconds: float) -> str:
    """1.5 -> 1.5s, 0.25 -> 250ms, 90 -> 1m30s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    whole = int(seconds)
    if whole == seconds:
        return render(whole)
    return f"{render(whole)[:-1]}.{f'{seconds:.3f}'.split('.')[1].rstrip('0')}s"
