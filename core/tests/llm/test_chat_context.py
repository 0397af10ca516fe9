"""A conversation outside a call: what models are shown of it, and what survives cutting it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ChatContext, ChatMessage, InputError

MESSAGES = st.lists(
    st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=20))
)


def chat(*rows: tuple[str, str]) -> ChatContext:
    made = ChatContext()
    for role, text in rows:
        if role == "tool":
            made.add_tool_result(text, "t1")
        else:
            add = {"system": made.add_system, "user": made.add_user}.get(role, made.add_assistant)
            add(text)
    return made


def roles(made: ChatContext) -> list[str]:
    return [each.role for each in made.get_messages()]


@given(MESSAGES)
def test_what_is_kept_as_text_comes_back_whole(rows: list[tuple[str, str]]) -> None:
    made = chat(*rows)
    assert ChatContext.from_json(made.to_json()) == made


@given(MESSAGES, st.integers(0, 12))
def test_cutting_keeps_the_instructions_and_no_result_without_its_call(
    rows: list[tuple[str, str]], count: int
) -> None:
    made = chat(*rows)
    before = made.get_messages()
    leading = [each for each in before if each.role == "system"]
    made.truncate(count)
    after = made.get_messages()
    head = 0
    while head < len(before) and before[head].role == "system":
        head += 1
    assert after[:head] == leading[:head] == before[:head]
    rest = after[head:]
    assert rest == before[len(before) - len(rest) :] and len(rest) <= count
    if len(after) < len(before) and rest:
        assert rest[0].role != "tool"


def test_openai_is_shown_the_id_of_a_tool_result() -> None:
    made = ChatContext("Be brief.")
    made.add_user("Open?")
    made.add_tool_result("till nine", "call-1", "hours")
    assert made.to_openai() == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Open?"},
        {"role": "tool", "content": "till nine", "name": "hours", "tool_call_id": "call-1"},
    ]


def test_anthropic_is_shown_turns_that_alternate() -> None:
    made = chat(("system", "A"), ("user", "1"), ("tool", "2"), ("assistant", "3"), ("system", "B"))
    assert made.to_anthropic() == {
        "system": "A\n\nB",
        "messages": [
            {"role": "user", "content": "1\n[tool result] 2"},
            {"role": "assistant", "content": "3"},
        ],
    }


def test_a_copy_changes_alone() -> None:
    made = chat(("user", "1"))
    made.copy().add_user("2")
    assert roles(made) == ["user"]


def test_the_last_few() -> None:
    made = chat(("user", "1"), ("assistant", "2"), ("user", "3"))
    assert [each.content for each in made.get_last_n(2)] == ["2", "3"]
    assert [each.content for each in made.get_last_n(9)] == ["1", "2", "3"]
    assert made.get_last_n(0) == []
    assert made.length == 3


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"role":"boss","content":"x"}]', '[{"a":1}]'])
def test_what_is_no_context_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a chat context"):
        ChatContext.from_json(text)


def test_a_message_has_a_role_that_models_know() -> None:
    with pytest.raises(ValueError, match="role"):
        ChatMessage("boss", "x")  # type: ignore[arg-type]
