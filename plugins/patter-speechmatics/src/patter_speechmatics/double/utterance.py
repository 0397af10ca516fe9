"""Words on their way to being final, in slices: what was not final yet of one stretch of voice.

Pure. The ear of a double makes a line final at once, at a pause; Speechmatics makes words final
as they grow old, so a line comes in slices, and partials are of what is left of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from patter.providers.stt import Word


@attrs.define(eq=False)
class Slices:
    """*final_ms* is where the last final ends: no position runs back behind it."""

    final_ms: float = 0.0
    _count: int = attrs.field(default=0, init=False)

    def partial(self, words: Sequence[Word]) -> list[Word]:
        """What of *words*, all of the stretch so far, is not final yet."""
        return self._behind(words[self._count :])

    def old(self, words: Sequence[Word], before_ms: float) -> list[Word]:
        """Words that end before *before_ms*, which become final now."""
        taken = [word for word in words[self._count :] if word.end_ms <= before_ms]
        return self._take(taken, len(taken))

    def rest(self, words: Sequence[Word]) -> list[Word]:
        """The last words of the stretch become final; the next one begins."""
        left = self._take(words[self._count :], 0)
        self._count = 0
        return left

    def _take(self, words: Sequence[Word], count: int) -> list[Word]:
        placed = self._behind(words)
        self._count += count
        if placed:
            self.final_ms = placed[-1].end_ms
        return placed

    def _behind(self, words: Sequence[Word]) -> list[Word]:
        """*words*, none of which begins before the last final ended."""
        least = int(self.final_ms)
        return [
            Word(word.text, max(word.start_ms, least), max(word.end_ms, least)) for word in words
        ]
