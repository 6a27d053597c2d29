"""THE table: (group, kind) -> its rules. A kind that is not here has the metadata rules and a DNS subdomain as name."""

from __future__ import annotations

from kubepy.api.validation.rules import Kind

KINDS: dict[tuple[str, str], Kind] = {}
