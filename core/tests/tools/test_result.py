"""What a handler returns is written down by rules that cannot fail."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import time
import types
import uuid
from typing import Any, NamedTuple

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.tools.result import LIMIT, as_text, reason_text


@dataclasses.dataclass
class Table:
    seats: int
    free: set[int] = dataclasses.field(default_factory=set)


@attrs.frozen
class Guest:
    name: str
    table: Table | None = None


class Point(NamedTuple):
    x: int
    y: float


class Wish(msgspec.Struct):
    dish: str


class Day(enum.Enum):
    SAT = "sat"
    BOTH = ("sat", "sun")


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("I will not")


class Quitting:
    def __str__(self) -> str:
        raise SystemExit(3)


class Rogue(BaseException):
    """As bad as a KeyboardInterrupt, which would end the run of whoever else looks at it."""


class Lying:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise Rogue


class Broken(dict[str, int]):
    def items(self) -> Any:
        raise OSError


@dataclasses.dataclass
class Late:
    at: int

    def __getattribute__(self, name: str) -> Any:
        if name == "at":
            raise LookupError
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("R-17", "R-17"),
        (None, "null"),
        (2**70, str(2**70)),
        (-(2**64), str(-(2**64))),
        (
            {(1, 2): "a", 3: "b", None: "c", True: "d"},
            '{"[1,2]":"a","3":"b","null":"c","true":"d"}',
        ),
        ({1: "a", "1": "b"}, '{"1":"a","1\'":"b"}'),
        ("half \ud83d of", "half \ufffd of"),
        (["\ud83d\ude00", "\ude00"], '["😀","\ufffd"]'),
        ({"\ud800": 1}, '{"\ufffd":1}'),
        ([float("nan"), float("inf"), 1.5], "[null,null,1.5]"),
        (b"caf\xc3\xa9", '"café"'),
        (b"\xff\xfe", '"2 bytes of binary data"'),
        (Table(4, {7}), '{"seats":4,"free":[7]}'),
        (Guest("Ann", Table(2)), '{"name":"Ann","table":{"seats":2,"free":[]}}'),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        (Wish("soup"), '{"dish":"soup"}'),
        ([Day.SAT, Day.BOTH], '["sat",["sat","sun"]]'),
        (datetime.datetime(2026, 5, 31, 18, 30), '"2026-05-31T18:30:00"'),
        ({datetime.date(2026, 5, 31): 1}, '{"2026-05-31":1}'),
        (datetime.timedelta(minutes=90), '"1:30:00"'),
        (decimal.Decimal("1.10"), '"1.10"'),
        (fractions.Fraction(1, 3), '"1/3"'),
        (uuid.UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
        (collections.deque([1, 2]), "[1,2]"),
        ({1: 2}.values(), "[2]"),
        (types.MappingProxyType({"a": (1, 2)}), '{"a":[1,2]}'),
        (1 + 2j, '"(1+2j)"'),
        ([Silent()], '["(a Silent)"]'),
        ([Quitting(), 1], '["(a Quitting)",1]'),
        ({"a": Broken(b=1), "c": 1}, '{"a":"(a Broken)","c":1}'),
        (Late(1), '{"at":"(LookupError)"}'),
        (ValueError("no table"), '"no table"'),
    ],
)
def test_a_result_is_written_down(result: object, text: str) -> None:
    assert as_text(result) == text


def test_an_object_that_lies_about_its_class_has_still_run() -> None:
    assert "Lying" in as_text(Lying()) and "Lying" in as_text([Lying()])


def test_what_refers_to_itself_ends() -> None:
    ring: list[Any] = [1]
    ring.append({"again": ring})
    assert as_text(ring) == '[1,{"again":"(the same object again)"}]'
    twice = [1]
    assert as_text([twice, twice]) == "[[1],[1]]"


def test_what_is_deep_ends() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert len(as_text(deep)) < 100
    while isinstance(deep, list):
        deep = deep.pop()


@pytest.mark.parametrize(
    "huge",
    [
        "x" * 10_000_000,
        ["x" * 10_000_000],
        list(range(1_000_000)),
        {n: n for n in range(1_000_000)},
        {"x" * 10_000_000: 1},
        [[{}] * 1_000] * 1_000,
        [10**5_000],
        b"x" * 10_000_000,
    ],
)
def test_a_huge_result_is_bounded_and_done_at_once(huge: object) -> None:
    begun = time.process_time()
    text = as_text(huge)
    assert len(text) < 2 * LIMIT and time.process_time() - begun < 1.0
    assert isinstance(huge, str) or json.loads(text) is not None


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=9) | st.dates()
TEXT = st.text(st.characters(categories=None, exclude_categories=()), max_size=9)
ODD = st.one_of(*map(st.builds, (Silent, Quitting, Lying, lambda: Broken(b=1), lambda: Late(1))))
KEYS = TEXT | st.tuples(st.integers()) | st.floats() | st.builds(object)
EVERYTHING = st.recursive(
    PLAIN | TEXT | ODD | st.decimals() | st.sampled_from(Day),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.builds(Guest, inner)
    ),
    max_leaves=12,
)


@given(EVERYTHING)
def test_any_result_is_a_text_that_can_be_sent(result: object) -> None:
    text = as_text(result)
    assert text.encode().decode() == text
    # Not isinstance: some of these lie about their class.
    assert issubclass(type(result), str) or json.loads(text) is not Ellipsis


def test_the_reason_of_a_failure_cannot_fail_either() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    assert reason_text(Mute()) == "Mute"
    assert reason_text(KeyError()) == "KeyError"
    assert reason_text(ValueError("\ud800")) == "\ufffd"
    assert len(reason_text(ValueError("x" * 100_000))) < 1_000
