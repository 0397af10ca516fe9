"""How much of what was sent the caller has heard: the cursor every other figure derives from.

::

    sent |--------------------------------------|        bytes handed to the carrier
         |- proven -|---- guess ----|- unplayed -|
                    ^ last mark      ^ heard     ^ played at dry_ms + lag_ms

    unplayed = (dry_ms + lag_ms - now - filled between) * bytes_per_ms
    heard    = max(proven, min(sent - unplayed, position of the next mark still awaited))

*dry_ms* is when the carrier would have played all it has if audio took no time to arrive.
*lag_ms* is the shortest of the latest delays of marks: a mark can be late on its way back, never
early, so the shortest is nearest to the truth. Once the carrier has run dry, what is sent next
starts later than its marks before showed, so the delays from before are forgotten.

Sound that belongs to no utterance may fill the time after *dry_ms*, until *filled_ms*. It is never
counted; what is sent behind it only starts later.
"""

from __future__ import annotations

from collections import deque

import attrs

from patter.call.playout.timing import Mark, PlayoutTiming

# More than can lie between what was sent and what was heard.
GAPS = 16
# Enough marks to outlast one late one, few enough to follow a line that changes.
RECENT = 4


@attrs.frozen
class _AwaitedMark:
    """A mark on its way: *position* bytes precede it, played at *dry_ms* at the earliest."""

    name: str
    position: int
    dry_ms: float


