"""Words that a voice must be told how to say: it is, and nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.plan import Phrases
from patter.call.spoken_reply import SpokenReply
from patter.call.turn.rules import TurnRules
from patter.observe.events import Row, Usage
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter.text.lexicon import Lexicon
from patter_testing import FakeLLM, FakeTTS, lab
from patter_testing.fakes.tts import MS_PER_LETTER, FakeTTSSession

from .plans import plan

pytestmark = pytest.mark.virtual_time
LEXICON = Lexicon({"Nguyen": "a very long name that is hard to say", "12": "twelve"})
REPLY = "Table 12 is free. Mrs Nguyen knows of it."
SPOKEN = ["Table twelve is free.", "Mrs a very long name that is hard to say knows of it."]


async def test_the_voice_is_told_how_to_say_it_and_history_and_record_have_the_word() -> None:
    llm, tts = FakeLLM(replies=(REPLY, "Yes.")), FakeTTS()
    async with lab(plan(llm, respellings=(LEXICON,)), tts=tts) as call:
        await call.says("who knows of it")
        await call.says("thank you")
    assert tts.sessions[-1].sentences[:2] == SPOKEN
    assert next(row.text for row in call.of(Row) if row.role == "agent") == REPLY
    assert REPLY in [message.text for message in llm.requests[1].messages]
    counts = [use.amount for use in call.of(Usage) if use.kind == "tts"]
    assert counts[0] == sum(map(len, SPOKEN)), "a voice is paid for what it reads"


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("after_ms", [900, 1_400, 2_400, 3_900])
async def test_of_an_answer_that_was_cut_the_words_heard_are_told_as_they_are_written(
    timed: bool, after_ms: int
) -> None:
    llm, tts = FakeLLM(replies=(REPLY, "Yes.")), FakeTTS(timed=timed)
    async with lab(plan(llm, respellings=(LEXICON,)), tts=tts) as call:
        await call.caller.says("who knows of it")
        await call.interrupts("stop it please", after_ms=after_ms)
    [cut] = [row for row in call.of(Row) if row.interrupted]
    assert f"{cut.text} {cut.unheard}".strip() == REPLY
    heard = "".join(SPOKEN)[: (cut.heard_ms or 0) // MS_PER_LETTER]
    assert ("Nguyen" in cut.text) <= ("say" in heard)
    assert ("12" in cut.text) <= ("twelve" in heard)


async def test_the_greeting_and_the_fixed_phrases_are_said_right_too() -> None:
    tts = FakeTTS()
    made = plan(
        respellings=(LEXICON,),
        phrases=Phrases(greeting="This is table 12."),
        rules=TurnRules(idle_ms=()),
    )
    async with lab(made, tts=tts) as call:
        assert await call.listens() == "This is table twelve."
    assert [row.text for row in call.of(Row) if row.role == "agent"] == ["This is table 12."]


@attrs.frozen(kw_only=True)
class WordyTTS(FakeTTS):
    """A voice that says of each word that it begins it."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeTTSSession]:
        yield _Wordy(self, call, audio)


class _Wordy(FakeTTSSession):
    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        async for sentence in text:
            for word in sentence.split():
                async for speech in super().say(_one(word)):
                    yield speech


async def _one(word: str) -> AsyncIterator[str]:
    yield word


async def test_a_voice_may_begin_words_and_not_sentences() -> None:
    llm = FakeLLM(replies=(REPLY,))
    async with lab(plan(llm, respellings=(LEXICON,)), tts=WordyTTS()) as call:
        await call.says("who knows of it")
    assert [row.text for row in call.of(Row) if row.role == "agent"] == [REPLY]


# --- what a voice says it begins


async def begun(sentences: list[str], pieces: list[str]) -> list[str]:
    async def source() -> Any:
        for sentence in sentences:
            yield sentence

    reply = SpokenReply(source(), (LEXICON,))
    [_ async for _ in reply]
    await asyncio.sleep(0)
    return [reply.begun(piece)[0] for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        (["Table twelve is free. Yes."], ["Table 12 is free. Yes."]),
        (["Table twelve is free.", "Yes."], ["Table 12 is free.", "Yes."]),
        (["table", "twelve", "is free", "yes"], ["Table", "12", "is free.", "Yes."]),
        (["Table twel", "ve is free. Yes."], ["Table 12", " is free. Yes."]),
        (["Table 12 is free.", "Yes."], ["Table 12 is free.", "Yes."]),
        (["", "Table twelve is free. Yes. And more."], ["", "Table 12 is free. Yes."]),
        (["Table twelve is free.", "Yes.", "More."], ["Table 12 is free.", "Yes.", "More."]),
    ],
)
async def test_what_a_voice_begins_is_found_as_written(
    pieces: list[str], wanted: list[str]
) -> None:
    assert await begun(["Table 12 is free.", "Yes."], pieces) == wanted


async def test_where_a_voice_broke_off_the_next_goes_on_and_the_word_is_written_once() -> None:
    async def source() -> AsyncIterator[str]:
        yield "Table 12 is free."

    reply = SpokenReply(source(), (LEXICON,))
    spoken = await anext(reply)
    assert spoken == "Table twelve is free."
    whole, _ = reply.begun(spoken)
    reply.broke_off(len("is free."))
    rest, sounds = reply.begun("is free.")
    assert (whole, rest, sounds.spoken) == ("Table 12 is free.", "is free.", "is free.")
