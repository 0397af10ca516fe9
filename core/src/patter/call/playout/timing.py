"""How one carrier's line delays and buffers audio, in numbers."""

from __future__ import annotations

import attrs

from patter.errors import PatterConfigError


@attrs.frozen(kw_only=True)
class PlayoutTiming:
    """A line of *bytes_per_ms* bytes a millisecond, in samples of *sample_bytes*.

    The carrier holds at most *lead_ms* of our audio, handed over *chunk_ms* at a time.
    *latency_ms* is the longest way of a sample to the caller's ear. With *marks* the carrier
    reports what it has played, asked every *mark_every_ms*; a report *mark_wait_ms* overdue
    will not come. *queue_ms* is how much may wait on our side before whoever makes it waits.
    A sound behind the call that plays alone is at most *fill_lead_ms* ahead, *fill_chunk_ms* at
    a time: the agent's words wait for what is there already.
    Raises PatterConfigError when the carrier would run dry between two chunks.
    """

    bytes_per_ms: float = 8
    sample_bytes: int = 1
    marks: bool = True
    lead_ms: int = 300
    chunk_ms: int = 100
    mark_every_ms: int = 500
    latency_ms: int = 200
    mark_wait_ms: int = 2_000
    queue_ms: int = 20_000

    fill_lead_ms: int = 60
    fill_chunk_ms: int = 30

    def __attrs_post_init__(self) -> None:
        if not 0 < self.chunk_ms < self.lead_ms:
            raise PatterConfigError(
                f"chunks of {self.chunk_ms} ms cannot keep {self.lead_ms} ms at the carrier",
                fix="make chunk_ms smaller than lead_ms",
            )

    @property
    def error_ms(self) -> int:
        """The most by which the heard cursor may be wrong while marks come back."""
        return self.latency_ms + (self.mark_every_ms if self.marks else 0)

    @property
    def chunk_bytes(self) -> int:
        """Bytes handed over at a time, whole samples."""
        return self.bytes_in(self.chunk_ms)

    def bytes_in(self, ms: float) -> int:
        """Bytes of *ms* milliseconds, whole samples."""
        size = int(ms * self.bytes_per_ms)
        return size - size % self.sample_bytes

    def ms_in(self, size: int) -> float:
        """Milliseconds that *size* bytes last."""
        return size / self.bytes_per_ms


@attrs.frozen
class Mark:
    """Ask the carrier to say when it has played everything before this."""

    name: str
