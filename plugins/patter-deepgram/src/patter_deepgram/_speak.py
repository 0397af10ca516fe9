"""What ``/v1/speak`` and ``/v2/speak`` have in common and where they differ; all of it pure.

Each sentence is sent as it comes and flushed, so that none waits for the next. Audio has no label:
it belongs to the oldest sentence whose end Deepgram has not told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import attrs

from patter.providers.tts import Speech
from patter_deepgram._socket import encoded

FLUSH = encoded("Flush")
CLOSE = encoded("Close")
WINDOW_MS = 60_000.0


@attrs.frozen(kw_only=True)
class Dialect:
    """How one version of the protocol says things.

    *ended* is what it sends when a sentence's audio is complete. It is told *cancel*, and answers
    with one of *cancelled*, types of messages and codes of warnings, when no more audio of the past
    will come. *cancels_all*: also the sentences behind the one that is spoken. A socket takes
    *flushes* and *letters* a minute, and lasts *age_ms*.
    """

    path: str
    ended: str
    cancel: str
    cancelled: frozenset[str]
    cancels_all: bool
    flushes: float
    letters: float
    age_ms: float = 55 * 60_000.0
    longest: int = 2_000


AURA = Dialect(
    path="/v1/speak",
    ended="Flushed",
    cancel=encoded("Clear"),
    cancelled=frozenset({"Cleared"}),
    cancels_all=True,
    flushes=20,
    letters=2_400,
)
"""The limits are from developers.deepgram.com, "Flush" and "Aura limits": beyond them Deepgram
ignores a flush, or hangs up. After an hour it hangs up in any case."""

FLUX = Dialect(
    path="/v2/speak",
    ended="SpeechMetadata",
    cancel=encoded("Interrupt"),
    cancelled=frozenset({"SpeechInterrupted", "NO_ACTIVE_SPEECH"}),
    cancels_all=False,
    flushes=float("inf"),
    letters=float("inf"),
)
"""Interrupting ends the turn that is spoken; those behind it would follow."""


def speak(text: str) -> str:
    """The message that has *text* spoken after what was sent before."""
    return encoded("Speak", text=text)


def pieces(text: str, longest: int) -> list[str]:
    """*text* in parts of at most *longest* characters, cut between words where that is possible.

    >>> pieces("one two three", 8), pieces("a" * 5, 2), pieces("  ", 8)
    (['one two', 'three'], ['aa', 'aa', 'a'], [])
    """
    rest, parts = text.strip(), list[str]()
    while len(rest) > longest:
        cut = rest.rfind(" ", 1, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def speakable(text: str) -> bool:
    """Is there anything in *text* that can be heard?"""
    return any(map(str.isalnum, text))


@attrs.define
class Budget:
    """What a socket opened at *since_ms* still takes, by the limits of its *dialect*."""

    dialect: Dialect
    since_ms: float
    _sent: deque[tuple[float, int]] = attrs.field(factory=deque, init=False)

    def takes(self, letters: int, now_ms: float) -> bool:
        """Will Deepgram speak *letters* more characters if they are sent now?"""
        while self._sent and self._sent[0][0] <= now_ms - WINDOW_MS:
            self._sent.popleft()
        used = sum(count for _, count in self._sent)
        return (
            len(self._sent) < self.dialect.flushes
            and used + letters <= self.dialect.letters
            and now_ms - self.since_ms < self.dialect.age_ms
        )

    def spend(self, letters: int, now_ms: float) -> None:
        """They were sent, and flushed."""
        self._sent.append((now_ms, letters))


@attrs.define
class _Sentence:
    text: str
    heard: bool = False


@attrs.define
class Progress:
    """Which sentences of a reply are sent, and whose the audio is that comes."""

    sample_bytes: int
    _waiting: deque[_Sentence] = attrs.field(factory=deque, init=False)
    _half: bytes = attrs.field(default=b"", init=False)

    @property
    def owes(self) -> int:
        """Of how many sentences audio may still come."""
        return len(self._waiting)

    @property
    def heard(self) -> bool:
        """Has the sentence that is spoken begun?"""
        return bool(self._waiting) and self._waiting[0].heard

    def sent(self, text: str) -> None:
        """A sentence was sent and flushed."""
        self._waiting.append(_Sentence(text))

    def audio(self, chunk: bytes) -> Speech | None:
        """What can be played of what has come: whole samples."""
        if not self._waiting:
            return None
        ready = self._half + chunk
        end = len(ready) - len(ready) % self.sample_bytes
        ready, self._half = ready[:end], ready[end:]
        if not ready:
            return None
        first = self._waiting[0]
        text, first.heard = "" if first.heard else first.text, True
        return Speech(ready, text)

    def ended(self) -> bool:
        """The oldest sentence is complete; False when it should have been heard and was not."""
        if not self._waiting:
            return True
        self._half = b""
        first = self._waiting.popleft()
        return first.heard or not speakable(first.text)


def complaint(body: Mapping[str, Any]) -> tuple[str, str]:
    """The code of a warning or an error, and what it says."""
    return str(body.get("code") or "UNKNOWN"), str(body.get("description") or "")
