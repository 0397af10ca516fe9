"""Scenario pages: calls written as `time event | effect; effect`, to be played line by line.

The right side names every effect, in order; those on timers are left out, but a timer that
falls due between two lines must have a line of its own, so nothing happens unseen.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec

from patter.call.turn.effects import (
    Commit,
    Cut,
    DigitsCollected,
    DiscardDraft,
    Draft,
    Effect,
    EndCall,
    Observe,
    Say,
    StartTimer,
    StopTimer,
    Think,
    WriteAgentRow,
)
from patter.call.turn.engine import step
from patter.call.turn.events import (
    Announce,
    Audible,
    BargeInVerdict,
    CallerFinished,
    CallerHungUp,
    CallerWords,
    CollectDigits,
    CollectionCancelled,
    Connected,
    Digit,
    DrainRequested,
    EndOfTurnVerdict,
    EndRequested,
    Heard,
    HearingLost,
    MachineDetected,
    RanDry,
    RecogniserConnected,
    ReplyFailed,
    RulesChanged,
    TimerFired,
    ToolFinished,
    ToolStarted,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    TurnEvent,
    UtteranceKind,
    VendorAnswers,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import TurnState

from .watch import check_step

PAGES = Path(__file__).parent / "scenarios"


@attrs.frozen
class Line:
    """One line: at *at_ms* the *event*, as written, has exactly these *effects*."""

    at_ms: int
    event: str
    effects: str


@attrs.frozen
class Scenario:
    """One call: the *rules* in force, its *lines*, and the *history* it leaves."""

    title: str
    rules: TurnRules
    lines: tuple[Line, ...]
    history: str


@attrs.frozen
class Played:
    """What a line really did."""

    line: Line
    effects: str
    state: TurnState


def scenarios() -> list[Scenario]:
    """All scenarios of all pages, in order of the file names."""
    return [scenario for page in sorted(PAGES.glob("*.md")) for scenario in read(page)]


def read(page: Path) -> Iterator[Scenario]:
    """A page is Markdown: a heading of the second level and, indented, its trace."""
    for block in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.M)[1:]:
        title, _, body = block.partition("\n")
        traced = [line.strip() for line in body.splitlines() if line.startswith("    ")]
        yield Scenario(
            title=f"{page.stem}: {title.strip()}",
            rules=read_rules(_after("given", traced)),
            lines=tuple(_line(line) for line in traced if line[0].isdigit()),
            history=_after("history", traced),
        )


def play(scenario: Scenario) -> Iterator[Played]:
    """Step the engine through a scenario; every step is watched."""
    state = TurnState(scenario.rules)
    for line in scenario.lines:
        event = read_event(line.at_ms, line.event, state.rules)
        _nothing_fell_due_unseen(state, line)
        if isinstance(event, TimerFired):
            assert (event.name, line.at_ms) in state.timers, f"{line} but {sorted(state.timers)}"
        after, effects = step(state, event)
        check_step(state, event, effects, after)
        state = after
        yield Played(line, "; ".join(filter(None, map(show, effects))), state)


def check(scenario: Scenario) -> None:
    """Raise AssertionError where the engine does something else than is written."""
    done: list[str] = []
    for played in play(scenario):
        assert played.effects == played.line.effects, played.line
        done += filter(None, played.effects.split("; "))
    assert rows_of(done) == scenario.history


def rows_of(effects: list[str]) -> str:
    """The rows a transcript would have: u for the caller's, a for the agent's."""
    rows: dict[str, str] = {}
    for effect in effects:
        word, _, rest = effect.partition(" ")
        number, _, detail = rest.partition(" ")
        if word in ("Commit", "Amend"):
            rows[f"u{number}"] = f"u{number} {detail}"
        elif word == "Record":
            rows[f"a{number}"] = f"a{number} {detail}"
    return "; ".join(rows.values())


def read_rules(text: str, base: TurnRules | None = None) -> TurnRules:
    """Read `name=value` pairs; a value is a number, numbers with commas, or a word."""
    changes = dict(_setting(pair) for pair in shlex.split(text))
    return attrs.evolve(base or TurnRules(), **changes)


def _setting(pair: str) -> tuple[str, Any]:
    name, _, value = pair.partition("=")
    if value in ("True", "False"):
        return name, value == "True"
    if name == "idle_ms":
        return name, tuple(int(part) for part in value.split(",") if part)
    return name, int(value) if value.isdigit() else value


def read_event(at_ms: int, text: str, now: TurnRules) -> TurnEvent:
    """Read one event; *now* are the rules that a `rules` line changes."""
    word, *args = shlex.split(text)
    if word == "rules":
        return RulesChanged(at_ms, read_rules(" ".join(args), now))
    if word not in _EVENTS:
        raise ValueError(f"no event reads {text!r}")
    return _EVENTS[word](at_ms, *args)


def _words(final: bool) -> Callable[..., TurnEvent]:
    def transcript(
        at_ms: int, text: str, end_ms: str | None = None, reply_to: str = ""
    ) -> TurnEvent:
        return CallerWords(at_ms, text, final, int(end_ms) if end_ms else None, reply_to)

    return transcript


_EVENTS: dict[str, Callable[..., TurnEvent]] = {
    "connected": Connected,
    "voice": lambda at, began=None: VoiceStarted(at, int(began or at)),
    "quiet": lambda at, ended=None: VoiceStopped(at, int(ended or at)),
    "final": _words(final=True),
    "interim": _words(final=False),
    "turn-ended": CallerFinished,
    "vendor-answers": VendorAnswers,
    "vote": lambda at, answer: EndOfTurnVerdict(at, answer == "finished"),
    "verdict": lambda at, answer: BargeInVerdict(at, answer == "yes"),
    "key": Digit,
    "uncollect": CollectionCancelled,
    "collect": lambda at, count: CollectDigits(at, int(count)),
    "audible": lambda at, epoch: Audible(at, int(epoch)),
    "dry": lambda at, epoch: RanDry(at, int(epoch)),
    "heard": lambda at, epoch: Heard(at, int(epoch)),
    "failed": lambda at, epoch: ReplyFailed(at, int(epoch)),
    "tool+": lambda at, tool, epoch, read="": ToolStarted(at, tool, int(epoch), once=not read),
    "tool-": ToolFinished,
    "recogniser": lambda at, how: RecogniserConnected(at, how == "back"),
    "ears-lost": HearingLost,
    "announce": Announce,
    "press": lambda at, keys: Announce(at, keys, UtteranceKind.TONES),
    "end": lambda at, reason, goodbye="": EndRequested(at, reason, goodbye=bool(goodbye)),
    "transfer": TransferRequested,
    "transfer-failed": TransferFailed,
    "transfer-taken": TransferTaken,
    "machine": lambda at, beep="": MachineDetected(at, bool(beep)),
    "drain": lambda at, by_ms: DrainRequested(at, int(by_ms)),
    "hung-up": CallerHungUp,
    "timer": TimerFired,
}


def show(effect: Effect) -> str:
    """Write one effect; those on timers as nothing."""
    match effect:
        case Commit(turn, text, amends):
            return f'{"Amend" if amends else "Commit"} {turn} "{text}"'
        case Think(turn, epoch, drafted):
            return f"Think {turn}/{epoch}" + " drafted" * drafted
        case Say(kind, turn, epoch, detail):
            return f"Say {kind.value} {turn}/{epoch} {detail}".strip()
        case Draft(turn, epoch, text):
            return f'Draft {turn}/{epoch} "{text}"'
        case Cut(turn, epoch, gate):
            return f"Cut {turn}/{epoch} gate {gate}"
        case WriteAgentRow(turn, epoch, whole):
            return f"Record {turn}/{epoch} {'whole' if whole else 'part'}"
        case DigitsCollected(digits, complete):
            return f"Digits {digits} {'complete' if complete else 'incomplete'}"
        case Observe(what, text):
            return f"Note {what}" + (f' "{text}"' if text else "")
        case DiscardDraft(epoch):
            return f"Discard {epoch}"
        case EndCall(reason):
            return f"Hangup {reason}"
        case StartTimer() | StopTimer():
            return ""
    return " ".join([type(effect).__name__, *map(str, msgspec.structs.astuple(effect))])


def _after(word: str, lines: list[str]) -> str:
    return next((line[len(word) :].strip() for line in lines if line.startswith(word)), "")


def _line(line: str) -> Line:
    left, _, right = line.partition("|")
    at_ms, _, event = left.strip().partition(" ")
    return Line(int(at_ms), event.strip(), right.strip())


def _nothing_fell_due_unseen(state: TurnState, line: Line) -> None:
    late = [name for name, at_ms in state.timers if at_ms < line.at_ms]
    assert not late, f"{late} fell due before {line}"