@attrs.define(eq=False)
class Cursor:
    """Bytes of one utterance, sent and heard; times are milliseconds of one clock."""

    timing: PlayoutTiming
    sent: int = attrs.field(default=0, init=False)
    _marked: int = attrs.field(default=0, init=False)
    _heard: int = attrs.field(default=0, init=False)
    _proven: int = attrs.field(default=0, init=False)
    _awaited: deque[_AwaitedMark] = attrs.field(factory=deque, init=False)
    _dry_ms: float = attrs.field(default=0.0, init=False)
    _filled_ms: float = attrs.field(default=0.0, init=False)
    _gaps: deque[tuple[float, float]] = attrs.field(factory=lambda: deque(maxlen=GAPS), init=False)
    _began_ms: float = attrs.field(default=0.0, init=False)
    _lags_ms: deque[float] = attrs.field(factory=lambda: deque(maxlen=RECENT), init=False)
    _lag_ms: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lag_ms = float(self.timing.latency_ms)

    def restart(self) -> None:
        """A new utterance begins behind what the carrier still holds of the last."""
        self._awaited.clear()
        self.sent = self._marked = self._heard = self._proven = 0

    def cleared(self, now: float) -> None:
        """The carrier holds nothing any more."""
        self._dry_ms = min(self._dry_ms, now)
        self._filled_ms = min(self._filled_ms, now)
        self._gaps.clear()

    def lost(self, now: float) -> int:
        """The carrier is gone with what it had not played: how many bytes that were."""
        heard = self.heard(now)
        lost = self.sent - heard
        self._awaited.clear()
        self._lags_ms.clear()
        self.sent = self._marked = heard
        self._proven = min(self._proven, heard)
        self.cleared(now)
        return lost

    def send(self, size: int, now: float) -> None:
        """*size* bytes more are with the carrier."""
        begins = max(now, self._filled_ms)
        if self._filled_ms > self._dry_ms:
            self._gaps.append((self._dry_ms, self._filled_ms))
        if begins >= self._dry_ms:
            self._began_ms = begins
            self._lags_ms.clear()
        self.sent += size
        self._dry_ms = max(self._dry_ms, begins) + self.timing.ms_in(size)

    def arrived(self, size: int, now: float) -> None:
        """The last *size* bytes are with the carrier only now, and are not played sooner."""
        until_ms = now + self.timing.ms_in(size)
        if self._filled_ms > self._dry_ms:
            self._filled_ms = max(self._filled_ms, until_ms)
        elif until_ms > self._dry_ms:
            self._dry_ms, self._began_ms = until_ms, now
            self._lags_ms.clear()

    def fill(self, size: int, now: float) -> None:
        """*size* bytes of no utterance are with the carrier."""
        self._filled_ms = max(self._dry_ms, self._filled_ms, now) + self.timing.ms_in(size)

    def next_due(self) -> float:
        """When the carrier's reserve has shrunk enough to take a chunk."""
        return max(self._dry_ms, self._filled_ms) - (self.timing.lead_ms - self.timing.chunk_ms)

    def next_fill(self) -> float:
        """When the reserve has shrunk so far that the line would soon be silent."""
        timing = self.timing
        reserve_ms = max(0, min(timing.fill_lead_ms, timing.lead_ms) - timing.fill_chunk_ms)
        return max(self._dry_ms, self._filled_ms) - reserve_ms

    def played_ms(self, position: int) -> float:
        """When byte *position*, which was just sent, is played if it takes no time to get there."""
        return self._dry_ms - self.timing.ms_in(self.sent - position)

    # --- marks

    def wants_mark(self) -> bool:
        """Is it far enough from the last mark, or are these the first bytes?"""
        unmarked = self.sent - self._marked
        return (
            self._marked == 0 < unmarked or self.timing.ms_in(unmarked) >= self.timing.mark_every_ms
        )

    def ask(self, gate: int) -> list[Mark]:
        """A mark after what was sent so far; none if there is one already, or the line has none."""
        if self._marked == self.sent:
            return []
        self._marked = self.sent
        if not self.timing.marks:
            return []
        name = f"{gate}.{self.sent}"
        self._awaited.append(_AwaitedMark(name, self.sent, self._dry_ms))
        return [Mark(name)]

    def mark_played(self, name: str, now: float) -> None:
        """Everything before *name* was played; an unknown name means nothing."""
        if all(mark.name != name for mark in self._awaited):
            return
        mark = self._awaited.popleft()
        while mark.name != name:
            mark = self._awaited.popleft()
        self._proven = max(self._proven, mark.position)
        self._heard = max(self._heard, mark.position)
        if mark.dry_ms > self._began_ms:
            self._lags_ms.append(max(0.0, now - mark.dry_ms))
            self._lag_ms = min(self._lags_ms)

    def _give_up_overdue(self, now: float) -> None:
        """Stop waiting for marks that are overdue: carriers lose some."""
        limit_ms = now - self._lag_ms - self.timing.mark_wait_ms
        while self._awaited and self._awaited[0].dry_ms <= limit_ms:
            self._awaited.popleft()

    # --- what was heard

    @property
    def way_ms(self) -> float:
        """The longest time a sample takes to the ear: measured, or the line's known latency."""
        return min(self._lag_ms, self.timing.latency_ms)

    def heard(self, now: float) -> int:
        """Bytes heard: at least what marks prove, at most what those on their way allow."""
        self._give_up_overdue(now)
        guess = self.sent - self._unplayed(now, self._lag_ms)
        allowed = self._awaited[0].position if self._awaited else self.sent
        self._heard = max(self._heard, min(guess, allowed))
        return self._heard

    def error_ms(self, now: float) -> int:
        """By how much `heard` may be wrong now, if the line's `latency_ms` holds."""
        if not self.sent:
            return 0
        heard = self.heard(now)
        slowest_ms = max(self._lag_ms, self.timing.latency_ms)
        most = self.sent - self._unplayed(now, 0.0)
        least = max(self._proven, self.sent - self._unplayed(now, slowest_ms))
        return int(self.timing.ms_in(max(most - heard, heard - least, 0))) + 1

    def heard_by_ms(self) -> float:
        """When all that was sent counts as heard, even if no mark comes back."""
        overdue_ms = self.timing.mark_wait_ms if self._awaited else 0
        return self._dry_ms + self._lag_ms + overdue_ms

    def _unplayed(self, now: float, lag_ms: float) -> int:
        """Bytes sent and not played, if a sample takes *lag_ms* to be."""
        since_ms = now - lag_ms
        left_ms = max(0.0, self._dry_ms - since_ms)
        for from_ms, until_ms in self._gaps:
            left_ms -= max(0.0, until_ms - max(from_ms, since_ms))
        return int(left_ms * self.timing.bytes_per_ms)
