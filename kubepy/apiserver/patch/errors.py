"""The answer for a patch that is well-formed and cannot be carried out."""

from __future__ import annotations

from kubepy.api.errors import Invalid


def unprocessable() -> Invalid:
    """Upstream keeps the reason to itself. Source: errors.NewGenericServerResponse(422, ..., false)."""
    return Invalid("the server rejected our request due to an error in our request", details={})
