"""Does somebody say the same again and again? By the words two texts share. Pure.

Ours, not a library's: it is twenty lines, and the one that has them brings 150 MB.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Mapping

from patter import InputError

_WORD = re.compile(r"\w+")
WORDS_MAX = 500
"""Of a longer text only the beginning is compared."""


class TfidfLoopDetector:
    """Finds that the last texts are nearly the same, however often others came between before.

    Two texts are the same when the cosine of their words, the rarer the heavier among the last
    *window_size*, is above *similarity_threshold* (0 to 1); that *consecutive_threshold* times in
    a row is a loop. Raises InputError for values out of range.
    """

    def __init__(
        self,
        window_size: int = 20,
        similarity_threshold: float = 0.85,
        consecutive_threshold: int = 3,
    ) -> None:
        if window_size < 2 or consecutive_threshold < 1 or not 0 < similarity_threshold <= 1:
            raise InputError(
                f"window_size={window_size}, similarity_threshold={similarity_threshold}, "
                f"consecutive_threshold={consecutive_threshold} find nothing",
                fix="pass 2 or more, above 0 and up to 1, and 1 or more",
            )
        self._threshold, self._needed = similarity_threshold, consecutive_threshold
        self._texts: deque[Counter[str]] = deque(maxlen=window_size)
        self._repeats = 0

    def add_chunk(self, text: str) -> None:
        """Take *text* as the latest; one without a word changes nothing."""
        words = Counter(_WORD.findall(text.casefold())[:WORDS_MAX])
        if not words:
            return
        self._texts.append(words)
        again = len(self._texts) > 1 and self._alike(self._texts[-2], words)
        self._repeats = self._repeats + 1 if again else 0

    def check_loop_detection(self) -> bool:
        """Is it a loop now?"""
        return self._repeats >= self._needed

    def reset(self) -> None:
        """Forget all texts."""
        self._texts.clear()
        self._repeats = 0

    def _alike(self, one: Counter[str], other: Counter[str]) -> bool:
        texts = Counter(word for each in self._texts for word in each)
        weight = {
            word: math.log((1 + len(self._texts)) / (1 + count)) + 1
            for word, count in texts.items()
        }
        return _cosine(one, other, weight) > self._threshold


def _cosine(one: Counter[str], other: Counter[str], weight: Mapping[str, float]) -> float:
    product = sum(count * other[word] * weight[word] ** 2 for word, count in one.items())
    return product / (_length(one, weight) * _length(other, weight))


def _length(text: Counter[str], weight: Mapping[str, float]) -> float:
    return math.sqrt(sum((count * weight[word]) ** 2 for word, count in text.items()))
