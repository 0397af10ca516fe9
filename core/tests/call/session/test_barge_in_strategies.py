"""A voice holds the agent at once; a strategy's verdict on the words stops it, else it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter import Agent, MinWordsStrategy
from patter.observe.events import BargeIn, Note, Resumed
from patter_testing import FakeEngine, FakeLLM, LabCall, lab
from patter_testing.fakes.tts import spoken

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you on this fine day?"
LONG = (
    "We are open from five to eleven, every day but Monday, and on Sundays from noon on.",
    "Yes.",
)


def agent(*strategies: Any, **changes: Any) -> Agent:
    llm = FakeLLM(replies=LONG)
    return Agent(
        **{
            "system_prompt": "",
            "stt": "fake",
            "tts": "fake",
            "llm": llm,
            "idle_ms": (),
            "barge_in_strategies": strategies,
            **changes,
        }
    )


async def interrupted(call: LabCall, text: str) -> bool:
    """Does *text*, said over the first answer, stop it?"""
    await call.caller.says("when are you open")
    await call.interrupts(text, after_ms=900)
    return bool(call.of(BargeIn))


@attrs.define
class Counting:
    """Says what it is told to say, and remembers what it was shown."""

    verdict: Any = True
    shown: list[tuple[str, bool, bool]] = attrs.field(factory=list)
    resets: int = 0

    async def evaluate(self, *, transcript: str, is_interim: bool, agent_speaking: bool) -> bool:
        self.shown.append((transcript, is_interim, agent_speaking))
        return bool(self.verdict)

    def reset(self) -> None:
        self.resets += 1

    def __deepcopy__(self, memo: object) -> Counting:
        return self


@pytest.mark.parametrize(
    ("words", "text", "stops"),
    [
        (3, "just the hours please", True),
        (3, "just hours", False),
        (1, "stop", True),
        (5, "just the hours please", False),
    ],
)
async def test_so_many_words_stop_the_agent_and_fewer_do_not(
    words: int, text: str, stops: bool
) -> None:
    async with lab(agent(MinWordsStrategy(words))) as call:
        assert await interrupted(call, text) is stops
    if not stops:
        assert LONG[0] in call.utterances, "nothing of it is lost"
        assert call.of(Resumed)


async def test_a_voice_without_words_holds_the_agent_at_once_and_does_not_stop_it() -> None:
    async with lab(agent(MinWordsStrategy(1), barge_in_confirm_ms=400)) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(900)
        await call.caller.sounds(spoken("and so on and on and on", call.leg.audio))
        await call.listens()
    assert not call.of(BargeIn)
    [resumed] = call.of(Resumed)
    assert 400 <= resumed.held_ms < 500
    assert LONG[0] in call.utterances


@pytest.mark.parametrize("mode", ["cancel", "pause_resume"])
async def test_without_a_verdict_no_voice_is_long_enough(mode: str) -> None:
    never = Counting(verdict=False)
    async with lab(agent(never, barge_in_mode=mode)) as call:
        assert not await interrupted(call, "no no no I only want to know the hours of today")
    assert never.shown


async def test_a_strategy_is_shown_all_words_of_the_turn_and_begins_anew_with_the_agent() -> None:
    counting = Counting(verdict=False)
    async with lab(agent(counting)) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(500)
        call.stt.sessions[-1].hear("just the", final=False)
        await call.caller.waits(50)
        call.stt.sessions[-1].hear("just the hours")
        await call.caller.waits(50)
        call.stt.sessions[-1].hear("please")
        await call.listens()
    assert counting.shown == [
        ("just the", True, True),
        ("just the hours", False, True),
        ("just the hours please", False, True),
    ]
    assert counting.resets == 1


async def test_an_interim_counts_unless_it_is_not_to() -> None:
    for strategy, stops in [
        (MinWordsStrategy(2), True),
        (MinWordsStrategy(2, use_interim=False), False),
    ]:
        async with lab(agent(strategy)) as call:
            await call.caller.says("when are you open")
            await call.caller.hears_the_agent_begin()
            await call.caller.waits(500)
            call.stt.sessions[-1].hear("just the hours", final=False)
            await call.caller.waits(100)
            assert bool(call.of(BargeIn)) is stops


class Raising:
    def evaluate(self, **_: Any) -> bool:
        raise KeyError("words")


class Exiting:
    async def evaluate(self, **_: Any) -> bool:
        raise SystemExit(2)


class Hanging:
    async def evaluate(self, **_: Any) -> bool:
        await asyncio.get_running_loop().create_future()
        return True


@pytest.mark.parametrize("bad", [Raising(), Exiting(), Hanging()], ids=lambda each: type(each))
async def test_a_strategy_that_fails_or_hangs_has_said_no_and_the_call_goes_on(bad: Any) -> None:
    async with lab(agent(bad)) as call:
        assert not await interrupted(call, "just the hours please")
        assert LONG[0] in call.utterances
        assert await call.says("and on Mondays") == "Yes."
    assert bool([note for note in call.of(Note) if note.what == "barge_in_strategy"]) is isinstance(
        bad, Hanging
    )


async def test_one_that_fails_leaves_the_others_their_say() -> None:
    async with lab(agent(Raising(), MinWordsStrategy(2))) as call:
        assert await interrupted(call, "just the hours please")


class Slow:
    async def evaluate(self, **_: Any) -> bool:
        await asyncio.sleep(1.2)
        return True


async def test_a_verdict_on_words_that_are_nobodys_any_more_is_too_late() -> None:
    async with lab(agent(Slow(), barge_in_confirm_ms=1_250)) as call:
        await call.caller.says("when are you open")
        await call.interrupts("just the hours please", after_ms=900)
    assert not call.of(BargeIn)
    assert "did not catch" not in " ".join(call.utterances)


@attrs.define
class Third:
    """Counts over a call; shared, it would stop another caller."""

    count: int = 0

    def evaluate(self, **_: Any) -> bool:
        self.count += 1
        return self.count > 2


async def test_calls_do_not_share_what_a_strategy_remembers() -> None:
    third = Third()
    for _ in range(4):
        async with lab(agent(third)) as call:
            assert not await interrupted(call, "just the hours please")
    assert third.count == 0


async def test_words_before_the_answer_is_heard_need_no_verdict() -> None:
    counting = Counting(verdict=False)
    async with lab(agent(counting, first_message=GREETING)) as call:
        await call.listens()
        await call.caller.says("when are you open")
        await call.says("on Mondays I mean")
    assert counting.shown == []


# --- with an engine


def hosted(engine: FakeEngine, *strategies: Any) -> Agent:
    return agent(*strategies, engine=engine, stt=None, tts=None, llm=None)


@pytest.mark.parametrize(("words", "stops"), [(3, True), (7, False)])
async def test_an_engine_that_waits_to_be_asked_is_stopped_by_verdicts_too(
    words: int, stops: bool
) -> None:
    engine = FakeEngine(replies=LONG, listens=True)
    async with lab(hosted(engine, MinWordsStrategy(words))) as call:
        assert await interrupted(call, "just the hours please") is stops
    assert (LONG[0] in call.utterances) is not stops
