"""Which finals answer which pauses: what Scribe commits, late, early, twice or not at all (pure).

A pause is answered once. Words become final once, also where the vendor commits them after they
had to be made final without it.
"""

from __future__ import annotations

from difflib import SequenceMatcher

import attrs

from patter.providers.stt import Transcript
from patter_elevenlabs._positions import Positions
from patter_elevenlabs._scribe_wire import Committed
from patter_elevenlabs._words import letters

ALIKE = 0.5
"""Words that are less alike than this are others, not the same heard better."""


@attrs.define(eq=False)
class Segments:
    """The segment that is heard now, of the audio in *positions*."""

    positions: Positions
    owed: bool = attrs.field(default=False, init=False)
    partial: str = attrs.field(default="", init=False)
    held: Committed | None = attrs.field(default=None, init=False)
    _before: list[str] = attrs.field(factory=list, init=False)
    _untimed: str = attrs.field(default="", init=False)

    def interim(self, text: str) -> list[Transcript]:
        """The vendor hears *text* so far."""
        rest = " ".join(self._rest(text))
        if rest == self.partial:
            return []
        self.partial = rest
        return [Transcript(rest, final=False)] if rest else []

    def commit(self, heard: Committed) -> list[Transcript]:
        """The vendor makes a segment final; one whose times come late was final without them."""
        self.held, untimed, self._untimed = None, self._untimed, ""
        if heard.timed and untimed == heard.text != "":
            return []
        rest = self._rest(heard.text)
        self._before, self.partial = [], ""
        if not rest and not self.owed:
            return []
        self.owed = False
        return [self._final(rest, heard)]

    def hold(self, heard: Committed) -> None:
        """Keep a final until the message with its times comes."""
        self.held = heard

    def release(self) -> list[Transcript]:
        """The times did not come: what is held is final without them."""
        if (held := self.held) is None:
            return []
        finals = self.commit(held)
        self._untimed = held.text
        return finals

    def throttled(self) -> list[Transcript]:
        """The vendor has too little audio to commit: there were no words."""
        return self._answer("")

    def late(self) -> list[Transcript]:
        """A pause was not answered in time: what is known is final."""
        words, self.partial = self.partial, ""
        if self.owed:
            self._before += words.split()
        return self._answer(words)

    def _answer(self, text: str) -> list[Transcript]:
        if not self.owed:
            return []
        self.owed = False
        return [Transcript(text, final=True)]

    def _rest(self, text: str) -> list[str]:
        """The words of *text* after those that were final before it; none if they were revised."""
        words = text.split()
        before = [letters(word) for word in self._before]
        begin = [letters(word) for word in words[: len(before)]]
        if begin == before:
            return words[len(before) :]
        alike = SequenceMatcher(None, " ".join(begin), " ".join(before), autojunk=False).ratio()
        return [] if alike >= ALIKE else words

    def _final(self, rest: list[str], heard: Committed) -> Transcript:
        at = self.positions.of_caller
        words = tuple(
            attrs.evolve(word, start_ms=at(word.start_ms), end_ms=at(word.end_ms))
            for word in heard.words[-len(rest) or len(heard.words) :]
        )
        end_ms = words[-1].end_ms if words and rest else None
        confidence = heard.confidence if rest else None
        return Transcript(
            " ".join(rest), True, end_ms=end_ms, confidence=confidence, words=words if rest else ()
        )
