"""The settings of a Twilio account: its credentials, where its API is, how it speaks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.carriers.endpoint import endpoint
from patter.env import credential, stands_in
from patter.errors import PatterConfigError
from patter.providers.carrier import Carrier, CarrierCapabilities, CarrierLine, Switchboard

CAN = CarrierCapabilities(
    marks=True,
    outbound=True,
    cold_transfer=True,
    sip_transfer=True,
    warm_transfer=True,
    transfer_result=True,
    dtmf_in=True,
    machine_detection=True,
    recording=True,
    recording_pause=True,
    reconnect=True,
    price=True,
)
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}\Z")


def _account_sid(value: str | None) -> str:
    account_sid = credential("Twilio", "account_sid", value, "TWILIO_ACCOUNT_SID")
    if not (_ACCOUNT.match(account_sid) or stands_in(account_sid)):
        raise PatterConfigError(
            "Twilio's account_sid is not AC and 32 hexadecimal digits",
            fix="export TWILIO_ACCOUNT_SID as console.twilio.com shows it",
        )
    return account_sid


def _auth_token(value: str | None) -> str:
    return credential("Twilio", "auth_token", value, "TWILIO_AUTH_TOKEN")


def _api_base(url: str) -> str:
    return endpoint("Twilio", url)


@attrs.frozen(kw_only=True)
class Twilio:
    """Calls over one Twilio account. Immutable: share it between any number of calls.

    *auth_token* signs webhooks and requests. *webhook_secret* is that of a SharedKey, for
    accounts whose webhooks are signed with one. *region* and *edge* choose where Twilio handles
    the account, both or neither. *voice* and *language* speak the briefing of a warm transfer,
    as Twilio's ``<Say>`` names them. *api_base* is where a double listens.
    """

    account_sid: str = attrs.field(default=None, converter=_account_sid)
    auth_token: str = attrs.field(
        default=None, converter=_auth_token, repr=False, metadata={"env": "TWILIO_AUTH_TOKEN"}
    )
    webhook_secret: str = attrs.field(default="", repr=False)
    region: str = ""
    edge: str = ""
    voice: str = ""
    language: str = ""
    api_base: str = attrs.field(default="", converter=_api_base)
    name: ClassVar[str] = "twilio"
    formats: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K,)
    can: ClassVar[CarrierCapabilities] = CAN

    def __attrs_post_init__(self) -> None:
        if bool(self.region) != bool(self.edge):
            raise PatterConfigError(
                "Twilio needs region and edge, or neither",
                fix="write twilio?region=ie1&edge=dublin",
            )

    @property
    def account(self) -> str:
        """The account, as webhooks name it."""
        return self.account_sid

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that requests go to; calls and media come from Twilio to us."""
        if self.api_base:
            return (urlsplit(self.api_base).hostname or "",)
        labels = [part for part in ("api", self.edge, self.region) if part]
        return (".".join([*labels, "twilio.com"]),)

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[CarrierLine]:
        """The account's line. Twilio's library is slow to import, so a thread does it."""
        module: Any = await asyncio.to_thread(import_module, "patter_twilio.line")
        async with module.opened(self, switchboard) as line:
            yield line


if TYPE_CHECKING:
    _: type[Carrier] = Twilio
