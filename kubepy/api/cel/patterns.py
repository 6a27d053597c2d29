"""Regular expressions as RE2 has them: its syntax, and never more than linear time.

A pattern is parsed here, so what RE2 refuses is refused with its text (look-around, back-references, possessive
quantifiers, repeat counts above 1000) and what it spells differently means what RE2 means (`$` is the end of the
text, `\\s` has no vertical tab, flags may come anywhere). Then there are two ways to run it:

- most patterns become one of Python's `re`, which is fast but backtracks;
- a pattern that could make backtracking explode (a repetition inside a repetition, or two repetitions in a row that
  can match the same text) runs on a simulation of its automaton: slower per character, linear for any text.

Programs of more than a few thousand states are refused, as RE2 does for memory.

Promised: the same texts match, and find() gives the leftmost match that RE2's default (Perl) preference gives.
Not promised: Unicode classes beyond general categories and the scripts Latin, Greek, Cyrillic, Han.

Source: github.com/google/re2 doc/syntax.txt; Go regexp/syntax (parse.go for the error texts).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from kubepy.api.cel.errors import CelError
from kubepy.api.cel.regexp import Pattern, PatternError, parse


# A pattern with its automaton takes up to a megabyte.
@functools.lru_cache(256)
def compile(pattern: str) -> Pattern:
    """Raises CelError."""
    try:
        return parse(pattern)
    except PatternError as error:
        raise CelError(str(error))


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern occurs anywhere in the text."""
    return compile(pattern).search(text)


def find_all(text: str, pattern: str) -> Iterator[str]:
    """The non-overlapping matches, leftmost first; an empty match right after another one does not count."""
    return compile(pattern).find_all(text)
