"""Tolerations against each other: which make others unnecessary. (Against taints: placement.py.)

Source: kubernetes pkg/util/tolerations/tolerations.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.objects import Obj


def merged(first: Sequence[Obj], second: Sequence[Obj]) -> list[Obj]:
    """Both, without those that others include; of equal ones the first stays. Source: MergeTolerations."""
    found: list[Obj] = []
    together = [*first, *second]
    for index, each in enumerate(together):
        later = together[index + 1 :]
        if any(includes(other, each) for other in found):
            continue
        if any(other != each and includes(other, each) for other in later):
            continue
        found.append(each)
    return found


def includes(wide: Obj, narrow: Obj) -> bool:
    """Whether `wide` tolerates all that `narrow` does. Source: isSuperset."""
    if wide == narrow:
        return True
    operator = wide.get("operator", "")
    if narrow.get("key", "") != wide.get("key", "") and (wide.get("key") or operator != "Exists"):
        return False
    if wide.get("effect") and narrow.get("effect") != wide["effect"]:
        return False
    limit_s = wide.get("tolerationSeconds")
    if wide.get("effect") == "NoExecute" and limit_s is not None:
        given_s = narrow.get("tolerationSeconds")
        if given_s is None or given_s > limit_s:
            return False
    if operator in ("", "Equal"):
        return narrow.get("operator") == "Equal" and narrow.get("value", "") == wide.get("value", "")
    return bool(operator == "Exists")


def are_within(tolerations: Sequence[Obj], allowed: Sequence[Obj]) -> bool:
    """Whether each is included in one that is allowed; no list allows everything. Source: VerifyAgainstWhitelist."""
    return not allowed or all(any(includes(wide, each) for wide in allowed) for each in tolerations)
