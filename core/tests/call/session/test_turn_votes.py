"""A turn detector has a vote on the caller's pauses, and no way to hold up a call."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.call.plan import CallPlan
from patter.call.turn.rules import TurnRules
from patter.call.turn_votes import FAILURES_MAX, LEAD_MS, WINDOW_MAX_MS, CallerAudio
from patter.observe.events import EngineStep, ErrorEvent, Note, Row, Turn
from patter_testing import FakeLLM, FakeTurnDetector, LabCall, lab, spoken

from .plans import plan

pytestmark = pytest.mark.virtual_time
RULES = TurnRules(idle_ms=(), silence_ms=500, max_hold_ms=1_500)


def going_on(text: str) -> float:
    return 0.1 if text.endswith(("to", "and")) else 0.9


def voting(detector: Any, rules: TurnRules = RULES, **changes: Any) -> CallPlan:
    llm = FakeLLM(answer=lambda request: f"Heard: {request.messages[-1].text}")
    return plan(llm, turn_detector=detector, rules=rules, **changes)


def verdicts(call: LabCall) -> list[bool]:
    """Those that reached the engine, in order."""
    inputs = [event.input for event in call.of(EngineStep)]
    return [each["fields"]["finished"] for each in inputs if each["name"] == "EndOfTurnVerdict"]


def callers(call: LabCall) -> list[str]:
    return [row.text for row in call.of(Row) if row.role == "caller"]


@attrs.define
class Watched:
    """A detector that notes what it is shown; *answers* are given in turn, the last for ever.

    An exception is raised, a function is awaited, anything else returned.
    """

    answers: list[Any] = attrs.field(factory=lambda: [0.9])
    window_ms: int = 2_000
    threshold: float = 0.5
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)
    shown: list[tuple[bytes, str]] = attrs.field(factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def predict(self, audio: bytes, text: str) -> float:
        self.shown.append((audio, text))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(answer):
                answer = await answer()
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]
        finally:
            self.at_once -= 1


async def never() -> float:
    await asyncio.Event().wait()
    return 1.0


async def stubborn() -> float:
    """Goes on for five seconds whatever happens."""
    until = asyncio.get_running_loop().time() + 5
    while (left := until - asyncio.get_running_loop().time()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue
    return 1.0


async def test_a_pause_that_sounds_unfinished_does_not_end_the_turn() -> None:
    async with lab(voting(FakeTurnDetector(judge=going_on))) as call:
        await call.caller.says("i would like to")
        await call.caller.waits(600)
        answer = await call.says("book a table")
    assert answer == "Heard: i would like to book a table"
    assert callers(call) == ["i would like to book a table"]
    assert verdicts(call) == [False, True]


async def test_without_a_detector_the_same_pause_is_an_end() -> None:
    async with lab(voting(None)) as call:
        await call.caller.says("i would like to")
        await call.caller.waits(600)
        await call.says("book a table")
    assert callers(call)[0] == "i would like to"


async def test_a_detector_that_is_wrong_costs_no_more_than_the_longest_hold() -> None:
    ends: dict[str, int] = {}
    for name, detector in {"none": None, "wrong": FakeTurnDetector(judge=lambda _: 0.0)}.items():
        async with lab(voting(detector)) as call:
            await call.says("a table for two")
        [turn] = call.of(Turn)
        ends[name] = turn.at_ms
    assert ends["wrong"] - ends["none"] == RULES.max_hold_ms - RULES.silence_ms


async def test_a_finished_turn_is_answered_when_silence_would_have_ended_it() -> None:
    ends = []
    for detector in (None, FakeTurnDetector(judge=lambda _: 1.0)):
        async with lab(voting(detector)) as call:
            await call.says("a table for two")
        ends.append(call.of(Turn)[0].at_ms)
    assert ends[0] == ends[1]


async def test_it_is_shown_the_words_and_the_last_of_the_audio_of_the_turn() -> None:
    detector = Watched()
    async with lab(voting(detector)) as call:
        await call.caller.waits(5_000)
        await call.says("a table for two")
        await call.caller.waits(3_000)
        await call.says("thank you")
    [(first, words), (second, more)] = detector.shown
    assert (words, more) == ("a table for two", "thank you")
    voice = spoken("thank you", MULAW_8K)
    assert voice in second and spoken("a table for two", MULAW_8K) in first
    lead = second.index(voice)
    assert MULAW_8K.ms_in(lead) <= LEAD_MS, "what was before the turn is left out"
    assert MULAW_8K.ms_in(len(first)) <= detector.window_ms


async def test_a_long_turn_fills_the_window_and_no_more() -> None:
    detector = Watched(window_ms=700)
    async with lab(voting(detector)) as call:
        await call.says("this is a rather long sentence about a table for two people")
    assert [MULAW_8K.ms_in(len(audio)) for audio, _ in detector.shown] == [700]


async def test_audio_is_converted_to_what_it_accepts() -> None:
    detector = Watched(accepts=(PCM16_16K,), window_ms=1_000)
    async with lab(voting(detector)) as call:
        await call.says("a table for two, please, in the garden")
    [(audio, _)] = detector.shown
    assert PCM16_16K.ms_in(len(audio)) == pytest.approx(1_000, abs=1)
    assert len(set(audio)) > 2, "it is the voice"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (RuntimeError("no tensor"), "PROVIDER_ERROR"),
        (7.0, "PROVIDER_ERROR"),
        (float("nan"), "PROVIDER_ERROR"),
        (None, "PROVIDER_ERROR"),
        (never, "TIMEOUT"),
    ],
    ids=["raises", "seven", "nan", "none", "hangs"],
)
async def test_one_that_fails_is_noted_once_and_given_up_after_three_in_a_row(
    answer: Any, code: str
) -> None:
    detector = Watched([answer])
    async with lab(voting(detector)) as call:
        for number in range(FAILURES_MAX + 2):
            assert await call.says(f"words {number}") == f"Heard: words {number}"
    errors = call.of(ErrorEvent)
    assert [(each.code, each.where) for each in errors] == [(code, "turn_detector")]
    assert errors[0].fix
    assert len(detector.shown) == FAILURES_MAX
    notes = [note.text for note in call.of(Note) if note.what == "turn_detector"]
    assert notes == ["given up after 3 failures in a row"]
    assert verdicts(call) == []
    assert call.summary is not None and call.summary.outcome == "completed"


async def test_failures_that_are_not_in_a_row_do_not_add_up() -> None:
    broken = RuntimeError("no tensor")
    detector = Watched([broken, broken, 0.9, broken, broken, 0.9])
    async with lab(voting(detector)) as call:
        for number in range(6):
            await call.says(f"words {number}")
    assert len(detector.shown) == 6
    assert len(call.of(ErrorEvent)) == 1
    assert verdicts(call) == [True, True]


async def test_a_caller_who_talks_on_makes_the_judgement_moot() -> None:
    async def slow() -> float:
        await asyncio.sleep(0.3)
        return 1.0

    detector = Watched([slow, 0.9])
    async with lab(voting(detector, attrs.evolve(RULES, silence_ms=1_200))) as call:
        voice = spoken("one two three", MULAW_8K)
        await call.caller.sounds(voice)
        await call.caller.waits(200)
        await call.says("four")
    assert len(detector.shown) == 2
    assert verdicts(call) == [True], "only the verdict on the second pause"
    assert call.of(ErrorEvent) == []


async def test_what_is_being_judged_is_cancelled_by_the_voice() -> None:
    detector = Watched([never])
    async with lab(voting(detector, attrs.evolve(RULES, verdict_wait_ms=60_000))) as call:
        await call.caller.sounds(spoken("one", MULAW_8K))
        await call.caller.waits(200)
        assert detector.at_once == 1
        await call.caller.sounds(spoken("two", MULAW_8K))
        assert detector.at_once == 0
    assert call.of(ErrorEvent) == [], "to be cancelled is no failure"


@pytest.mark.parametrize(("wait_ms", "votes"), [(150, []), (350, [True])])
async def test_how_long_a_vote_is_waited_for_is_a_rule(wait_ms: int, votes: list[bool]) -> None:
    detector = FakeTurnDetector(takes_ms=250)
    async with lab(voting(detector, attrs.evolve(RULES, verdict_wait_ms=wait_ms))) as call:
        await call.says("a table for two.")
    assert verdicts(call) == votes
    assert len(call.of(ErrorEvent)) == 1 - len(votes)


async def test_one_that_cannot_be_cancelled_is_not_asked_meanwhile() -> None:
    detector = Watched([stubborn])
    rules = attrs.evolve(RULES, silence_ms=300, max_hold_ms=1_200)
    async with lab(voting(detector, rules)) as call:
        for number in range(4):
            assert await call.says(f"words {number}") == f"Heard: words {number}"
    assert detector.most_at_once == 1
    assert verdicts(call) == []
    assert call.of(ErrorEvent)[0].where == "turn_detector"


async def test_a_judgement_in_progress_does_not_outlive_the_call() -> None:
    detector = Watched([never])
    async with lab(voting(detector, attrs.evolve(RULES, verdict_wait_ms=60_000))) as call:
        await call.caller.sounds(spoken("goodbye", MULAW_8K))
        await call.caller.waits(200)
        assert detector.at_once == 1
        before = asyncio.get_running_loop().time()
        await call.hangs_up()
    assert asyncio.get_running_loop().time() - before < 2
    assert detector.at_once == 0


async def test_a_detector_in_a_thread_leaves_the_call_its_time() -> None:
    released = threading.Event()

    async def threaded() -> float:
        await asyncio.to_thread(released.wait, 0.05)
        return 0.9

    async with lab(voting(Watched([threaded]))) as call:
        assert await call.says("a table for two") == "Heard: a table for two"


async def test_a_window_beyond_all_bounds_is_bounded() -> None:
    detector = Watched(window_ms=10**9)
    rules = attrs.evolve(RULES, talk_max_ms=60_000)
    async with lab(voting(detector, rules)) as call:
        await call.caller.sounds(spoken("w", MULAW_8K) * 2_000)
        await call.caller.waits(700)
    assert MULAW_8K.ms_in(max(len(audio) for audio, _ in detector.shown)) == WINDOW_MAX_MS


def test_only_whole_samples_are_forgotten() -> None:
    kept = CallerAudio(PCM16_16K, 1)
    line = bytes(range(251))
    for at in range(0, len(line), 7):
        kept.add(line[at : at + 7])
    assert len(kept.copy()) <= PCM16_16K.bytes_in(1) + 1
    assert line.index(kept.copy()[:8]) % 2 == 0
    assert line.endswith(kept.copy())
