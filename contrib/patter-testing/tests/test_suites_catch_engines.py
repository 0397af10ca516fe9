"""Each rule on engines convicts an engine that breaks it, and most engines of just that."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterConnectionError, ProviderError
from patter.providers.engine import DELIVER_S, EngineCapabilities, EngineTurns, EngineUpdate
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseTruncated,
)
from patter.providers.tts import SpokenWord
from patter_testing import EngineSuite, FakeEngine, FakeEngineVendor, run_virtual

from .trial import CALL, untried

LATE_S = 60.0
"""Later than every bound there is; it costs nothing in virtual time."""

LOST = PatterConnectionError("401", fix="try again")
REPLY = "Hello to you."


class Session:
    """An honest session; a culprit overrides what it does wrong."""

    def __init__(self, honest: Any) -> None:
        self.honest = honest

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self.events(aiter(self.honest))

    async def events(self, honest: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for event in honest:
            for each in self.replaced(event):
                yield each

    def replaced(self, event: Any) -> list[Any]:
        return [event]


class RogueEngine(FakeEngine):
    """Opens *session*; *misread* is what it makes of the setup, *close* how it ends."""

    session: type[Session] = Session
    misread: Any = staticmethod(lambda setup: setup)
    close: Any = None

    @asynccontextmanager
    async def open(self, call: Any, setup: Any) -> Any:
        try:
            async with FakeEngine.open(self, call, type(self).misread(setup)) as honest:
                yield type(self).session(honest)
        finally:
            if close := type(self).close:
                await close()


def engine(session: type[Session] = Session, **settings: Any) -> RogueEngine:
    parts = {name: settings.pop(name) for name in ("misread", "close") if name in settings}
    body: dict[str, Any] = {name: staticmethod(part) for name, part in parts.items()}
    rogue: type[RogueEngine] = type("Rogue", (RogueEngine,), {"session": session, **body})
    return rogue(**{"replies": (REPLY,), **settings})


def misreads(**changes: Any) -> RogueEngine:
    """It opens with *changes* made to every setup that has something there."""

    def misread(setup: Any) -> Any:
        wrong = {name: value for name, value in changes.items() if getattr(setup, name)}
        return attrs.evolve(setup, **wrong)

    return engine(misread=misread)


class AudioFirst(Session):
    """Reports a response as started when its first audio is out."""

    held: Any = None

    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseStarted):
            self.held = event
            return []
        if self.held and isinstance(event, ResponseAudio | ResponseDone | ResponseTruncated):
            start, self.held = self.held, None
            return [event, start] if isinstance(event, ResponseAudio) else [start, event]
        return [event]


class NeverDone(Session):
    def replaced(self, event: Any) -> list[Any]:
        return [] if isinstance(event, ResponseDone) else [event]


class DoneTwice(Session):
    def replaced(self, event: Any) -> list[Any]:
        return [event, event] if isinstance(event, ResponseDone) else [event]


class OddBytes(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseAudio):
            return [attrs.evolve(event, audio=event.audio + b"\1")]
        return [event]


class Overlaps(Session):
    """Reports the end of a response after the start of one that was waiting for it."""

    held: Any = None

    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseDone) and event.response_id != self.responses[-1].id:
            self.held = event
            return []
        if self.held and isinstance(event, ResponseStarted):
            done, self.held = self.held, None
            return [event, done]
        return [event]


class IgnoresInterrupts(Session):
    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        pass


class CallsItCompleted(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseDone):
            return [attrs.evolve(event, status=ResponseStatus.COMPLETED)]
        return [event]


class InterruptsLate(Session):
    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        if self.responses[-1].running:
            await asyncio.sleep(LATE_S)
        await self.honest.interrupt(response_id, heard_ms)


class ForgetsTheWaiting(Session):
    """Never reports the start of a response that was interrupted before it."""

    def replaced(self, event: Any) -> list[Any]:
        early = [response_id for response_id, _ in self.interrupted]
        return [] if isinstance(event, ResponseStarted) and event.response_id in early else [event]


class KeepsItAll(Session):
    """Confirms a truncation that it never made."""

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        rows = list(self.rows)
        await self.honest.interrupt(response_id, heard_ms)
        self.honest.rows[:] = rows


class KeepsAllText(Session):
    """Confirms a cut of a text that it never made."""

    async def interrupt_text(self, response_id: str, heard: str) -> None:
        rows = list(self.rows)
        await self.honest.interrupt_text(response_id, heard)
        self.honest.rows[:] = rows


class Paraphrases(Session):
    async def say(self, text: str) -> str:
        response_id: str = await self.honest.say(text.replace("recorded", "taped"))
        return response_id


class KeepsOldTools(Session):
    async def update(self, update: EngineUpdate) -> None:
        await self.honest.update(attrs.evolve(update, tools=None))


class KeepsOldInstructions(Session):
    async def update(self, update: EngineUpdate) -> None:
        await self.honest.update(attrs.evolve(update, instructions=None))


class ShoutsForEver(Session):
    """Makes the instructions for one response those of all."""

    async def respond(self, instructions: str = "") -> str:
        self.honest.instructions = instructions or self.honest.instructions
        response_id: str = await self.honest.respond()
        return response_id


class LosesText(Session):
    async def send_text(self, text: str) -> None:
        pass


class LosesKeys(Session):
    async def send_keys(self, digits: str) -> None:
        pass


class AnswersKeys(Session):
    async def send_keys(self, digits: str) -> None:
        await self.honest.send_keys(digits)
        await self.honest.respond()


class TwoFinals(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, CallerTranscript):
            return [attrs.evolve(event, final=True)]
        return [event]


class OtherItem(Session):
    def replaced(self, event: Any) -> list[Any]:
        return [CallerTurnEnded("other")] if isinstance(event, CallerTurnEnded) else [event]


class NeverCommits(Session):
    async def commit(self) -> None:
        pass


class LosesResults(Session):
    async def tool_result(self, tool_call_id: str, result: str, **how: Any) -> None:
        await self.honest.tool_result(tool_call_id, "", **how)


class AnswersTwice(Session):
    async def tool_result(self, tool_call_id: str, result: str, **how: Any) -> None:
        self.honest._wanted.add(tool_call_id)
        await self.honest.tool_result(tool_call_id, result, **how)


class DeliversLate(Session):
    async def tool_result(self, tool_call_id: str, result: str, **how: Any) -> None:
        await asyncio.sleep(DELIVER_S + 1)
        await self.honest.tool_result(tool_call_id, result, **how)


class AnswersEveryResult(Session):
    async def tool_result(self, tool_call_id: str, result: str, **how: Any) -> None:
        await self.honest.tool_result(tool_call_id, result)


class Swallows(Session):
    """Ignores what it has not declared."""

    async def update(self, update: EngineUpdate) -> None:
        pass


class DiesOfAnything(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, EngineProblem):
            raise event.error
        return [event]


class NoUsage(Session):
    def replaced(self, event: Any) -> list[Any]:
        return [attrs.evolve(event, usage=None)] if isinstance(event, ResponseDone) else [event]


class WordsPastTheEnd(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseText):
            return [attrs.evolve(event, words=(SpokenWord("Hello", 60_000),))]
        return [event]


class GreetsUnmarked(Session):
    def replaced(self, event: Any) -> list[Any]:
        if isinstance(event, ResponseStarted) and event.cause is ResponseCause.GREETING:
            return [attrs.evolve(event, cause=ResponseCause.REQUEST)]
        return [event]


class TalksOn(Session):
    """Takes requests after its end."""

    async def respond(self, instructions: str = "") -> str:
        if self.honest._over:
            return "response-0"
        response_id: str = await self.honest.respond(instructions)
        return response_id


class Misnames(Session):
    async def respond(self, instructions: str = "") -> str:
        await self.honest.respond(instructions)
        return "another"


class Choosy(RogueEngine):
    @asynccontextmanager
    async def open(self, call: Any, setup: Any) -> Any:
        if setup.audio_in != MULAW_8K:
            raise ProviderError("unsupported", fix="use another format")
        async with FakeEngine.open(self, call, setup) as session:
            yield session


class Shared(RogueEngine):
    """All calls at once have one session."""

    @asynccontextmanager
    async def open(self, call: Any, setup: Any) -> Any:
        async with FakeEngine.open(self, call, setup) as session:
            running = [each for each in self.sessions if not each._over]
            yield running[0] if len(running) > 1 else session


class Endless(RogueEngine):
    @asynccontextmanager
    async def open(self, call: Any, setup: Any) -> Any:
        async with FakeEngine.open(self, call, setup) as session:
            session.end = lambda: None  # type: ignore[method-assign]
            yield session


async def leave_a_task() -> None:
    asyncio.get_running_loop().create_task(asyncio.sleep(LATE_S))


async def dawdle() -> None:
    await asyncio.sleep(LATE_S)


def responding(setup: Any) -> Any:
    return attrs.evolve(setup, turns=EngineTurns(responds=True))


def silent(setup: Any) -> Any:
    return attrs.evolve(setup, turns=attrs.evolve(setup.turns, responds=False))


def forgetful(setup: Any) -> Any:
    return attrs.evolve(setup, resume="")


def speaking(setup: Any) -> Any:
    return attrs.evolve(setup, text_only=False)


def undetecting(setup: Any) -> Any:
    return attrs.evolve(setup, turns=EngineTurns(responds=setup.turns.responds))


CULPRITS = [
    ("test_every_declared_format_is_accepted", Choosy()),
    ("test_a_response_starts_before_its_audio_and_text", engine(AudioFirst)),
    ("test_audio_comes_in_whole_samples", engine(OddBytes, produces=(PCM16_16K,))),
    ("test_a_response_is_done_exactly_once", engine(DoneTwice)),
    ("test_an_interrupted_response_ends_and_the_next_one_comes", engine(CallsItCompleted)),
    ("test_an_interrupted_response_ends_and_the_next_one_comes", engine(InterruptsLate)),
    ("test_a_response_that_waits_can_be_interrupted", engine(ForgetsTheWaiting)),
    ("test_history_keeps_only_what_was_heard", engine(KeepsItAll)),
    ("test_text_alone_is_cut_where_the_caller_stopped_listening", engine(KeepsAllText)),
    ("test_text_alone_is_cut_where_the_caller_stopped_listening", misreads(text_only=False)),
    ("test_history_is_there_before_the_first_response", misreads(history=())),
    ("test_the_greeting_comes_first_and_once", misreads(greeting="")),
    ("test_the_greeting_comes_first_and_once", misreads(greeting="Hi there.")),
    ("test_the_greeting_comes_first_and_once", engine(GreetsUnmarked)),
    ("test_words_are_said_as_exactly_as_declared", engine(Paraphrases)),
    ("test_tools_are_those_of_the_setup_and_then_of_the_update", misreads(tools=())),
    ("test_tools_are_those_of_the_setup_and_then_of_the_update", engine(KeepsOldTools)),
    (
        "test_instructions_are_those_of_the_setup_and_then_of_the_update",
        engine(KeepsOldInstructions),
    ),
    ("test_instructions_are_those_of_the_setup_and_then_of_the_update", engine(ShoutsForEver)),
    ("test_text_and_keys_become_rows_of_the_caller", engine(LosesText)),
    ("test_text_and_keys_become_rows_of_the_caller", engine(LosesKeys)),
    ("test_text_and_keys_become_rows_of_the_caller", engine(AnswersKeys)),
    ("test_the_caller_is_transcribed_under_one_id", engine(TwoFinals)),
    ("test_the_caller_is_transcribed_under_one_id", engine(OtherItem)),
    ("test_the_vendor_answers_by_itself_only_where_it_shall", engine(misread=silent)),
    ("test_a_turn_can_be_ended_by_hand", engine(NeverCommits)),
    ("test_a_tool_is_answered_once_and_a_response_follows", engine(LosesResults)),
    ("test_a_tool_is_answered_once_and_a_response_follows", engine(AnswersTwice)),
    ("test_a_tool_is_answered_once_and_a_response_follows", engine(DeliversLate)),
    ("test_a_quiet_result_is_followed_by_no_response", engine(AnswersEveryResult)),
    ("test_what_is_not_declared_is_refused", engine(Swallows, can=EngineCapabilities())),
    (
        "test_what_is_not_declared_is_refused",
        engine(misread=forgetful, can=EngineCapabilities()),
    ),
    (
        "test_what_is_not_declared_is_refused",
        engine(misread=undetecting, can=EngineCapabilities()),
    ),
    (
        "test_what_is_not_declared_is_refused",
        engine(misread=speaking, can=EngineCapabilities()),
    ),
    ("test_an_error_that_passes_ends_nothing", engine(DiesOfAnything)),
    ("test_declared_usage_and_word_times_are_there", engine(NoUsage)),
    ("test_declared_usage_and_word_times_are_there", engine(WordsPastTheEnd)),
    ("test_a_session_is_resumed_where_it_was", engine(misread=forgetful)),
    ("test_a_closed_session_refuses_more", engine(TalksOn)),
    ("test_two_calls_do_not_mix", Shared(replies=(REPLY,))),
]
"""Engines that break one rule."""

WORSE = [
    ("test_responses_do_not_overlap", {"provider": engine(Overlaps)}),
    ("test_a_response_is_done_exactly_once", {"provider": engine(NeverDone)}),
    ("test_a_response_starts_before_its_audio_and_text", {"provider": engine(Misnames)}),
    (
        "test_an_interrupted_response_ends_and_the_next_one_comes",
        {"provider": engine(IgnoresInterrupts)},
    ),
    ("test_history_keeps_only_what_was_heard", {"provider": engine(IgnoresInterrupts)}),
    (
        "test_the_vendor_answers_by_itself_only_where_it_shall",
        {"provider": engine(misread=responding)},
    ),
    ("test_a_closed_session_leaves_nothing", {"provider": engine(close=leave_a_task)}),
    ("test_the_end_of_a_session_ends_its_events", {"provider": Endless()}),
    ("test_cancelling_closes_within_a_second", {"provider": engine(close=dawdle)}),
    ("test_a_refusal_says_what_to_do", {"refused": engine()}),
    ("test_a_refusal_says_what_to_do", {"refused": engine(refuses=LOST)}),
    ("test_a_vendor_that_hangs_up_ends_the_events", {"cut_off": engine(mute=True)}),
    ("test_garbage_hangs_nobody", {"garbage": engine(mute=True)}),
    ("test_opening_is_bounded", {"mute": engine(open_ms=60_000)}),
    ("test_a_silent_vendor_can_be_interrupted", {"mute": engine(IgnoresInterrupts, mute=True)}),
    ("test_a_vendor_that_says_nothing_can_be_left", {"mute": engine(close=dawdle, mute=True)}),
]
"""Engines that break several, or whose vendor is in trouble."""


def trial(rule: str, fixtures: dict[str, Any]) -> bool:
    """Is an engine convicted by the test *rule*, with these *fixtures*?"""
    test = getattr(EngineSuite(), rule)
    parts = {**fixtures, "call": CALL}
    if "provider" in fixtures:
        parts["vendor"] = FakeEngineVendor(fixtures["provider"])
    try:
        run_virtual(test(**{name: parts[name] for name in inspect.signature(test).parameters}))
    except pytest.skip.Exception:
        return False
    except (Exception, pytest.fail.Exception, BaseExceptionGroup):
        return True
    return False


def rules_on(*names: str) -> list[str]:
    """The rules that need no other fixtures than *names*."""
    rules = inspect.getmembers(EngineSuite, inspect.iscoroutinefunction)
    needs = {
        rule: set(inspect.signature(test).parameters)
        for rule, test in rules
        if rule.startswith("test_")
    }
    return [rule for rule in needs if needs[rule] <= {"self", "call", *names}]


@pytest.mark.parametrize(("rule", "culprit"), CULPRITS)
def test_an_engine_that_breaks_a_rule_is_convicted_of_that_one(rule: str, culprit: Any) -> None:
    broken = [each for each in rules_on("provider", "vendor") if trial(each, {"provider": culprit})]
    assert broken == [rule]


@pytest.mark.parametrize(("rule", "fixtures"), WORSE)
def test_an_engine_that_breaks_more_is_convicted(rule: str, fixtures: dict[str, Any]) -> None:
    assert trial(rule, fixtures)


def test_an_honest_engine_is_convicted_of_nothing() -> None:
    honest = {"provider": engine()}
    assert not [rule for rule in rules_on("provider", "vendor") if trial(rule, honest)]


def test_every_rule_on_engines_was_tried() -> None:
    assert untried(EngineSuite, {rule for rule, _ in [*CULPRITS, *WORSE]}) == set()
