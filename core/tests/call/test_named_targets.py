"""Numbers and SIP addresses in texts: found however they are spaced, and never in another one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.named_targets import SHOWN, NamedTargets, names, targets_in

NUMBER = "+4930123456"
WRITTEN = (
    "+4930123456",
    "+49 30 123456",
    "+49 (30) 123-456",
    "+49 (0)30 / 12 34 56",
    "0049 30 123456",
    "4930123456",
    "+49‑30‑123456",
    "\u202a+49\xa030\u202f123456\u202c",
    "＋４９ ３０ １２３４５６",
    "tel:+4930123456;ext=1",
    "Call +4930123456, 9-17h, room 12",
    "+4930123456 9-17h",
    '{"desk": "+4930123456"}',
    "0. +4930123456",
)
OTHERS = (
    "+493012345",
    "+49301234567",
    "+4930123456-7",
    "+1 4930123456",
    "1-4930-123456",
    "14930123456",
    "order A4930123456",
    "030 123456",
    "sip:+4930123456@pbx.example.com",
    "+4930 and 123456",
)
SIP = "sip:desk@pbx.example.com"


@pytest.mark.parametrize("text", WRITTEN)
def test_a_number_is_found_as_people_write_it(text: str) -> None:
    assert names(text, NUMBER)


@pytest.mark.parametrize("text", OTHERS)
def test_another_number_is_not_it(text: str) -> None:
    assert not names(text, NUMBER)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (f"Desk: {SIP}.", True),
        (f"<{SIP}>", True),
        (f"{SIP}, or {SIP};", True),
        (f"{SIP}.evil.example", False),
        (f"{SIP};transport=tcp", False),
        (f"{SIP}:5061", False),
        ("sips:desk@pbx.example.com", False),
        ("xsip:desk@pbx.example.com", False),
        ("sip:help-desk@pbx.example.com", False),
        ("sip:Desk@pbx.example.com", False),
    ],
)
def test_an_address_is_found_as_it_is_and_whole(text: str, there: bool) -> None:
    assert names(text, SIP) is there


gaps = st.text("  -./()\xa0\u2011\u202a", max_size=2)


@given(st.from_regex(r"[1-9][0-9]{6,13}", fullmatch=True), st.lists(gaps, min_size=15))
def test_whatever_stands_between_the_digits_it_is_found(digits: str, between: list[str]) -> None:
    spaced = digits[0] + "".join(gap + d for gap, d in zip(between, digits[1:], strict=False))
    assert names(f"Rosa: +{spaced}", f"+{digits}") or "(0)" in spaced


@given(st.text("+0123456789 -.@", max_size=60), st.from_regex(r"\+[1-9][0-9]{6,9}", fullmatch=True))
def test_what_is_found_is_written_there_digit_by_digit(text: str, target: str) -> None:
    written = "".join(filter(str.isdigit, text))
    assert not names(text, target) or target[1:] in written


@pytest.mark.parametrize("text", ["1 " * 16_000, "+881612345678 " * 2_500, "+1" + " " * 32_000])
def test_a_hostile_text_is_searched_in_no_time(text: str) -> None:
    began = time.perf_counter()
    assert not names(text, "+11111111111111") or text.startswith("1 ")
    assert not names(text, "+81612345678")
    targets_in([text])
    assert time.perf_counter() - began < 1


def test_results_are_searched_beside_the_words_and_the_oldest_go() -> None:
    named = NamedTargets(("Rosa",))
    named.add_result(f"Rosa has {NUMBER}")
    assert NUMBER in named
    for _ in range(200):
        named.add_result("nothing")
    assert NUMBER not in named


def test_what_is_shown_is_in_normal_form_and_bounded() -> None:
    assert targets_in([f"+49 30 123456 or {SIP}.", "+1 (555) 010-7788"]) == [
        NUMBER,
        SIP,
        "+15550107788",
    ]
    assert len(targets_in(f"+49301234{each:03}" for each in range(100))) == SHOWN
