"""What is left of markdown and emoji is what can be read aloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.emoji import EmojiStream
from patter.text.markdown import MarkdownStream
from patter.text.stream import StrongStream, TextStream, ThoughtStream
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
        ("**Note. Text.**", "Note. Text."),
        ("**bold. Still bold.** Then", "bold. Still bold. Then"),
        ("**12 guests** at **$5** each", "12 guests at $5 each"),
        ("这是**重点**。", "这是重点。"),
        ("un**believ**able", "unbelievable"),
        ("See [St. Mary. A church.](https://a.b/c_(d)?e=f) today", "See St. Mary. A church. today"),
        ('See [**our** page][home] and [this](<a> "b c").', "See our page and this."),
        ("It was so.[^1]", "It was so."),
        ("See [our page](https://exam", "See our page"),
        ("Say ``a`b`` and `` ` `` now", "Say a`b and ` now"),
        ("Keep `x**2 *a* _b_` so", "Keep x**2 *a* _b_ so"),
        ("```\n**a**\n\n# b\n```\nc", "**a**\n\n# b\nc"),
        ("~~~sh\nls\n```\n~~~", "ls\n```\n"),
        ("| Dish | Price |\n|:--|--:|\n| Soup | 5 € |", "Dish, Price\nSoup, 5 €"),
        ("|a||b|\n", "a, b\n"),
        ("AT&amp;T &lt;3 &nbsp;&#8364;5 &euro;6 &copy", "AT&T <3  €5 €6 &copy"),
        (r"2 \* 3 \# 4 \_x\_", "2 * 3 # 4 _x_"),
        ("Menu\n====\nSoup", "Menu\nSoup"),
        ("## Menu ##\nSoup", "Menu\nSoup"),
        ("- [ ] soup\n- [x] bread", "soup\nbread"),
        ("1. soup\n2. bread\n3. tea", "soup\nbread\ntea"),
        ("1. soup\n\n2. bread", "soup\n\nbread"),
        ("a<br>b <i class='x'>c</i>", "a b c"),
        (
            "Write to <info@example.com> or <https://example.com>",
            "Write to info@example.com or https://example.com",
        ),
        ("a <!-- not this --> b", "a  b"),
        ("and **", "and "),
        ("> - quoted item", "quoted item"),
        ("*a.* Then _b. c._ So", "a. Then b. c. So"),
        ("Wow ![a plate](p.png)!", "Wow a plate!"),
        ("It is *5a b* c", "It is 5a b c"),
    ],
)
def test_markdown_leaves_its_words(text: str, wanted: str) -> None:
    assert filter_markdown(text) == wanted
    stream = MarkdownStream()
    assert "".join(map(stream.push, text)) + stream.flush() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name",
        "2 * 3 * 4",
        "a < b and b > c",
        "5 - 3",
        "C# and F#",
        "1.5 kilos",
        "x**2 and y**2 and 3**4",
        "(x)**2 + f(y)**2",
        "12. Would you like one?",
        "12. Would you like one?\nWe have them here.",
        "1. Is that right?",
        "12. Would you like one?\n3. No.",
        "Dial *67 or *21*123# first",
        "Dial *#06# or **21*5#",
        "Card **** **** 1234",
        "Name: ____ and ___",
        "it`s fine",
        "AT&T and R&D; B&B",
        "I have 3 < 5",
        "See [1] and [DTMF: 42] and [x](not a target)",
        "Sure! [soft] Really?!",
        "a | b",
        "#1 of all",
        "~5 km ~ or ~~ so",
        "20 > 5",
        "well-known - or not",
        "C:\\temp",
    ],
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
        ("ශ්\u200dරී ලංකා 😀 ශ්\u200dරී", "ශ්\u200dරී ලංකා ශ්\u200dරී"),
        ("क्\u200dष 👍", "क्\u200dष"),
        ("Press 1\ufe0f\u20e3 now", "Press 1 now"),
        ("😀 Hello  there", "Hello  there"),
        ("one 😀\n😀 two", "one\ntwo"),
        ("a 😀 😀 b", "a b"),
        ("a😀b", "ab"),
    ],
)
def test_emoji_go_and_words_stay(text: str, wanted: str) -> None:
    assert filter_emoji(text) == wanted


@given(plain)
def test_plain_text_is_not_touched(text: str) -> None:
    assert filter_for_tts(text) == text


MARKS = st.text(
    st.sampled_from("*_`~[]()#>-|<&;\\!\n ab1.:/😀\u200d\ufe0f=+") | st.sampled_from("xX中é"),
    max_size=120,
)
WORDS = [
    "**21*5#",
    "**5**",
    "**",
    "*",
    "_",
    "__",
    "`",
    "``",
    "```",
    "[a.b](http://c.d)",
    "![x](y)",
    "[",
    "](",
    ")",
    "<b>",
    "</b>",
    "<br>",
    "&amp;",
    "-",
    ">",
    "#",
    "x**2",
    "*67",
    "~~",
    "|",
]
LINES = ["1. ", "2. ", "12. ", "- ", "* ", "> ", "# ", "\n", "\n\n", "\n---\n", "```py\n"]
MORE = ["Hello ", "well. ", "\\*", "😀 ", " 👍", "<think>", "é", "\n1. a\n2. b\n"]
TABLE = ["| a | b |\n|--|:-:|\n", "| 1 | 2 |\n"]
SNIPPETS = st.lists(st.sampled_from([*WORDS, *LINES, *MORE, *TABLE]), max_size=12).map("".join)
FILTERS: dict[str, Callable[[], TextStream]] = {
    "strong": StrongStream,
    "markdown": MarkdownStream,
    "emoji": EmojiStream,
    "thoughts": ThoughtStream,
}


@pytest.mark.parametrize("name", FILTERS)
@given(text=MARKS | SNIPPETS, places=st.lists(st.integers(0, 120), max_size=8))
def test_a_text_in_pieces_is_filtered_as_in_one(name: str, text: str, places: list[int]) -> None:
    stream = FILTERS[name]()
    wanted = stream.push(text) + stream.flush()
    edges = [0, *sorted(place for place in places if place < len(text)), len(text)]
    pieces = [stream.push(text[a:b]) for a, b in pairwise(edges)]
    assert "".join(pieces) + stream.flush() == wanted
    assert "".join([stream.push(char) for char in text]) + stream.flush() == wanted


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    "begun",
    [
        "*a",
        "_a",
        "`a",
        "[a",
        "[a](b",
        "![a",
        "<a",
        "<",
        "&a",
        "1. a",
        "**",
        "|",
        "-",
        "#",
        "😀",
        "```",
        "  ",
        "<thin",
        "<think",
    ],
)
def test_nothing_is_held_back_for_ever(name: str, begun: str) -> None:
    stream = FILTERS[name]()
    stream.push(begun)
    held = 0
    for _ in range(2_000):
        held = held + 1 if not stream.push("q") else 0
    assert held < 1 or begun == "<think"
    for tail in ("x ", "q-", "a.b "):
        stream.flush()
        stream.push(begun)
        assert len("".join(stream.push(tail) for _ in range(800))) > 800


def test_bold_goes_out_before_its_end_has_come() -> None:
    stream = MarkdownStream()
    assert stream.push("**Note. We ") == "Note. We"
    assert stream.push("are") == " are"


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
