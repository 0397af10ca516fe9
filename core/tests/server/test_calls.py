"""What is written down of a call: JSON, forward only, and passed to the turn engine in its time."""

from __future__ import annotations

from functools import reduce

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.turn.events import (
    Announce,
    CallerHungUp,
    DrainRequested,
    EndRequested,
    MachineDetected,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    TurnEvent,
)
from patter.observe.summary import CallSummary
from patter.providers.carrier import Answerer, CallOutcome
from patter.server.calls import (
    CallEntry,
    CallRequest,
    CallState,
    CarrierReport,
    Checkpoint,
    Detected,
    Doubted,
    RecordingReady,
    Reported,
    advanced,
    apply_report,
)
from patter.server.commands import (
    CallCommand,
    DrainCommand,
    HangUp,
    LineDown,
    MachineCommand,
    SayCommand,
    TransferCommand,
    TransferEnded,
    event_for,
)

states = st.sampled_from(CallState)
entries = st.builds(
    CallEntry,
    call_id=st.just("7f3a"),
    request=st.just(CallRequest(carrier="tin", variables={"name": "Ada"})),
    state=states,
    status=st.sampled_from(["", "ringing", "in-progress"]),
    epoch=st.integers(0, 2),
    outcome=st.none() | st.sampled_from(CallOutcome),
    answerer=st.none() | st.sampled_from(Answerer),
    summary=st.none() | st.just(CallSummary(call_id="7f3a", outcome="completed")),
)
outcomes = st.none() | st.sampled_from(CallOutcome)
reports = st.one_of(
    st.builds(Reported, st.sampled_from(["ringing", "busy"]), outcomes),
    st.builds(Detected, st.sampled_from(Answerer), st.booleans(), st.just("machine_start")),
    st.builds(RecordingReady, st.just("https://files.example/1")),
    st.builds(Doubted),
    st.builds(Checkpoint, st.just({"v": 1})),
)


@given(entries)
def test_an_entry_is_json_all_the_way_down(entry: CallEntry) -> None:
    assert orjson.loads(orjson.dumps(attrs.asdict(entry)))["call_id"] == "7f3a"


@given(entries, reports)
def test_a_report_that_comes_twice_counts_once(entry: CallEntry, report: CarrierReport) -> None:
    once = apply_report(entry, report)
    assert apply_report(once, report) == once


@given(entries, reports)
def test_no_note_ends_a_call_revives_it_or_changes_its_outcome(
    entry: CallEntry, report: CarrierReport
) -> None:
    after = apply_report(entry, report)
    assert after.over == entry.over
    if entry.outcome is not None:
        assert after.outcome is entry.outcome


@given(entries, st.lists(reports))
def test_who_answered_is_final_once_it_is_certain(
    entry: CallEntry, more: list[CarrierReport]
) -> None:
    settled = entry.answerer not in (None, Answerer.UNKNOWN)
    after = reduce(apply_report, more, entry)
    if settled:
        assert after.answerer is entry.answerer
    assert after.answerer is not Answerer.UNKNOWN or entry.answerer in (None, Answerer.UNKNOWN)
    assert not after.beep or after.answerer is Answerer.MACHINE


@given(entries, st.lists(reports))
def test_an_outcome_is_settled_when_the_call_is_over(
    entry: CallEntry, late: list[CarrierReport]
) -> None:
    over = advanced(entry, CallState.ENDED)
    assert reduce(apply_report, late, over).reached is over.reached


@pytest.mark.parametrize(
    ("reported", "answerer", "epoch", "written", "reached"),
    [
        (CallOutcome.BUSY, None, 0, "busy", CallOutcome.BUSY),
        (CallOutcome.NO_ANSWER, None, 0, "no_answer", CallOutcome.NO_ANSWER),
        (CallOutcome.FAILED, Answerer.MACHINE, 1, "completed", CallOutcome.FAILED),
        (CallOutcome.ANSWERED, Answerer.HUMAN, 1, "completed", CallOutcome.ANSWERED),
        (CallOutcome.ANSWERED, Answerer.MACHINE, 1, "voicemail", CallOutcome.VOICEMAIL),
        (CallOutcome.ANSWERED, Answerer.MACHINE, 1, "completed", CallOutcome.ANSWERED),
        (CallOutcome.ANSWERED, Answerer.FAX, 0, "failed", CallOutcome.ANSWERED),
        (CallOutcome.VOICEMAIL, None, 1, "completed", CallOutcome.VOICEMAIL),
        (None, Answerer.MACHINE, 0, "failed", CallOutcome.VOICEMAIL),
        (None, Answerer.UNKNOWN, 1, "completed", CallOutcome.ANSWERED),
        (None, None, 2, "failed", CallOutcome.ANSWERED),
        (None, None, 0, "failed", CallOutcome.FAILED),
        (None, None, 0, "canceled", CallOutcome.CANCELED),
        (None, None, 0, "completed", CallOutcome.FAILED),
        (None, None, 0, "", CallOutcome.FAILED),
    ],
)
def test_whom_a_call_reached(
    reported: CallOutcome | None,
    answerer: Answerer | None,
    epoch: int,
    written: str,
    reached: CallOutcome,
) -> None:
    entry = CallEntry(
        call_id="7f3a",
        request=CallRequest(carrier="tin"),
        state=CallState.ENDED,
        outcome=reported,
        answerer=answerer,
        epoch=epoch,
        summary=CallSummary(call_id="7f3a", outcome=written) if written else None,
    )
    assert entry.reached is reached


@given(entries, states)
def test_a_call_only_goes_forward(entry: CallEntry, state: CallState) -> None:
    states = list(CallState)
    assert states.index(advanced(entry, state).state) == max(
        states.index(entry.state), states.index(state)
    )


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (HangUp("done", True), EndRequested(500, "done", True)),
        (LineDown(), CallerHungUp(500)),
        (TransferCommand("+15550100200"), TransferRequested(500, "+15550100200")),
        (SayCommand("hello"), Announce(500, "hello")),
        (MachineCommand(True), MachineDetected(500, True)),
        (TransferEnded(True, "in-progress"), TransferTaken(500)),
        (TransferEnded(False, "busy"), TransferFailed(500, "busy")),
        (DrainCommand(2_000), DrainRequested(500, 2_500)),
    ],
)
def test_a_command_counts_from_when_it_arrives(command: CallCommand, event: TurnEvent) -> None:
    assert event_for(command, 500) == event
    assert orjson.dumps(attrs.asdict(command))
