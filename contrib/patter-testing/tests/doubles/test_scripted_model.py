"""What a double of a model answers: its script first, and then nothing that is not so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.providers.llm import JSON, Message, ToolSpec
from patter_testing.doubles.scripted_model import Answer, ScriptedModel, honest

TYPES = {
    "string": str,
    "integer": int,
    "number": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def tool(tool_name: str = "book_table", /, **properties: JSON) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return ToolSpec(tool_name, "", schema)


def arguments(said: str, *tools: ToolSpec) -> dict[str, object]:
    (request,) = honest([Message("user", said)], tools).tools
    read: dict[str, object] = json.loads(request.arguments)
    return read


def test_the_script_is_answered_line_by_line_and_then_it_is_honest() -> None:
    model = ScriptedModel(["One.", Answer("Two.")])
    rows = [Message("system", "Be kind."), Message("user", "Hello")]
    texts = [model.answer(rows).text for _ in range(3)]
    assert texts == ["One.", "Two.", "This is a simulation. I heard: Hello"]
    assert model.requests == [tuple(rows)] * 3


@pytest.mark.parametrize(
    "said", ["book table for 4", "Please book_table, 4", "BOOK me a\nTABLE 4!"]
)
def test_a_tool_is_called_by_its_name(said: str) -> None:
    people = {"type": "integer"}
    assert arguments(said, tool("cancel"), tool(people=people)) == {"people": 4}


def test_arguments_are_taken_from_the_words() -> None:
    spec = tool(
        "book",
        name={"type": "string"},
        people={"type": "integer"},
        hour={"type": "number"},
        room={"enum": ["garden", "bar"]},
    )
    said = "book Smith, 2 at 19 in the bar."
    after = "Smith, 2 at 19 in the bar"
    assert arguments(said, spec) == {"name": after, "people": 2, "hour": 19, "room": "bar"}


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([*TYPES])),
    st.text(max_size=20),
)
def test_arguments_fit_their_schema(kinds: dict[str, str], said: str) -> None:
    spec = tool("do_it", **{name: {"type": kind} for name, kind in kinds.items()})
    given = arguments(f"do it {said}", spec)
    assert {name: type(value) for name, value in given.items()} == {
        name: TYPES[kind] for name, kind in kinds.items()
    }


def test_two_tools_are_called_at_once() -> None:
    said = "Book a table, and cancel the other table."
    offered = [tool("cancel_table"), tool("book_table"), tool("book_room")]
    calls = honest([Message("user", said)], offered).tools
    assert [(call.id, call.name) for call in calls] == [
        ("simulated-1", "cancel_table"),
        ("simulated-2", "book_table"),
    ]


def test_a_name_within_a_word_calls_nothing() -> None:
    assert not honest([Message("user", "notebook")], [tool("book")]).tools


def test_what_a_tool_said_is_told_and_not_run_again() -> None:
    rows = [Message("user", "book it"), Message("tool", "booked", tool_call_id="1")]
    assert honest(rows, [tool("book")]) == Answer("The tool said: booked")


def test_calls_have_ids_of_their_own() -> None:
    first = honest([Message("user", "book")], [tool("book")]).tools
    rows = [Message("assistant", tool_calls=first), Message("user", "book")]
    assert honest(rows, [tool("book")]).tools[0].id != first[0].id


def test_without_a_caller_it_still_says_what_it_is() -> None:
    assert honest([Message("system", "Greet.")], []) == Answer("This is a simulation.")
