"""A call that goes on and on, with a harness that keeps nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.observe.events import CallEvent
from patter.providers.context import CallContext
from patter_testing import FakeLeg
from patter_testing.fakes.tts import spoken

from .listened import Listened

FRAME_MS, PAUSE_MS, TURN_MS = 100, 700, 6_000


@attrs.define(eq=False)
class LongCall:
    """A call of *phone*, a turn of 6 s at a time; *events* counts what happens in it."""

    phone: Listened
    leg: FakeLeg = attrs.field(factory=FakeLeg, init=False)
    events: int = attrs.field(default=0, init=False)

    def count(self, event: CallEvent) -> None:
        self.events += 1

    async def run(self, turns: int, after: Callable[[int], None]) -> None:
        """Hold *turns* turns; call *after* with the number of each when it is over."""
        context = self.phone.context
        context.listeners = (self.count,)
        answering = context.answer(CallContext(call_id="long", carrier="fake"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answering.run())
            tasks.create_task(answering.attach(self.leg))
            await asyncio.sleep(TURN_MS / 1_000)
            for turn in range(1, turns + 1):
                await self._turn()
                after(turn)
            self.leg.hang_up()

    async def _turn(self) -> None:
        audio = self.leg.audio
        voice = spoken("when are you open", audio)
        silence = audio.silence * (audio.bytes_in(PAUSE_MS) // audio.sample_bytes)
        size = audio.bytes_in(FRAME_MS)
        line = voice + silence
        for at in range(0, len(line), size):
            self.leg.speak(line[at : at + size])
            if at <= len(voice) < at + size:
                (ears,) = (self.phone.engine or self.phone.stt).sessions
                ears.hear("when are you open")
            await asyncio.sleep(FRAME_MS / 1_000)
        await asyncio.sleep(TURN_MS / 1_000 - len(line) / size * FRAME_MS / 1_000)
        # What the fakes remember of a call is not what is asked about.
        self.leg._segments.clear()
        self.phone.llm.requests.clear()
        for mouth in self.phone.tts.sessions:
            mouth.sentences.clear()
