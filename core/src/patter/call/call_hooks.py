"""The hooks of one call: what they are told of it, and the audio they are shown.

They see PCM16 at the rate of the line, whatever it carries. A hook on audio must keep up: it is
switched off once it has put the call half a second behind.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import attrs

from patter.audio.convert import Converter, converter
from patter.audio.fit import fit
from patter.audio.formats import AudioFormat, Encoding
from patter.call.history import History
from patter.call.hook_executor import CHUNK_S, PipelineHookExecutor
from patter.call.hooks import HookContext
from patter.providers.context import CallContext
from patter.providers.tts import Speech


@attrs.define(eq=False)
class CallHooks:
    """Who applies the hooks of *call*, and what they are told: *context* is that of this turn.

    *any*: is there one at all?
    """

    executor: PipelineHookExecutor
    call: CallContext
    context: HookContext = attrs.field(init=False)

    any: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.context = HookContext.of(self.call)
        self.any = bool(self.executor.hooks.stages)

    def begin(self, history: History) -> None:
        """A turn begins, its own words last in *history*."""
        self.context = self.context_of(history)

    def context_of(self, history: History) -> HookContext:
        """What hooks of a turn after *history* are told."""
        return HookContext.of(self.call, history.transcript())

    def ears(self, audio: AudioFormat) -> Callable[[bytes], Awaitable[bytes]] | None:
        """What to pass the caller's *audio* through; None if no hook wants it."""
        if self.executor.hooks.before_send_to_stt is None:
            return None
        return _Samples(self, audio, "before_send_to_stt").heard

    def voice(
        self, audio: AudioFormat, speeches: AsyncGenerator[Speech, None]
    ) -> AsyncGenerator[Speech, None]:
        """*speeches* in the line's *audio* as they are played."""
        if self.executor.hooks.after_synthesize is None:
            return speeches
        return _Samples(self, audio, "after_synthesize").spoken(speeches)


@attrs.define(eq=False)
class _Samples:
    """One stream of *audio* on its way through the hook of *stage*."""

    hooks: CallHooks
    audio: AudioFormat
    stage: str
    _pcm: AudioFormat = attrs.field(init=False)
    _to_pcm: Converter = attrs.field(init=False)
    _from_pcm: Converter = attrs.field(init=False)
    _behind_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._pcm = AudioFormat(Encoding.PCM16, self.audio.rate_hz)
        self._to_pcm = converter(fit((self.audio,), (self._pcm,)).steps)
        self._from_pcm = converter(fit((self._pcm,), (self.audio,)).steps)

    async def heard(self, audio: bytes) -> bytes:
        """*audio* as the recogniser is to hear it, as long as it was: its times must stay right."""
        executor = self.hooks.executor

        def run(pcm: bytes, within_s: float) -> Awaitable[bytes | None]:
            return executor.run_before_send_to_stt(pcm, self._context, within_s=within_s)

        result = await self._through(audio, run)
        if result is None:
            return self.audio.silence * (len(audio) // self.audio.sample_bytes)
        missing = (len(audio) - len(result)) // self.audio.sample_bytes
        return result[: len(audio)] + self.audio.silence * missing

    async def spoken(self, speeches: AsyncGenerator[Speech, None]) -> AsyncGenerator[Speech, None]:
        """*speeches* as they are to be played; a text begins with the first of its audio left."""
        executor, text, waiting = self.hooks.executor, "", ""

        def run(pcm: bytes, within_s: float) -> Awaitable[bytes | None]:
            return executor.run_after_synthesize(pcm, text, self._context, within_s=within_s)

        async with aclosing(speeches):
            async for speech in speeches:
                if speech.text:
                    # What none of its audio was left of has not been said.
                    text = waiting = speech.text
                audio = await self._through(speech.audio, run) if speech.audio else speech.audio
                if audio is not None:
                    yield Speech(audio, waiting, speech.words)
                    waiting = ""

    @property
    def _context(self) -> HookContext:
        return attrs.evolve(self.hooks.context, audio=self._pcm)

    async def _through(
        self, audio: bytes, run: Callable[[bytes, float], Awaitable[bytes | None]]
    ) -> bytes | None:
        """What the hook makes of *audio*, in the line's format; None: it is dropped."""
        clock = self.hooks.call.clock
        began_ms, pcm = clock.ms(), self._to_pcm.feed(audio)
        result = await run(pcm, CHUNK_S - self._behind_ms / 1_000)
        late_ms = clock.ms() - began_ms - self.audio.ms_in(len(audio))
        self._behind_ms = max(0.0, self._behind_ms + late_ms)
        if self._behind_ms >= CHUNK_S * 1_000:
            self._behind_ms = 0.0
            self.hooks.executor.switch_off(self.stage, self.hooks.context)
        if result is None or result == pcm:
            return None if result is None else audio
        return self._from_pcm.feed(result[: len(result) // 2 * 2])
