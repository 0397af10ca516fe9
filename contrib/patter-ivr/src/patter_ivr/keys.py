"""The keys of a telephone, and the tool that presses them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from patter import InputError, current_call, tool

Key = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"]


class DtmfEvent(StrEnum):
    """One key; equal to its own character."""

    ZERO = "0"
    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR = "4"
    FIVE = "5"
    SIX = "6"
    SEVEN = "7"
    EIGHT = "8"
    NINE = "9"
    STAR = "*"
    POUND = "#"
    A = "A"
    B = "B"
    C = "C"
    D = "D"


DTMF_EVENTS: tuple[DtmfEvent, ...] = tuple(DtmfEvent)
"""All sixteen keys."""


def format_dtmf(keys: Iterable[DtmfEvent | str]) -> str:
    """The keys with a blank between them. Raises InputError for what is no key.

    >>> format_dtmf(["1", DtmfEvent.POUND])
    '1 #'
    """
    return " ".join(_keys(keys))


def _keys(keys: Iterable[DtmfEvent | str]) -> list[DtmfEvent]:
    try:
        return [DtmfEvent(key) for key in keys]
    except ValueError as error:
        raise InputError(f"{error}", fix="use 0-9 * # A-D, one character each") from None


@tool
async def send_dtmf_events(events: list[Key]) -> str:
    """Press keys in a phone menu, one after the other. Call it only once the menu has asked.

    Args:
        events: The keys in their order, one character each.
    """
    keys = _keys(events)
    await current_call().send_dtmf("".join(keys))
    return f"pressed {format_dtmf(keys)}"
