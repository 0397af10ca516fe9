"""Whole calls over a carrier's double with real plugins, each on the double of its vendor.

Ears, mind and mouth come from different vendors in every mix, or from one engine over every
telephone company; the caller, the script and what is heard are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter import Patter, tool
from patter.audio.formats import MULAW_8K
from patter.cli.explained import Explained
from patter.env import standing_in
from patter.observe.events import CallEvent, ErrorEvent, Row, ToolRun
from patter.tools.builtin import END_CALL
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing import Caller as Waiting
from patter_testing import FakeVAD
from patter_testing.doubles.vendor_double import KEY
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.simulation import Simulation, simulating

from .far_ends import HOST, OURS, OverDouble, far_end
from .processes import free_port

pytestmark = pytest.mark.patter_timeout(90)

GREETING = "Rosa speaking."
PATIENCE_S = 20.0
POLL_MS = 400
MIXES: Mapping[str, Mapping[str, str]] = {
    "nova, gpt, flash": {
        "stt": "deepgram/nova-3",
        "llm": "openai/gpt-4o-mini",
        "tts": "elevenlabs",
    },
    "flux, responses, aura": {
        "stt": "deepgram/flux-general-en",
        "llm": "openai/gpt-4o-mini?api=responses",
        "tts": "deepgram",
    },
    "nova, claude, rest": {
        "stt": "deepgram",
        "llm": "anthropic",
        "tts": "elevenlabs-rest",
    },
    "flux, gemini, openai": {"stt": "deepgram/flux-general-en", "llm": "google", "tts": "openai"},
    "scribe, gpt, openai": {"stt": "elevenlabs", "llm": "openai", "tts": "openai"},
    "transcribe, gpt, flux": {
        "stt": "openai/gpt-4o-transcribe",
        "llm": "openai",
        "tts": "deepgram/flux-haley-en",
    },
    "assemblyai, groq, cartesia": {"stt": "assemblyai", "llm": "groq", "tts": "cartesia"},
    "soniox, cerebras, rime": {"stt": "soniox", "llm": "cerebras", "tts": "rime"},
    "speechmatics, gpt, lmnt": {"stt": "speechmatics", "llm": "openai", "tts": "lmnt"},
    "ink, claude, lmnt over http": {
        "stt": "cartesia-turns",
        "llm": "anthropic",
        "tts": "lmnt-rest",
    },
    "whisper at groq, groq, rime over http": {"stt": "groq", "llm": "groq", "tts": "rime-rest"},
}
ENGINES: Mapping[str, Mapping[str, str]] = {
    "realtime": {"engine": "openai"},
    "live": {"engine": "google"},
    "hosted agent": {"engine": "elevenlabs/agent-1"},
}
TALKS = (
    *(("twilio", mix) for mix in MIXES),
    *((company, engine) for engine in ENGINES for company in ("twilio", "telnyx", "plivo")),
)


@tool(effect="once")
async def book_table(people: int) -> str:
    """Book a table."""
    return f"R{people}"


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


@attrs.define
class Caller(OverDouble):
    """Somebody on the phone, who hears what doubles of voices say."""

    simulation: Simulation = attrs.field(kw_only=True)

    async def asks(self, words: str) -> None:
        """Say *words*, which whoever listens understands."""
        self.simulation.lines.put(words)
        await self.says(words, lambda _: None)

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            # Reading tones takes its time, and the agent's audio comes from the same loop.
            while letters(words) not in letters(self._heard()):
                await self._waits(POLL_MS)

    async def _waits(self, ms: float) -> None:
        if self.call.streams and not self.call.leg.closed:
            await Waiting(self.call.leg).waits(ms)
        else:
            await asyncio.sleep(ms / 1_000)

    def _heard(self) -> str:
        audio = b"".join(stream.leg.heard() for stream in self.call.streams)
        return read_back(audio, MULAW_8K)


@asynccontextmanager
async def served(
    company: str, cast: Mapping[str, str]
) -> AsyncIterator[tuple[Caller, list[CallEvent]]]:
    """A call by *company* to the agent of *cast*, answered; and everything that is noted of it."""
    events = list[CallEvent]()
    async with far_end(company) as end, asyncio.TaskGroup() as tasks:
        phone = Patter(carrier=end.carrier, phone_number=OURS, webhook_url=HOST, persist=False)
        parts: dict[str, Any] = dict(cast)
        if "engine" not in cast:
            parts["vad"] = FakeVAD()  # what doubles speak is no voice
        with standing_in(KEY):
            agent = phone.agent("Be brief.", first_message=GREETING, tools=[book_table], **parts)
        async with simulating(phone, agent) as simulation:
            for double in simulation.doubles.values():
                if isinstance(double, ElevenLabsDouble):
                    # A hosted agent's tools are set in the vendor's account.
                    double.agent.hosted_tools = (book_table.spec, END_CALL)
            port = free_port()
            end.reaches(f"http://127.0.0.1:{port}")
            serving = tasks.create_task(
                phone.serve(simulation.agent, port=port, listeners=[events.append], dashboard=False)
            )
            await phone.ready
            async with end.rings("+15550107788") as talk:
                assert isinstance(talk, OverDouble)
                yield Caller(talk.call, simulation=simulation), events
            await phone.disconnect()
            assert await serving, "a call had to be cut"


@pytest.mark.parametrize(("company", "cast"), TALKS)
async def test_a_conversation_over(company: str, cast: str) -> None:
    async with served(company, {**MIXES, **ENGINES}[cast]) as (caller, events):
        await caller.hears(GREETING)
        await asyncio.sleep(0.5)
        await caller.asks("please book table 2")
        await caller.hears("The tool said: R2")
        await asyncio.sleep(0.5)
        await caller.asks("please end call")
        await caller.is_let_go()
    said = [(row.role, row.text) for row in events if isinstance(row, Row) and row.text]
    assert said[0] == ("agent", GREETING)
    assert ("caller", "please book table 2") in said
    runs = [run.name for run in events if isinstance(run, ToolRun) and run.what == "finished"]
    assert runs == ["book_table", "end_call"]
    assert not [event for event in events if isinstance(event, ErrorEvent)]


@pytest.mark.parametrize("cast", ["nova, gpt, flash", "flux, responses, aura"])
async def test_a_telephones_audio_is_converted_for_nobody(cast: str) -> None:
    async with far_end("twilio") as end:
        phone = Patter(carrier=end.carrier, phone_number=OURS, webhook_url=HOST, persist=False)
        parts: dict[str, Any] = dict(MIXES[cast])
        with standing_in(KEY):
            agent = phone.agent("Be brief.", vad="none", **parts)
            edges = Explained(phone, agent, phone.gathered(agent)).audio()
    assert [edge.steps for edge in edges] == [(), ()]
