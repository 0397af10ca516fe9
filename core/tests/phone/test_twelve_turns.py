"""One call of twelve turns with everything in it: what its record, metrics and events say.

The expectations are written by hand, from what was said and done; the model is scripted, so that
each number follows from the length of the words. The engine's call is the same but for what is
the vendor's: it hears by itself, has no hooks, and connects again where a model is replaced.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.observe.call_log import read_record
from patter.observe.events import BargeIn, CallEvent, Ended, Link, Note, Row, ToolRun, Turn
from patter.observe.file_writer import FILE_WRITER

from .reception import COLLEAGUE, GOOD_BYE, GREETING, KEY, PUT_THROUGH, Reception, engine

pytestmark = pytest.mark.virtual_time

HANDED_OVER = (
    "[handoff] reception to billing: an invoice. "
    "You are billing now: go on with the caller by your own instructions."
)
SKILL = '{"status":"active","instructions":"Never guess.","tools":["allergens"]}'
ENDING = "The call ends as soon as the caller has heard you. Say goodbye if you have not."

SAID = [
    (0, "agent", GREETING),
    (1, "caller", "um are you open on sunday"),
    (1, "agent", "On Sunday from five to eleven."),
    (2, "caller", "book a table for two"),
    (2, "agent", "Booked, it is R two."),
    (3, "caller", "we sit outside"),
    (3, "agent", "I have written it."),
    (4, "caller", "or you hear from my lawyer"),
    (4, "agent", "I cannot talk about that. Anything else?"),
    (5, "caller", "are there nuts in the cake"),
    (5, "agent", "Yes, there are nuts in it."),
    (6, "caller", "are you still there"),
    (6, "agent", "Yes, I am."),
    (7, "caller", "where is my invoice"),
    (7, "agent", "Billing here, which number?"),
    (8, "caller", KEY),
    (8, "agent", "Invoice four is paid,"),
    (9, "caller", "no the invoice number five"),
    (9, "agent", "Invoice five is open."),
    (10, "caller", "i have a complaint"),
    (10, "agent", "I am sorry to hear that."),
    (11, "caller", "whom can i talk to"),
    (11, "agent", "You can talk to my colleague."),
]
DONE: list[tuple[int, str, dict[str, Any], str, str]] = [
    (1, "opening_hours", {"day": "sunday"}, "read", "sunday: five to eleven"),
    (2, "book_table", {"people": 2}, "once", "R-2"),
    (3, "remember", {"note": "outside"}, "idempotent", "kept: outside"),
    (5, "use_skill", {"skill_name": "allergies"}, "once", SKILL),
    (5, "allergens", {"dish": "cake"}, "read", "cake: nuts"),
    (7, "handoff_to", {"name": "billing", "reason": "an invoice"}, "once", HANDED_OVER),
]
NOTED = [("guardrail", "legal"), ("skill", "allergies"), ("handoff", "billing: an invoice")]
ENGINE_SAYS = {
    "Booked, it is R two.": "Booked, it is R-2.",
    "I have written it.": "I have noted it.",
    "I cannot talk about that. Anything else?": "I cannot talk about that.",
    "Invoice four is paid,": "Invoice four is",
}
"""No hooks; a refused answer is stopped; a voice alone cuts, which is sooner than words."""


@attrs.define(eq=False)
class Taken:
    """A call that was taken, and its record."""

    reception: Reception
    record: list[CallEvent]

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.record if isinstance(each, kind)]

    @property
    def said(self) -> list[tuple[int, str, str]]:
        """The rows as they stand at the end: amended ones once, with what they became."""
        rows: dict[tuple[int, str, object], str] = {}
        for row in self.of(Row):
            key = (row.turn, row.role, row.epoch)
            rows[key] = row.text
        return [(turn, role, text) for (turn, role, _), text in rows.items()]

    @property
    def done(self) -> list[tuple[int, str, dict[str, Any], str, str]]:
        return [
            (run.turn, run.name, run.arguments, run.effect, run.result)
            for run in self.of(ToolRun)
            if run.what == "finished"
        ]


async def taken(root: Path, last: str, *, by_engine: bool = False) -> Taken:
    reception = Reception(root=root, engine=engine() if by_engine else None)
    await reception.call(last)
    FILE_WRITER.settle()
    (path,) = root.rglob("call.jsonl")
    return Taken(reception, list(read_record(path)))


async def test_the_record_of_twelve_turns(tmp_path: Path) -> None:
    call = await taken(tmp_path, GOOD_BYE)
    assert call.said == [*SAID, (12, "caller", "good bye"), (12, "agent", "Good bye.")]
    assert call.done == [*DONE, (12, "end_call", {"reason": "done"}, "idempotent", ENDING)]
    assert [(each.what, each.text) for each in call.of(Note) if each.text] == NOTED
    assert [(each.kind, each.what, each.text) for each in call.of(Link)] == [
        ("llm", "failed", "the model is down"),
        ("llm", "took_over", "the model is down"),
    ]
    (cut,) = [row for row in call.of(Row) if row.interrupted]
    assert cut.unheard == "thank you very much for asking us about it."
    assert len(call.of(BargeIn)) == 1
    (ended,) = call.of(Ended)
    assert (ended.outcome, ended.reason, ended.turns) == ("completed", "done", 12)
    assert [each.deed for each in call.reception.carrier.orders] == ["hangup"]


async def test_the_figures_of_twelve_turns(tmp_path: Path) -> None:
    call = await taken(tmp_path, GOOD_BYE)
    # A pause ends a turn after 500 ms, and the answer waits until a second of silence; not after
    # keys, not to end the call, and 1600 ms where the words sound as if they went on ("to").
    gaps = [1_000] * 7 + [0] + [1_000] * 2 + [1_600] + [500]
    assert [turn.gap_ms for turn in call.of(Turn)] == gaps
    assert all(sum(turn.stages.values()) == turn.gap_ms for turn in call.of(Turn))
    (ended,) = call.of(Ended)
    (end,) = call.reception.of("on_call_end")
    metrics = end["metrics"]
    assert [turn.gap_ms for turn in metrics.turns] == gaps
    assert [turn.turn_index for turn in metrics.turns] == list(range(1, 13))
    assert [turn.turn_index for turn in metrics.turns if turn.interrupted] == [8]
    # What was heard is 60 ms a letter; of the cut one, the words whose sound was played.
    heard = sum(len(text) for _, role, text in call.said if role == "agent")
    assert abs(ended.heard_ms - 60 * heard) < 400
    # A voice is paid by the letter it was asked for, cut or not; a recogniser by its time.
    cut = len(" thank you very much for asking us about it.")
    space = 1  # between the two sentences of turn 4, which are asked for one by one
    assert ended.costs["tts"] == pytest.approx((heard + cut - space) / 1_000)
    assert ended.costs["stt"] == pytest.approx(0.6 * ended.duration_ms / 60_000, rel=0.01)
    assert ended.cost_usd is None, "the model has no price, so the sum is unknown"
    assert set(ended.unpriced) == {"fake/fake tokens_in", "fake/fake tokens_out"}
    assert metrics.cost.tts == ended.costs["tts"]


async def test_the_events_of_twelve_turns(tmp_path: Path) -> None:
    call = await taken(tmp_path, GOOD_BYE)
    told, rows = call.reception, {"agent": "assistant", "caller": "user"}
    transcript = [(row["role"], row["text"]) for row in told.of("on_transcript")]
    assert [each for each in transcript if each[0] != "tool"] == [
        (rows[role], text) for _, role, text in call.said
    ]
    assert [each for each in transcript if each[0] == "tool" and each[1]] == [
        ("tool", result) for *_, result in call.done
    ]
    counted = Counter(name for name, _ in told.events)
    assert counted["on_call_start"] == counted["on_call_end"] == counted["call_ended"] == 1
    assert counted["on_metrics"] == counted["turn_ended"] == counted["metrics_collected"] == 12
    assert counted["turn_started"] == 12
    assert counted["transcript_final"] == 11, "keys are no words"
    assert counted["interruption"] == 1
    started = [each["name"] for each in told.of("tool_call_started")]
    assert started == [name for _, name, *_ in call.done]
    names = [name for name, _ in told.events]
    assert names[0] == "on_call_start"
    assert set(names[-2:]) == {"on_call_end", "call_ended"}


async def test_a_transfer_in_place_of_the_goodbye(tmp_path: Path) -> None:
    call = await taken(tmp_path, PUT_THROUGH)
    assert call.said[: len(SAID)] == SAID
    turn, name, arguments, effect, _ = call.done[-1]
    assert (turn, name, arguments["number"], effect) == (
        12,
        "transfer_call",
        COLLEAGUE,
        "idempotent",
    )
    orders = [(each.deed, each.detail) for each in call.reception.carrier.orders]
    assert orders == [("transfer", COLLEAGUE)]
    ended = call.of(Ended)[0]
    assert (ended.outcome, ended.reason) == ("completed", "transferred")


async def test_the_same_through_an_engine(tmp_path: Path) -> None:
    call = await taken(tmp_path, GOOD_BYE, by_engine=True)
    said = [(turn, role, ENGINE_SAYS.get(text, text)) for turn, role, text in SAID]
    assert call.said == [*said, (12, "caller", "good bye"), (12, "agent", "Good bye.")]
    assert call.done == [*DONE, (12, "end_call", {"reason": "done"}, "idempotent", ENDING)]
    assert [(each.what, each.text) for each in call.of(Note) if each.text] == NOTED
    links = [(each.kind, each.what) for each in call.of(Link)]
    assert links == [("engine", "lost"), ("engine", "back")]
    assert [turn.turn for turn in call.of(Turn)] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert all(sum(turn.stages.values()) == turn.gap_ms for turn in call.of(Turn))
    (ended,) = call.of(Ended)
    assert (ended.outcome, ended.reason, ended.turns) == ("completed", "done", 12)
    assert [each.deed for each in call.reception.carrier.orders] == ["hangup"]


async def test_the_same_transfer_through_an_engine(tmp_path: Path) -> None:
    call = await taken(tmp_path, PUT_THROUGH, by_engine=True)
    orders = [(each.deed, each.detail) for each in call.reception.carrier.orders]
    assert orders == [("transfer", COLLEAGUE)]
    ended = call.of(Ended)[0]
    assert (ended.outcome, ended.reason) == ("completed", "transferred")
