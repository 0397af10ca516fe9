"""The agent's side of a talk: a model that takes its time, and a voice cut from a long clip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import numpy as np

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest
from patter.providers.tts import TTS, Speech, SpokenWord
from patter_testing.fakes.llm import FakeLLM, Reply
from voices.clip import WORD_MS, Clip
from voices.sound import count, to_mulaw

MODEL_MS = 600.0
_PIECE_MS = 100
_NAMES = (
    "amber birch cedar dahlia elder fern gorse hazel iris juniper kale larch maple nettle oak "
    "poppy quince rowan sage thyme umber violet willow yarrow zinnia apple bean clover daisy "
    "endive fennel garlic heather ivy jasmine kelp lilac mint nutmeg olive pear quinoa rose "
    "spruce tulip ulmus vine walnut yew zest"
)
_WORDS = _NAMES.split()
ANSWER = " ".join(
    f"{' '.join(_WORDS[at : at + 10]).capitalize()}." for at in range(0, len(_WORDS), 10)
)
"""Fifty words that are all different, so that each can be missed."""
SHORT = "I see."


def answer_words(text: str) -> set[str]:
    """Which words of `ANSWER` are in *text*."""
    return {word.strip(".,").casefold() for word in text.split()} & set(_WORDS)


def model(first_ms: float = MODEL_MS, text: str = ANSWER) -> FakeLLM:
    """Says *text* until the caller has heard any of it, then `SHORT`, *first_ms* late."""

    def answer(request: LLMRequest) -> Reply:
        heard = any(row.role == "assistant" and row.text for row in request.messages)
        return Reply(text=SHORT if heard else text, first_ms=first_ms)

    return FakeLLM(answer=answer)


@attrs.frozen(kw_only=True)
class ClipTTS:
    """Says anything with the sound of *clip*: each word `WORD_MS` of it, from its beginning on.

    The first audio of a reply comes *first_ms* late.
    """

    clip: Clip
    first_ms: float = 0.0
    produces: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ClipSession]:
        yield ClipSession(to_mulaw(np.resize(self.clip.samples, count(60_000))), self.first_ms)


@attrs.define(eq=False)
class ClipSession:
    """One call's voice."""

    _audio: bytes = attrs.field(repr=False)
    _first_ms: float

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        done = 0
        async for sentence in text:
            if not done:
                await asyncio.sleep(self._first_ms / 1_000)
            words = sentence.split()
            for piece in self._pieces(words, sentence, done):
                yield piece
            done += len(words)

    def _pieces(self, words: list[str], sentence: str, before: int) -> list[Speech]:
        ends = [SpokenWord(word, (before + n) * WORD_MS) for n, word in enumerate(words, 1)]
        begin_ms, end_ms = before * WORD_MS, (before + len(words)) * WORD_MS
        return [
            Speech(
                self._audio[at * 8 : min(at + _PIECE_MS, end_ms) * 8],
                text=sentence if at == begin_ms else "",
                words=tuple(word for word in ends if at < word.end_ms <= at + _PIECE_MS),
            )
            for at in range(begin_ms, end_ms, _PIECE_MS)
        ]


if TYPE_CHECKING:
    _: type[TTS] = ClipTTS
