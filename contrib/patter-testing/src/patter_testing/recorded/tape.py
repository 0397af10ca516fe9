"""Where in its script an engine is, and what it says next. No clock, no connection."""

from __future__ import annotations

import attrs

from patter.call.turn.state import plain_words
from patter_testing.recorded.engine_script import (
    Answer,
    Attempt,
    EngineScript,
    Phrase,
    Response,
    Words,
)

MODEST_MS = 500
"""How much longer than in the record something may last of which the record has no word."""
NOT_ASKED = "the engine was not asked here in the recorded call: what it would say is not known"
NOT_HEARD = "the record has no words of what the engine goes on to say: nobody heard it then"


@attrs.define(eq=False)
class Tape:
    """*script*, and how far it is: the caller has done *heard*, and there were *outages*.

    *used* are the attempts at answers that were said, *spoken* the phrases. Until *gone_until_s* of
    the loop nobody can connect. *lost_track* says why the script is of no more use; it is empty
    while it is.
    """

    script: EngineScript = attrs.field(factory=EngineScript)
    heard: int = 0
    outages: int = 0
    used: set[tuple[int, int]] = attrs.field(factory=set)
    spoken: set[int] = attrs.field(factory=set)
    gone_until_s: float = 0.0
    lost_track: str = ""

    def lose_track(self, why: str) -> None:
        """Nothing fits from here on; the first reason is the one that counts."""
        self.lost_track = self.lost_track or why

    def next_answer(self) -> Answer | None:
        """What was said when the caller had done as much as by now; None: nobody was asked then."""
        fits = [each for each in self.script.answers if each.heard == self.heard]
        answer = next((each for each in fits if not self._is_used(each)), None)
        if answer is None:
            self.lose_track(NOT_ASKED)
        return answer

    def answer_of(self, epoch: str) -> Answer | None:
        """The answer that became utterance *epoch*."""
        return next((each for each in self.script.answers if str(each.epoch) == epoch), None)

    def attempt_at(self, answer: Answer) -> Attempt | None:
        """What came when it was asked for after as many outages; None: it was asked in vain."""
        begun = [each for each in answer.attempts if each.outages <= self.outages]
        return begun[-1] if begun else None

    @property
    def unsaid_turn(self) -> int | None:
        """The recorded turn whose answer would be next; None: there is none left."""
        left = self.script.answers
        later = (each for each in left if each.heard >= self.heard and not self._is_used(each))
        return next((each.turn for each in later), None)

    def phrase(self, text: str) -> Phrase:
        """How *text* was said: as recorded, if that is what it was; else as it is written."""
        phrases = self.script.phrases
        left = [at for at in range(len(phrases)) if at not in self.spoken]
        same = [at for at in left if self._says(at, text)]
        unheard = [at for at in left if phrases[at].heard == self.heard and self._says(at, "")]
        again = [at for at in self.spoken if self._says(at, text)]
        for at in [*same, *unheard, *again][:1]:
            self.spoken.add(at)
            if phrases[at].text or phrases[at].fails:
                return phrases[at]
            return self._as_written(text, phrases[at].until_ms + MODEST_MS)
        return self._as_written(text, self.script.first_ms)

    def _is_used(self, answer: Answer) -> bool:
        """Was it said already, as far as it came?"""
        attempt = self.attempt_at(answer)
        return attempt is not None and (answer.epoch, attempt.outages) in self.used

    def _says(self, at: int, text: str) -> bool:
        """Are these the words of phrase number *at*, however they are spelt?"""
        return plain_words(self.script.phrases[at].text) == plain_words(text)

    def _as_written(self, text: str, first_ms: int) -> Phrase:
        lasts_ms = round(len(text) * self.script.pace_ms)
        words = Words(first_ms, text, first_ms, lasts_ms)
        return Phrase(text, Attempt(0, (Response((words,)),)))
