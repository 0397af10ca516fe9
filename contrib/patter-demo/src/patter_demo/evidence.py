"""What is known of a demo call once it is over: the agent's record, and the caller's own ears.

Values only. The record is read back from its file, so what is judged is what people get.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

from patter.observe.events import CallEvent, Note, Row
from patter_demo.script import Spoken

E = TypeVar("E", bound=CallEvent)
MODEL_REQUEST = "llm_request"


@attrs.frozen(kw_only=True)
class Evidence:
    """*caller_audio* and *heard* are the caller's own audio, mu-law 8 kHz, sample for sample.

    *spoken* are the lines in it. *gave_up* is what the caller waited for in vain, *left* what
    the call did not close.
    """

    events: Sequence[CallEvent]
    spoken: Sequence[Spoken] = ()
    caller_audio: bytes = attrs.field(default=b"", repr=False)
    heard: bytes = attrs.field(default=b"", repr=False)
    gave_up: str = ""
    left: Sequence[str] = ()

    def of(self, kind: type[E]) -> Iterator[E]:
        """Every event of *kind*, in order."""
        return (event for event in self.events if isinstance(event, kind))

    def rows(self, role: str) -> list[Row]:
        """The rows of *role*; one that amends a turn stands for all of it."""
        rows: list[Row] = []
        for row in self.of(Row):
            if row.role != role:
                continue
            if row.amends:
                rows = [each for each in rows if each.turn != row.turn]
            rows.append(row)
        return rows

    @property
    def requests(self) -> Iterator[Sequence[Mapping[str, str]]]:
        """What each request showed the model: rows with *role* and *text*."""
        return (note.messages for note in self.of(Note) if note.what == MODEL_REQUEST)

    @property
    def cut(self) -> Row | None:
        """The agent's row that the caller cut short, if there is one."""
        return next((row for row in self.rows("agent") if row.interrupted), None)

    def line(self, name: str) -> Spoken | None:
        """Where the caller said the line *name*."""
        return next((each for each in self.spoken if each.name == name), None)
