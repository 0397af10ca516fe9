"""What decides instead of a rule whether the caller's words are to stop the agent.

A strategy is the application's own code: one that raises, or takes too long, has said no.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Protocol, runtime_checkable

import attrs

from patter.application import result_of
from patter.errors import PatterConfigError, PatterTypeError

log = logging.getLogger("patter.call")

_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Thai, Lao, Burmese, Khmer, kana and Han, which are written without spaces between words."""
_PER_WORD = 2
"""How many such letters make a word, on the average."""


@runtime_checkable
class BargeInStrategy(Protocol):
    """Judges what the caller says over the agent. Each call has a copy of its own.

    It may also have a ``reset()``, sync or async, which begins a new utterance of the agent.
    """

    def evaluate(
        self, *, transcript: str, is_interim: bool, agent_speaking: bool
    ) -> bool | Awaitable[bool]:
        """Is *transcript*, all of the caller's words so far, to stop the agent?

        *is_interim*: the recogniser may still change them. Sync, which runs in a thread, or async.
        """
        ...


@attrs.frozen
class MinWordsStrategy:
    """Stops the agent at *min_words* words; at one where the agent does not speak.

    Without *use_interim* only words count that the recogniser will not change any more. Raises
    PatterConfigError below 1.
    """

    min_words: int
    use_interim: bool = True

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.min_words, int) or isinstance(self.min_words, bool):
            raise PatterTypeError(
                f"min_words={self.min_words!r} is not a whole number",
                fix="write MinWordsStrategy(3)",
            )
        if self.min_words < 1:
            raise PatterConfigError(
                f"min_words={self.min_words} is out of range", fix="give 1 or more"
            )

    async def evaluate(self, *, transcript: str, is_interim: bool, agent_speaking: bool) -> bool:
        """Are there enough words?"""
        if is_interim and not self.use_interim:
            return False
        return word_count(transcript) >= (self.min_words if agent_speaking else 1)


def word_count(text: str) -> int:
    """How many words *text* has, about as many where there is no space between them.

    >>> word_count("No, wait a moment!"), word_count("..."), word_count("请等一下")
    (4, 0, 2)
    """
    return sum(_words_in(each) for each in text.split())


def _words_in(piece: str) -> int:
    letters = [ord(letter) for letter in piece if letter.isalnum()]
    unspaced = sum(any(low <= each <= high for low, high in _UNSPACED) for each in letters)
    return math.ceil(unspaced / _PER_WORD) if unspaced else bool(letters)


async def evaluate_barge_in_strategies(
    strategies: Iterable[BargeInStrategy],
    *,
    transcript: str,
    is_interim: bool,
    agent_speaking: bool,
    call_id: str = "",
) -> bool:
    """Does one of *strategies* want the agent stopped? The first that does is the last to decide.

    One that raises counts as no, and is logged.
    """
    for strategy in strategies:
        judge = partial(
            strategy.evaluate,
            transcript=transcript,
            is_interim=is_interim,
            agent_speaking=agent_speaking,
        )
        try:
            if await result_of(judge, owner=call_id, made=bool):
                return True
        except Exception:
            log.exception("call %s: a barge-in strategy failed; it counts as no", call_id)
    return False


async def reset_barge_in_strategies(
    strategies: Iterable[BargeInStrategy], *, call_id: str = ""
) -> None:
    """Begin anew: `reset` of those that have it. One that raises is logged."""
    for strategy in strategies:
        reset = getattr(strategy, "reset", None)
        if not callable(reset):
            continue
        try:
            await result_of(reset, owner=call_id)
        except Exception:
            log.exception("call %s: a barge-in strategy could not be reset", call_id)
