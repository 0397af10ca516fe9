"""A log root full of calls, each a variation of the one that ``patter demo`` makes.

`demo.jsonl` is the record of such a call. The variations keep its words and its order of events;
their numbers, times, latencies, prices and outcomes are drawn with a fixed seed.
"""

from __future__ import annotations

import math
import random
import shutil
import struct
import wave
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from patter.observe.codec import decode_line, encode_line, stamped
from patter.observe.events import CallEvent, Ended, ErrorEvent, Row, Started, ToolRun, Turn
from patter.observe.log_root import call_directory, make_private
from patter.observe.recorder import NAME as RECORDING

DEMO = Path(__file__).with_name("demo.jsonl")
DEMO_ID = "7f3a0c55d1e24b6a"
AGENTS = ("bistro", "bistro", "bistro", "reservations", "after-hours")
QUESTIONS = (
    "what are your opening hours",
    "can I change my booking to eight",
    "do you have a vegan menu",
    "is there parking nearby",
    "I would like to speak to a person",
    "how much is the tasting menu",
)
PRICES = {"stt": 0.0048, "llm": 0.0021, "tts": 0.0290, "carrier": 0.0085}
"""Dollars a minute."""
PROVIDERS = {"stt": "deepgram/nova-3", "llm": "openai/gpt-4o-mini", "tts": "elevenlabs"}
FIX = 'tts=["elevenlabs", "cartesia"]'
UNPRICED = "acme/large minutes"
RATE_HZ = 8_000


def demo_events(path: Path = DEMO) -> list[CallEvent]:
    """The events of the demo's call."""
    return [decode_line(line) for line in path.read_bytes().splitlines()]


def write_demo(
    root: Path, wall: float, *, record: Path = DEMO, recording: Path | None = None
) -> Path:
    """The demo's call itself, begun at *wall*, with its *recording* or tones in its place."""
    events = [
        replace(event, wall=wall, caller="+15550100188", callee="+15550001234")
        if isinstance(event, Started)
        else event
        for event in demo_events(record)
    ]
    directory = _write(root, DEMO_ID, wall, events)
    target = directory / RECORDING
    if recording is not None:
        shutil.copyfile(recording, target)
    else:
        write_tones(target, events)
    target.chmod(0o600)
    return directory


def write_long(root: Path, wall: float, *, times: int) -> Path:
    """The demo's call, *times* in a row as one call of the id ``long``, without a recording."""
    first, *rest, last = demo_events()
    assert isinstance(first, Started)
    assert isinstance(last, Ended)
    events: list[CallEvent] = [replace(first, wall=wall)]
    for number in range(times):
        events += [_later(event, number * last.at_ms, 3 * number) for event in rest]
    length_ms = times * last.at_ms
    events.append(stamped(replace(last, duration_ms=length_ms, turns=3 * times), "", 0, length_ms))
    return _write(root, "long", wall, events)


def _later(event: CallEvent, by_ms: int, turns: int) -> CallEvent:
    moments = ("at_ms", "began_ms", "ended_ms", "cut_ms", "voice_ms", "evidence_ms")
    values = {name: getattr(event, name, None) for name in moments}
    changes = {name: value + by_ms for name, value in values.items() if value is not None}
    if turn := getattr(event, "turn", None):
        changes["turn"] = turn + turns
    return replace(event, **changes)


def write_calls(
    root: Path, count: int, *, now: float, seed: int = 7, over_days: float = 28
) -> None:
    """*count* calls of the last *over_days* before *now*."""
    rng = random.Random(seed)
    base = [event for event in demo_events() if isinstance(event, Started | Row | Turn | ToolRun)]
    for number in range(count):
        wall = now - 1_200 - over_days * 86_400 * number / count - rng.uniform(0, 3_000)
        write_call(root, f"{rng.getrandbits(64):016x}", wall, base, rng)


