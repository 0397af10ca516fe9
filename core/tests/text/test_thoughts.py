"""What a model thinks aloud is never said, whole or in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.stream import StrongStream, ThoughtStream, whole


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<think>They want. A table.</think>Sure.", "Sure."),
        ("<thinking>x</thinking> Sure. <think>y</think>Yes.", " Sure. Yes."),
        ("<THINK>\nx\n</Think >\n\nSure.", "\n\nSure."),
        ("<think>They want. A table.", ""),
        ("Sure. <think>and then", "Sure. "),
        ("Sure.</think> Yes.", "Sure. Yes."),
        ('<reasoning depth="2">x</reasoning>Yes', "Yes"),
        ("<think>a < b <b>c</b></think>Yes", "Yes"),
        ("Yes.<think", "Yes."),
        ("<think>x</thi", ""),
        ("I <b>think</b> 3 < 4 and <thinker>", "I <b>think</b> 3 < 4 and <thinker>"),
        ("4 <", "4 <"),
        ("<think></think>", ""),
    ],
)
def test_thoughts_are_left_out(text: str, wanted: str) -> None:
    assert whole(ThoughtStream(), text) == wanted


@given(st.text(st.sampled_from("ab. <>/thinkTHINK\n"), max_size=80))
def test_nothing_of_a_thought_comes_out(thought: str) -> None:
    thought = thought.replace("<", "")
    assert whole(ThoughtStream(), f"A<think>{thought}</think>B") == "AB"


def test_a_thought_that_never_ended_is_reported_and_does_not_reach_into_the_next_text() -> None:
    stream = ThoughtStream()
    assert whole(stream, "Yes. <think>and so on") == "Yes. " and stream.unclosed
    assert whole(stream, "Hello.") == "Hello." and not stream.unclosed


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("**Note. Text.** Yes.", "Note. Text. Yes."),
        ("***So*** it is **12 guests**, **$5**", "So it is 12 guests, $5"),
        ("这是**重点**。", "这是重点。"),
        ("Never closed: **Note", "Never closed: Note"),
        ("Cut off **", "Cut off "),
        ("**5** and **12**", "5 and 12"),
    ],
)
def test_no_mark_of_bold_is_left(text: str, wanted: str) -> None:
    assert whole(StrongStream(), text) == wanted
    stream = StrongStream()
    assert "".join(map(stream.push, text)) + stream.flush() == wanted


@pytest.mark.parametrize(
    "text",
    ["x**2 + (y)**3", "2 ** 3", "dial *67", "dial **21*5#", "card **** 1234", "*fish*", "a * b"],
)
def test_stars_that_are_not_bold_stay(text: str) -> None:
    assert whole(StrongStream(), text) == text
    stream = StrongStream()
    assert "".join(map(stream.push, text)) + stream.flush() == text
