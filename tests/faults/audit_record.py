"""What is on disk of the calls of a bad day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from patter.observe.call_log import read_record
from patter.observe.codec import event_fields
from patter.observe.events import CallEvent, Ended, ErrorEvent, Started, Wire
from patter.observe.record_files import NAME


@attrs.frozen
class Record:
    """What is on disk of one call."""

    call_id: str
    events: tuple[CallEvent, ...]

    @property
    def ended(self) -> dict[str, Any]:
        """How it says that the call ended."""
        return event_fields(self.events[-1])

    @property
    def outcome(self) -> str:
        """How the attempt to reach somebody ended, by this record."""
        told = str(self.ended["outcome"])
        return "answered" if told == "completed" else told

    @property
    def refusals(self) -> list[str]:
        """What the carrier would not do for this call."""
        errors = (event_fields(each) for each in self.events if isinstance(each, ErrorEvent))
        return [f"{each['where']}: {each['code']}" for each in errors if each["where"] != "price"]

    @property
    def excuses(self) -> list[str]:
        """Why people may not have got what they asked for.

        That single replies failed is none: they ask again, and vendors do not fail for long.
        """
        return [each for each in self.refusals if not each.startswith("reply ")]

    @property
    def cut_off(self) -> bool:
        """Was the line lost? Then a word of the caller may have been half a word."""
        lines = (event_fields(each) for each in self.events if isinstance(each, Wire))
        return any(each["what"] == "leg_lost" for each in lines)

    def faults(self) -> Iterator[str]:
        """What is wrong with it by itself."""
        kinds = Counter(type(each) for each in self.events)
        if kinds[Ended] != 1 or kinds[Started] != 1:
            yield f"{kinds[Started]} beginnings, {kinds[Ended]} ends"
        if self.events and not isinstance(self.events[-1], Ended):
            yield f"its last event is {self.events[-1]!r:.80}"


def records(root: Path) -> dict[str, Record]:
    """What is on disk, by our id."""
    found = {}
    for path in root.rglob(NAME):
        found[path.parent.name] = Record(path.parent.name, tuple(read_record(path)))
    return found
