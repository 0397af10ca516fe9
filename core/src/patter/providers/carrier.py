"""Carriers: who brings the call. A carrier translates; it decides nothing.

A `Carrier` is settings; opened, it is a `CarrierLine` that lives as long as the server and owns
the connection to the vendor. A call's media is a `MediaLeg`; a call may have several.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

import attrs
from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.providers.context import Direction


@attrs.frozen
class Dtmf:
    """The caller pressed *digit*: one of 0-9 * # A-D."""

    digit: str = attrs.field(repr=False)


@attrs.frozen
class MarkPlayed:
    """Everything sent before mark *name* was played, or dropped by a clear."""

    name: str


@attrs.frozen
class TypedText:
    """The caller wrote instead of speaking; it enters as the caller's words."""

    text: str


@attrs.frozen
class Hangup:
    """The caller is gone; not the same as a lost socket, after which iteration just ends."""

    reason: str = ""


@attrs.frozen
class LineFault:
    """The line was made bad on purpose from here on; for the record (`wire`, what ``fault``)."""

    details: Mapping[str, float | None]


@attrs.frozen
class StreamError:
    """The carrier complains of the stream, in its own *code* and *text*; for the record.

    *fatal*: the stream is of no more use; it ends after this as a lost socket does.
    """

    code: str
    text: str = ""
    fatal: bool = False


LegEvent: TypeAlias = bytes | Dtmf | MarkPlayed | TypedText | Hangup | LineFault | StreamError
"""What a leg delivers; plain bytes are the caller's audio, in order, never an object a frame."""


class MediaLeg(Protocol):
    """One call's media on one connection. One reader, one writer."""

    @property
    def audio(self) -> AudioFormat:
        """The format both ways, agreed when the socket opened."""
        ...

    def __aiter__(self) -> AsyncIterator[LegEvent]:
        """Events until the socket is gone. Ends without Hangup when it was lost."""
        ...

    async def send(self, audio: bytes) -> None:
        """Queue *audio* at the carrier, any length, whole samples."""
        ...

    async def mark(self, name: str) -> None:
        """Ask for MarkPlayed(name) once everything sent before it was played."""
        ...

    async def clear(self) -> None:
        """Make the carrier drop what it has not played."""
        ...

    async def close(self) -> None:
        """End the media; twice is fine."""
        ...


@runtime_checkable
class AbortableLeg(Protocol):
    """A leg that tells its carrier the end of a connection from the end of a call."""

    async def abort(self) -> None:
        """Give this connection up as if it were lost; the call goes on, twice is fine.

        Called where audio is not taken any more, in place of `MediaLeg.close`.
        """
        ...


@runtime_checkable
class PromptLeg(Protocol):
    """A leg that can clear before anything else happens: whoever talks over the agent waits.

    What its `send` and `mark` write is written before they wait for anything, and who waits for
    the rest may be another task than began them: no `asyncio.timeout` in them, and no task group.
    """

    def clear_now(self) -> bool:
        """`MediaLeg.clear`, if it need not wait; False: it may not have been sent.

        Called while nothing else is sent. Raises PatterConnectionError.
        """
        ...


@attrs.frozen(kw_only=True)
class CarrierCapabilities:
    """What a carrier can do; what it cannot is refused with an error, not ignored.

    *lead_ms*: audio it is given ahead. *latency_ms*: the longest way of a sample to the caller.
    *dtmf_out* False: keys are sent as tones in the audio. *transfer_result*: it tells how a
    transfer ended, and returns the caller when nobody took the call. *reconnect*: it brings
    a call's media back after its socket was lost. *recording_pause*: its recording can be paused,
    by a `PausableRecording`. *price*: it may tell what a call cost.
    """

    marks: bool = False
    lead_ms: int = 300
    latency_ms: int = 200
    outbound: bool = False
    cold_transfer: bool = False
    sip_transfer: bool = False
    warm_transfer: bool = False
    transfer_result: bool = False
    dtmf_in: bool = False
    dtmf_out: bool = False
    machine_detection: bool = False
    recording: bool = False
    recording_pause: bool = False
    reconnect: bool = False
    price: bool = False

    @property
    def transfers(self) -> bool:
        """Can it transfer a caller, in any way?"""
        return self.cold_transfer or self.warm_transfer or self.sip_transfer


class CallOutcome(StrEnum):
    """How an attempt to reach somebody ended."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"


class Answerer(StrEnum):
    """Who took a call, as far as the carrier can tell."""

    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"


@attrs.frozen
class CarrierCall:
    """A call by its carrier's name for it: what webhooks and orders are about."""

    carrier: str
    carrier_call_id: str
    account: str = ""


@attrs.frozen(kw_only=True)
class Incoming:
    """A call at the door, as the carrier's webhook tells it.

    *variables* come from the carrier's custom parameters and headers: data, never expanded.
    """

    carrier: str
    carrier_call_id: str
    caller: str = ""
    callee: str = ""
    account: str = ""
    direction: Direction = Direction.INBOUND
    variables: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Ticket:
    """What an admitted call gets: our id, and a token for its media socket.

    *token* is signed, expires, is bound to the call and held by one socket at a time.
    *media_url* is the ``wss://`` address with the token as last path segment.
    """

    call_id: str
    token: str = attrs.field(repr=False)
    media_url: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class DialRequest:
    """A call to place. *machine_detection*: find out who answers, and wait for its beep."""

    call_id: str
    to: str
    from_number: str
    ticket: Ticket
    ring_timeout_s: int = 25
    machine_detection: bool = False


