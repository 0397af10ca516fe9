"""What a call looks like in a terminal."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Link,
    Resumed,
    Row,
    ToolRun,
    Turn,
    Wire,
)
from patter.observe.lines import WIDTH
from patter.observe.metrics import STAGES
from patter.observe.view import LiveView, view

Timed = tuple[type[CallEvent], int, dict[str, Any]]


def told(*notes: Timed) -> list[CallEvent]:
    return [
        kind(call="c", seq=seq, at_ms=at, **data) for seq, (kind, at, data) in enumerate(notes, 1)
    ]


def row(
    role: str, at_ms: int, text: str, **more: Any
) -> tuple[type[CallEvent], int, dict[str, Any]]:
    return Row, at_ms, {"role": role, "text": text, "began_ms": at_ms, **more}


def step(name: str, at_ms: int, **fields: Any) -> Timed:
    return EngineStep, at_ms, {"input": {"name": name, "fields": fields}, "effects": []}


THE_CALL = told(
    row(
        "agent",
        300,
        "Good evening, Rosa's. Our special tonight is",
        turn=0,
        unheard="mussels with garlic and white wine.",
        interrupted=True,
    ),
    (BargeIn, 2_710, {"epoch": 1, "cut_ms": 2_710, "error_ms": 20, "heard_ms": 2_410}),
    row("caller", 2_700, "what are your opening hours", turn=1),
    (
        Turn,
        5_400,
        {
            "turn": 1,
            "gap_ms": 640,
            "stages": {"stt": 310, "end": 120, "llm": 2, "tool": 0, "tts": 196, "play": 12},
        },
    ),
    row("agent", 5_400, "We are open from five to eleven.", turn=1),
    row("caller", 8_900, "book a table for two", turn=2),
    (
        ToolRun,
        11_000,
        {
            "what": "finished",
            "name": "book_table",
            "arguments": {"people": 2},
            "effect": "once",
            "result": "R-17",
            "ok": True,
            "took_ms": 86,
        },
    ),
    (
        Turn,
        11_600,
        {
            "turn": 2,
            "gap_ms": 702,
            "stages": {"stt": 290, "end": 120, "llm": 4, "tool": 86, "tts": 190, "play": 12},
        },
    ),
    row("agent", 11_600, "A table for two, reference R seventeen.", turn=2),
    (
        Ended,
        15_000,
        {
            "outcome": "completed",
            "turns": 4,
            "gap_p50_ms": 640,
            "gap_p95_ms": 696,
            "heard_ms": 21_400,
            "unheard_ms": 2_900,
            "cost_usd": 0.0,
        },
    ),
)


def test_a_call_reads_as_designed() -> None:
    assert view(THE_CALL) == [
        " 0:00.3 agent    Good evening, Rosa's. Our special tonight is",
        "        unheard  mussels with garlic and white wine.",
        " 0:02.7 caller   what are your opening hours    interrupted at 2.71 s +-20 ms",
        "        latency 640 = stt 310 + endpointing 120 + llm 2 + tts 196 + play 12",
        " 0:05.4 agent    We are open from five to eleven.",
        " 0:08.9 caller   book a table for two",
        '        tool     book_table(people=2) once -> "R-17"   86 ms',
        "        latency 702 = stt 290 + endpointing 120 + llm 4 + tool 86 + tts 190",
        "                    + play 12  sssssseeootttt",
        " 0:11.6 agent    A table for two, reference R seventeen.",
        " turns 4  latency p50 640 p95 696 ms  heard 21.4 s  unheard 2.9 s  cost $0.000",
    ]


def test_small_events_have_their_line() -> None:
    lost = {"provider": "deepgram", "what": "back", "gap_ms": 1_200, "replayed_ms": 1_200}
    assert view(
        told(
            (Resumed, 1, {"epoch": 1, "held_ms": 240}),
            (Wire, 9_000, {"what": "dtmf", "digits": "5"}),
            (Wire, 9_100, {"what": "dtmf", "hidden": 4}),
            (Link, 2, lost),
            (ErrorEvent, 3, {"code": "TIMEOUT", "message": "no audio", "fix": "add another"}),
        )
    ) == [
        "        held 240 ms, resumed, nothing lost",
        " 0:09.0 caller   [DTMF: 5]",
        " 0:09.1 caller   [DTMF: 4 hidden]",
        "        link deepgram lost 1.2 s, 1.2 s replayed",
        "        error    TIMEOUT no audio",
        "        fix      add another",
    ]


def test_a_caller_who_is_handed_over_is_followed() -> None:
    places = ("hold", "agent", "hold", "human", "ended")
    wired = [(Wire, at, {"what": "where", "name": n}) for at, n in enumerate(places)]
    assert view(told(*wired)) == [
        " 0:00.0 caller   [on hold]",
        " 0:00.0 caller   [back with the agent]",
        " 0:00.0 caller   [on hold]",
        " 0:00.0 caller   [with a human]",
    ]


def test_of_keys_that_the_agent_presses_only_the_number_is_told() -> None:
    pressed = {"what": "dtmf_sent", "count": 4}
    assert view(told((Wire, 9_000, pressed))) == [" 0:09.0 agent    [DTMF: 4 sent]"]


def test_what_the_carrier_complains_of_has_its_line() -> None:
    complaint = {"what": "error", "name": "100004", "text": "invalid_media"}
    assert view(told((Wire, 9_000, complaint))) == [" 0:09.0 carrier  100004 invalid_media"]


def test_an_unknown_price_is_never_printed_as_zero() -> None:
    ended = {"outcome": "completed", "turns": 1, "cost_usd": None, "unpriced": ["crow tokens_in"]}
    assert view(told((Ended, 1, ended)))[-1].endswith("cost unknown (crow tokens_in unpriced)")


def test_an_amended_turn_is_printed_again_and_stands_once() -> None:
    live = LiveView()
    before, after = told(
        row("caller", 1_000, "book a table", turn=1),
        row("caller", 1_000, "book a table for two", turn=1, amends=True),
    )
    assert [str(line) for line in live.feed(before)] == [" 0:01.0 caller   book a table"]
    assert "for two" in str(live.feed(after)[0])
    assert len(live.lines) == 1


def test_interim_words_come_and_go_on_one_line() -> None:
    live = LiveView()
    first, interim, final = told(
        step("VoiceStarted", 15_200, began_ms=15_000),
        step("CallerWords", 15_300, text="good b", final=False),
        step("CallerWords", 15_600, text="good bye", final=True),
    )
    live.feed(first)
    live.feed(interim)
    assert live.interim.startswith(" 0:15.0 caller   good b ")
    assert live.interim.endswith("(interim)")
    assert live.status == " speaking: caller | 0:15"
    live.feed(final)
    assert live.interim == ""


def timed(stages: dict[str, int]) -> dict[str, Any]:
    return {"turn": 1, "gap_ms": sum(stages.values()), "stages": stages}


def test_a_sum_that_is_too_long_goes_on_under_its_equals_sign() -> None:
    stages = dict(zip(STAGES, (1_127, 376, 21, 117, 11, 136, 0, 121), strict=True))
    (slow,) = told((Turn, 1, timed(stages)))
    assert [str(line) for line in LiveView().feed(slow)] == [
        "        latency 1909 = stt 1127 + endpointing 376 + llm 21 + tool 117",
        "                     + first sentence 11 + tts 136 + play 121",
    ]


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=300)
millis = st.integers(0, 10**7)
anything = st.one_of(
    st.builds(
        lambda role, at, text, rest, amends: row(
            role, at, text, turn=at % 3, unheard=rest, amends=amends
        ),
        st.sampled_from(["agent", "caller"]),
        millis,
        texts,
        texts,
        st.booleans(),
    ),
    st.builds(
        lambda at, text: (BargeIn, at, {"epoch": 1, "cut_ms": at, "error_ms": 20}),
        millis,
        texts,
    ),
    st.builds(lambda at, text: step("CallerWords", at, text=text, final=False), millis, texts),
    st.builds(
        lambda at, name, result: (
            ToolRun,
            at,
            {
                "what": "finished",
                "name": "t",
                "arguments": {"a": name},
                "result": result,
                "took_ms": 3,
            },
        ),
        millis,
        texts,
        texts,
    ),
    st.builds(
        lambda stages: (Turn, 1, timed(stages)),
        st.dictionaries(st.sampled_from(STAGES), millis),
    ),
)


@given(st.lists(anything, max_size=12))
def test_no_line_is_ever_wider_than_a_terminal(notes: list[Any]) -> None:
    live = LiveView()
    for event in told(*notes):
        assert all(len(str(line)) <= WIDTH for line in live.feed(event))
        assert len(live.interim) <= WIDTH
    assert all(len(str(line)) <= WIDTH for line in live.lines)
