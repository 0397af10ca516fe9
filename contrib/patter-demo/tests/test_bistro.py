"""The caller's lines, by their recordings: heard exactly, and answered as the demo promises."""

from __future__ import annotations

import io
import json
import random
import shutil
import wave
from importlib.resources import files

import numpy as np
import pytest

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message, TextChunk, ToolCallChunk, ToolSpec
from patter.providers.stt import Transcript
from patter_demo import bistro
from patter_demo.record import LINES, RATE_HZ, recording, speak
from patter_pocketsphinx import PocketsphinxSTT

CALL = CallContext(call_id="c1")
TRIES = 10
TOOLS = tuple(
    ToolSpec(name, "", {"type": "object", "properties": {}})
    for name in ("opening_hours", "book_table", "end_call")
)


@pytest.mark.parametrize("name", LINES)
async def test_a_line_is_heard_exactly_ten_times_of_ten(name: str) -> None:
    dice, stt = random.Random(name), PocketsphinxSTT(grammar=bistro.GRAMMAR)
    line = convert(recording(name), PCM16_8K, MULAW_8K)
    heard = []
    async with stt.open(CALL, MULAW_8K) as session:
        events = aiter(session)
        for _ in range(TRIES):
            pause = MULAW_8K.silence * MULAW_8K.bytes_in(dice.randint(0, 1_500))
            audio = pause + line + MULAW_8K.silence * MULAW_8K.bytes_in(100)
            for at in range(0, len(audio), 160):
                await session.send(audio[at : at + 160])
            await session.finalize()
            while not (isinstance(event := await anext(events), Transcript) and event.final):
                pass
            heard.append(event.text)
    assert heard == [LINES[name]] * TRIES


@pytest.mark.parametrize("name", LINES)
def test_a_recording_is_small_and_made_for_telephones(name: str) -> None:
    file = files("patter_demo").joinpath("speech", f"{name}.wav").read_bytes()
    with wave.open(io.BytesIO(file)) as found:
        assert (found.getframerate(), found.getnchannels(), found.getsampwidth()) == (RATE_HZ, 1, 2)
    assert len(file) < 50_000
    assert np.abs(np.frombuffer(recording(name), "<i2").astype(int)).max() > 5_000


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_the_script_makes_the_recordings_again() -> None:
    again = np.frombuffer(speak(LINES["yes"]), "<i2").astype(float)
    kept = np.frombuffer(recording("yes"), "<i2").astype(float)
    assert len(again) == len(kept)
    assert np.corrcoef(again, kept)[0, 1] > 0.99


async def answer(*rows: Message) -> tuple[str, list[tuple[str, object]]]:
    request = LLMRequest(messages=rows, tools=TOOLS, call=CALL)
    chunks = [chunk async for chunk in bistro.BRAIN.stream(request)]
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
    called = [
        (chunk.name, json.loads(chunk.arguments))
        for chunk in chunks
        if isinstance(chunk, ToolCallChunk)
    ]
    return text, called


def result(name: str, text: str) -> Message:
    return Message("tool", text, tool_call_id="x", name=name)


async def test_the_hours_are_looked_up_and_said() -> None:
    asked = Message("user", LINES["hours"])
    assert await answer(asked) == ("", [("opening_hours", {})])
    said, _ = await answer(asked, result("opening_hours", bistro.opening_hours()))
    assert said == "We are open from five to eleven."


async def test_a_table_is_booked_for_two_and_its_reference_said() -> None:
    asked = Message("user", LINES["book"])
    assert await answer(asked) == ("", [("book_table", {"people": 2})])
    said, _ = await answer(asked, result("book_table", bistro.book_table(2)))
    assert said == "A table for two, reference R seventeen."


async def test_a_goodbye_is_answered_and_ends_the_call_once() -> None:
    asked = Message("user", LINES["goodbye"])
    assert await answer(asked) == ("Goodbye.", [("end_call", {})])
    assert await answer(asked, result("end_call", "The call ends.")) == ("", [])


@pytest.mark.parametrize("name", ["yes", "no"])
async def test_every_other_line_is_answered_too(name: str) -> None:
    said, called = await answer(Message("user", LINES[name]))
    assert said and not called
