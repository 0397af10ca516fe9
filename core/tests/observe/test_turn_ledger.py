"""Turns of a call, made of its events."""

from __future__ import annotations

from typing import Any

from patter.observe.call_metrics import TurnMetrics
from patter.observe.events import (
    BargeIn,
    CallEvent,
    ErrorEvent,
    Note,
    Row,
    Span,
    Started,
    Turn,
    Usage,
)
from patter.observe.summary import CallSummary
from patter.observe.turn_ledger import TURNS, TurnLedger

STAGES = {"stt": 100, "end": 50, "llm": 200, "tool": 0, "text": 20, "tts": 80, "wait": 0, "play": 9}


def caller(turn: int, at_ms: int, text: str = "hello", **more: Any) -> Row:
    return Row(role="caller", turn=turn, text=text, at_ms=at_ms, **more)


def agent(
    turn: int, epoch: int, at_ms: int, text: str = "Hi.", *, interrupted: bool = False
) -> Row:
    return Row(
        role="agent",
        kind="answer",
        turn=turn,
        epoch=epoch,
        text=text,
        at_ms=at_ms,
        interrupted=interrupted,
    )


def heard(turn: int, epoch: int) -> Turn:
    return Turn(turn=turn, epoch=epoch, gap_ms=459, stages=STAGES)


def ledger(*events: CallEvent, turns: list[TurnMetrics] | None = None) -> TurnLedger:
    ledger = TurnLedger("c1", began=1_000.0, on_turn=None if turns is None else turns.append)
    for event in events:
        ledger(event)
    return ledger


def characters(amount: int) -> Usage:
    return Usage(kind="tts", provider="parrot", unit="characters", amount=amount)


def tokens(amount: int, unit: str = "tokens_in") -> Usage:
    return Usage(kind="llm", provider="parrot", unit=unit, amount=amount)


SUMMARY = CallSummary(call_id="c1", outcome="completed", duration_ms=12_345, turns=2)


def test_a_turn_has_its_words_its_latency_and_what_it_used() -> None:
    turns: list[TurnMetrics] = []
    ledger(
        caller(1, 4_000, began_ms=2_500, ended_ms=3_700),
        Span(stage="llm", began_ms=4_000, ended_ms=4_900, turn=1, epoch=2),
        heard(1, 2),
        Span(stage="tts", name="parrot", began_ms=4_220, ended_ms=5_220, turn=1, epoch=2),
        characters(3),
        agent(1, 2, 6_000),
        turns=turns,
    )
    (turn,) = turns
    assert (turn.turn_index, turn.user_text, turn.agent_text) == (1, "hello", "Hi.")
    assert (turn.gap_ms, sum(turn.stages.values())) == (459, 459)
    latency = turn.latency
    assert (latency.stt_ms, latency.endpoint_ms, latency.llm_ttft_ms) == (100, 150, 200)
    assert (latency.tts_ms, latency.total_ms, latency.agent_response_ms) == (80, 450, 430)
    assert (latency.user_speech_duration_ms, latency.llm_total_ms) == (1_200, 900)
    assert latency.tts_total_ms == 1_020
    assert (turn.tts_characters, turn.stt_audio_seconds, turn.timestamp) == (3, 4.0, 1_006.0)


def test_an_answer_that_was_cut_says_so_and_keeps_what_was_heard() -> None:
    turns: list[TurnMetrics] = []
    barge_in = BargeIn(epoch=2, voice_ms=5_000, evidence_ms=5_300, cut_ms=5_310)
    cut = agent(1, 2, 5_310, "We are", interrupted=True)
    ledger(caller(1, 4_000), heard(1, 2), barge_in, cut, turns=turns)
    (turn,) = turns
    assert (turn.agent_text, turn.heard_text, turn.interrupted) == (
        "[interrupted]",
        "We are",
        True,
    )
    assert turn.latency.bargein_ms == 310


def test_what_is_known_late_of_a_cut_answer_is_in_the_figures_of_the_call() -> None:
    cut = agent(1, 2, 5_310, "We are", interrupted=True)
    story = ledger(
        caller(1, 4_000),
        heard(1, 2),
        cut,
        Span(stage="tts", began_ms=4_000, ended_ms=5_311, turn=1, epoch=2),
        characters(40),
    )
    assert story.metrics(SUMMARY).turns[0].tts_characters == 40


def test_an_answer_that_nobody_heard_and_a_greeting_are_no_turns() -> None:
    greeting = Row(role="agent", kind="greeting", turn=0, epoch=1, text="Hello.")
    story = ledger(greeting, caller(1, 4_000), agent(1, 2, 4_100, "", interrupted=True))
    assert story.metrics(SUMMARY).turns == ()


def test_a_call_says_with_what_it_was_held_and_what_its_model_read_last() -> None:
    names = {"stt": "parrot/loud", "llm": "macaw/m1", "tts": "parrot"}
    story = ledger(
        Started(carrier="tin-can", providers=names),
        tokens(100),
        tokens(7, "tokens_out"),
        tokens(900, "tokens_cached"),
        tokens(120),
        tokens(950, "tokens_cached"),
        Note(what="draft_used"),
        Note(what="draft_discarded"),
        Note(what="draft_discarded"),
        ErrorEvent(code="AUTH", message="no key"),
    )
    call = story.metrics(SUMMARY)
    assert (call.provider_mode, call.telephony_provider) == ("pipeline", "tin-can")
    assert (call.stt_provider, call.stt_model) == ("parrot", "loud")
    assert (call.tts_provider, call.tts_model) == ("parrot", "")
    assert (call.llm_provider, call.llm_model) == ("macaw", "m1")
    assert (call.context_tokens, call.preemptive_hits, call.preemptive_misses) == (1_070, 1, 2)
    assert (call.duration_seconds, call.turn_count, call.error_code) == (12.35, 2, None)
    failed = CallSummary(call_id="c1", outcome="failed")
    assert story.metrics(failed).error_code == "AUTH"


def test_an_engine_is_the_mode_and_the_model_of_its_call() -> None:
    call = ledger(Started(providers={"engine": "parrot/live"})).metrics(SUMMARY)
    assert (call.provider_mode, call.llm_provider, call.llm_model) == ("parrot", "parrot", "live")


def test_a_long_call_keeps_its_last_turns_only() -> None:
    story = ledger()
    for turn in range(1, TURNS + 100):
        for event in (caller(turn, turn * 100), heard(turn, turn), agent(turn, turn, turn * 100)):
            story(event)
    turns = story.metrics(SUMMARY).turns
    assert len(turns) == TURNS
    assert turns[-1].turn_index == TURNS + 99
    assert len(story._questions) < 100 and len(story._answers) < 100
