"""When the caller has finished, by the vendor's `EndOfUtterance` and by the words before it.

Pure, in milliseconds of the audio that was sent, so a test needs no clock. ``external`` leaves it
to the call, ``fixed`` to Speechmatics: so much silence. ``adaptive`` waits for as much after a
sentence that is complete, and for longer where more is to come.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from patter_speechmatics._results import Ending


class TurnMode(StrEnum):
    """Who decides that the caller has finished."""

    EXTERNAL = "external"
    FIXED = "fixed"
    ADAPTIVE = "adaptive"


PATIENCE = {Ending.FINISHED: 1.0, Ending.OPEN: 2.0, Ending.HESITATING: 3.0}
"""How many times the trigger's silence is waited for, by how the words end."""


@attrs.define(eq=False)
class Turns:
    """One session's judgement: *trigger_ms* of silence end an utterance, at most *most_ms*."""

    mode: TurnMode
    trigger_ms: float
    most_ms: float
    _end_ms: int | None = attrs.field(default=None, init=False)
    _ending: Ending = attrs.field(default=Ending.OPEN, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    @property
    def waits(self) -> bool:
        """Is Speechmatics to judge a pause before it is asked for the words?"""
        return self.mode is TurnMode.FIXED

    def words(self, end_ms: int, ending: Ending) -> None:
        """Words came, which end at *end_ms*: whatever was judged before them is void."""
        self._end_ms, self._ending, self._closed = end_ms, ending, False

    def interim(self) -> None:
        """The caller says more, which is not final yet."""
        self._closed = False

    def utterance_ended(self, *, forced: bool) -> bool:
        """An utterance ended, *forced* by us or not: has the caller finished?"""
        if self.mode is TurnMode.FIXED:
            return not forced and self._finish()
        self._closed = True
        return False

    def passed(self, sent_ms: float) -> bool:
        """This much audio was sent: has the caller been silent for long enough?"""
        if self.mode is not TurnMode.ADAPTIVE or not self._closed or self._end_ms is None:
            return False
        needed_ms = min(self.trigger_ms * PATIENCE[self._ending], self.most_ms)
        return sent_ms - self._end_ms >= needed_ms and self._finish()

    def _finish(self) -> bool:
        """The turn is over, if there is one: nobody finishes who has said nothing."""
        spoke, self._end_ms, self._closed = self._end_ms is not None, None, False
        return spoke
