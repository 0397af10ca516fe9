"""The gate to the caller: what may be sent now, and what of it was heard.

Arithmetic only, in bytes and milliseconds of one clock: a task around it sends what is `due`,
wakes at `wake_ms`, and reports the marks that come back. Only the epoch at the gate passes,
so audio of an utterance that was cut cannot reach the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from patter.call.playout.cursor import Cursor
from patter.call.playout.heard_text import Piece, heard_words, join_texts, unheard_words
from patter.call.playout.queue import AudioQueue
from patter.call.playout.timing import Mark, PlayoutTiming
from patter.providers.tts import SpokenWord
from patter.text.respelling import Respelled

if TYPE_CHECKING:
    from patter.call.playout.ambience import Ambience

__all__ = ["CutShort", "Mark", "Playout", "PlayoutTiming"]

DRY_MS = 200
"""A pause between two sentences is shorter: nobody waits yet."""


@attrs.frozen
class CutShort:
    """What came of an utterance that was stopped: *heard_ms* of *sent_ms* reached the caller.

    The heard milliseconds may be wrong by *error_ms*. *unheard_text* is the rest of
    the text that was to be spoken, *sentence* what was being heard. *first_heard_ms*: see
    `Playout.first_heard_ms`.
    """

    epoch: int
    heard_ms: int
    sent_ms: int
    error_ms: int
    heard_text: str
    unheard_text: str
    first_heard_ms: float | None
    sentence: str = ""


@attrs.define(eq=False)
class Playout:
    """One call's gate. Whatever is not of the epoch at the gate is refused.

    An *ambience* plays behind all of it, whatever is at the gate or held there.
    """

    timing: PlayoutTiming = attrs.field(factory=PlayoutTiming)
    gate: int = 0
    held: bool = False
    finished: bool = False
    ambience: Ambience | None = None
    _cursor: Cursor = attrs.field(init=False)
    _waiting: AudioQueue = attrs.field(factory=AudioQueue, init=False)
    _unheard: AudioQueue = attrs.field(factory=AudioQueue, init=False)
    _pieces: list[Piece] = attrs.field(factory=list, init=False)
    _voice_from_ms: float | None = attrs.field(default=None, init=False)
    _own_from: int | None = attrs.field(default=None, init=False)
    _own_played_ms: float | None = attrs.field(default=None, init=False)
    _first_heard_ms: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._cursor = Cursor(self.timing)

    # --- called by whoever makes the audio

    def open(self, epoch: int) -> None:
        """Let *epoch* speak, and forget the utterance before it."""
        self.gate, self.held, self.finished = epoch, False, False
        self._cursor.restart()
        self._waiting.clear()
        self._unheard.clear()
        self._pieces = []
        self._voice_from_ms = self._own_from = None
        self._own_played_ms = self._first_heard_ms = None

    def begin(self, epoch: int) -> None:
        """A new stream of the voice begins: its word times count from its first audio."""
        if epoch == self.gate:
            self._voice_from_ms = None

    def say(self, epoch: int, text: str, spoken: Respelled | None = None) -> None:
        """The audio that follows speaks *text*; a filler or a sound speaks none of its own.

        *spoken*: how it sounds, where that is not how it is written.
        """
        if epoch == self.gate and not self.finished:
            self._pieces.append(Piece(self.made_ms, text, spoken=spoken))

    def transcribe(self, epoch: int) -> None:
        """The audio that follows speaks words that are told beside it, by `extend`."""
        if epoch == self.gate and not self.finished:
            self._pieces.append(Piece(self.made_ms, "", own=True))

    def extend(self, epoch: int, text: str) -> None:
        """The last piece also speaks *text*, which goes on where its text ends."""
        if epoch == self.gate and self._pieces:
            self._pieces[-1].text += text

    def shorten(self, epoch: int, chars: int) -> None:
        """The last *chars* characters are not spoken after all: the voice broke off there."""
        if epoch != self.gate or not (self._pieces and self._pieces[-1].own):
            return
        for piece in reversed(self._pieces):
            if chars <= 0:
                return
            length = len(piece.text if piece.spoken is None else piece.spoken.spoken)
            kept = max(0, length - chars)
            if piece.spoken is None:
                piece.text = piece.text[:kept].rstrip()
            else:
                piece.spoken = piece.spoken.part(0, kept)
                piece.text = piece.spoken.written.rstrip()
            chars -= length + 1

    def put(self, epoch: int, audio: bytes, words: Iterable[SpokenWord] = ()) -> bool:
        """Queue *audio*, whole samples; False: the utterance is over, stop making more.

        *words* are timed as the voice tells them, from the first audio of its stream. Nothing
        is ever dropped when the queue is full; see `room`.
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
            sentence=self.sentence(now),
        )
        self.open(gate)
        self._cursor.cleared(now)
        return result

    def lost(self, now: float) -> None:
        """The leg is gone: what the caller has not heard of this utterance waits again."""
        self._forget_heard(now)
        size = self._cursor.lost(now)
        self._waiting.put_back(self._unheard.take(size))
        if self._own_from is not None and not self.audible():
            self._own_played_ms = None

    # --- called by the sender

    def due(self, now: float) -> Iterator[bytes | Mark]:
        """What to hand the carrier now, in order, so that it holds about *lead_ms* of audio.

        What was taken counts as sent.
        """
        while self._waiting.size and not self.held and now >= self.next_due():
            yield self._send_chunk(now)
            if self._cursor.wants_mark():
                yield from self._cursor.ask(self.gate)
        if self.finished and not self._waiting.size:
            yield from self._cursor.ask(self.gate)
        if self.ambience is not None:
            yield from self._fill(self.ambience, now)

    def arrived(self, audio: bytes, now: float) -> None:
        """The carrier has taken *audio*, which was due last: a line may be slow to."""
        self._cursor.arrived(len(audio), now)

    def next_due(self) -> float:
        """When the carrier's reserve has shrunk enough to take a chunk."""
        return self._cursor.next_due()

    def wake_ms(self) -> float | None:
        """When to look again though nobody calls: at `due`, `over` or `dry`; None: no need.

        Every put, finish, resume, open and returned mark is a reason to look at once.
        """
        if self._waiting.size:
            return None if self.held else self.next_due()
        if self.finished:
            return self._cursor.heard_by_ms()
        return self._cursor.heard_by_ms() + DRY_MS if self.audible() else None

    def fill_ms(self) -> float | None:
        """When the line falls silent unless the ambience fills it; None: there is none."""
        heard = self.ambience is not None and self.ambience.audible
        return self._cursor.next_fill() if heard else None

    def mark_played(self, name: str, now: float) -> None:
        """Everything before *name* was played; a name of a closed gate means nothing."""
        self._cursor.mark_played(name, now)

    # --- what was heard

    def heard(self, now: float) -> int:
        """Bytes of the utterance the caller has heard; see `patter.call.playout.cursor`."""
        return self._cursor.heard(now)

    def heard_ms(self, now: float) -> int:
        """Whole milliseconds of the utterance the caller has heard."""
        return int(self.timing.ms_in(self.heard(now)))

    def error_ms(self, now: float) -> int:
        """By how much `heard_ms` may be wrong at this moment."""
        return self._cursor.error_ms(now)

    def first_heard_ms(self, now: float) -> float | None:
        """When, on the clock, the caller heard the first sound of the utterance's own text.

        An estimate, at most the line's latency too late; None while it has not been heard.
        """
        if self._first_heard_ms is None and self._own_played_ms is not None:
            reached_ms = self._own_played_ms + self._cursor.way_ms
            self._first_heard_ms = reached_ms if reached_ms <= now else None
        return self._first_heard_ms

    def heard_text(self, now: float) -> str:
        """The words the caller has heard to their end, as the text to be spoken has them."""
        heard_ms = self.timing.ms_in(self.heard(now))
        return heard_words(self._pieces, heard_ms, self.made_ms, self.finished)

    def unheard_text(self, now: float) -> str:
        """The rest of the text to be spoken."""
        return unheard_words(self._pieces, self.heard_text(now))

    @property
    def text(self) -> str:
        """The whole text to be spoken."""
        return join_texts(piece.text for piece in self._pieces)

    def audible(self) -> bool:
        """Is audio that speaks its own text on its way to the caller, or there?"""
        return self._own_from is not None and self._own_from < self._cursor.sent

    def dry(self, now: float) -> bool:
        """Has the caller heard all there is of an utterance that is not complete?"""
        more = self.finished or self._waiting.size
        return not more and self.audible() and now >= self._cursor.heard_by_ms() + DRY_MS

    @property
    def sends_own_text(self) -> bool:
        """Does the audio sent last speak the utterance's own text, rather than a filler's?"""
        begun = (piece for piece in reversed(self._pieces) if piece.start_ms < self.sent_ms)
        return any(piece.own for piece in islice(begun, 1))

    def sentence(self, now: float) -> str:
        """The text whose audio the caller is hearing, or heard last; empty before any."""
        heard_ms = self.timing.ms_in(self.heard(now))
        begun = (piece.text for piece in reversed(self._pieces) if piece.start_ms < heard_ms)
        return next(filter(None, begun), "")

    def over(self, now: float) -> bool:
        """Was everything heard, to the last mark?"""
        done = self.finished and not self._waiting.size
        return done and self.heard(now) >= self._cursor.sent

    # --- how much there is

    @property
    def begun(self) -> bool:
        """Was any audio of the utterance sent, be it a filler's?"""
        return self._cursor.sent > 0

    @property
    def sent_ms(self) -> int:
        """Whole milliseconds of the utterance handed to the carrier."""
        return int(self.timing.ms_in(self._cursor.sent))

    @property
    def queued_ms(self) -> int:
        """Whole milliseconds that wait on our side."""
        return int(self.timing.ms_in(self._waiting.size))

    def room(self) -> int:
        """Milliseconds that may still be put; at 0 whoever makes the audio waits."""
        return max(0, self.timing.queue_ms - self.queued_ms)

    @property
    def _made(self) -> int:
        return self._cursor.sent + self._waiting.size

    @property
    def made_ms(self) -> float:
        """Milliseconds of the utterance that exist, sent or waiting."""
        return self.timing.ms_in(self._made)

    def _note_start(self) -> None:
        """Remember where the voice's stream, and the first audio with a text of its own, begin."""
        if self._voice_from_ms is None:
            self._voice_from_ms = self.made_ms
        if self._own_from is None and self._pieces and self._pieces[-1].own:
            self._own_from = self._made

    def _place(self, word: SpokenWord) -> None:
        """Give *word* to the piece it ends in, its time counted from there."""
        end_ms = (self._voice_from_ms or 0.0) + word.end_ms
        for piece in reversed(self._pieces):
            if piece.start_ms < end_ms:
                piece.words.append((end_ms - piece.start_ms, word.text))
                return

    def _forget_heard(self, now: float) -> None:
        """Keep of what was sent only what a lost leg would take with it."""
        unheard = self._cursor.sent - self.heard(now)
        self._unheard.take(self._unheard.size - unheard)

    def _send_chunk(self, now: float) -> bytes:
        chunk = self._waiting.take(self.timing.chunk_bytes)
        self._cursor.send(len(chunk), now)
        self._unheard.push(chunk)
        self._forget_heard(now)
        if self._own_played_ms is None and self._own_from is not None and self.audible():
            self._own_played_ms = self._cursor.played_ms(self._own_from)
        # Only on its way out: what waits again after a lost leg must not have it twice.
        return chunk if self.ambience is None else self.ambience.behind(chunk)

    def _fill(self, ambience: Ambience, now: float) -> Iterator[bytes]:
        """Keep the line from silence, without making the next words wait long."""
        size = self.timing.bytes_in(self.timing.fill_chunk_ms)
        while now >= self._cursor.next_fill() and (sound := ambience.alone(size)):
            self._cursor.fill(len(sound), now)
            yield sound
