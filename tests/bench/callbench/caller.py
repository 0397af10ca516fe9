"""A person on the other side of a Twilio-like media socket, with no work beyond the protocol."""

from __future__ import annotations

from collections.abc import Callable

from callbench import script
from callbench.person import Person
from callbench.stamps import CallLog, now_ns
from callbench.twilio_account import ACCOUNT_SID
from patter_load.media_socket import MediaSocket


class Caller(MediaSocket):
    """A call; `tick` sends its next frame. *on_over* is called when its socket is gone."""

    def __init__(self, log: CallLog, url: str, on_over: Callable[[Caller], None]) -> None:
        self.log, self.person = log, Person(log)
        super().__init__(url, self.person, account_sid=ACCOUNT_SID, call_sid=log.call_id)
        self._on_over = on_over
        self._silence = self.media(script.SILENCE)
        self._voice = self.media(script.voice_of(log.number))

    def over(self) -> None:
        self.log.problem = self.log.problem or self.problem
        self._on_over(self)

    def tick(self) -> None:
        """Send the next 20 ms."""
        self.log.first_frame_ns = self.log.first_frame_ns or now_ns()
        self.send(self._voice if self.person.speaks(now_ns()) else self._silence)
