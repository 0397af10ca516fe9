"""Where a voice broke off in a sentence, and so where another goes on: pure arithmetic.

By the voice's own word times where it tells them, else by how fast it has spoken so far. A word
of which only a part was said counts as said by the estimate, and as not said by word times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from patter.call.playout.heard_text import reach
from patter.providers.tts import SpokenWord

MS_PER_CHAR = 60.0
"""How long a character takes a voice that has completed nothing yet."""

LEAST_CHARS = 20
"""How much a voice must have completed before its own pace is known."""


@attrs.define(eq=False)
class VoicePace:
    """How long a voice takes for a character, learned from what it has completed.

    *times_words*: it tells when its words end.
    """

    times_words: bool = False
    _ms: float = 0.0
    _chars: int = 0

    def learn(self, part: SpokenPart | None) -> None:
        """It has said all of *part*."""
        if part is not None:
            self._ms, self._chars = self._ms + part.ms, self._chars + len(part.text)

    @property
    def ms_per_char(self) -> float:
        return self._ms / self._chars if self._chars >= LEAST_CHARS else MS_PER_CHAR


@attrs.define(eq=False)
class SpokenPart:
    """*text* that a voice has begun to say, *ms* of it so far; it begins *from_ms* into its stream.

    *untold*: how its sentence goes on.
    """

    text: str
    from_ms: float = 0.0
    untold: str = ""
    ms: float = 0.0
    words: list[tuple[float, str]] = attrs.field(factory=list)

    def add(self, ms: float, words: Iterable[SpokenWord]) -> None:
        """More of its audio has come, and when words of it end."""
        self.ms += ms
        self.words += [(word.end_ms - self.from_ms, word.text) for word in words]

    def rest(self, pace: VoicePace) -> str:
        """What was not said of it and of its sentence, in whole words; empty if nothing."""
        whole = self.text + self.untold
        if pace.times_words:
            at = reach(whole, [word for end_ms, word in self.words if end_ms <= self.ms])
        else:
            at = _word_end(whole, min(round(self.ms / pace.ms_per_char), len(self.text)))
        rest = whole[at:].strip()
        return rest if any(map(str.isalnum, rest)) else ""


def _word_end(text: str, chars: int) -> int:
    """Where the word ends that *text* has at its character *chars*."""
    while 0 < chars < len(text) and not (text[chars].isspace() or text[chars - 1].isspace()):
        chars += 1
    return chars


def letters_of(text: str) -> str:
    """What of *text* is spoken, whatever its case: letters and digits."""
    return "".join(filter(str.isalnum, text)).casefold()


def unbegun(sentences: Sequence[str], text: str) -> tuple[list[str], str]:
    """Which of *sentences* have not begun when a voice says that it begins *text*.

    With them, the letters of a begun sentence that *text* has not reached. A text that is spelt
    differently, as numbers are, stands for one sentence.
    """
    rest, letters = list(sentences), letters_of(text)
    while rest:
        sentence = letters_of(rest.pop(0))
        if not letters.startswith(sentence):
            return rest, sentence.removeprefix(letters) if sentence.startswith(letters) else ""
        letters = letters[len(sentence) :]
        if not letters:
            break
    return rest, ""
