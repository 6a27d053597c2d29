"""The engine under `patterns`: parse RE2's syntax, then Python's `re` where that is safe, else an automaton.

syntax.py makes a tree of a pattern, and backtracking.py tells how `re` would do on it. `re` runs what stays below a
fixed number of steps; the rest runs on a lazily built DFA (search) or on a simulation with priorities (find), both over
automaton.py and linear in the text.

Source: Go regexp/syntax/parse.go; Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from kubepy.api.cel.regexp.automaton import Automaton, context_of
from kubepy.api.cel.regexp.backtracking import is_anchored, python_source, shape_of
from kubepy.api.cel.regexp.syntax import STATES_MAX, Parser, PatternError, Tree, states_of

Span = tuple[int, int]
# Where a run is: the states, and the kind of the character before.
State = tuple[tuple[int, ...], str]
Transition = tuple[bool, State]  # whether the pattern has matched, and if not where it goes on

# Cached DFA transitions of one pattern, each some 200 bytes.
_TRANSITIONS_MAX = 5_000

# Backtracking steps that `re` is trusted with: some 10 ms.
_STEPS_MAX = 500_000


class Pattern:
    """A parsed pattern, ready to run."""

    def __init__(self, tree: Tree) -> None:
        shape = shape_of(tree)
        self._degree = max(1, shape.degree + (not is_anchored(tree)))
        self._tree = tree
        self._re = None if shape.explosive else re.compile(python_source(tree), re.ASCII)
        self._chars_max = int(_STEPS_MAX ** (1 / self._degree))
        self._states: dict[State, dict[str, Transition]] = {}
        self._transitions = 0

    @functools.cached_property
    def _automaton(self) -> Automaton:
        # most patterns never need one
        return Automaton(self._tree)

    def search(self, text: str) -> bool:
        if self._re is not None and len(text) <= self._chars_max:
            return self._re.search(text) is not None
        return self._run(text)

    def find_all(self, text: str) -> Iterator[str]:
        if self._re is not None and len(text) <= self._chars_max:
            spans = self._spans(text, self._leftmost_by_re)
        else:
            spans = self._spans(text, self._leftmost)
        end_before = -1
        for start, end in spans:
            # Go drops an empty match that touches the match before it.
            if start == end == end_before:
                continue
            end_before = end
            yield text[start:end]

    def _run(self, text: str) -> bool:
        """A DFA made while it runs: (states, character before) -> by next character (matched?, states)."""
        key: State = ((self._automaton.start,), "")
        for char in text:
            table = self._states.get(key)
            if table is None:
                table = self._states[key] = {}
            step = table.get(char)
            if step is None:
                step = table[char] = self._step(key, char)
            if step[0]:
                return True
            key = step[1]
        return 0 in self._automaton.closure(list(key[0]), key[1], "")

    def _step(self, key: State, char: str) -> Transition:
        self._transitions += 1
        if self._transitions > _TRANSITIONS_MAX:
            self._states = {}
            self._transitions = 0
        states = self._automaton.closure(list(key[0]), key[1], char)
        if 0 in states:
            return True, key
        code = ord(char)
        following = {self._automaton.nodes[s].out[0] for s in states if self._automaton.reads(s, code)}
        following.add(self._automaton.start)
        return False, (tuple(sorted(following)), context_of(char))

    def _spans(self, text: str, leftmost: Callable[[str, int], Span | None]) -> Iterator[Span]:
        at = 0
        while at <= len(text):
            span = leftmost(text, at)
            if span is None:
                return
            yield span
            at = span[1] if span[1] > span[0] else span[1] + 1

    def _leftmost_by_re(self, text: str, at: int) -> Span | None:
        assert self._re is not None
        found = self._re.search(text, at)
        return None if found is None else found.span()

    def _leftmost(self, text: str, at: int) -> Span | None:
        """The match that backtracking would find first: threads in order of preference, cut at a match."""
        automaton = self._automaton
        threads: list[tuple[int, int]] = []
        best: Span | None = None
        while True:
            if best is None:
                threads.append((automaton.start, at))
            elif not threads:
                return best
            before = text[at - 1] if at else ""
            after = text[at] if at < len(text) else ""
            threads, best = self._advance(threads, before, after, at, best)
            if not after:
                return best
            at += 1

    def _advance(
        self, threads: list[tuple[int, int]], before: str, after: str, at: int, best: Span | None
    ) -> tuple[list[tuple[int, int]], Span | None]:
        automaton = self._automaton
        code = ord(after) if after else -1
        following: list[tuple[int, int]] = []
        seen: set[int] = set()
        for state, start in threads:
            for reached in automaton.closure([state], before, after):
                if reached in seen:
                    continue
                seen.add(reached)
                if reached == 0:
                    return following, (start, at)
                if after and automaton.reads(reached, code):
                    following.append((automaton.nodes[reached].out[0], start))
        return following, best


def parse(pattern: str) -> Pattern:
    """Raises PatternError."""
    try:
        tree = Parser(pattern).whole()
        if states_of(tree) > STATES_MAX:
            raise PatternError("expression too large", pattern)
        return Pattern(tree)
    except RecursionError:
        raise PatternError("expression nests too deeply", pattern)
