"""Pictures of calls made of characters: a sparkline of latencies, a bar of a turn's stages. Pure.

What they show is in numbers beside them: they are for who sees them, and nobody needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
SPARK = 12
"""The most characters of a sparkline: of more turns, each stands for the slowest of several."""


def sparkline(values: Sequence[int], width: int = SPARK) -> str:
    """A character for each of *values*, the highest for the largest of them.

    >>> sparkline([400, 800, 1_600])
    '▂▄█'
    """
    if not values:
        return ""
    per = -(-len(values) // width)
    peaks = [max(values[at : at + per]) for at in range(0, len(values), per)]
    top = max(*peaks, 1)
    return "".join(BLOCKS[max(0, -(-peak * len(BLOCKS) // top) - 1)] for peak in peaks)


def bar(stages: Mapping[str, int], longest_ms: int, width: int) -> list[tuple[str, int]]:
    """The stages of a turn, each with its cells: *width* of them are *longest_ms*.

    The cells of all are those of their sum: what one is rounded down by, the next has more.

    >>> bar({"stt": 300, "end": 100, "llm": 0, "tts": 200}, 1_200, 24)
    [('stt', 6), ('end', 2), ('tts', 4)]
    """
    cells, before, until_ms = [], 0, 0
    for stage, ms in stages.items():
        until_ms += max(0, ms)
        until = min(width, round(until_ms * width / max(1, longest_ms)))
        if until > before:
            cells.append((stage, until - before))
        before = until
    return cells
