"""The gate to the caller: what may be sent now, and how much of it was heard.

Arithmetic only, in bytes and milliseconds of one clock: a task around it sends what is `due`,
wakes at `wake_ms`, and reports the marks that come back. Only what may be sent passes, so
audio of an utterance that was cut cannot reach the wire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from patter.call.backlog import Backlog
from patter.call.line import Line, Mark
from patter.call.spoken import Piece, heard_words, join_texts, unheard_words
from patter.providers.tts import SpokenWord

__all__ = ["CutShort", "Line", "Mark", "Playout"]


@attrs.frozen
class CutShort:
    """What came of an utterance that was stopped: *heard_ms* of *sent_ms* reached the caller.

    The heard milliseconds may be wrong by *error_ms*. *unheard_text* is what the gate had been
    given to speak and the caller did not hear. *first_heard_ms*: see `Playout.first_heard_ms`.
    """

    epoch: int
    heard_ms: int
    sent_ms: int
    error_ms: int
    heard_text: str
    unheard_text: str
    first_heard_ms: float | None


@attrs.frozen
class _Asked:
    """A mark on its way: *position* bytes precede it, played at *dry_ms* at the earliest."""

    name: str
    position: int
    dry_ms: float


@attrs.define(eq=False)
class Playout:
    """One call's gate. Whatever is not of the epoch at the gate is refused."""

    line: Line = attrs.field(factory=Line)
    gate: int = 0
    held: bool = False
    finished: bool = False
    _waiting: Backlog = attrs.field(factory=Backlog, init=False)
    _pieces: list[Piece] = attrs.field(factory=list, init=False)
    _asked: deque[_Asked] = attrs.field(factory=deque, init=False)
    _sent: int = attrs.field(default=0, init=False)
    _marked: int = attrs.field(default=0, init=False)
    _heard: int = attrs.field(default=0, init=False)
    _proven: int = attrs.field(default=0, init=False)
    _voice_from_ms: float | None = attrs.field(default=None, init=False)
    _own_from: int | None = attrs.field(default=None, init=False)
    _own_played_ms: float | None = attrs.field(default=None, init=False)
    _first_heard_ms: float | None = attrs.field(default=None, init=False)
    _dry_ms: float = attrs.field(default=0.0, init=False)
    _lag_ms: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lag_ms = float(self.line.latency_ms)

    # --- what its makers tell

    def open(self, epoch: int) -> None:
        """Let *epoch* speak, and forget the utterance before it."""
        self.gate, self.held, self.finished = epoch, False, False
        self._waiting.clear()
        self._asked.clear()
        self._pieces = []
        self._sent = self._marked = self._heard = self._proven = 0
        self._own_from = self._own_played_ms = self._first_heard_ms = None
        self._voice_from_ms = None

    def begin(self, epoch: int) -> None:
        """A new stream of the voice begins: its word times count from its first audio."""
        if epoch == self.gate:
            self._voice_from_ms = None

    def say(self, epoch: int, text: str) -> None:
        """The audio that follows speaks *text*; a filler or a sound speaks none of its own."""
        if epoch == self.gate and not self.finished:
            self._pieces.append(Piece(self._made_ms, text))

    def put(self, epoch: int, audio: bytes, words: Iterable[SpokenWord] = ()) -> bool:
        """Queue *audio*, whole samples; False tells its maker that the utterance is over.

        *words* are timed as the voice tells them, from the first audio of its stream. Nothing
        is ever dropped for want of room; see `room`.
        """
        if epoch != self.gate or self.finished:
            return False
        if audio:
            self._note_start()
            self._waiting.push(audio)
        for word in words:
            self._place(word)
        return True

    def finish(self, epoch: int) -> None:
        """Nothing more belongs to *epoch*."""
        self.finished = self.finished or epoch == self.gate

    def hold(self, epoch: int) -> None:
        """Send nothing more of *epoch* for now; what the carrier has, plays out."""
        self.held = self.held or epoch == self.gate

    def resume(self, epoch: int) -> None:
        """Go on sending *epoch* where it stopped."""
        self.held = self.held and epoch != self.gate

    def cut(self, gate: int, now: float) -> CutShort:
        """Close the gate by moving it to *gate*; the carrier must be cleared at once."""
        heard_text = self.heard_text(now)
        result = CutShort(
            epoch=self.gate,
            heard_ms=self.heard_ms(now),
            sent_ms=self.sent_ms,
            error_ms=self.error_ms(now),
            heard_text=heard_text,
            unheard_text=unheard_words(self._pieces, heard_text),
            first_heard_ms=self.first_heard_ms(now),
        )
        self.open(gate)
        self._dry_ms = min(self._dry_ms, now)
        return result

    # --- what its sender asks

    def due(self, now: float) -> list[bytes | Mark]:
        """What to hand the carrier now, so that it holds about *lead_ms* of audio."""
        out: list[bytes | Mark] = []
        while self._waiting.size and not self.held and now >= self.next_due():
            first = self._sent == 0
            out.append(self._send_chunk(now))
            if first or self.line.ms_in(self._sent - self._marked) >= self.line.mark_every_ms:
                self._ask(out)
        if self.finished and not self._waiting.size and self._marked < self._sent:
            self._ask(out)
        return out

    def next_due(self) -> float:
        """When the carrier's reserve has shrunk enough to take a chunk."""
        return self._dry_ms - (self.line.lead_ms - self.line.chunk_ms)

    def wake_ms(self) -> float | None:
        """When to look again though nobody calls: at `due`, later at `over`; None: no need.

        Every put, finish, resume, open and returned mark is a reason to look at once.
        """
        if self._waiting.size:
            return None if self.held else self.next_due()
        if not self.finished:
            return None
        overdue_ms = self.line.mark_wait_ms if self._asked else 0
        return self._dry_ms + self._lag_ms + overdue_ms

    def mark_played(self, name: str, now: float) -> None:
        """Everything before *name* was played; a name of a closed gate means nothing."""
        if all(asked.name != name for asked in self._asked):
            return
        asked = self._asked.popleft()
        while asked.name != name:
            asked = self._asked.popleft()
        self._proven = max(self._proven, asked.position)
        self._heard = max(self._heard, asked.position)
        self._lag_ms = max(0.0, now - asked.dry_ms)

    # --- what was heard

    def heard(self, now: float) -> int:
        """Bytes heard: at least what marks prove, at most what those on their way allow."""
        self._give_up_overdue(now)
        guess = self._sent - self._unplayed(now, self._lag_ms)
        allowed = self._asked[0].position if self._asked else self._sent
        self._heard = max(self._heard, min(guess, allowed))
        return self._heard

    def heard_ms(self, now: float) -> int:
        """Whole milliseconds of the utterance the caller has heard."""
        return int(self.line.ms_in(self.heard(now)))

    def error_ms(self, now: float) -> int:
        """By how much `heard_ms` may be wrong now, if `latency_ms` of the line is no lie."""
        heard = self.heard(now)
        slowest_ms = max(self._lag_ms, self.line.latency_ms)
        most = self._sent - self._unplayed(now, 0.0)
        least = max(self._proven, self._sent - self._unplayed(now, slowest_ms))
        return int(self.line.ms_in(max(most - heard, heard - least, 0))) + 1 if self._sent else 0

    def first_heard_ms(self, now: float) -> float | None:
        """When, on the clock, the caller heard the first sound of the utterance's own text.

        An estimate, at most the line's latency too late; None while it has not been heard.
        """
        if self._first_heard_ms is None and self._own_played_ms is not None:
            reached_ms = self._own_played_ms + min(self._lag_ms, self.line.latency_ms)
            self._first_heard_ms = reached_ms if reached_ms <= now else None
        return self._first_heard_ms

    def heard_text(self, now: float) -> str:
        """The words the caller has heard to their end, as they were given to be spoken."""
        heard_ms = self.line.ms_in(self.heard(now))
        return heard_words(self._pieces, heard_ms, self._made_ms, self.finished)

    def unheard_text(self, now: float) -> str:
        """The rest of what was given to be spoken."""
        return unheard_words(self._pieces, self.heard_text(now))

    @property
    def text(self) -> str:
        """All that was given to be spoken."""
        return join_texts(piece.text for piece in self._pieces)

    def audible(self) -> bool:
        """Is audio that speaks its own text on its way to the caller, or there?"""
        return self._own_from is not None and self._own_from < self._sent

    def over(self, now: float) -> bool:
        """Was everything heard, to the last mark?"""
        return self.finished and not self._waiting.size and self.heard(now) >= self._sent

    # --- how much there is

    @property
    def begun(self) -> bool:
        """Was any audio of the utterance sent, be it a filler's?"""
        return self._sent > 0

    @property
    def sent_ms(self) -> int:
        """Whole milliseconds of the utterance handed to the carrier."""
        return int(self.line.ms_in(self._sent))

    @property
    def queued_ms(self) -> int:
        """Whole milliseconds that wait on our side."""
        return int(self.line.ms_in(self._waiting.size))

    def room(self) -> int:
        """Milliseconds that may still be put before their maker should wait; 0: wait."""
        return max(0, self.line.queue_ms - self.queued_ms)

    @property
    def _made_ms(self) -> float:
        return self.line.ms_in(self._sent + self._waiting.size)

    def _note_start(self) -> None:
        """The audio about to be queued may be the first of its voice, or of any own text."""
        if self._voice_from_ms is None:
            self._voice_from_ms = self._made_ms
        if self._own_from is None and self._pieces and self._pieces[-1].text:
            self._own_from = self._sent + self._waiting.size

    def _place(self, word: SpokenWord) -> None:
        """Give *word* to the piece it ends in, its time counted from there."""
        end_ms = (self._voice_from_ms or 0.0) + word.end_ms
        for piece in reversed(self._pieces):
            if piece.start_ms < end_ms:
                piece.words.append((end_ms - piece.start_ms, word.text))
                return

    def _send_chunk(self, now: float) -> bytes:
        chunk = self._waiting.take(self.line.chunk_bytes)
        own_before = self._own_from is not None and self._own_from < self._sent
        self._sent += len(chunk)
        self._dry_ms = max(self._dry_ms, now) + self.line.ms_in(len(chunk))
        if not own_before and self._own_from is not None and self._own_from < self._sent:
            self._own_played_ms = self._dry_ms - self.line.ms_in(self._sent - self._own_from)
        return chunk

    def _ask(self, out: list[bytes | Mark]) -> None:
        """Have the carrier report once it has played what was sent so far."""
        self._marked = self._sent
        if self.line.marks:
            name = f"{self.gate}.{self._sent}"
            self._asked.append(_Asked(name, self._sent, self._dry_ms))
            out.append(Mark(name))

    def _give_up_overdue(self, now: float) -> None:
        """A mark that did not come back in time never will."""
        limit_ms = now - self._lag_ms - self.line.mark_wait_ms
        while self._asked and self._asked[0].dry_ms <= limit_ms:
            self._asked.popleft()

    def _unplayed(self, now: float, lag_ms: float) -> int:
        """Bytes sent and not played, if a sample takes *lag_ms* to be."""
        return int(max(0.0, self._dry_ms + lag_ms - now) * self.line.bytes_per_ms)
