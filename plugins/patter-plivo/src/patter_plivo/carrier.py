"""The settings of a Plivo account: its credentials, where its API is, how it speaks."""

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

API = "https://api.plivo.com"
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
_ACCOUNT = re.compile(r"[MS]A[A-Za-z0-9]{18}\Z")
_APPLICATION = re.compile(r"[A-Za-z0-9_-]{1,60}\Z")


def _auth_id(value: str | None) -> str:
    auth_id = credential("Plivo", "auth_id", value, "PLIVO_AUTH_ID")
    if not (_ACCOUNT.match(auth_id) or stands_in(auth_id)):
        raise PatterConfigError(
            "Plivo's auth_id is not MA or SA and 18 letters and digits",
            fix="export PLIVO_AUTH_ID as console.plivo.com shows it",
        )
    return auth_id


def _auth_token(value: str | None) -> str:
    return credential("Plivo", "auth_token", value, "PLIVO_AUTH_TOKEN")


def _api_base(url: str) -> str:
    return endpoint("Plivo", url or API)


def _app_name(name: str) -> str:
    if not _APPLICATION.match(name):
        raise PatterConfigError(
            f"{name!r} cannot name a Plivo application",
            fix="use up to 60 letters, digits, - and _",
        )
    return name


@attrs.frozen(kw_only=True)
class Plivo:
    """Calls over one Plivo account. Immutable: share it between any number of calls.

    *auth_token* signs webhooks and requests. *app_name* is the application that numbers are
    attached to, one for each deployment. *hold_url* answers with the XML of what a caller on
    hold hears; empty for Plivo's own. *voice* and *language* speak the briefing of a warm
    transfer, as Plivo's ``<Speak>`` names them. *api_base* is where a double listens.
    """

    auth_id: str = attrs.field(default=None, converter=_auth_id, metadata={"env": "PLIVO_AUTH_ID"})
    auth_token: str = attrs.field(
        default=None, converter=_auth_token, repr=False, metadata={"env": "PLIVO_AUTH_TOKEN"}
    )
    app_name: str = attrs.field(default="patter", converter=_app_name)
    hold_url: str = ""
    voice: str = ""
    language: str = ""
    api_base: str = attrs.field(default=API, converter=_api_base)
    name: ClassVar[str] = "plivo"
    formats: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K,)
    can: ClassVar[CarrierCapabilities] = CAN

    @property
    def account(self) -> str:
        """The account whose secret signs its webhooks."""
        return self.auth_id

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that requests go to; calls and media come from Plivo to us."""
        return (urlsplit(self.api_base).hostname or "",)

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[CarrierLine]:
        """The account's line, with one HTTP client for all its calls; a thread imports it."""
        module: Any = await asyncio.to_thread(import_module, "patter_plivo.line")
        async with module.opened(self, switchboard) as line:
            yield line


if TYPE_CHECKING:
    _: type[Carrier] = Plivo
