"""Who calls: does what the script says, and notices what is heard of the agent. Pure.

What is heard is reckoned, not played: sound plays from when it came, after what came before it.
Times are nanoseconds of the machine's monotonic clock.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator

import attrs

from patter_load.conversation import Kind, Step
from patter_load.sightings import MS, Sightings, Turn
from patter_load.speech import QUIET

BYTES_PER_MS = 8
GREETING_MS, PAUSE_MS, LOST_MS = 4_000, 700, 15_000
"""How long a greeting is waited for, how long an agent is silent that has said all, and how long
an answer may take before the turn is lost."""
ENDLESS_MS = 60_000
"""Nobody listens for longer, whatever the agent still has to say."""
KEYS_MS, KEY_MS = 2_000, 200
"""How long an answer to keys is waited for, and how far apart keys are."""
CUT_AFTER_MS = 800
"""How much of a reply is heard before it is interrupted."""
TOLERANCE_MS, SENTENCE_MS = 20, 400
"""A gap is no underrun when it is shorter than a frame, or as long as a pause for breath."""


class Gone(Exception):
    """The caller has done all that they wanted to do."""


@attrs.define(eq=False)
class Person:
    """The caller of one call. *sightings* gives where things are noted now."""

    steps: tuple[Step, ...]
    sightings: Callable[[], Sightings]
    dry_ns: int = 0
    _at: int = -1
    _turn: Turn | None = None
    _voice: Iterator[bytes] = attrs.field(factory=lambda: iter(()))
    _keys: str = ""
    _idle_since_ns: int = 0
    _not_before_ns: int = 0
    _sound_ns: int = 0
    _reply_ns: int = 0
    _came_ns: int = 0
    _lasts_ns: int = 0

    @property
    def rest(self) -> int:
        """How many steps that speak are still to come."""
        return sum(step.speaks for step in self.steps[self._at + 1 :])

    # --- the mouth

    def says(self, now: int) -> bytes | str:
        """The next 20 ms: a frame of sound, b"" for silence, or a key. Raises Gone at the end."""
        if (frame := next(self._voice, None)) is not None:
            return frame
        if self._turn is not None and not self._turn.ended_ns:
            self._turn.ended_ns = now
        self._idle_since_ns = self._idle_since_ns or now
        if now < self._not_before_ns:
            return b""
        if self._keys:
            key, self._keys = self._keys[0], self._keys[1:]
            self._not_before_ns = now + KEY_MS * MS
            return key
        return self._next(now)

    def _next(self, now: int) -> bytes | str:
        """Begin the next step, if it is time for it."""
        following = self.steps[self._at + 1] if self._at + 1 < len(self.steps) else None
        if following is not None and following.kind is Kind.INTERRUPTS and self._cuts_in(now):
            return self._speak(following, now, barge=True)
        if not self._is_quiet(now):
            return b""
        if following is None or following.kind is Kind.HANGS_UP:
            raise Gone
        if following.speaks:
            return self._speak(following, now, barge=False)
        self._step(now)
        if following.kind is Kind.PRESSES:
            self._keys = following.text
        else:
            self._not_before_ns = now + int(following.ms * MS)
        return b""

    def _speak(self, step: Step, now: int, *, barge: bool) -> bytes:
        self._step(now)
        self._turn = Turn(self._at, barge=barge, began_ns=now)
        self.sightings().turn(self._turn)
        self._voice = iter(step.frames)
        return next(self._voice)

    def _step(self, now: int) -> None:
        """Be at the next step; whatever the agent says from now on belongs to it."""
        self._at += 1
        self._turn, self._reply_ns, self._idle_since_ns = None, 0, now

    def _cuts_in(self, now: int) -> bool:
        """Does the agent speak, and was enough of it heard to interrupt it?"""
        heard = self._reply_ns and now >= self._reply_ns + CUT_AFTER_MS * MS
        return bool(heard and now < self._sound_ns)

    def _is_quiet(self, now: int) -> bool:
        """Has the agent said what it has to say, or is nothing to come?"""
        if self._reply_ns:
            endless = now >= self._reply_ns + ENDLESS_MS * MS
            return endless or now >= self._sound_ns + PAUSE_MS * MS
        waited_ms = (now - self._idle_since_ns) / MS
        if self._turn is None:
            return waited_ms >= (GREETING_MS if self._at < 0 else KEYS_MS)
        if (now - self._turn.ended_ns) / MS < LOST_MS:
            return False
        self.sightings().lost_turns += 1
        return True

    # --- the ear

    def plays(self, payload: str, now: int) -> None:
        """This much of the agent's audio has come, in base64."""
        audio = binascii.a2b_base64(payload)
        lasts = len(audio) * MS // BYTES_PER_MS
        begins = max(now, self.dry_ns)
        if audio.translate(None, QUIET):
            self._hear(begins, now, lasts)
        self._came_ns, self._lasts_ns, self.dry_ns = now, lasts, begins + lasts

    def is_cleared(self, now: int) -> None:
        """What was not heard is dropped."""
        self.dry_ns, self._sound_ns = min(self.dry_ns, now), min(self._sound_ns, now)
        self._came_ns, self._reply_ns = 0, 0
        if (turn := self._turn) is not None and not turn.clear_ns:
            # What came between the end of the voice and this was still the old reply.
            turn.clear_ns, turn.answer_ns = now, 0

    def _hear(self, begins: int, now: int, lasts: int) -> None:
        """Sound that plays from *begins* on has come *now*."""
        turn = self._turn
        gap_ms = (now - self.dry_ns) / MS
        if self._came_ns and gap_ms < SENTENCE_MS:
            self.sightings().late((now - self._came_ns - self._lasts_ns) / MS)
            if gap_ms > TOLERANCE_MS:
                self.sightings().gap(gap_ms)
        speaking = turn is not None and not turn.ended_ns
        if not speaking and not self._reply_ns:
            self._reply_ns = begins
            if turn is not None and not turn.answer_ns:
                turn.answer_ns = begins
                self.sightings().turn(turn)
        self._sound_ns = begins + lasts
