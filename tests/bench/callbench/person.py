"""Who calls: speaks to the script, cuts in, and knows what is heard of what was sent (pure).

What is heard is reckoned, not played: audio plays from when it came, after what came before
it; running dry inside a reply is an underrun. Times are nanoseconds of the monotonic clock.
"""

from __future__ import annotations

from callbench import script
from callbench.stamps import CallLog, Turn

_MS = 1_000_000
LOST_AFTER_NS = 15_000 * _MS


class Person:
    """The caller of *log*; silent until *talking*."""

    def __init__(self, log: CallLog) -> None:
        self.log = log
        self.talking = False
        self.dry_ns = 0
        self._voice_frames = 0
        self._began_ns = 0

    # --- the mouth

    def speaks(self, now: int) -> bool:
        """Is the next frame voice?"""
        if self._voice_frames:
            self._voice_frames -= 1
            return True
        if self.talking:
            self._decide(now)
        return False

    def _decide(self, now: int) -> None:
        """Speak when the reply was heard, or into it."""
        turn = self.log.turn
        if not self._began_ns or self._heard_out(turn, now):
            self._speak(now, barge=False)
        elif self._should_cut_in(turn, now):
            turn.cut = True
            self._speak(now, barge=True)
        elif now - self._began_ns > LOST_AFTER_NS:
            self.log.lost_turns += 1
            self._speak(now, barge=False)

    def _heard_out(self, turn: Turn, now: int) -> bool:
        whole = turn.got_bytes >= script.REPLY_BYTES
        return whole and now >= self.dry_ns + script.PAUSE_MS * _MS

    def _should_cut_in(self, turn: Turn, now: int) -> bool:
        wanted = len(self.log.turns) % script.BARGE_IN_EVERY == 2
        begun = turn.carrier_ns and now >= turn.carrier_ns + script.BARGE_IN_AFTER_MS * _MS
        return bool(wanted and begun and now < self.dry_ns)

    def _speak(self, now: int, *, barge: bool) -> None:
        self.log.turns.append(Turn(barge=barge))
        self._voice_frames = script.VOICE_MS // script.FRAME_MS
        self._began_ns = now

    # --- the ear

    def plays(self, payload: str, now: int) -> None:
        """So much of the agent's audio has come, in base64."""
        self.gets(len(payload) * 3 // 4 - payload[-2:].count("="), now)

    def gets(self, size: int, now: int) -> None:
        """So many bytes of the agent's audio have come."""
        self.log.frames_out += 1
        turn = self.log.turn
        # The greeting is the same for all: whoever speaks it may not know to whom.
        if not turn.voiced_ns and turn is not self.log.turns[0]:
            self._late_frame(turn)
        elif not turn.carrier_ns:
            turn.carrier_ns = now
        elif turn.got_bytes < script.REPLY_BYTES and now > self.dry_ns:
            self.log.underruns += 1
            self.log.worst_gap_ms = max(self.log.worst_gap_ms, (now - self.dry_ns) / _MS)
        if turn.carrier_ns:
            turn.got_bytes += size
        self.dry_ns = max(now, self.dry_ns) + size * _MS // script.BYTES_PER_MS

    def _late_frame(self, turn: Turn) -> None:
        """Audio of the reply that was cut: fine until the clear, wrong after it."""
        if turn.clear_ns or not turn.barge:
            self.log.stale_frames += 1

    def is_cleared(self, now: int) -> None:
        """What was not heard is dropped."""
        turn = self.log.turn
        turn.clear_ns = turn.clear_ns or now
        self.dry_ns = min(self.dry_ns, now)
