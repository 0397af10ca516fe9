"""An answer is prepared while the recogniser still guesses, and heard only if it guessed right."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter.call.custom_llm import CustomLLM
from patter.call.draft_voice import AHEAD_MS
from patter.call.mind import FunctionMind, ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.rules import TurnRules
from patter.call.turn.transition import DRAFTS_MAX
from patter.errors import PatterConnectionError
from patter.llm.fallback import FallbackLLMProvider
from patter.observe.events import Note, Turn, Usage
from patter.providers.llm import ToolRequest
from patter.tools.tool import Effect, Tool
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, LabCall, Reply, lab
from patter_testing.fakes.tts import MS_PER_LETTER, spoken

pytestmark = pytest.mark.virtual_time

PATIENT = TurnRules(silence_ms=1_200, idle_ms=())
EARLY = attrs.evolve(PATIENT, speculate=True)
LOST = PatterConnectionError("the vendor went away", fix="wait a moment")
SLOW = Reply(text="From five to eleven.", first_ms=500)


def plan(llm: FakeLLM, rules: TurnRules = EARLY, **changes: Any) -> CallPlan:
    made = CallPlan(stt=FakeSTT(), tts=FakeTTS(), vad=FakeVAD(), mind=ModelMind(llm), rules=rules)
    return attrs.evolve(made, phrases=Phrases(), **changes)


def slow_ears() -> FakeSTT:
    """A recogniser whose finals come when the test says so."""
    return FakeSTT(deaf=True)


async def talks(call: LabCall, guess: str, *, then_ms: float = 0) -> None:
    """Speak; what is understood until the voice ends is a guess, which stands for *then_ms*."""
    await call.caller.sounds(spoken(guess, call.leg.audio))
    call.stt.sessions[-1].hear(guess, final=False)
    await call.caller.waits(then_ms)


def drafts(call: LabCall) -> list[str]:
    return [note.what for note in call.of(Note) if note.what.startswith("draft")]


async def gap_ms(rules: TurnRules) -> int:
    async with lab(plan(FakeLLM(replies=(SLOW,)), rules), stt=slow_ears()) as call:
        await talks(call, "when are you open", then_ms=900)
        call.heard("When are you open?")
        assert await call.listens() == "From five to eleven."
    [turn] = call.of(Turn)
    assert sum(turn.stages.values()) == turn.gap_ms
    return turn.gap_ms or 0


async def test_a_guess_that_stood_shortens_the_gap_by_what_it_stood_before_the_end() -> None:
    waited, early = await gap_ms(PATIENT), await gap_ms(EARLY)
    # The turn ends after 1,200 ms; the guess has stood for 300 long before, and model and voice
    # need less than the rest.
    assert waited - early >= 500
    assert early <= 1_200 + 60


async def test_a_hit_asks_the_model_and_the_voice_once() -> None:
    llm, tts = FakeLLM(replies=(SLOW,)), FakeTTS()
    async with lab(plan(llm), stt=slow_ears(), tts=tts) as call:
        await talks(call, "when are you open", then_ms=1_000)
        made = [text for session in tts.sessions for text in session.sentences]
        assert made == ["From five to eleven."] and call.caller.heard_text() == ""
        call.heard("when are you open")
        assert await call.listens() == "From five to eleven."
    assert len(llm.requests) == 1 and drafts(call) == ["draft_used"]


async def test_a_miss_is_not_heard_is_counted_and_is_paid() -> None:
    def answer(request: Any) -> str:
        return "On Sunday until ten." if "sunday" in request.messages[-1].text else "Until eleven."

    llm, tts = FakeLLM(answer=answer), FakeTTS()
    async with lab(plan(llm), stt=slow_ears(), tts=tts) as call:
        await talks(call, "are you open", then_ms=800)
        await talks(call, "are you open on sunday", then_ms=800)
        call.heard("are you open on sunday")
        assert await call.listens() == "On Sunday until ten."
        assert "eleven" not in call.caller.heard_text()
    assert drafts(call) == ["draft_discarded", "draft_used"]
    used = {use.unit: 0.0 for use in call.of(Usage)}
    for use in call.of(Usage):
        used[use.unit] += use.amount
    assert used["characters"] == len("Until eleven.") + len("On Sunday until ten.")
    assert used["tokens_in"] == 2
    assert [row["text"] for row in call.session.history.transcript()] == [
        "are you open on sunday",
        "On Sunday until ten.",
    ]


async def test_a_voice_that_is_stopped_in_a_miss_keeps_its_connection() -> None:
    llm, tts = FakeLLM(replies=(Reply(text="Until eleven."), SLOW)), FakeTTS(first_ms=700)
    async with lab(plan(llm), stt=slow_ears(), tts=tts) as call:
        await talks(call, "are you open", then_ms=800)
        call.heard("when are you open")
        assert await call.listens() == "From five to eleven."
    assert drafts(call) == ["draft_discarded", "draft_used"]
    assert [session.cancelled for session in tts.sessions] == [1]


async def test_a_guess_that_changes_all_the_time_is_not_drafted_for() -> None:
    llm = FakeLLM(replies=("Gladly.",))
    async with lab(plan(llm), stt=slow_ears()) as call:
        await talks(call, "i want", then_ms=0)
        for guess in ("i want a", "i want a table", "i want a table for"):
            await call.caller.waits(200)
            call.stt.sessions[-1].hear(guess, final=False)
        assert llm.requests == []
        await call.caller.waits(350)
        assert [each.messages[-1].text for each in llm.requests] == ["i want a table for"]


async def test_a_guess_that_ends_a_sentence_is_drafted_for_at_once() -> None:
    llm = FakeLLM(replies=("Gladly.",))
    async with lab(plan(llm), stt=slow_ears()) as call:
        await talks(call, "A table for two, please.", then_ms=40)
        assert len(llm.requests) == 1


async def test_of_who_goes_on_and_on_only_so_many_words_are_drafted_for() -> None:
    llm = FakeLLM(replies=("Gladly.",))
    async with lab(plan(llm), stt=slow_ears()) as call:
        for words in range(1, 31):
            await call.caller.sounds(spoken("and", call.leg.audio))
            call.stt.sessions[-1].hear("And so on. " * words, final=False)
        await call.caller.waits(900)
        assert call.session.history.rows == []
    assert len(llm.requests) == DRAFTS_MAX


async def test_a_caller_who_goes_on_in_a_draft_is_answered_once_and_whole() -> None:
    long = "We are open from five until eleven, every day of the week. " * 12
    llm = FakeLLM(answer=lambda request: long if len(request.messages[-1].text) < 20 else "Yes.")
    async with lab(plan(llm), stt=slow_ears()) as call:
        await talks(call, "are you open", then_ms=700)
        await talks(call, "are you open on sunday evening", then_ms=100)
        call.heard("are you open on sunday evening")
        assert await call.listens() == "Yes."
    assert call.caller.heard_text() == "Yes."


async def test_an_answer_that_was_a_draft_is_interrupted_as_any_other() -> None:
    text = "We are open from five until eleven in the evening, every day of the week."
    llm = FakeLLM(replies=(text, "Gladly."))
    async with lab(plan(llm), stt=slow_ears(), tts=FakeTTS(timed=True)) as call:
        await talks(call, "are you open", then_ms=1_150)
        call.heard("are you open")
        assert await call.interrupts("stop stop stop please", after_ms=1_500) == "Gladly."
        rows = call.session.history.transcript()
    assert drafts(call)[0] == "draft_used"
    assert rows[1]["text"] and text.startswith(rows[1]["text"]) and rows[1]["text"] != text
    assert rows[2]["text"] == "stop stop stop please"


async def test_no_more_of_a_draft_is_spoken_than_may_be_kept() -> None:
    long = " ".join(f"This is sentence number {each} of a very long answer." for each in range(8))
    tts = FakeTTS()
    rules = attrs.evolve(EARLY, silence_ms=5_000)
    async with lab(plan(FakeLLM(replies=(long,)), rules), stt=slow_ears(), tts=tts) as call:
        await talks(call, "tell me all", then_ms=4_000)
        made = sum(len(text) for session in tts.sessions for text in session.sentences)
        call.heard("tell me all")
        heard = await call.listens()
    # Of what is made, one sentence is read ahead, and one may be in the works.
    assert made <= AHEAD_MS / MS_PER_LETTER + 2 * 49 < len(long)
    assert heard.replace(" ", "") == long.replace(" ", "")


async def test_a_draft_reads_and_waits_with_what_cannot_be_undone() -> None:
    ran: list[str] = []
    effects: tuple[Effect, ...] = ("read", "idempotent", "once")

    def tool_of(effect: Effect) -> Tool:
        def run() -> str:
            ran.append(effect)
            return "done"

        return Tool(name=effect, handler=run, effect=effect)

    tools = tuple(map(tool_of, effects))
    asks = tuple(ToolRequest(name, name, "{}") for name in effects)
    llm = FakeLLM(replies=(Reply(tools=asks), "It is booked."))
    async with lab(plan(llm, tools=tools), stt=slow_ears()) as call:
        await talks(call, "book it please", then_ms=1_100)
        assert ran == ["read"]
        call.heard("book it please")
        assert await call.listens() == "It is booked."
    assert ran == ["read", "idempotent", "once"]


async def test_a_function_is_not_asked_about_a_draft() -> None:
    asked: list[str] = []

    def answer(message: dict[str, Any]) -> str:
        asked.append(message["text"])
        return "Gladly."

    async with lab(plan(FakeLLM(), mind=FunctionMind(answer)), stt=slow_ears()) as call:
        await talks(call, "a table", then_ms=600)
        await talks(call, "a table for two", then_ms=600)
        assert asked == []
        call.heard("a table for two")
        assert await call.listens() == "Gladly."
    assert asked == ["a table for two"]


async def test_a_function_in_a_list_of_models_is_not_asked_about_a_draft_either() -> None:
    asked: list[str] = []

    def answer(message: dict[str, Any]) -> str:
        asked.append(message["text"])
        return "Gladly."

    models = FallbackLLMProvider((FakeLLM(replies=(Reply(fails=LOST),)), CustomLLM(answer)))
    async with lab(plan(FakeLLM(), mind=ModelMind(models)), stt=slow_ears()) as call:
        await talks(call, "a table", then_ms=600)
        await talks(call, "a table for two", then_ms=600)
        assert asked == []
        call.heard("a table for two")
        assert await call.listens() == "Gladly."
    assert asked == ["a table for two"]


async def said_by_a_broken_voice(rules: TurnRules) -> tuple[str, str]:
    """What was heard, and what the history has of it."""
    broken = FakeTTS(fails_at_ms=700, timed=True)
    made = plan(FakeLLM(replies=("From five to eleven, every day.",)), rules)
    made = attrs.evolve(made, tts_fallbacks=(FakeTTS(),))
    async with lab(made, stt=slow_ears(), tts=broken) as call:
        await talks(call, "when are you open", then_ms=1_150)
        call.heard("when are you open")
        heard = await call.listens()
        [_, row] = call.session.history.transcript()
    return heard, row["text"]


async def test_a_voice_that_breaks_in_a_draft_is_taken_over_from_as_any_other() -> None:
    heard, row = await said_by_a_broken_voice(EARLY)
    assert (heard, row) == await said_by_a_broken_voice(PATIENT)
    assert row == "From five to eleven, every day."


async def test_a_model_that_never_answers_a_draft_costs_an_apology_and_not_the_call() -> None:
    llm = FakeLLM(replies=(Reply(silent=True), "Now it works."))
    rules = attrs.evolve(EARLY, reply_max_ms=2_000)
    async with lab(plan(llm, rules), stt=slow_ears()) as call:
        await talks(call, "are you open", then_ms=1_000)
        call.heard("are you open")
        assert await call.listens() == Phrases().apology
        await talks(call, "are you open then", then_ms=600)
        call.heard("are you open then")
        assert await call.listens() == "Now it works."


async def test_who_hangs_up_in_a_draft_leaves_nothing_running() -> None:
    async with lab(plan(FakeLLM(replies=(SLOW,))), stt=slow_ears()) as call:
        await talks(call, "when are you open", then_ms=450)
        await call.hangs_up()
    assert call.summary is not None and call.summary.outcome == "completed"
