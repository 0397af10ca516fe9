"""One reply: what LMNT owes of it, and what has come and is not read yet."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from patter.errors import PatterConnectionError
from patter.vendors.speech_session import SpeechReply
from patter_lmnt._errors import ERRORS
from patter_lmnt._progress import Progress
from patter_lmnt._wire import Token


@attrs.define(eq=False)
class Reply(SpeechReply):
    """What was sent and came."""

    errors = ERRORS
    progress: Progress

    @property
    def owes(self) -> bool:
        """May audio still come?"""
        return self.progress.owes > 0

    def sent(self, text: str, nonce: int) -> None:
        """*text* is owed from now on."""
        if not self.owes:
            # What was owed before does not get more time because more is asked for.
            self.news()
        self.progress.add(text, nonce)

    def hear(self, chunk: bytes) -> None:
        """Audio has come."""
        self.news()
        self.put(self.progress.hear(chunk))

    def time(self, tokens: Iterable[Token]) -> None:
        """Times have come, before their audio or after it."""
        self.news()
        self.progress.time(tokens)

    def flushed(self, nonce: int) -> None:
        """LMNT has told that the audio of a sentence is complete."""
        self.news()
        complete = self.progress.end(nonce)
        self.put(self.progress.rest())
        if not complete:
            self.fail(PatterConnectionError("LMNT sent no audio for a sentence", fix="try again"))
        self.settle()
