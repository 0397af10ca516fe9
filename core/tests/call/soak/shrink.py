"""From a call that goes wrong to the shortest one that goes wrong in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from .script import Line, Script

TRIES = 400


def shrink(script: Script, fails: Callable[[Script], bool]) -> Script:
    """Drop lines, options and words of *script* as long as it *fails*; at most `TRIES` tries."""
    tries = 0
    again = True
    while again:
        again = False
        for smaller in _smaller(script):
            tries += 1
            if tries > TRIES:
                return script
            if fails(smaller):
                script, again = smaller, True
                break
    return script


def _smaller(script: Script) -> Iterator[Script]:
    """Scripts that are a little less than this one, the boldest first."""
    for size in (len(script) // 2, 2, 1):
        for at in range(0, len(script) - size + 1, max(1, size)):
            if size:
                yield script[:at] + script[at + size :]
    for at, line in enumerate(script):
        for less in _less(line):
            yield (*script[:at], less, *script[at + 1 :])


def _less(line: Line) -> Iterator[Line]:
    for name in line.options:
        rest = {key: value for key, value in line.options.items() if key != name}
        yield attrs.evolve(line, options=rest)
    if line.does == "says" and len(words := line.word(1).split()) > 1:
        for at in range(len(words)):
            fewer = " ".join(words[:at] + words[at + 1 :])
            yield attrs.evolve(line, words=(line.does, fewer))
    if line.does == "presses" and len(line.word(1)) > 1:
        yield attrs.evolve(line, words=(line.does, line.word(1)[1:]))