@attrs.frozen(kw_only=True)
class TransferRequest:
    """Hand a caller to *target*: a number in E.164 or a SIP address.

    *mode* ``cold`` connects them at once; ``warm`` lets the caller wait while *target* is rung
    and told *summary*. *from_number* is ours in this call: what *target* sees.
    """

    target: str
    mode: str = "cold"
    summary: str = ""
    from_number: str = ""
    ring_timeout_s: int = 25

    @property
    def to_sip(self) -> bool:
        """Is *target* a SIP address, not a number?"""
        return self.target.lower().startswith(("sip:", "sips:"))


@attrs.frozen
class Advice:
    """Something that could be set better, and how; calls work without."""

    text: str
    fix: str


@attrs.frozen(kw_only=True)
class NumberSettings:
    """What the carrier does with calls to one of our numbers; *webhook* is where they go now.

    *advice* is on what else is set there.
    """

    number: str
    voice: bool = True
    webhook: str = ""
    advice: tuple[Advice, ...] = ()


class Switchboard(Protocol):
    """What core gives a carrier. Every method has a deadline and fails as a PatterError.

    Reports may come late, repeated, in any order, and of calls nobody knows: those that tell
    nothing new change nothing.
    """

    @property
    def public_host(self) -> str:
        """The host carriers reach us at, without scheme; empty if there is none."""
        ...

    async def register(self, incoming: Incoming) -> Ticket:
        """Register a call once per (account, carrier, carrier id); say where its media goes.

        Raises RateLimitError when no more calls are taken, InputError for one that is over.
        """
        ...

    async def reissue(self, call: CarrierCall) -> Ticket:
        """Where the media of a call that goes on is to come back to, also while draining.

        Raises InputError when the call is unknown or over: then hang up.
        """
        ...

    async def attach(self, token: str, leg: MediaLeg, carrier_call_id: str = "") -> None:
        """Claim *token*, give its call this *leg*, return when the call is done with it.

        *carrier_call_id* is whose media it is, where the stream itself says so. Raises
        WebhookVerificationError for a missing, forged, expired, foreign or held token.
        """
        ...

    async def report(self, call: CarrierCall, status: str, outcome: CallOutcome | None) -> None:
        """The carrier's word on a call; *status* ``completed`` means that the line is down."""
        ...

    async def detected(
        self, call: CarrierCall, answerer: Answerer, *, beep: bool = False, raw: str = ""
    ) -> None:
        """Who took the call; a machine with *beep* records from now on.

        *raw* is the carrier's own word. The first answerer stands; its beep may come later.
        """
        ...

    async def transferred(self, call: CarrierCall, *, taken: bool, status: str = "") -> None:
        """Somebody took the transferred call, or nobody did and the caller comes back to us."""
        ...

    async def recording(self, call: CarrierCall, url: str) -> None:
        """The carrier's recording can be fetched at *url*."""
        ...


class CarrierLine(Protocol):
    """An account with a carrier while a server runs. Calls are named by the carrier's id.

    Every method is bounded in time and raises PatterError: AUTH, RATE_LIMIT, CONNECTION,
    TIMEOUT, PROVISION for what the carrier will not do.
    """

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def can(self) -> CarrierCapabilities: ...

    def routes(self) -> Iterable[web.RouteDef]:
        """Webhooks and media sockets; paths begin with ``/webhooks/NAME`` or ``/media/NAME``."""
        ...

    async def dial(self, request: DialRequest) -> str:
        """Place a call; return the carrier's id for it."""
        ...

    async def configure(self, number: str) -> None:
        """Point *number* at us. Raises ProvisionError saying what to set by hand."""
        ...

    async def look_up(self, number: str) -> NumberSettings:
        """Read, change nothing. Raises ProvisionError when *number* is not on this account."""
        ...

    async def hangup(self, carrier_call_id: str) -> None:
        """End the call, also one that still rings; one that is over already is no error."""
        ...

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        """Begin the transfer; how it ended is reported to the switchboard."""
        ...

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        """Press *digits*, 0-9 * # A-D, ``w`` waits half a second."""
        ...

    async def start_recording(self, carrier_call_id: str) -> None: ...

    async def price(self, carrier_call_id: str) -> float | None:
        """What the carrier charged, in US dollars, if it says."""
        ...


@runtime_checkable
class PausableRecording(Protocol):
    """A line whose recording of a call can be interrupted; bounded, and raises as the line does."""

    async def pause_recording(self, carrier_call_id: str) -> None:
        """Record nothing from now on. The recording has been started, and runs."""
        ...

    async def resume_recording(self, carrier_call_id: str) -> None:
        """Record again, in the same recording or the next."""
        ...


class Carrier(Protocol):
    """Settings of an account with a carrier. What else it may tell is in `ProviderTraits`."""

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str:
        """Which account, as its webhooks name it; empty if they do not."""
        ...

    @property
    def formats(self) -> tuple[AudioFormat, ...]:
        """Media formats it can stream, best first; with several it is a `MultiFormatCarrier`."""
        ...

    @property
    def can(self) -> CarrierCapabilities: ...

    def open(self, switchboard: Switchboard) -> AbstractAsyncContextManager[CarrierLine]:
        """The line over which this account's calls come and go, until the server stops."""
        ...


@runtime_checkable
class MultiFormatCarrier(Protocol):
    """A carrier whose calls may be streamed in one format or another."""

    def streaming(self, audio: AudioFormat) -> Carrier:
        """The same account with calls in *audio*, one of its formats."""
        ...
