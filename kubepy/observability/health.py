"""Named checks behind /livez, /readyz and /healthz.

A check returns None when all is well, else the reason in one sentence. Checks only look; they never wait.
Source of the texts: apiserver pkg/server/healthz/healthz.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from msgspec import Struct

Check = Callable[[], str | None]

GROUPS = ("healthz", "livez", "readyz")


class Report(Struct, frozen=True):
    """What a health endpoint answers: 200 if ok, else 500."""

    ok: bool
    text: str


class Checks:
    def __init__(self) -> None:
        self._checks: dict[str, tuple[Check, Collection[str]]] = {"ping": (lambda: None, GROUPS)}
        self._unfinished: set[str] = set()
        self.results: Counter[tuple[str, str, bool]] = Counter()  # by name, group and whether all was well
        self.latest: dict[tuple[str, str], bool] = {}  # by name and group

    def add(self, name: str, check: Check, groups: Collection[str] = GROUPS) -> None:
        assert name not in self._checks, f"two health checks are called {name}"
        self._checks[name] = (check, groups)

    def add_step(self, step: str, name: str) -> None:
        """A check that fails until `finish(step)`. Source: apiserver pkg/server/hooks.go postStartHookHealthz."""
        self._unfinished.add(step)
        self.add(name, lambda: "not finished" if step in self._unfinished else None)

    def finish(self, step: str) -> None:
        """Of a start, with all its checks."""
        self._unfinished.discard(step)

    def names(self, group: str) -> list[str]:
        return [name for name, (_, groups) in self._checks.items() if group in groups]

    def run(self, group: str, *, verbose: bool = False, exclude: Collection[str] = ()) -> Report:
        """All checks of the group; the long form on request or when something failed."""
        lines, failed = [], []
        for name in self.names(group):
            if name in exclude:
                lines.append(f"[+]{name} excluded: ok")
                continue
            is_well = self._checks[name][0]() is None
            self.results[name, group, is_well] += 1
            self.latest[name, group] = is_well
            if is_well:
                lines.append(f"[+]{name} ok")
            else:
                # The reason goes to the log, not to whoever asks. Source: healthz.go, handleRootHealth.
                lines.append(f"[-]{name} failed: reason withheld")
                failed.append(name)
        if unknown := sorted(set(exclude).difference(self.names(group))):
            names = ",".join(f'"{name}"' for name in unknown)
            lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
        if failed:
            return Report(False, "\n".join([*lines, f"{group} check failed", ""]))
        if verbose:
            return Report(True, "\n".join([*lines, f"{group} check passed", ""]))
        return Report(True, "ok")

    def run_one(self, group: str, name: str) -> Report | None:
        """One named check, e.g. /readyz/ping; None if there is no such check."""
        if name not in self.names(group):
            return None
        reason = self._checks[name][0]()
        return Report(True, "ok") if reason is None else Report(False, f"internal server error: {reason}\n")

    def forget_results(self) -> None:
        self.results.clear()
        self.latest.clear()

    def failing(self, group: str) -> list[tuple[str, str]]:
        """(name, reason) of what is not well, for the log."""
        return [
            (name, reason) for name in self.names(group) if (reason := self._checks[name][0]()) is not None
        ]
