"""One response of an agent as its pieces come: its text, its words, how long it plays (pure)."""

from __future__ import annotations

import attrs

from patter.providers.engine_events import ResponseCause
from patter.providers.tts import SpokenWord
from patter_elevenlabs._convai_wire import Letter


@attrs.define(eq=False)
class Words:
    """Words out of letters, over the borders of pieces of audio."""

    _begun: str = attrs.field(default="", init=False)
    _end_ms: float = attrs.field(default=0.0, init=False)

    def feed(
        self, letters: tuple[Letter, ...], from_ms: float, until_ms: float
    ) -> tuple[SpokenWord, ...]:
        """The words that *letters* complete; their audio is from *from_ms* until *until_ms*."""
        words: list[SpokenWord] = []
        for letter in letters:
            if letter.text.isspace():
                words += self.flush()
                continue
            self._begun += letter.text
            # Times beyond the audio they came with would order words wrongly.
            self._end_ms = max(self._end_ms, min(from_ms + letter.end_ms, until_ms))
        return tuple(words)

    def flush(self) -> tuple[SpokenWord, ...]:
        """The word that nothing follows."""
        word, self._begun = self._begun, ""
        return (SpokenWord(word, int(self._end_ms)),) if word else ()


@attrs.define(eq=False)
class Speech:
    """What the vendor says now, or said.

    *first_event* and *last_event* are the vendor's numbers of its events, 0 while none is known.
    *sound_ms* is the audio there was, *plays_until_ms* when all of it has been played by a
    telephone that began with the first piece. *last_ms* is when something last came.
    """

    id: str
    cause: ResponseCause
    last_ms: float
    first_event: int = 0
    last_event: int = 0
    text: str = ""
    complete_text: bool = False
    sound_ms: float = 0.0
    plays_until_ms: float = 0.0
    wants_tools: bool = False
    words: Words = attrs.field(factory=Words, init=False)

    def note(self, event_id: int, now_ms: float) -> None:
        """Something of it came."""
        self.last_ms = now_ms
        if event_id:
            self.first_event = self.first_event or event_id
            self.last_event = max(self.last_event, event_id)

    def play(self, ms: float, now_ms: float) -> None:
        """More audio came: *ms* of it."""
        self.sound_ms += ms
        self.plays_until_ms = max(self.plays_until_ms, now_ms) + ms

    def add_part(self, text: str) -> str:
        """The next piece of its text, as it was streamed."""
        self.text += text
        return text

    def add_whole(self, text: str) -> str:
        """All of its text, or of a part of it: returns what was not said before."""
        if not self.complete_text and self.text and text.startswith(self.text.strip()):
            news = text[len(self.text.strip()) :]
        elif self.text:
            news = f" {text}"
        else:
            news = text
        self.text += news
        self.complete_text = True
        return news
