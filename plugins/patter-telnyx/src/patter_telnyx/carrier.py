"""The settings of a Telnyx application: its keys, where its API is, its media and voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.carriers.endpoint import endpoint
from patter.env import credential, read
from patter.errors import PatterConfigError
from patter.providers.carrier import Carrier, CarrierCapabilities, CarrierLine, Switchboard
from patter_telnyx._public_key import read_public_key

CAN = CarrierCapabilities(
    marks=True,
    outbound=True,
    cold_transfer=True,
    sip_transfer=True,
    warm_transfer=True,
    transfer_result=True,
    dtmf_in=True,
    dtmf_out=True,
    machine_detection=True,
    recording=True,
    recording_pause=True,
    reconnect=True,
    price=True,
)
FORMATS = {"PCMU": MULAW_8K, "L16": PCM16_16K}
AUTO = "AUTO"
DETECTIONS = ("premium", "greeting_end")
HOST = "api.telnyx.com"


def _api_key(value: str | None) -> str:
    return credential("Telnyx", "api_key", value, "TELNYX_API_KEY")


def _connection_id(value: str | None) -> str:
    return credential("Telnyx", "connection_id", value, "TELNYX_CONNECTION_ID")


def _public_key(value: str | None) -> str:
    """The key, checked if there is one: calls can be placed without, webhooks are refused."""
    key = value or read("TELNYX_PUBLIC_KEY")
    if key:
        read_public_key(key)
    return key


def _codec(name: str) -> str:
    return _one_of("codec", name.upper(), (*FORMATS, AUTO))


def _detection(name: str) -> str:
    return _one_of("machine_detection", name, DETECTIONS)


def _one_of(option: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise PatterConfigError(
            f"Telnyx has no {option} {value!r} here", fix=f"use one of {', '.join(choices)}"
        )
    return value


def _api_base(url: str) -> str:
    return endpoint("Telnyx", url)


class _Formats:
    """The one format of a carrier's *codec*, both ways; without a choice, all there are."""

    def __get__(self, carrier: Telnyx | None, owner: type[Telnyx]) -> tuple[AudioFormat, ...]:
        if carrier is None or carrier.codec == AUTO:
            return tuple(FORMATS.values())
        return (FORMATS[carrier.codec],)


@attrs.frozen(kw_only=True)
class Telnyx:
    """Calls over one Telnyx application. Immutable: share it between any number of calls.

    *api_key* authorises our requests, *public_key* verifies Telnyx's webhooks; *connection_id*
    names the Voice API application that calls come and go through. *codec* is ``PCMU``, or
    ``L16`` for 16 kHz, or ``AUTO`` for whichever suits the agent's recogniser and voice;
    *l16_big_endian* swaps the bytes of L16. *machine_detection* is ``premium`` or
    ``greeting_end``. *voice* and *language* speak the briefing of a warm transfer, as Telnyx's
    speak command names them. *api_base* is where a double listens.
    """

    api_key: str = attrs.field(
        default=None, converter=_api_key, repr=False, metadata={"env": "TELNYX_API_KEY"}
    )
    connection_id: str = attrs.field(default=None, converter=_connection_id)
    public_key: str = attrs.field(
        default=None, converter=_public_key, repr=False, metadata={"env": "TELNYX_PUBLIC_KEY"}
    )
    codec: str = attrs.field(default="PCMU", converter=_codec)
    l16_big_endian: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    machine_detection: str = attrs.field(default="premium", converter=_detection)
    voice: str = "female"
    language: str = "en-US"
    api_base: str = attrs.field(default="", converter=_api_base)
    name: ClassVar[str] = "telnyx"
    can: ClassVar[CarrierCapabilities] = CAN
    formats = _Formats()

    def streaming(self, audio: AudioFormat) -> Telnyx:
        """The same application with calls in *audio*, one of `formats`."""
        codec = next(name for name, each in FORMATS.items() if each == audio)
        return attrs.evolve(self, codec=codec)

    @property
    def account(self) -> str:
        """The connection, as webhooks name it."""
        return self.connection_id

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that requests go to; calls and media come from Telnyx to us."""
        return (urlsplit(self.api_base).hostname or HOST,)

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[CarrierLine]:
        """The account's line. Telnyx's library is slow to import, so a thread does it."""
        module: Any = await asyncio.to_thread(import_module, "patter_telnyx.line")
        async with module.opened(self.streaming(self.formats[0]), switchboard) as line:
            yield line


if TYPE_CHECKING:
    _: type[Carrier] = Telnyx
