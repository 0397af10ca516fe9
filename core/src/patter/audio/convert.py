"""Carries out a chain of conversions on a stream of bytes.

The same bytes come out however the input is cut. A chain without steps returns the very
object it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from patter.audio import g711
from patter.audio.fit import Step, StepKind, chain
from patter.audio.formats import AudioFormat, Encoding
from patter.audio.resample import Resampler


class Converter(Protocol):
    """One stream of audio in, the same stream in another format out."""

    def feed(self, audio: bytes) -> bytes:
        """Take the next audio, any length; return what is ready, perhaps nothing."""
        ...

    def flush(self) -> bytes:
        """End the stream: return what was held back, and be ready for another one."""
        ...


_STATELESS: dict[tuple[Encoding, Encoding], Callable[[bytes], bytes]] = {
    (Encoding.MULAW, Encoding.PCM16): g711.mulaw_to_pcm16,
    (Encoding.ALAW, Encoding.PCM16): g711.alaw_to_pcm16,
    (Encoding.PCM16, Encoding.MULAW): g711.pcm16_to_mulaw,
    (Encoding.PCM16, Encoding.ALAW): g711.pcm16_to_alaw,
    (Encoding.MULAW, Encoding.ALAW): g711.mulaw_to_alaw,
    (Encoding.ALAW, Encoding.MULAW): g711.alaw_to_mulaw,
}


@attrs.frozen
class Same:
    """No conversion."""

    def feed(self, audio: bytes) -> bytes:
        return audio

    def flush(self) -> bytes:
        return b""


@attrs.frozen(eq=False)
class Each:
    """A conversion of every sample on its own."""

    feed: Callable[[bytes], bytes]

    def flush(self) -> bytes:
        return b""


@attrs.define(eq=False)
class WholeSamples:
    """Keeps half a PCM16 sample back until its other byte comes; a flush drops it."""

    _odd: bytes = attrs.field(default=b"", init=False)

    def feed(self, audio: bytes) -> bytes:
        if self._odd:
            audio = self._odd + audio
        cut = len(audio) & ~1
        self._odd = audio[cut:]
        return audio[:cut]

    def flush(self) -> bytes:
        self._odd = b""
        return b""


@attrs.frozen(eq=False)
class Chain:
    """Several conversions, one after another."""

    stages: tuple[Converter, ...]

    def feed(self, audio: bytes) -> bytes:
        for stage in self.stages:
            audio = stage.feed(audio)
        return audio

    def flush(self) -> bytes:
        audio = b""
        for stage in self.stages:
            audio = stage.feed(audio) + stage.flush()
        return audio


def converter(steps: Sequence[Step]) -> Converter:
    """A fresh stream through *steps*; `Same` if there are none.

    Builds tables and imports numpy and soxr if the steps need them, so that the first
    frame costs no more than the next.
    """
    if not steps:
        return Same()
    stages = [_stage(step) for step in steps]
    if steps[0].source.encoding is Encoding.PCM16:
        stages.insert(0, WholeSamples())
    made = stages[0] if len(stages) == 1 else Chain(tuple(stages))
    # Builds the tables now rather than in the first frame.
    made.feed(b"")
    return made


def convert(audio: bytes, source: AudioFormat, sink: AudioFormat) -> bytes:
    """All of *audio* in another format, in one go."""
    stream = converter(chain(source, sink))
    return stream.feed(audio) + stream.flush() if source != sink else audio


def _stage(step: Step) -> Converter:
    if step.kind is StepKind.RESAMPLE:
        return Resampler(step.source.rate_hz, step.sink.rate_hz)
    return Each(_STATELESS[step.source.encoding, step.sink.encoding])
