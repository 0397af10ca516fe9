"""Audio in, transcripts out, for one call; synchronous and without a clock.

Everything happens at fixed places of the audio, never at a time of day, so the same audio
gives the same transcripts however it is cut. The decoder hears a little of the silence
before a voice, then everything until somebody says that the voice has gone; the silence
between utterances never reaches it.

A little noise, far below any telephone line's own, is laid under everything the decoder
hears. Without it the upper half of the spectrum, which a telephone does not carry, is emptier
than in any recording the model has learnt from, and every fourth phrase is missed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from functools import cache

import attrs
import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder, Hypothesis, Vad  # type: ignore[import-untyped]

from patter.audio.convert import Converter, converter
from patter.audio.fit import chain
from patter.audio.formats import PCM16_16K, AudioFormat
from patter.providers.stt import Transcript, Word

FRAME_MS = 20
_FRAME_BYTES = int(PCM16_16K.bytes_in(FRAME_MS))
_VAD_FRAME_MS = 30
_NOISE_RMS = 8
_NOISE_FRAMES = 50
_DECODER_FRAME_MS = 10


@attrs.frozen(kw_only=True)
class Endpointing:
    """When an utterance begins, is reported on, and is over; milliseconds of audio."""

    preroll_ms: int = 300
    interim_ms: int = 200
    silence_ms: int = 1_500
    longest_ms: int = 15_000


@attrs.frozen(kw_only=True)
class Rejection:
    """When speech is in no phrase of the grammar: *text* is reported instead; empty: never.

    *max_cost* is the natural logarithm that a frame of 10 ms may take from the score of a phrase.
    A phrase that was said costs 0.0013 to 0.0033, the nearest one to other words 0.0025 to 0.005.
    A voice of *least_ms* without any phrase counts, a shorter one is a noise.
    """

    text: str = ""
    max_cost: float = 0.0033
    least_ms: int = 240


@attrs.define(eq=False)
class Recogniser:
    """One caller's words. `feed` audio; `finish` when the caller has paused."""

    _decoder: Decoder
    _audio: AudioFormat
    _endpointing: Endpointing = attrs.field(factory=Endpointing)
    _rejection: Rejection = attrs.field(factory=Rejection)
    _to_pcm: Converter = attrs.field(init=False)
    _vad: Vad = attrs.field(factory=lambda: Vad(Vad.LOOSE, 16_000, _VAD_FRAME_MS / 1_000))
    _unread: bytes = attrs.field(default=b"", init=False)
    _vad_window: bytes = attrs.field(default=b"", init=False)
    _preroll: deque[bytes] = attrs.field(init=False)
    _at_ms: int = attrs.field(default=0, init=False)
    _utterance: Utterance | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._to_pcm = converter(chain(self._audio, PCM16_16K))
        self._preroll = deque(maxlen=max(1, self._endpointing.preroll_ms // FRAME_MS))

    def feed(self, audio: bytes) -> Iterator[Transcript]:
        """Take the next audio, any length; yield interims, and a final after long silence."""
        self._unread += self._to_pcm.feed(audio)
        while len(self._unread) >= _FRAME_BYTES:
            frame, self._unread = self._unread[:_FRAME_BYTES], self._unread[_FRAME_BYTES:]
            heard = self._frame(frame)
            self._at_ms += FRAME_MS
            if heard is not None:
                yield heard

    def finish(self) -> Transcript:
        """End the utterance: its words, or none. The next voice begins a new one."""
        utterance, self._utterance = self._utterance, None
        return utterance.end() if utterance else Transcript("", final=True)

    def skip(self, ms: float) -> Transcript | None:
        """Some audio was lost: what was said before it is a final, if it was anything."""
        utterance, self._utterance = self._utterance, None
        self._to_pcm.flush()
        self._unread = b""
        self._preroll.clear()
        self._at_ms += round(ms)
        ended = utterance.end() if utterance else None
        return ended if ended and ended.text else None

    def _frame(self, frame: bytes) -> Transcript | None:
        voiced = self._is_voice(frame)
        frame = _with_noise(frame, self._at_ms // FRAME_MS)
        if self._utterance is None:
            self._preroll.append(frame)
            if not voiced:
                return None
            self._utterance = self._begin()
        else:
            self._utterance.hear(frame)
        return self._report(self._utterance, voiced)

    def _begin(self) -> Utterance:
        """The voice may have begun a little before the detector heard it."""
        start_ms = self._at_ms - (len(self._preroll) - 1) * FRAME_MS
        utterance = Utterance(self._decoder, start_ms, self._rejection)
        utterance.hear(b"".join(self._preroll))
        self._preroll.clear()
        return utterance

    def _report(self, utterance: Utterance, voiced: bool) -> Transcript | None:
        utterance.quiet_ms = 0 if voiced else utterance.quiet_ms + FRAME_MS
        utterance.voiced_ms += FRAME_MS if voiced else 0
        utterance.unreported_ms += FRAME_MS
        if (
            utterance.quiet_ms >= self._endpointing.silence_ms
            or utterance.heard_ms >= self._endpointing.longest_ms
        ):
            ended = self.finish()
            return ended if ended.text or utterance.shown else None
        if utterance.unreported_ms < self._endpointing.interim_ms:
            return None
        utterance.unreported_ms = 0
        return utterance.interim()

    def _is_voice(self, frame: bytes) -> bool:
        """Any voice in the detector's windows that end in this frame?"""
        self._vad_window += frame
        voiced, size = False, self._vad.frame_bytes
        while len(self._vad_window) >= size:
            voiced |= self._vad.is_speech(self._vad_window[:size])
            self._vad_window = self._vad_window[size:]
        return voiced


@attrs.define(eq=False)
class Utterance:
    """What the decoder has heard since a voice began, at *start_ms* of the call's audio."""

    _decoder: Decoder
    start_ms: int
    rejection: Rejection
    shown: str = ""
    quiet_ms: int = 0
    voiced_ms: int = 0
    unreported_ms: int = 0
    heard_ms: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._decoder.start_utt()

    def hear(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)
        self.heard_ms += PCM16_16K.ms_in(len(pcm))

    def interim(self) -> Transcript | None:
        """The words so far, if they are others than those shown before."""
        hypothesis = self._decoder.hyp()
        text = _spoken(hypothesis.hypstr) if hypothesis else ""
        if not text or text == self.shown:
            return None
        self.shown = text
        return Transcript(text, final=False, end_ms=self.start_ms + round(self.heard_ms))

    def end(self) -> Transcript:
        """Let the decoder finish its hypothesis, and reset it for the next utterance."""
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        words = tuple(self._words()) if hypothesis and hypothesis.hypstr else ()
        if self.rejection.text and self._is_unknown(hypothesis if words else None):
            end_ms = self.start_ms + round(self.heard_ms) - self.quiet_ms
            return Transcript(self.rejection.text, final=True, end_ms=end_ms)
        if not words:
            return Transcript("", final=True)
        text = " ".join(word.text for word in words)
        return Transcript(text, final=True, end_ms=words[-1].end_ms, words=words)

    def _is_unknown(self, hypothesis: Hypothesis | None) -> bool:
        """Was something said, and is it none of the phrases?"""
        if hypothesis is None or hypothesis.score <= 0:
            return self.voiced_ms >= self.rejection.least_ms
        cost = -math.log(hypothesis.score) / max(1.0, self.heard_ms / _DECODER_FRAME_MS)
        return cost > self.rejection.max_cost

    def _words(self) -> Iterator[Word]:
        """Neither silence nor noise; variants of a pronunciation are the same word."""
        for segment in self._decoder.seg():
            text = _spoken(segment.word)
            if text:
                start_ms = self.start_ms + segment.start_frame * _DECODER_FRAME_MS
                end_ms = self.start_ms + (segment.end_frame + 1) * _DECODER_FRAME_MS
                yield Word(text, start_ms, end_ms)


@cache
def _noise() -> NDArray[np.float64]:
    """A second of white noise, the same in every process: 72 dB below full scale."""
    samples = _FRAME_BYTES // PCM16_16K.sample_bytes
    return np.random.default_rng(1).normal(0, _NOISE_RMS, (_NOISE_FRAMES, samples))


def _with_noise(frame: bytes, number: int) -> bytes:
    mixed = np.frombuffer(frame, "<i2") + _noise()[number % _NOISE_FRAMES]
    return bytes(np.clip(np.rint(mixed), -32_768, 32_767).astype("<i2").data)


def _spoken(text: str) -> str:
    words = [word.partition("(")[0] for word in text.split() if word[0] not in "<[+"]
    return " ".join(filter(None, words))
