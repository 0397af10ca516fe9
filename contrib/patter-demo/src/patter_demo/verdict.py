"""Did the call go as it should? Pure checks over what is known of it, each with a reason.

A check returns why it fails, or nothing. None trusts the agent's side alone where the
caller's own ears can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

import attrs

from patter.call.turn.codec import effects_to_data, replay, rules_from_data
from patter.errors import PatterError
from patter.observe.codec import event_fields
from patter.observe.events import BargeIn, Ended, EngineStep, Started, ToolRun, Turn
from patter_demo.ears import Sound, sounds
from patter_demo.evidence import Evidence
from patter_demo.script import LAST

TOOL_CALLS = MappingProxyType({"opening_hours": {}, "book_table": {"people": 2}})
"""Which tools the call runs, once each and in this order, and with which arguments."""

STOPPED_WITHIN_MS = 800
"""From the caller's first sound to the agent's silence: 300 of it are asked for as evidence,
about 100 is what a detector takes to say so, the rest is a slow machine's."""
CURSOR_SLACK_MS = 250
"""How far the agent's idea of what was heard may be from what the caller's ears say."""
GOODBYE_MS = 250
"""A spoken goodbye sounds at least so long."""
_PAUSE_MS = 400


@attrs.frozen
class Verdict:
    """One thing that had to be so; *why* it was not, or nothing."""

    name: str
    why: str = ""

    @property
    def ok(self) -> bool:
        """Was it so?"""
        return not self.why


def verdicts(evidence: Evidence) -> list[Verdict]:
    """Every check, in the order in which they are printed."""
    return [Verdict(name, check(evidence)) for name, check in CHECKS]


def words(evidence: Evidence) -> str:
    """Every line was recognised as it was said, and the caller came to say them all."""
    if evidence.gave_up:
        return evidence.gave_up
    heard = [row.text for row in evidence.rows("caller")]
    expected = [line.text for line in evidence.spoken]
    for spoken, recognised in zip_longest(expected, heard):
        if spoken != recognised:
            return f"the caller said {spoken!r}, recognised was {recognised!r}"
    return "" if expected else "the caller said nothing"


def tool_arguments(evidence: Evidence) -> str:
    """Each tool ran once, with the right arguments, and had a result."""
    ran = [
        (run.name, dict(run.arguments))
        for run in evidence.of(ToolRun)
        if run.what == "finished" and run.ok is not False and run.name in TOOL_CALLS
    ]
    if ran != list(TOOL_CALLS.items()):
        return f"wanted {_called(TOOL_CALLS.items())}, there was {_called(ran) or 'nothing'}"
    return ""


def barge_in(evidence: Evidence) -> str:
    """The caller's own ears: sound, the caller's voice, and silence until the agent's answer."""
    if not any(evidence.of(BargeIn)):
        return "the record holds no barge-in"
    if not evidence.spoken:
        return "the caller interrupted nobody"
    line = evidence.spoken[0]
    own = _first(sounds(evidence.caller_audio, _PAUSE_MS), line.began_ms)
    cut = _sounding_at(sounds(evidence.heard, _PAUSE_MS), own.began_ms)
    if cut is None:
        return "the agent was not speaking when the caller began"
    late_ms = cut.ended_ms - own.began_ms
    if late_ms > STOPPED_WITHIN_MS:
        return f"the agent spoke on for {late_ms} ms, longer than {STOPPED_WITHIN_MS}"
    return ""


def nothing_left(evidence: Evidence) -> str:
    """No task, socket or file of the call is open."""
    return ", ".join(evidence.left)


def goodbye_heard(evidence: Evidence) -> str:
    """The agent said goodbye, the caller heard all of it, and then the agent hung up."""
    rows = evidence.rows("agent")
    if not rows or LAST not in rows[-1].text.lower():
        return "the agent's last words were no goodbye"
    if rows[-1].unheard:
        return f"the caller did not hear {rows[-1].unheard!r}"
    line = evidence.line(LAST)
    sounded = [each for each in sounds(evidence.heard) if line and each.began_ms > line.began_ms]
    if sum(each.ended_ms - each.began_ms for each in sounded) < GOODBYE_MS:
        return "the caller's loudspeaker played no goodbye"
    ended = next(evidence.of(Ended), None)
    if ended is None or ended.outcome != "completed":
        return f"the call ended as {ended and ended.outcome}"
    return ""


def stages(evidence: Evidence) -> str:
    """Each turn was answered, and its stages add up to its response latency."""
    turns = {turn.turn: turn for turn in evidence.of(Turn) if turn.gap_ms is not None}
    for turn in turns.values():
        total = sum(turn.stages.values())
        if total != turn.gap_ms:
            return f"turn {turn.turn}: the stages are {total} ms, the latency {turn.gap_ms} ms"
    if len(turns) != len(evidence.spoken):
        return f"{len(evidence.spoken)} turns were spoken, {len(turns)} have a latency"
    return ""


def only_heard(evidence: Evidence) -> str:
    """What the caller did not hear of the greeting, the model never saw."""
    cut = evidence.cut
    if cut is None or not cut.unheard or not evidence.spoken:
        return "no words of the agent were cut off"
    requests = list(evidence.requests)
    if not requests:
        return "the record holds no request to the model"
    for rows in requests:
        text = " ".join(row["text"] for row in rows if row["role"] == "assistant")
        if cut.unheard in text or (cut.text and cut.text not in text):
            return f"heard was {cut.text!r}, the model was told {text!r}"
    return _cursor(evidence, cut.heard_ms or 0)


def record_replays(evidence: Evidence) -> str:
    """Stepping the record again has the same effects."""
    started = next(evidence.of(Started), None)
    steps = list(evidence.of(EngineStep))
    if started is None or not steps:
        return "the record holds no steps"
    try:
        again = list(replay(rules_from_data(started.rules), map(event_fields, steps)))
    except PatterError as error:
        return error.message
    for number, (step, (_, effects)) in enumerate(zip(steps, again, strict=True), 1):
        if (now := effects_to_data(effects)) != list(step.effects):
            return f"step {number}, {step.input['name']}: was {step.effects}, is {now}"
    return ""


Check = Callable[[Evidence], str]
CHECKS: Sequence[tuple[str, Check]] = (
    ("words", words),
    ("tool arguments", tool_arguments),
    ("barge-in stopped audio", barge_in),
    ("nothing left open", nothing_left),
    ("goodbye heard", goodbye_heard),
    ("stages add up", stages),
    ("only heard is told", only_heard),
    ("record replays", record_replays),
)


def _cursor(evidence: Evidence, heard_ms: float) -> str:
    """Is what the agent believes was heard of the greeting what the caller's ears heard?"""
    sounded = sounds(evidence.heard)
    began = sounded[0].began_ms if sounded else 0
    line = evidence.spoken[0]
    before = [each for each in sounded if each.began_ms < line.ended_ms]
    ears_ms = (before[-1].ended_ms if before else 0) - began
    if abs(ears_ms - heard_ms) > CURSOR_SLACK_MS:
        return f"the caller heard {ears_ms} ms of the greeting, the agent believes {heard_ms:.0f}"
    return ""


def _first(sounded: Sequence[Sound], from_ms: int) -> Sound:
    """The first sound that ends after *from_ms*."""
    return next((each for each in sounded if each.ended_ms > from_ms), Sound(from_ms, from_ms))


def _sounding_at(sounded: Sequence[Sound], at_ms: int) -> Sound | None:
    return next((each for each in sounded if each.began_ms <= at_ms < each.ended_ms), None)


def _called(calls: Any) -> str:
    return ", ".join(
        f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
        for name, arguments in calls
    )
