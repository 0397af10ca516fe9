"""One response of the fake engine: its pieces, and how it goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError
from patter.providers.engine_events import (
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseText,
)
from patter.providers.llm import Message, ToolRequest
from patter.providers.tts import SpokenWord
from patter_testing.fakes.tts import spoken

Emit: TypeAlias = Callable[[EngineEvent], None]

LINGER_S = 0.002
"""Between the pieces of a response that goes on until it is interrupted."""


@attrs.define(eq=False)
class FakeResponse:
    """What it says and why; a *lingering* one goes on until it is interrupted.

    *stopped* is set by an interrupt, at *heard_ms*; *spoke* once there was audio, and *row* is its
    place in the vendor's history, once there is one.
    """

    id: str
    cause: ResponseCause
    text: str
    instructions: str = ""
    request: ToolRequest | None = None
    lingering: bool = False
    running: bool = attrs.field(default=False, init=False)
    stopped: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    spoke: bool = attrs.field(default=False, init=False)
    heard_ms: int | None = attrs.field(default=None, init=False)
    row: Message | None = attrs.field(default=None, init=False)

    @property
    def item_id(self) -> str:
        """The vendor's name for the row that holds it."""
        return f"{self.id}-item"


@attrs.frozen(kw_only=True)
class Delivery:
    """How a response is delivered, *silent* without audio; see `FakeEngine`."""

    audio_out: AudioFormat
    ms_per_letter: int
    piece_ms: int
    first_ms: float
    fails_at_ms: float | None
    stalls_at_ms: float | None
    word_times: bool
    silent: bool = False

    def words(self, text: str) -> tuple[SpokenWord, ...]:
        """The words of *text* and when they end, if that is told."""
        words, at = [], 0
        for word in text.split() if self.word_times else ():
            at = text.index(word, at) + len(word)
            words.append(SpokenWord(word, at * self.ms_per_letter))
        return tuple(words)

    async def check_health(self, response: FakeResponse, done_ms: float) -> None:
        """Fail, or stall until *response* is stopped, once *done_ms* of audio were delivered."""
        if self.fails_at_ms is not None and done_ms >= self.fails_at_ms:
            raise PatterConnectionError("the fake engine failed", fix="open a session again")
        if self.stalls_at_ms is not None and done_ms >= self.stalls_at_ms:
            await response.stopped.wait()


async def speak(response: FakeResponse, delivery: Delivery, emit: Emit) -> None:
    """Emit text and audio until all is said, or the response is stopped."""
    await pause(response, delivery.first_ms / 1_000)
    while not response.stopped.is_set():
        await _speak_once(response, delivery, emit)
        if not response.lingering:
            return


async def _speak_once(response: FakeResponse, delivery: Delivery, emit: Emit) -> None:
    audio = spoken(response.text, delivery.audio_out, delivery.ms_per_letter)
    size = delivery.audio_out.bytes_in(delivery.piece_ms)
    await delivery.check_health(response, 0)
    if response.stopped.is_set():
        return
    response.spoke = True
    emit(ResponseText(response.id, response.text, delivery.words(response.text)))
    for at in range(0, len(audio), size):
        if response.stopped.is_set():
            return
        piece = audio[at : at + size]
        if not delivery.silent:
            emit(ResponseAudio(response.id, piece, response.item_id))
        await delivery.check_health(response, delivery.audio_out.ms_in(at + len(piece)))
        await pause(response, LINGER_S if response.lingering else 0)


async def pause(response: FakeResponse, seconds: float) -> None:
    """Wait, but no longer than until the response is stopped."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await response.stopped.wait()
    except TimeoutError:
        return
