"""The page of records is what the classes of events and payloads say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from patter.observe.codec import decode_line, encode_line
from patter.observe.events import EVENTS, CallEvent
from patter.phone import payloads

GENERATOR: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("records.py")))
PAGE: str = GENERATOR["PAGE"].read_text(encoding="utf-8")
CALLED = [each for each in vars(payloads).values() if hasattr(each, "__total__")]


def section(name: str) -> str:
    """What the page has below the heading with *name*."""
    (text,) = [each for each in PAGE.split("\n### ") if name in each.splitlines()[0].split()]
    return text


def test_the_page_is_what_the_classes_say() -> None:
    assert GENERATOR["generated"]() == PAGE, "run nox -s known"


@pytest.mark.parametrize("kind", EVENTS)
def test_every_field_of_an_event_is_on_the_page(kind: str) -> None:
    own = set(EVENTS[kind].__struct_fields__) - set(CallEvent.__struct_fields__)
    rows = section(f"`{kind}`:")
    assert all(f"\n| `{name}` |" in rows for name in own)
    assert f'"type":"{kind}"' in rows


@pytest.mark.parametrize("payload", CALLED, ids=lambda each: str(each.__name__))
def test_every_key_of_a_payload_is_on_the_page(payload: Any) -> None:
    rows = section(payload.__name__)
    assert all(f"\n| `{name}` |" in rows for name in get_type_hints(payload))


def test_the_callbacks_have_payloads() -> None:
    assert len(CALLED) == len(GENERATOR["PAYLOADS"]) + len(GENERATOR["PARTS"])


@pytest.mark.parametrize("line", GENERATOR["EXAMPLES"].read_bytes().splitlines())
def test_an_example_is_a_line_of_a_record(line: bytes) -> None:
    assert encode_line(decode_line(line)) == line


def test_no_description_is_empty() -> None:
    assert "|  |" not in PAGE
