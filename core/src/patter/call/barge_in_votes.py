"""The verdicts of barge-in strategies in one call: what they are shown, and what becomes of it.

A voice holds the agent at once, by the turn engine's own rules. Here only the evidence is judged:
the caller's words, one after the other, in a time that is bounded. A verdict counts for the
utterance and the words it is about; without one in time the agent goes on.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections import deque
from collections.abc import Callable, Iterable

import attrs

from patter.application import containment
from patter.call.barge_in_strategies import (
    BargeInStrategy,
    evaluate_barge_in_strategies,
    reset_barge_in_strategies,
)
from patter.call.turn.events import BargeInVerdict, CallerWords, TurnEvent
from patter.call.turn.state import Reply, TurnState
from patter.call.turn.words import words_end_ms
from patter.observe.call_events import CallEvents
from patter.observe.events import Note

log = logging.getLogger("patter.call")

WAITING = 4
"""Words that wait for a verdict; the newest hold all that was said, so older ones may go."""


def _copies(strategies: Iterable[BargeInStrategy]) -> tuple[BargeInStrategy, ...]:
    """A call's own: what one caller said is nothing to the next."""
    copies = []
    for strategy in strategies:
        try:
            with containment():
                copies.append(copy.deepcopy(strategy))
        except Exception:
            log.exception("a barge-in strategy cannot be copied: calls share it")
            copies.append(strategy)
    return tuple(copies)


@attrs.frozen
class _Words:
    epoch: int
    text: str
    interim: bool


@attrs.define(eq=False, kw_only=True)
class BargeInVotes:
    """Asks copies of *strategies* about what the caller says over the agent.

    *state* is the turn engine's now. A judgement may take *wait_ms*.
    """

    strategies: tuple[BargeInStrategy, ...] = attrs.field(converter=_copies)
    call_id: str
    state: Callable[[], TurnState]
    events: CallEvents
    post: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    wait_ms: int
    _waiting: deque[_Words] = attrs.field(factory=lambda: deque(maxlen=WAITING), init=False)
    _judging: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _epoch: int = attrs.field(default=0, init=False)
    _noted: bool = attrs.field(default=False, init=False)

    @property
    def judging(self) -> asyncio.Task[None] | None:
        """The judgement in progress."""
        return self._judging

    def heard(self, event: CallerWords) -> None:
        """The turn engine has taken *event*, and nothing was decided by that."""
        state = self.state()
        reply = state.reply
        if reply is None or not _is_spoken_over(state, reply, event):
            return
        self._waiting.append(_Words(reply.epoch, state.open_text, not event.final))
        if self._judging is None:
            self._judging = self.tasks.create_task(self._judge(), name="barge-in-vote")
            self._judging.add_done_callback(self._judged)

    def _judged(self, _: asyncio.Task[None]) -> None:
        self._judging = None

    async def _judge(self) -> None:
        while self._waiting:
            words = self._waiting.popleft()
            if self._is_open(words) and await self._interrupts(words) and self._is_open(words):
                self.post(BargeInVerdict(self.events.now_ms(), True))

    def _is_open(self, words: _Words) -> bool:
        """Does the agent still say the same, and do the words still wait for a decision?"""
        state = self.state()
        return (
            state.reply is not None and state.reply.epoch == words.epoch and bool(state.open_text)
        )

    async def _interrupts(self, words: _Words) -> bool:
        try:
            async with asyncio.timeout(self.wait_ms / 1_000):
                if words.epoch != self._epoch:
                    self._epoch = words.epoch
                    await reset_barge_in_strategies(self.strategies, call_id=self.call_id)
                return await evaluate_barge_in_strategies(
                    self.strategies,
                    transcript=words.text,
                    is_interim=words.interim,
                    agent_speaking=True,
                    call_id=self.call_id,
                )
        except TimeoutError:
            self._note_late()
            return False

    def _note_late(self) -> None:
        if not self._noted:
            self._noted = True
            text = f"no verdict within {self.wait_ms} ms, which counts as no"
            self.events.emit(Note(what="barge_in_strategy", text=text))


def _is_spoken_over(state: TurnState, reply: Reply, event: CallerWords) -> bool:
    """Are these words that were said while the agent could be heard, and that were taken?"""
    if not event.text or not state.open_text or reply.audible_ms is None:
        return False
    return words_end_ms(state, event) > reply.audible_ms
