"""An engine's transcripts as those of a recogniser: each caller turn told to its end, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import attrs
import pytest

from patter.call.engine_ears import EngineEarsSession
from patter.providers.engine_events import CallerTranscript
from patter.providers.stt import Transcript


@attrs.frozen
class Tells:
    """A session in which *told* is all that happens: items, words, and whether they are final."""

    told: tuple[tuple[str, str, bool], ...]

    async def __aiter__(self) -> AsyncIterator[CallerTranscript]:
        for each in self.told:
            yield CallerTranscript(*each)


async def heard(*told: tuple[str, str, bool]) -> list[tuple[str, bool]]:
    ears = EngineEarsSession(cast(Any, Tells(told)), voice=cast(Any, None))
    events = [event async for event in ears]
    assert all(isinstance(event, Transcript) for event in events)
    return [(event.text, event.final) for event in events if isinstance(event, Transcript)]


A, B = ("a", "two seats", False), ("b", "and lunch", False)


@pytest.mark.parametrize(
    "later", [("a", "Two seats.", True), ("a", "Two", True), ("a", "two seats by", False)]
)
async def test_an_item_is_told_to_its_end_before_the_next(later: tuple[str, str, bool]) -> None:
    told = await heard(A, B, later, ("b", "and lunch", True))
    assert told == [
        ("two seats", False),
        ("two seats", True),
        ("and lunch", False),
        ("and lunch", True),
    ]


async def test_what_its_late_final_adds_is_told() -> None:
    told = await heard(A, B, ("a", "Two seats by the window", True))
    assert told[3:] == [("by the window", True)]


async def test_a_late_final_that_says_something_else_is_told_whole() -> None:
    told = await heard(A, B, ("a", "to sit", True))
    assert told[3:] == [("to sit", True)]


async def test_a_final_without_interims_ends_the_item_before_it_too() -> None:
    told = await heard(A, ("b", "and lunch", True), ("a", "two seats", True))
    assert told == [("two seats", False), ("two seats", True), ("and lunch", True)]


async def test_finals_in_their_order_are_told_as_they_come() -> None:
    told = await heard(A, ("a", "two seats", True), B, ("b", "and lunch", True))
    assert told == [
        ("two seats", False),
        ("two seats", True),
        ("and lunch", False),
        ("and lunch", True),
    ]
