"""The vendors of a bad day: real plugins at the doubles of their vendors, whose weather changes.

A recogniser's double cannot know what is said, so people say how long they speak: a word of theirs
is a voice of that length, and nothing is understood before it ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

import attrs

from patter.providers.llm import Message, ToolSpec
from patter_deepgram import DeepgramSTT
from patter_deepgram.double import DeepgramDouble
from patter_elevenlabs import ElevenLabsTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_openai import OpenAILLM
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_double import KEY, VendorDouble, VendorFaults
from patter_testing.fakes.carrier import FakeLeg

from .talk import reply_to

LENGTHS_MS: Final[Mapping[str, int]] = {"hello": 300, "cold": 700, "warm": 1_100, "bye": 1_500}
FRAME_MS, PAUSE_MS, INEXACT_MS = 20, 600, 100
VOICE, SILENCE = bytes([0x40, 0xC0]) * 80, bytes([0xFF]) * 160
RECOGNISER: Final = DeepgramSTT(api_key=KEY, interim_results=False, utterance_end_ms=None)
CLEAR_S, STORM_S = (1.0, 3.0), (0.2, 0.8)
STORMS: Final[Mapping[str, VendorFaults]] = {
    "unavailable": VendorFaults(status=503),
    "busy": VendorFaults(status=429, retry_after="1"),
    "key refused": VendorFaults(status=401),
    "not paid": VendorFaults(status=402),
    "silent": VendorFaults(silent=True),
    "slow": VendorFaults(trickle_ms=150),
    "stalls": VendorFaults(after=4, stalls=True),
    "breaks": VendorFaults(after=4, close_code=1011),
    "over": VendorFaults(after=4, over=True),
    "garbage": VendorFaults(after=4, garbage="{"),
}


@attrs.frozen
class Vendors:
    """Who hears, thinks and speaks. *storms* counts what was dealt."""

    doubles: tuple[VendorDouble, ...]
    parts: Mapping[str, Any]
    storms: Counter[str] = attrs.field(factory=Counter)

    async def weather(self, double: VendorDouble, random: Random) -> None:
        """One fault after another for a while, and none in between, until cancelled."""
        while True:
            await asyncio.sleep(random.uniform(*CLEAR_S))
            name = random.choice([*STORMS])
            double.faults = STORMS[name]
            self.storms[name] += 1
            await asyncio.sleep(random.uniform(*STORM_S))
            double.faults = VendorFaults()

    def clear(self) -> None:
        """The weather is fine."""
        for double in self.doubles:
            double.faults = VendorFaults()


@asynccontextmanager
async def vendors() -> AsyncIterator[Vendors]:
    """They run while inside; the weather is fine until it is asked for."""
    mind = ScriptedModel(otherwise=_answer)
    async with (
        DeepgramDouble(otherwise=understood).running() as ears,
        OpenAIDouble(model=mind).running() as model,
        ElevenLabsDouble().running() as voice,
    ):
        parts = {
            "stt": ears.pointed(RECOGNISER),
            "llm": model.pointed(OpenAILLM(api_key=KEY)),
            "tts": voice.pointed(ElevenLabsTTS(api_key=KEY)),
        }
        yield Vendors((ears, model, voice), parts)


def understood(voice_ms: float) -> str:
    """The word of that length; a voice that the line has cut off is taken for a greeting."""
    word = min(LENGTHS_MS, key=lambda word: abs(LENGTHS_MS[word] - voice_ms))
    return word if abs(LENGTHS_MS[word] - voice_ms) <= INEXACT_MS else "hello"


async def speak(leg: FakeLeg, word: str) -> None:
    """Say *word* as a voice of its length, in real time, and a pause behind it."""
    for count, frame in ((LENGTHS_MS[word], VOICE), (PAUSE_MS, SILENCE)):
        for _ in range(count // FRAME_MS):
            if leg.closed:
                return
            leg.speak(frame)
            await asyncio.sleep(FRAME_MS / 1_000)


def _answer(rows: Sequence[Message], tools: Sequence[ToolSpec]) -> Answer:
    said = reply_to(rows[-1])
    return Answer(said.text, tuple(said.tools))
