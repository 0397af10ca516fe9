"""A record read for what its engine said and did: its answers, piece by piece. Pure.

A record has the words of an utterance, when its audio was on its way and when it ran dry, and
when tools ran. Of these the responses are made again, each piece so long after its response began
as it was then. Words that the record does not have are nowhere made up.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from patter.observe.events import CallEvent, EngineStep, Note, Row, Span, ToolRun, Turn
from patter.providers.llm import ToolRequest
from patter.providers.tts import SpokenWord
from patter_testing.recorded.engine_script import (
    WITHHELD,
    Answer,
    Attempt,
    EngineScript,
    Phrase,
    Piece,
    Refusal,
    Request,
    Response,
    Words,
)
from patter_testing.recorded.script import is_deed, of_type, outages

NEVER_MS = 10**12
LATE_MS = 20
"""A tool's end may be noted so much later than what it led to."""
SETTLED_MS = 60
"""The last word that was heard before a cut had ended so long before it, as far as can be told."""
DRY_MS = 200
"""How long after its end an utterance that is not complete is said to have run dry."""
Moment: TypeAlias = tuple[int, int, ToolRun | Words]


@attrs.define
class _Uttered:
    """What the record has of one utterance."""

    epoch: int
    turn: int
    asked_ms: int
    heard: int = 0
    kind: str = "answer"
    row: Row | None = None
    gap: Turn | None = None
    audible: list[int] = attrs.field(factory=list)
    dry: list[int] = attrs.field(factory=list)
    runs: list[tuple[int, int | None, ToolRun]] = attrs.field(factory=list)
    withdrawn: tuple[int, str] | None = None
    failed_ms: int | None = None
    cut_ms: int | None = None

    @property
    def is_open(self) -> bool:
        """Was it stopped while the caller waited for more of it?"""
        return self.cut_ms is not None and 0 < len(self.audible) <= len(self.dry)

    @property
    def text(self) -> str:
        row = self.row
        return " ".join(filter(None, (row.text, row.unheard))) if row else ""


