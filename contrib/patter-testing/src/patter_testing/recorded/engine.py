"""An engine that hears what was heard in a record, and answers as it did there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.providers.context import CallContext
from patter.providers.engine import Engine, EngineCapabilities, EngineSetup
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    ResponseCause,
)
from patter_testing.fakes.engine import ABLE
from patter_testing.fakes.stt import EVERY_FORMAT
from patter_testing.recorded.engine_script import EngineScript
from patter_testing.recorded.engine_session import UNHEARD, RecordedEngineSession, gone
from patter_testing.recorded.tape import Tape

REFUSED_MS = 1_000
"""How long a connection may take to be opened, before it is refused."""
JUST_MS = 250
"""A session that is younger was opened after the loss that the record has."""


@attrs.frozen(kw_only=True)
class RecordedEngine:
    """Answers from *tape*, by what the caller has done until it is asked.

    The fields from *voice* on are what an agent may set of its engine. They change nothing: the
    vendor is not asked.
    """

    tape: Tape = attrs.field(factory=Tape, repr=False)
    can: EngineCapabilities = ABLE
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    produces: tuple[AudioFormat, ...] = EVERY_FORMAT
    voice: str = ""
    model: str = ""
    turn_detection: str = ""
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_ms: int | None = None
    eagerness: str | None = None
    noise_reduction: str | None = None
    sessions: list[RecordedEngineSession] = attrs.field(factory=list, init=False, repr=False)

    @classmethod
    def of(cls, script: EngineScript, *, hears_voice: bool) -> RecordedEngine:
        """The engine of *script*, which leaves speaking to another voice if it did then."""
        can = attrs.evolve(ABLE, hears_voice=hears_voice, text_out=not script.says)
        return cls(tape=Tape(script), can=can)

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        setup: EngineSetup,
    ) -> AsyncIterator[RecordedEngineSession]:
        gone_s = self.tape.gone_until_s - asyncio.get_running_loop().time()
        if gone_s == inf:
            raise gone()
        if gone_s > 0:
            await asyncio.sleep(min(gone_s, REFUSED_MS / 1_000))
            if gone_s > REFUSED_MS / 1_000:
                raise gone()
        session = RecordedEngineSession(self.tape, setup)
        self.sessions.append(session)
        async with task_scope() as tasks:
            speaking = tasks.create_task(session.run(), name="recorded-engine")
            try:
                yield session
            finally:
                session.end()
                speaking.cancel()

    # --- what the caller of the replay has it hear

    def show(self, text: str, *, final: bool) -> None:
        """These words are told now."""
        self._emit(CallerTranscript(f"item-{self.tape.heard}", text, final))

    def show_end(self) -> None:
        """It takes the caller's turn as complete."""
        self._emit(CallerTurnEnded(f"item-{self.tape.heard}"))

    def expect(self, words: int) -> None:
        """Words come when they come: nobody asks an engine for them."""

    def did(self) -> None:
        """The caller began something new: a voice, a key, a text."""
        self.tape.heard += 1

    def answers(self, epoch: str) -> None:
        """It begins, of its own accord, what became utterance *epoch*; or nothing of use."""
        for session in self.sessions[-1:]:
            session.begin(ResponseCause.CALLER, self.tape.answer_of(epoch) or UNHEARD)

    def interrupts(self) -> None:
        """It stops what it says, because the caller speaks."""
        for session in self.sessions[-1:]:
            session.interrupt_itself()

    def lose(self, gone_ms: int | None) -> None:
        """Its connection is lost, and cannot be had for *gone_ms*; None: any more."""
        now_s = asyncio.get_running_loop().time()
        self.tape.outages += 1
        self.tape.gone_until_s = now_s + gone_ms / 1_000 if gone_ms is not None else inf
        for session in self.sessions[-1:]:
            first = len(self.sessions) == 1
            if first or now_s - session.began_s >= JUST_MS / 1_000:
                session.fail()

    def _emit(self, event: EngineEvent) -> None:
        for session in self.sessions[-1:]:
            session.events.put(event)


if TYPE_CHECKING:
    _: type[Engine] = RecordedEngine
