"""A line of text: what somebody types are the caller's words, and the agent's voice is written.

No sound is made or waited for: a sentence counts as heard as soon as it is there, so whoever reads
is not held up by how long it would take to say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

import attrs
from aiohttp import web

from patter.aio import Mailbox
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import CallStateError, PatterConnectionError
from patter.providers.carrier import (
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    Dtmf,
    Hangup,
    LegEvent,
    MarkPlayed,
    MediaLeg,
    NumberSettings,
    TransferRequest,
    TypedText,
)
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, Transcript
from patter.providers.tts import TTS, Speech

NAME = "text"
CARRIER = "test"
SENTENCE_MS = 20
"""How long a sentence takes to say here: one frame, since no audio at all would be a failure."""
UNREAD = 1_000
ABLE = CarrierCapabilities(
    marks=True,
    latency_ms=0,
    cold_transfer=True,
    sip_transfer=True,
    warm_transfer=True,
    dtmf_in=True,
    dtmf_out=True,
    recording=True,
)


@attrs.define(eq=False)
class TextLeg:
    """The media of one call that is typed; `type`, `press` and `hang_up` are the caller's."""

    audio: AudioFormat = MULAW_8K
    closed: bool = attrs.field(default=False, init=False)
    left: bool = attrs.field(default=False, init=False)
    """The caller has hung up, or was handed over."""
    _events: Mailbox[LegEvent] = attrs.field(factory=lambda: Mailbox(UNREAD), init=False)

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        async for event in self._events:
            yield event

    async def send(self, audio: bytes) -> None:  # noqa: ARG002
        self._check_open()

    async def mark(self, name: str) -> None:
        """Nothing is played, so everything was."""
        self._check_open()
        self._events.put(MarkPlayed(name))

    async def clear(self) -> None:
        self._check_open()

    async def close(self) -> None:
        self.closed = True
        self._events.close()

    def type(self, text: str) -> None:
        """The caller writes *text*, which is a whole turn."""
        self._events.put(TypedText(text))

    def press(self, digit: str) -> None:
        """The caller presses one of 0-9 * # A-D."""
        self._events.put(Dtmf(digit))

    def hang_up(self, reason: str = "caller") -> None:
        """The caller is gone; twice is fine."""
        self.left = True
        self._events.put(Hangup(reason))
        self._events.close()

    def _check_open(self) -> None:
        if self.closed:
            raise PatterConnectionError("the text session is over", fix="begin another one")


@attrs.frozen(kw_only=True)
class TextCarrier:
    """A carrier's line that ends in a terminal: a transfer hands the caller to nobody real."""

    leg: TextLeg
    name: str = CARRIER
    account: str = ""
    can: CarrierCapabilities = ABLE

    def routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def dial(self, request: DialRequest) -> str:  # noqa: ARG002
        _no_telephone("place a call")

    async def configure(self, number: str) -> None:  # noqa: ARG002
        _no_telephone("set up a number")

    async def look_up(self, number: str) -> NumberSettings:  # noqa: ARG002
        _no_telephone("look up a number")

    async def hangup(self, carrier_call_id: str) -> None:  # noqa: ARG002
        await self.leg.close()

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:  # noqa: ARG002
        """The person takes the call at once; this side of it is over."""
        self.leg.hang_up("transferred")

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        """The record has the keys; there is nobody to hear them."""

    async def start_recording(self, carrier_call_id: str) -> None:
        """There is nothing to record."""

    async def price(self, carrier_call_id: str) -> float | None:  # noqa: ARG002
        return 0.0


@attrs.frozen(kw_only=True)
class WrittenEars:
    """A recogniser that hears nothing: whoever types needs none."""

    name: str = NAME
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[_Silence]:  # noqa: ARG002
        session = _Silence()
        try:
            yield session
        finally:
            session.events.close()


@attrs.define(eq=False)
class _Silence:
    events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(UNREAD))

    async def send(self, audio: bytes) -> None:
        """Hear nothing."""

    async def finalize(self) -> None:
        self.events.put(Transcript("", True))

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self.events:
            yield event


@attrs.frozen(kw_only=True)
class WrittenVoice:
    """A voice that is read: each sentence is `SENTENCE_MS` of audio that nobody listens to."""

    name: str = NAME
    voice: str = ""
    produces: tuple[AudioFormat, ...] = (MULAW_8K,)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[_Writing]:  # noqa: ARG002
        yield _Writing(audio)


@attrs.frozen
class _Writing:
    audio: AudioFormat

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        async for sentence in text:
            yield Speech(b"\x55" * self.audio.bytes_in(SENTENCE_MS), text=sentence)


def _no_telephone(what: str) -> NoReturn:
    raise CallStateError(f"a text session cannot {what}", fix="serve the agent on a carrier")


if TYPE_CHECKING:
    _: type[MediaLeg] = TextLeg
    __: type[CarrierLine] = TextCarrier
    ___: type[STT] = WrittenEars
    ____: type[TTS] = WrittenVoice
