"""What is written down of a call: JSON, forward only, and told to the turn engine in its time."""

from __future__ import annotations

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call import cues
from patter.observe.summary import CallSummary
from patter.providers.carrier import CallOutcome
from patter.server.calls import (
    Attempt,
    CallEntry,
    CallState,
    Checkpoint,
    Doubted,
    Note,
    Recorded,
    Reported,
    advanced,
    noted,
)
from patter.server.orders import (
    GoAway,
    HangUp,
    LineDown,
    Machine,
    Order,
    SendTo,
    Tell,
    TransferEnded,
    cue,
)

states = st.sampled_from(CallState)
entries = st.builds(
    CallEntry,
    call_id=st.just("7f3a"),
    attempt=st.just(Attempt(carrier="tin", variables={"name": "Ada"})),
    state=states,
    status=st.sampled_from(["", "ringing", "in-progress"]),
    outcome=st.none() | st.sampled_from(CallOutcome),
    summary=st.none() | st.just(CallSummary(call_id="7f3a", outcome="completed")),
)
notes = st.one_of(
    st.builds(Reported, st.sampled_from(["ringing", "busy"]), st.sampled_from(CallOutcome)),
    st.builds(Recorded, st.just("https://files.example/1")),
    st.builds(Doubted),
    st.builds(Checkpoint, st.just({"v": 1})),
)


@given(entries)
def test_an_entry_is_json_all_the_way_down(entry: CallEntry) -> None:
    assert orjson.loads(orjson.dumps(attrs.asdict(entry)))["call_id"] == "7f3a"


@given(entries, notes)
def test_a_note_taken_twice_is_taken_once(entry: CallEntry, note: Note) -> None:
    once = noted(entry, note)
    assert noted(once, note) == once


@given(entries, notes)
def test_no_note_ends_a_call_revives_it_or_changes_its_outcome(
    entry: CallEntry, note: Note
) -> None:
    after = noted(entry, note)
    assert after.over == entry.over
    if entry.outcome is not None:
        assert after.outcome is entry.outcome


@given(entries, states)
def test_a_call_only_goes_forward(entry: CallEntry, state: CallState) -> None:
    order = list(CallState)
    assert order.index(advanced(entry, state).state) == max(
        order.index(entry.state), order.index(state)
    )


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (HangUp("done", True), cues.End(500, "done", True)),
        (LineDown(), cues.HungUp(500)),
        (SendTo("+15550100200"), cues.Transfer(500, "+15550100200")),
        (Tell("hello"), cues.Announce(500, "hello")),
        (Machine(True), cues.MachineDetected(500, True)),
        (TransferEnded(True, "in-progress"), cues.TransferTaken(500)),
        (TransferEnded(False, "busy"), cues.TransferFailed(500, "busy")),
        (GoAway(2_000), cues.Drain(500, 2_500)),
    ],
)
def test_an_order_counts_from_when_it_arrives(order: Order, told: cues.Event) -> None:
    assert cue(order, 500) == told
    assert orjson.dumps(attrs.asdict(order))