def write_call(
    root: Path, call_id: str, wall: float, base: Sequence[CallEvent], rng: random.Random
) -> Path:
    """One variation of *base*."""
    outcome = rng.choices(("completed", "failed", "voicemail", "no_answer"), (84, 5, 6, 5))[0]
    if outcome == "no_answer":
        base = [event for event in base if isinstance(event, Started)]
    length_ms = round(min(600_000, 1_000 * rng.lognormvariate(4.1, 0.6)))
    events = [*_varied(base, wall, rng)]
    if outcome == "failed":
        message = "elevenlabs sent no audio for 4000 ms, the caller heard the apology"
        events.append(ErrorEvent(code="TIMEOUT", message=message, fix=FIX, where="tts"))
    gaps = sorted(event.gap_ms or 0 for event in events if isinstance(event, Turn))
    unpriced = rng.random() < 0.03
    costs = {kind: price * length_ms / 60_000 for kind, price in PRICES.items()}
    if unpriced:
        del costs["stt"]
    ended = Ended(
        outcome=outcome,
        reason=rng.choice(("caller", "agent")) if gaps else outcome,
        duration_ms=length_ms,
        turns=len(gaps),
        gap_p50_ms=gaps[len(gaps) // 2] if gaps else None,
        gap_p95_ms=gaps[-1] if gaps else None,
        cost_usd=None if unpriced else sum(costs.values()),
        costs=costs,
        unpriced=(UNPRICED,) if unpriced else (),
    )
    return _write(root, call_id, wall, [*events, stamped(ended, "", 0, length_ms)])


def _varied(base: Sequence[CallEvent], wall: float, rng: random.Random) -> Iterator[CallEvent]:
    slower = rng.lognormvariate(-0.35, 0.35)
    question = rng.choice(QUESTIONS)
    for event in base:
        match event:
            case Started():
                out = rng.random() < 0.2
                us, them = "+15550001234", f"+1555{rng.randrange(10**7):07}"
                yield replace(
                    event,
                    wall=wall,
                    direction="outbound" if out else "inbound",
                    caller=us if out else them,
                    callee=them if out else us,
                    agent=rng.choice(AGENTS),
                    carrier=rng.choice(("twilio", "twilio", "telnyx")),
                    providers=PROVIDERS,
                )
            case Turn(stages=stages):
                yield _slower(event, stages, slower * rng.uniform(0.8, 1.25))
            case Row(role="caller", turn=1):
                yield replace(event, text=question)
            case _:
                yield event


def _slower(turn: Turn, stages: Mapping[str, int], factor: float) -> Turn:
    # The demo's model answers at once and its caller is waited for: of vendors it is the reverse.
    drawn = {**stages, "llm": 260, "tts": 170, "wait": 0}
    scaled = {stage: round(ms * factor) for stage, ms in drawn.items()}
    return replace(turn, stages=scaled, gap_ms=sum(scaled.values()))


def _write(root: Path, call_id: str, wall: float, events: Sequence[CallEvent]) -> Path:
    directory = call_directory(root, call_id, wall)
    make_private(directory)
    last = 0
    lines = []
    for number, event in enumerate(events, 1):
        last = max(last, event.at_ms)
        lines.append(encode_line(stamped(event, call_id, number, last)) + b"\n")
    record = directory / "call.jsonl"
    record.write_bytes(b"".join(lines))
    record.chmod(0o600)
    return directory


def write_tones(path: Path, events: Sequence[CallEvent]) -> None:
    """A recording with a tone wherever somebody is heard: the caller left, the agent right."""
    length = max(event.at_ms for event in events) * RATE_HZ // 1_000
    sides = {"caller": [0] * length, "agent": [0] * length}
    for event in events:
        if isinstance(event, Row) and event.role in sides and event.text:
            _tone(sides[event.role], event.start_ms, event.ended_ms or event.start_ms)
    frames = zip(sides["caller"], sides["agent"], strict=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"".join(struct.pack("<hh", *frame) for frame in frames))


def _tone(samples: list[int], from_ms: int, to_ms: int) -> None:
    for at in range(from_ms * RATE_HZ // 1_000, min(len(samples), to_ms * RATE_HZ // 1_000)):
        swell = abs(math.sin(at / 900)) * abs(math.sin(at / 2_300))
        samples[at] = round(14_000 * swell * math.sin(2 * math.pi * 220 * at / RATE_HZ))
