"""What is left of markdown and emoji is what can be read aloud."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.transforms import filter_emoji, filter_for_tts, filter_markdown

plain = st.text(st.sampled_from("abcXYZ éü中,.!?' \n"), max_size=60).filter(
    lambda text: "\n\n\n" not in text
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# Menu\n\nWe have **soup** and *fish*.", "Menu\n\nWe have soup and fish."),
        ("See [our page](https://x.example/a) now", "See our page now"),
        ("![a plate](p.png) of pasta", "a plate of pasta"),
        ("Call `book()` first", "Call book() first"),
        ("```python\nprint(1)\n```\nDone", "print(1)\nDone"),
        ("- one\n* two\n3. three", "one\ntwo\nthree"),
        ("> he said\n>> she said", "he said\nshe said"),
        ("~~old~~ new", "old new"),
        ("above\n---\nbelow", "above\nbelow"),
        ("a <b>bold</b> word<br/>", "a bold word"),
        ("_yes_ and __no__ and ***both***", "yes and no and both"),
        ("one\n\n\n\ntwo", "one\n\ntwo"),
    ],
)
def test_markdown_leaves_its_words(text: str, wanted: str) -> None:
    assert filter_markdown(text) == wanted


@pytest.mark.parametrize(
    "text", ["snake_case_name", "2 * 3 * 4", "a < b and b > c", "5 - 3", "C# and F#", "1.5 kilos"]
)
def test_marks_that_are_no_markdown_stay(text: str) -> None:
    assert filter_for_tts(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Great 😀 news", "Great news"),
        ("Flag 🇮🇹!", "Flag !"),
        ("Family 👨‍👩‍👧 and ❤️", "Family and"),
        ("No emoji  here", "No emoji  here"),
        ("20 € – fine…", "20 € – fine…"),
    ],
)
def test_emoji_go_and_words_stay(text: str, wanted: str) -> None:
    assert filter_emoji(text) == wanted


@given(plain)
def test_plain_text_is_not_touched(text: str) -> None:
    assert filter_for_tts(text) == text


@given(st.text(max_size=200))
def test_a_filtered_text_holds_no_emoji(text: str) -> None:
    once = filter_emoji(text)
    assert filter_emoji(once) == once


@given(st.text(st.sampled_from("*_`~[]()#>-<\n ab1."), max_size=2_000))
def test_no_pile_of_marks_is_slow_or_grows(text: str) -> None:
    assert len(filter_markdown(text)) <= len(text)


@pytest.mark.parametrize("mark", ["*", "_a", "[", "`", "<a", "~~a", "> ", "- ", "![", "*a", "\n"])
def test_a_long_run_of_marks_is_done_at_once(mark: str) -> None:
    begun = time.process_time()
    filter_markdown(mark * 4_000)
    assert time.process_time() - begun < 1.0