def engine_script(events: Sequence[CallEvent]) -> EngineScript:
    """What the engine of the call of *events* did."""
    uttered = _uttered(events)
    lost = outages(events)
    names = [note.text for note in of_type(events, Note) if note.what == "guardrail"]
    spoken = [each for each in uttered.values() if each.kind == "answer"]
    fixed = [each for each in uttered.values() if each.kind != "answer"]
    withdrawn = [each for each in spoken if each.withdrawn]
    says = any(span.stage == "engine" for span in of_type(events, Span))
    delays = sorted(each.audible[0] - each.asked_ms for each in uttered.values() if each.audible)
    return EngineScript(
        answers=tuple(_answer(each, lost) for each in spoken),
        phrases=tuple(_phrase(each, lost) for each in fixed),
        refusals=tuple(map(_refusal, names, withdrawn)),
        says=says or not any(span.stage == "llm" for span in of_type(events, Span)),
        pace_ms=_pace(uttered.values()),
        first_ms=delays[len(delays) // 2] if delays else 0,
    )


def _phrase(its: _Uttered, lost: Mapping[int, int | None]) -> Phrase:
    pieces = tuple(_moved(words, its.asked_ms) for words in _pieces_of(its))
    until_ms = max([0, *(at_ms - its.asked_ms for at_ms in _ends(its))])
    attempt = Attempt(0, (Response(pieces),), its.is_open or _is_lost(its, lost))
    return Phrase(its.text, attempt, its.heard, until_ms, its.failed_ms is not None)


def _is_lost(its: _Uttered, lost: Mapping[int, int | None]) -> bool:
    """Was it the loss of the connection that broke it off?"""
    return any(abs(at_ms - (its.failed_ms or -NEVER_MS)) <= LATE_MS for at_ms in lost)


def _refusal(name: str, its: _Uttered) -> Refusal:
    replacement = its.withdrawn[1] if its.withdrawn else ""
    return Refusal(name, _last_sentence(its.text) or WITHHELD, replacement)


def _pace(uttered: Iterable[_Uttered]) -> float:
    """Milliseconds a letter: the median of the utterances that were heard to their end."""
    rows = [each.row for each in uttered if each.row and each.row.text and each.row.heard_ms]
    paces = sorted((row.heard_ms or 0) / len(row.text) for row in rows)
    return paces[len(paces) // 2] if paces else EngineScript().pace_ms


# --- what belongs to which utterance


def _uttered(events: Sequence[CallEvent]) -> dict[int, _Uttered]:
    """The utterances of the record, by their epochs."""
    uttered: dict[int, _Uttered] = {}
    counts: dict[str, int] = defaultdict(int)
    for event in events:
        match event:
            case EngineStep():
                _step(uttered, counts, event)
            case Row(role="agent", epoch=int(epoch)) if epoch in uttered:
                uttered[epoch].row = event
            case Turn(epoch=int(epoch)) if epoch in uttered:
                uttered[epoch].gap = event
            case ToolRun():
                _run(uttered, event)
    return uttered


def _step(uttered: dict[int, _Uttered], counts: dict[str, int], step: EngineStep) -> None:
    """What one step of the turn engine says of utterances; *counts* the caller's deeds."""
    name, fields = step.input["name"], step.input.get("fields", {})
    counts["heard"] += is_deed(name, fields)
    for effect in step.effects:
        of = effect.get("fields", {})
        if effect["name"] == "Think":
            uttered[of["epoch"]] = _Uttered(of["epoch"], of["turn"], step.at_ms, counts["heard"])
        elif effect["name"] == "Say" and of["kind"] not in ("filler", "tones"):
            utterance = _Uttered(of["epoch"], of["turn"], step.at_ms, counts["heard"], of["kind"])
            uttered[of["epoch"]] = utterance
        elif effect["name"] == "Cut" and of["epoch"] in uttered:
            uttered[of["epoch"]].cut_ms = step.at_ms
    its = uttered.get(fields.get("epoch", 0))
    if its is None:
        return
    match name:
        case "Audible":
            its.audible.append(step.at_ms)
        case "RanDry":
            its.dry.append(step.at_ms)
        case "ReplyWithdrawn":
            its.withdrawn = (step.at_ms, fields.get("replacement", ""))
        case "ReplyFailed":
            its.failed_ms = step.at_ms


def _run(uttered: Mapping[int, _Uttered], run: ToolRun) -> None:
    """Add a tool to the utterance that asked for it."""
    if run.what == "started":
        answers = [each for each in uttered.values() if each.kind == "answer"]
        for last in answers[-1:]:
            last.runs.append((run.at_ms, None, run))
        return
    for its in uttered.values():
        for at, (began_ms, ended_ms, begun) in enumerate(its.runs):
            if ended_ms is None and (begun.id, begun.name) == (run.id, run.name):
                its.runs[at] = (began_ms, run.at_ms, begun)
                return
    for its in [each for each in uttered.values() if each.turn == run.turn][-1:]:
        # It was refused before it could begin.
        its.runs.append((run.at_ms, run.at_ms, run))


# --- an answer and its responses


def _answer(its: _Uttered, lost: Mapping[int, int | None]) -> Answer:
    """The answer that *its* was; the connection was *lost* then, for so long."""
    moments = _moments(its)
    last_ms = max([at_ms for at_ms, _, _ in moments] or [*_ends(its), its.asked_ms])
    back = [at_ms + gone_ms for at_ms, gone_ms in lost.items() if gone_ms is not None]
    begun = [its.asked_ms, *(at_ms for at_ms in back if its.asked_ms < at_ms <= last_ms)]
    attempts, response_ms = [], its.asked_ms
    for began_ms, next_ms in zip(begun, [*begun[1:], NEVER_MS], strict=True):
        own = [each for each in moments if began_ms <= each[0] < next_ms]
        responses = _responses(its, own, began_ms)
        response_ms = responses[-1][0]
        breaks = next_ms != NEVER_MS or _is_lost(its, lost)
        # One that is lost as it is asked was not lost before.
        outages = sum(1 for at_ms in lost if at_ms < began_ms)
        attempts.append(Attempt(outages, tuple(each for _, each in responses), breaks))
    until_ms = its.failed_ms or its.cut_ms or response_ms
    return Answer(
        turn=its.turn,
        epoch=its.epoch,
        heard=its.heard,
        attempts=tuple(attempts),
        is_whole=bool((its.audible and its.row) or its.runs) and not its.is_open,
        fails=its.failed_ms is not None,
        until_ms=max(0, until_ms - response_ms),
    )


def _ends(its: _Uttered) -> Iterator[int]:
    yield from (at_ms for at_ms in (its.cut_ms, its.failed_ms) if at_ms is not None)


def _moments(its: _Uttered) -> list[Moment]:
    """What came of an answer, and when by the call's time; of a tie words are first."""
    tools: list[Moment] = [(began, 1, run) for began, _, run in its.runs]
    words: list[Moment] = [(words.after_ms, 0, words) for words in _pieces_of(its)]
    return sorted([*tools, *words], key=lambda each: each[:2])


def _responses(
    its: _Uttered, moments: Iterable[Moment], asked_ms: int
) -> list[tuple[int, Response]]:
    """One response until its tools have all run, then the next; each with when it began.

    Words are part of the response that ran when they were first heard.
    """
    ended = {run.id: ended_ms for _, ended_ms, run in its.runs}
    responses: list[tuple[int, Response]] = []
    began_ms, pieces, waits = asked_ms, list[Piece](), list[int]()
    for at_ms, _, what in moments:
        if waits and at_ms >= max(waits) - LATE_MS:
            responses.append((began_ms, Response(tuple(pieces))))
            began_ms, pieces, waits = max(waits), [], []
        if isinstance(what, ToolRun):
            request = ToolRequest(
                what.id or f"t{what.seq}", what.name, json.dumps(dict(what.arguments))
            )
            pieces.append(Request(max(0, at_ms - began_ms), request))
            done_ms = ended.get(what.id)
            waits.append(NEVER_MS if done_ms is None else done_ms)
        else:
            moved, first = _moved(what, began_ms), not any(isinstance(p, Words) for p in pieces)
            # A space parts it from what the same response said before.
            pieces.append(attrs.evolve(moved, text=moved.text.lstrip()) if first else moved)
    responses.append((began_ms, Response(tuple(pieces))))
    if waits:
        # After its tools there was nothing more that anybody heard.
        responses.append((max(began_ms, *waits), Response()))
    return responses


def _moved(words: Words, began_ms: int) -> Words:
    """*words*, whose times count from *began_ms*."""
    after_ms, sounds_ms = (max(0, ms - began_ms) for ms in (words.after_ms, words.sounds_ms))
    return attrs.evolve(words, after_ms=after_ms, sounds_ms=sounds_ms)


def _pieces_of(its: _Uttered) -> list[Words]:
    """The words of an utterance, a piece for each stretch without a pause; by the call's time."""
    if not its.audible or its.row is None:
        withheld_ms = its.withdrawn[0] if its.withdrawn else None
        return [] if withheld_ms is None else [Words(withheld_ms, WITHHELD, withheld_ms)]
    stretches = _stretches(its)
    wait_ms, early_ms = _before(its.gap)
    words = []
    shares = _shared(its, [lasts_ms for _, lasts_ms in stretches])
    for (from_ms, lasts_ms), (text, timed) in zip(stretches, shares, strict=True):
        sounds_ms = from_ms - wait_ms
        told_ms = max(its.asked_ms, sounds_ms - early_ms)
        words.append(Words(told_ms, text, sounds_ms, lasts_ms, timed))
        # Later stretches are told with their audio.
        wait_ms = early_ms = 0
    return [*words[:-1], *_withdrawn(its, words[-1])]


def _before(gap: Turn | None) -> tuple[int, int]:
    """How long before it was audible an answer's audio was there, and its words before that."""
    stages: Mapping[str, int] = gap.stages if gap else {}
    return stages.get("wait", 0), stages.get("text", 0) + stages.get("tts", 0)


def _stretches(its: _Uttered) -> list[tuple[int, int]]:
    """From when, and for how long, the caller was to hear something without a pause."""
    row = its.row
    assert row is not None
    pairs = list(zip(its.audible, its.dry, strict=False))
    stretches = [(began, max(0, dry - DRY_MS - began)) for began, dry in pairs]
    heard_ms = row.heard_ms or 0
    for last_ms in its.audible[len(pairs) :]:
        ended_ms = row.at_ms if row.ended_ms is None else row.ended_ms
        rest_ms = heard_ms - sum(lasts for _, lasts in stretches)
        lasts_ms = max(0, min(rest_ms, ended_ms - last_ms))
        stretches.append((last_ms, lasts_ms))
    began_ms, lasts_ms = stretches[-1]
    return [*stretches[:-1], (began_ms, lasts_ms + (row.unheard_ms or 0))]


def _shared(its: _Uttered, lasts: Sequence[int]) -> list[tuple[str, tuple[SpokenWord, ...]]]:
    """The words of each stretch, which *lasts* so long: those that end in it."""
    row, total_ms = its.row, sum(lasts)
    assert row is not None
    text, heard = its.text, len(row.text)
    heard_ms = total_ms - (row.unheard_ms or 0)
    settled_ms = SETTLED_MS if row.interrupted and heard_ms > 2 * SETTLED_MS else 0
    ends, borders = [], [sum(lasts[: at + 1]) for at in range(len(lasts))]
    for word in re.finditer(r"\S+", text):
        if word.end() <= heard:
            end_ms = (heard_ms - settled_ms) * word.end() / max(1, heard)
        else:
            share = (word.end() - heard) / max(1, len(text) - heard)
            end_ms = heard_ms + (total_ms - heard_ms) * share
        ends.append((word, end_ms))
    shares = []
    for at, border_ms in enumerate(borders):
        from_ms, last = borders[at - 1] if at else 0, at == len(borders) - 1
        its_own = [
            (word, end_ms)
            for word, end_ms in ends
            if (from_ms < end_ms or not at) and (end_ms <= border_ms or last)
        ]
        timed = tuple(SpokenWord(word[0], round(end - from_ms)) for word, end in its_own)
        shares.append((_text_of(text, [word for word, _ in its_own], first=not at), timed))
    return shares


def _text_of(text: str, words: Sequence[re.Match[str]], *, first: bool) -> str:
    """The *words* as *text* has them; what does not begin it begins with a space."""
    if not words:
        return ""
    return ("" if first else " ") + text[words[0].start() : words[-1].end()]


def _withdrawn(its: _Uttered, piece: Words) -> list[Words]:
    """*piece*; the last sentence of what a guardrail stopped is told when it was stopped."""
    if its.withdrawn is None:
        return [piece]
    last, told_ms = _last_sentence(piece.text), max(its.withdrawn[0], piece.after_ms)
    rest = attrs.evolve(piece, text=piece.text.removesuffix(last))
    return [rest, Words(told_ms, last, told_ms)]


def _last_sentence(text: str) -> str:
    """The last sentence of *text*, as its end has it.

    >>> _last_sentence("We open at five. The secret is soup.")
    'The secret is soup.'
    """
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    return sentences[-1] if sentences else ""
