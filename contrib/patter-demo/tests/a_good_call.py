"""What a demo call that went well leaves: its record, and the caller's own audio."""

from __future__ import annotations

import math
import struct
from typing import Any

from patter.audio.formats import MULAW_8K
from patter.audio.g711 import pcm16_to_mulaw
from patter.call.turn.codec import effects_to_data, event_to_data, rules_to_data
from patter.call.turn.engine import step
from patter.call.turn.events import Audible, CallerWords, Connected, TimerFired, VoiceStarted
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import TurnState
from patter.observe.codec import decode_line, encode_line
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    Note,
    Row,
    Started,
    ToolRun,
    Turn,
)
from patter_demo.evidence import MODEL_REQUEST, Evidence
from patter_demo.record import LINES
from patter_demo.script import Spoken

HEARD, UNHEARD = "Good evening, Rosa's. Our special tonight", "is mussels with garlic."
SPOKEN = (
    Spoken("hours", LINES["hours"], 2_400, 4_700),
    Spoken("book", LINES["book"], 8_000, 9_800),
    Spoken("goodbye", LINES["goodbye"], 13_000, 14_000),
)
AGENT = ((300, 2_900), (5_300, 7_200), (10_400, 12_200), (14_600, 15_300))
ANSWERS = ("We are open from five to eleven.", "A table for two, reference R seventeen.")
BYE = "Goodbye."
LENGTH_MS = 15_500
Timed = tuple[int, type[CallEvent], dict[str, Any]]


def audio(spans: tuple[tuple[int, int], ...]) -> bytes:
    """Mu-law with a tone where *spans* say, in milliseconds."""
    pcm = bytearray()
    for n in range(LENGTH_MS * 8):
        on = any(began <= n / 8 < ended for began, ended in spans)
        pcm += struct.pack("<h", round(8_000 * math.sin(n / 4)) if on else 0)
    return pcm16_to_mulaw(bytes(pcm))


HEARD_AUDIO = audio(AGENT)
SAID_AUDIO = audio(tuple((line.began_ms + 100, line.ended_ms) for line in SPOKEN))
assert len(HEARD_AUDIO) == MULAW_8K.bytes_in(LENGTH_MS)


def good_call() -> Evidence:
    """Everything as it should be."""
    notes = [*_steps(), *_said(), *_asked(), *_turns(), *_tools()]
    notes.append((0, Started, {"rules": rules_to_data(TurnRules())}))
    notes.append((LENGTH_MS, Ended, {"outcome": "completed", "turns": 3}))
    ordered = sorted(notes, key=lambda each: each[0])
    events = tuple(
        decode_line(encode_line(kind(call="d", seq=n, at_ms=at_ms, **data)))
        for n, (at_ms, kind, data) in enumerate(ordered, 1)
    )
    return Evidence(events=events, spoken=SPOKEN, caller_audio=SAID_AUDIO, heard=HEARD_AUDIO)


def _steps() -> list[Timed]:
    """A few real steps of the turn engine."""
    state = TurnState(TurnRules())
    notes: list[Timed] = []
    for event in (
        Connected(0),
        Audible(300, 1),
        VoiceStarted(2_600, 2_500),
        TimerFired(2_900, "evidence"),
        CallerWords(4_800, LINES["hours"], final=True),
    ):
        state, effects = step(state, event)
        data = {"input": event_to_data(event), "effects": effects_to_data(effects)}
        notes.append((event.at_ms, EngineStep, data))
    return notes


def _said() -> list[Timed]:
    cut = {
        "role": "agent",
        "text": HEARD,
        "unheard": UNHEARD,
        "heard_ms": 2_600,
        "unheard_ms": 1_900,
        "interrupted": True,
        "turn": 0,
        "epoch": 1,
    }
    notes: list[Timed] = [
        (2_900, BargeIn, {"epoch": 1, "cut_ms": 2_900}),
        (2_900, Row, cut),
    ]
    for turn, line in enumerate(SPOKEN, 1):
        row = {"role": "caller", "text": line.text, "turn": turn}
        notes.append((line.ended_ms + 50, Row, row))
    for turn, text in enumerate((*ANSWERS, BYE), 1):
        began_ms, ended_ms = AGENT[turn]
        row = {"role": "agent", "text": text, "turn": turn, "epoch": turn + 1}
        row |= {"began_ms": began_ms, "heard_ms": ended_ms - began_ms, "unheard_ms": 0}
        notes.append((ended_ms, Row, row))
    return notes


def _asked() -> list[Timed]:
    """What the model was shown, turn by turn."""
    shown = [{"role": "assistant", "text": HEARD + " [interrupted by the caller]"}]
    notes: list[Timed] = []
    for line, answer in zip(SPOKEN, (*ANSWERS, BYE), strict=True):
        shown = [*shown, {"role": "user", "text": line.text}]
        note = {"what": MODEL_REQUEST, "messages": shown}
        notes.append((line.ended_ms + 200, Note, note))
        shown = [*shown, {"role": "assistant", "text": answer}]
    return notes


def _turns() -> list[Timed]:
    stages = {"stt": 310, "end": 120, "llm": 2, "tts": 156, "play": 12}
    return [
        (AGENT[turn][0], Turn, {"turn": turn, "gap_ms": 600, "stages": stages})
        for turn in (1, 2, 3)
    ]


def _tools() -> list[Timed]:
    hours = {"name": "opening_hours", "arguments": {}, "result": "five to eleven"}
    table = {"name": "book_table", "arguments": {"people": 2}, "result": "R-17"}
    return [
        (5_000, ToolRun, {"what": "finished", "ok": True, **hours}),
        (10_000, ToolRun, {"what": "finished", "ok": True, **table}),
    ]
