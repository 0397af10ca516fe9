"""Fakes of the kinds that answer one question: tunnel, guardrail, turn detector, audio filter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.audio_filter import AudioFilter
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict
from patter.providers.tunnel import Tunnel
from patter.providers.turn_detector import TurnDetector
from patter_testing.fakes.stt import EVERY_FORMAT


@attrs.frozen(kw_only=True)
class FakeTunnel:
    """Says that *host* leads here; *ports* are those that are open now.

    With *hostname* that is the host, and it is known before opening.
    """

    host: str = "fake.example"
    hostname: str = ""
    refuses: PatterError | None = None
    ports: list[int] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:
        if self.refuses is not None:
            raise self.refuses
        self.ports.append(port)
        try:
            yield self.hostname or self.host
        finally:
            self.ports.remove(port)


@attrs.frozen(kw_only=True)
class FakeGuardrail:
    """Replaces whatever holds one of *blocked*, in any case, after *takes_ms*."""

    blocked: tuple[str, ...] = ()
    replacement: str = ""
    takes_ms: float = attrs.field(default=0.0, converter=float)
    fails: PatterError | None = None
    name: str = "fake"
    checked: list[str] = attrs.field(factory=list, init=False, repr=False, eq=False)

    async def check(
        self,
        text: str,
        speaker: Literal["agent", "caller"],  # noqa: ARG002
        call: CallContext,  # noqa: ARG002
    ) -> GuardrailVerdict:
        self.checked.append(text)
        await asyncio.sleep(self.takes_ms / 1_000)
        if self.fails is not None:
            raise self.fails
        for term in self.blocked:
            if term.casefold() in text.casefold():
                return GuardrailVerdict(False, self.replacement, f"blocked term {term!r}")
        return GuardrailVerdict()


def _sounds_finished(text: str) -> float:
    return 1.0 if text.rstrip().endswith((".", "!", "?")) else 0.0


@attrs.frozen(kw_only=True)
class FakeTurnDetector:
    """Judges by *judge* of the text alone; by default, punctuation ends a turn."""

    judge: Callable[[str], float] = _sounds_finished
    threshold: float = attrs.field(default=0.5, converter=float)
    window_ms: int = attrs.field(default=2_000, converter=int)
    takes_ms: float = attrs.field(default=0.0, converter=float)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT

    async def predict(self, audio: bytes, text: str) -> float:  # noqa: ARG002
        await asyncio.sleep(self.takes_ms / 1_000)
        return self.judge(text)


@attrs.frozen(kw_only=True)
class FakeAudioFilter:
    """Lets audio through unchanged, or as silence when *mute*."""

    mute: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT

    def start(self, audio: AudioFormat) -> FakeAudioFilterSession:
        return FakeAudioFilterSession(self.mute, audio)


@attrs.define(eq=False)
class FakeAudioFilterSession:
    """One call's filter."""

    mute: bool
    audio: AudioFormat

    def process(self, audio: bytes) -> bytes:
        if not self.mute:
            return audio
        return self.audio.silence * (len(audio) // self.audio.sample_bytes)


if TYPE_CHECKING:
    _tunnel: type[Tunnel] = FakeTunnel
    _guardrail: type[GuardrailProvider] = FakeGuardrail
    _detector: type[TurnDetector] = FakeTurnDetector
    _filter: type[AudioFilter] = FakeAudioFilter
