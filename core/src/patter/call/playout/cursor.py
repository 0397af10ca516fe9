"""How much of what was sent the caller has heard: the cursor every other figure derives from.

Never below what the carrier has reported, never beyond what it has yet to report; in between
by the time that passed, less the shortest delay that recent reports showed: what makes a
report late on its way back can only make the line look slower than it is. Audio that is late
on its way to a carrier that plays nothing is played late to its end, so a report counts only
while the carrier has not run dry since.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter.call.playout.timing import Mark, PlayoutTiming

RECENT = 4


@attrs.frozen
class _Asked:
    """A mark on its way: *position* bytes precede it, played at *dry_ms* at the earliest."""

    name: str
    position: int
    dry_ms: float


@attrs.define(eq=False)
class Cursor:
    """Bytes of one utterance, sent and heard; times are milliseconds of one clock."""

    line: PlayoutTiming
    sent: int = attrs.field(default=0, init=False)
    _marked: int = attrs.field(default=0, init=False)
    _heard: int = attrs.field(default=0, init=False)
    _proven: int = attrs.field(default=0, init=False)
    _asked: deque[_Asked] = attrs.field(factory=deque, init=False)
    _dry_ms: float = attrs.field(default=0.0, init=False)
    _began_ms: float = attrs.field(default=0.0, init=False)
    _lags_ms: deque[float] = attrs.field(factory=lambda: deque(maxlen=RECENT), init=False)
    _lag_ms: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lag_ms = float(self.line.latency_ms)

    def restart(self) -> None:
        """A new utterance begins behind what the carrier still holds of the last."""
        self._asked.clear()
        self.sent = self._marked = self._heard = self._proven = 0

    def cleared(self, now: float) -> None:
        """The carrier holds nothing any more."""
        self._dry_ms = min(self._dry_ms, now)

    def lost(self, now: float) -> int:
        """The carrier is gone with what it had not played: how many bytes that were."""
        heard = self.heard(now)
        lost = self.sent - heard
        self._asked.clear()
        self._lags_ms.clear()
        self.sent = self._marked = heard
        self._proven = min(self._proven, heard)
        self.cleared(now)
        return lost

    def send(self, size: int, now: float) -> None:
        """*size* bytes more are with the carrier."""
        if now >= self._dry_ms:
            self._began_ms = now
            self._lags_ms.clear()
        self.sent += size
        self._dry_ms = max(self._dry_ms, now) + self.line.ms_in(size)

    def next_due(self) -> float:
        """When the carrier's reserve has shrunk enough to take a chunk."""
        return self._dry_ms - (self.line.lead_ms - self.line.chunk_ms)

    def played_ms(self, position: int) -> float:
        """When byte *position*, which was just sent, is played if it takes no time to get there."""
        return self._dry_ms - self.line.ms_in(self.sent - position)

    # --- marks

    def wants_mark(self) -> bool:
        """Is it far enough from the last mark, or are these the first bytes?"""
        unmarked = self.sent - self._marked
        return self._marked == 0 < unmarked or self.line.ms_in(unmarked) >= self.line.mark_every_ms

    def ask(self, gate: int) -> list[Mark]:
        """Have the carrier report once it has played what was sent so far, unless it was asked."""
        if self._marked == self.sent:
            return []
        self._marked = self.sent
        if not self.line.marks:
            return []
        name = f"{gate}.{self.sent}"
        self._asked.append(_Asked(name, self.sent, self._dry_ms))
        return [Mark(name)]

    def mark_played(self, name: str, now: float) -> None:
        """Everything before *name* was played; an unknown name means nothing."""
        if all(asked.name != name for asked in self._asked):
            return
        asked = self._asked.popleft()
        while asked.name != name:
            asked = self._asked.popleft()
        self._proven = max(self._proven, asked.position)
        self._heard = max(self._heard, asked.position)
        if asked.dry_ms > self._began_ms:
            self._lags_ms.append(max(0.0, now - asked.dry_ms))
            self._lag_ms = min(self._lags_ms)

    def _give_up_overdue(self, now: float) -> None:
        """A mark that did not come back in time never will."""
        limit_ms = now - self._lag_ms - self.line.mark_wait_ms
        while self._asked and self._asked[0].dry_ms <= limit_ms:
            self._asked.popleft()

    # --- what was heard

    @property
    def way_ms(self) -> float:
        """The time a sample takes to the ear, at most: as measured, or as the line is known."""
        return min(self._lag_ms, self.line.latency_ms)

    def heard(self, now: float) -> int:
        """Bytes heard: at least what marks prove, at most what those on their way allow."""
        self._give_up_overdue(now)
        guess = self.sent - self._unplayed(now, self._lag_ms)
        allowed = self._asked[0].position if self._asked else self.sent
        self._heard = max(self._heard, min(guess, allowed))
        return self._heard

    def error_ms(self, now: float) -> int:
        """By how much `heard` may be wrong now, if `latency_ms` of the line is no lie."""
        if not self.sent:
            return 0
        heard = self.heard(now)
        slowest_ms = max(self._lag_ms, self.line.latency_ms)
        most = self.sent - self._unplayed(now, 0.0)
        least = max(self._proven, self.sent - self._unplayed(now, slowest_ms))
        return int(self.line.ms_in(max(most - heard, heard - least, 0))) + 1

    def known_by_ms(self) -> float:
        """When all that was sent counts as heard, even if no mark comes back."""
        overdue_ms = self.line.mark_wait_ms if self._asked else 0
        return self._dry_ms + self._lag_ms + overdue_ms

    def _unplayed(self, now: float, lag_ms: float) -> int:
        """Bytes sent and not played, if a sample takes *lag_ms* to be."""
        return int(max(0.0, self._dry_ms + lag_ms - now) * self.line.bytes_per_ms)
