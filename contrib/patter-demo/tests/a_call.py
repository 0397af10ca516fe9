"""A call made up for tests: greeting cut, hours asked, a table booked, goodbye."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path
from typing import Any

from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    EngineStep,
    Row,
    Span,
    Started,
    Turn,
    Wire,
)

RATE = 8_000


def the_call() -> list[CallEvent]:
    """Its events, in order."""
    notes: list[tuple[int, type[CallEvent], dict[str, Any]]] = []

    def note(at_ms: int, kind: type[CallEvent], **data: Any) -> None:
        notes.append((at_ms, kind, data))

    def step(at_ms: int, name: str, *effects: str) -> None:
        done = [{"name": name, "fields": {}} for name in effects]
        note(at_ms, EngineStep, input={"name": name, "fields": {}}, effects=done)

    def answer(turn: int, ended: int, stages: dict[str, int], text: str, heard_ms: int) -> None:
        at = ended
        for stage in ("stt", "end", "llm", "tool", "text", "tts"):
            ms = stages.get(stage, 0)
            if stage in ("stt", "llm", "tool", "tts") and ms:
                name = "book_table" if stage == "tool" else stage
                note(at + ms, Span, stage=stage, name=name, began_ms=at, ended_ms=at + ms)
            at += ms
            if stage == "end":
                step(at, "TimerFired", "Commit", "Think")
        heard = ended + sum(stages.values())
        step(heard, "Audible")
        note(heard, Turn, turn=turn, gap_ms=sum(stages.values()), stages=stages)
        note(heard, Wire, what="mark", name=f"m{turn}")
        step(heard + heard_ms, "Heard")
        said = {"role": "agent", "text": text, "turn": turn, "epoch": turn + 1}
        note(heard + heard_ms, Row, **said, began_ms=heard, heard_ms=heard_ms)

    def ask(turn: int, began: int, ended: int, text: str) -> None:
        said = {"role": "caller", "text": text, "turn": turn}
        note(ended, Row, **said, began_ms=began, ended_ms=ended)

    note(0, Started, caller="softphone", callee="bistro", direction="inbound", wall=0)
    step(200, "Connected", "Say")
    step(300, "Audible")
    step(2_450, "VoiceStarted", "Hold")
    step(2_710, "TimerFired", "Cut")
    note(2_715, Wire, what="clear")
    greeting = "Good evening, Rosa's. Our special tonight is"
    note(
        2_720,
        Row,
        role="agent",
        text=greeting,
        turn=0,
        epoch=1,
        began_ms=300,
        heard_ms=2_410,
        unheard="mussels with garlic and <white> wine.",
        unheard_ms=2_900,
        interrupted=True,
    )
    barge = {"voice_ms": 2_410, "evidence_ms": 2_710, "cut_ms": 2_710, "error_ms": 20}
    note(2_720, BargeIn, epoch=1, heard_ms=2_410, **barge)
    ask(1, 2_410, 4_760, "what are your opening hours")
    hours = {"stt": 310, "end": 120, "llm": 2, "tts": 196, "play": 12}
    answer(1, 4_760, hours, "We are open from five to eleven.", 2_200)
    note(7_900, Wire, what="dtmf", digits="5")
    ask(2, 8_900, 10_900, "book a table for two")
    table = {"stt": 290, "end": 120, "llm": 4, "tool": 86, "tts": 190, "play": 12}
    answer(2, 10_900, table, "A table for two, reference R seventeen.", 3_000)
    note(14_700, Wire, what="fault", text="loss 10 %")
    ask(3, 15_000, 15_800, "good bye")
    bye = {"stt": 280, "end": 120, "llm": 3, "tts": 180, "play": 14}
    answer(3, 15_800, bye, "Goodbye, and thank you.", 1_600)
    note(18_200, Ended, outcome="completed", turns=3, cost_usd=0.0)
    ordered = sorted(notes, key=lambda each: each[0])
    return [
        kind(call="7f3a", seq=n, at_ms=at_ms, **data)
        for n, (at_ms, kind, data) in enumerate(ordered, 1)
    ]


def recording(path: Path) -> Path:
    """Tones where the caller (left) and the agent (right) speak, 18 s."""
    frames = bytearray()
    spoken = ((2.41, 4.76), (8.9, 10.9), (15.0, 15.8)), ((0.3, 2.71), (5.4, 7.6), (11.6, 14.6))
    for n in range(18 * RATE):
        at = n / RATE
        swell = 0.3 + 0.7 * abs(math.sin(at * 9))
        level = round(12_000 * swell * math.sin(at * 1_500))
        frames += struct.pack(
            "<2h", *(level if any(a <= at < b for a, b in side) else 0 for side in spoken)
        )
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(bytes(frames))
    return path
