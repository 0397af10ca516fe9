"""Events as lines of JSON: exact both ways, and readable by older and newer Patters."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.turn import effects as turn_effects
from patter.call.turn import events as turn_events
from patter.errors import InputError
from patter.observe import version_1
from patter.observe.codec import decode_line, encode_line, event_fields, stamped
from patter.observe.events import (
    EVENTS,
    VERSION,
    CallEvent,
    Ended,
    EngineStep,
    Note,
    Row,
    Started,
    Usage,
    Wire,
)

STAMPS = ["v", "call", "seq", "at_ms", "type"]
BEFORE = (
    b'{"v":1,"call":"c","seq":1,"at_ms":0,"type":"started","caller":"+1","callee":"+2",'
    b'"direction":"inbound","carrier":"fake","carrier_call_id":"f1","agent":"a","language":"en",'
    b'"wall":17.5,"providers":{"stt":"fake"},"audio":{"leg":"mulaw"},"rules":{"idle_ms":[1,2]}}',
    b'{"v":1,"call":"c","seq":2,"at_ms":5,"type":"step","cue":{"name":"Connected",'
    b'"fields":{"at_ms":5}},"effects":[]}',
    b'{"v":1,"call":"c","seq":3,"at_ms":9,"type":"row","role":"agent","text":"","turn":0,'
    b'"epoch":1,"kind":"greeting","began_ms":9,"ended_ms":9,"heard_ms":0,"unheard_ms":40,'
    b'"unheard":"Hello.","interrupted":true}',
    b'{"v":1,"call":"c","seq":4,"at_ms":9,"type":"tool","name":"t","arguments":{"n":[1,null]},'
    b'"effect":"none","id":"1","what":"started"}',
    b'{"v":1,"call":"c","seq":5,"at_ms":9,"type":"wire","what":"where","name":"hold"}',
    b'{"v":1,"call":"c","seq":6,"at_ms":9,"type":"usage","kind":"stt","provider":"fake",'
    b'"model":"m","unit":"minutes","amount":0.25}',
    b'{"v":1,"call":"c","seq":7,"at_ms":9,"type":"ended","outcome":"failed","reason":"stopped",'
    b'"duration_ms":9,"turns":0,"gap_p50_ms":null,"gap_p95_ms":null,"heard_ms":0,"unheard_ms":40,'
    b'"cost_usd":null,"costs":{},"unpriced":["fake/m minutes"]}',
)
"""Lines that were written before events had classes."""

texts = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
rows = st.builds(
    Row,
    role=st.sampled_from(["caller", "agent", "tool"]),
    text=texts,
    turn=st.none() | st.integers(0, 9),
    amends=st.none() | st.booleans(),
    began_ms=st.none() | st.integers(0, 10**7),
    unheard=texts,
)
steps = st.builds(
    EngineStep,
    input=st.dictionaries(texts, json_values, max_size=3),
    effects=st.lists(st.dictionaries(texts, json_values, max_size=2), max_size=2),
)
endings = st.builds(
    Ended,
    outcome=texts,
    cost_usd=st.none() | st.floats(0, 1e6),
    costs=st.dictionaries(texts, st.floats(0, 1e6), max_size=3),
    unpriced=st.lists(texts, max_size=3).map(tuple),
)
events = st.builds(
    stamped,
    rows | steps | endings | st.builds(Wire, what=texts, hidden=st.none() | st.integers(0, 9)),
    texts,
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)


@given(events)
def test_what_is_written_is_read_again(event: CallEvent) -> None:
    line = encode_line(event)
    assert b"\n" not in line
    assert decode_line(line) == event


@given(events)
def test_a_line_is_its_stamps_its_type_and_the_fields(event: CallEvent) -> None:
    line = json.loads(encode_line(event))
    assert list(line)[:5] == STAMPS
    assert (line["v"], line["call"], line["seq"]) == (VERSION, event.call, event.seq)
    assert EVENTS[line["type"]] is type(event)
    rest = {name: value for name, value in line.items() if name not in STAMPS}
    assert rest == json.loads(orjson.dumps(event_fields(event)))


@pytest.mark.parametrize("line", BEFORE)
def test_lines_of_version_1_are_read_and_written_as_version_2(line: bytes) -> None:
    today = line.replace(b'{"v":1', b'{"v":2').replace(b'"cue":', b'"input":')
    assert encode_line(decode_line(line)) == today


@pytest.mark.parametrize(("events", "fields"), [("event", "_EVENTS"), ("effect", "_EFFECTS")])
def test_a_step_of_version_1_can_still_be_replayed(events: str, fields: str) -> None:
    for former, now in getattr(version_1, fields).items():
        step: dict[str, Any] = {"cue": {"name": "Connected"}, "effects": []}
        if events == "event":
            step["cue"] = {"name": former, "fields": {"at_ms": 1}}
        else:
            step["effects"] = [{"name": former, "fields": {}}]
        stamps = {"v": 1, "call": "c", "seq": 1, "at_ms": 1, "type": "step"}
        read = decode_line(json.dumps({**stamps, **step}))
        assert isinstance(read, EngineStep)
        assert now in (read.input["name"], *(effect["name"] for effect in read.effects))
        assert hasattr(turn_events if events == "event" else turn_effects, now)


def test_an_empty_text_is_left_out_and_a_false_is_not() -> None:
    row = Row(role="caller", text="hi", amends=False, unheard="")
    assert event_fields(row) == {"role": "caller", "text": "hi", "amends": False}


def test_the_first_and_the_last_event_write_every_field() -> None:
    assert event_fields(Started()).keys() | {"call", "seq", "at_ms"} == set(
        Started.__struct_fields__
    )
    assert event_fields(Ended(outcome="busy"))["cost_usd"] is None


def test_arguments_that_look_like_stamps_stay_where_they_are() -> None:
    decoy = {"call": "", "seq": 0, "at_ms": 0}
    step = EngineStep(call="c", seq=1, at_ms=2, input={**decoy, "x": decoy}, effects=[decoy])
    assert decode_line(encode_line(step)) == step


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="record version 3, this reads 2") as refusal:
        decode_line(b'{"v":3,"call":"c","seq":1,"at_ms":0,"type":"row","role":7}')
    assert refusal.value.fix == "pip install --upgrade patter-core"


def test_a_field_of_a_newer_patter_is_ignored() -> None:
    line = b'{"v":1,"call":"c","seq":1,"at_ms":0,"type":"note","what":"w","mood":{"x":1}}'
    assert decode_line(line) == Note(call="c", seq=1, what="w")


def test_a_type_of_a_newer_patter_is_read_as_a_note_in_its_place() -> None:
    line = b'{"v":1,"call":"c","seq":8,"at_ms":90,"type":"sigh","depth":3}'
    note = Note(call="c", seq=8, at_ms=90, what="unknown_event", text="sigh")
    assert decode_line(line) == note


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff\xfe",
        b'{"v":1}',
        b'{"v":1,"call":"c","seq":1,"at_ms":0,"type":"row"}',
        b'{"v":1,"call":"c","seq":"1","at_ms":0,"type":"note","what":"w"}',
        b'{"v":1,"call":"c","seq":1,"at_ms":0,"type":"row","role":"ghost","text":"boo"}',
        b'{"v":1,"call":"c","seq":1,"at_ms":0,"type":"usage","kind":"stt","provider":"p",'
        b'"unit":"minutes","amount":"much"}',
        "\ud800",
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(line: bytes | str) -> None:
    with pytest.raises(InputError, match="not an event"):
        decode_line(line)


@given(st.binary(max_size=60) | st.builds(orjson.dumps, json_values))
def test_no_line_raises_anything_else(line: bytes) -> None:
    try:
        decode_line(line)
    except InputError as error:
        assert error.fix


@pytest.mark.parametrize("value", [object(), print, "\ud800"])
def test_what_json_has_no_type_for_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_line(EngineStep(input={"it": value}, effects=[]))


def test_usage_without_a_model_has_none_in_its_json() -> None:
    usage = Usage(kind="stt", provider="fake", unit="minutes", amount=1)
    assert "model" not in event_fields(usage)
