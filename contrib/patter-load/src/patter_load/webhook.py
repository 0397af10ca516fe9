"""A call comes in: a signed webhook, and where its answer wants the media.

What Twilio does with any server, so that any framework can be called. Nobody is called whose
address was not given: media that lead to another host than the webhook's need a yes.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext, create_default_context
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from xml.etree import ElementTree

import aiohttp
import attrs

from patter.errors import (
    InputError,
    PatterConnectionError,
    PatterTimeoutError,
    ProvisionError,
    WebhookVerificationError,
)
from patter_load.media_socket import MediaSocket

S = TypeVar("S", bound=MediaSocket)
ANSWER_S, CONNECT_S = 15.0, 10.0
"""Twilio waits 15 s for TwiML, and then the caller hears an error."""
ANSWER_BYTES = 65_536
SIGNATURE = "X-Twilio-Signature"
NUMBER, CALLER = "+15550001234", "+15550100001"
ACCOUNT_SID = "AC" + "0" * 31 + "1"
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """What Twilio writes into `SIGNATURE` of a form with *fields* posted to *url*.

    >>> signature("12345", "https://a.example.com/voice", {"To": "+1555", "From": "+1556"})
    '4YeBfULLBPu30MdtgodvcCicNy4='
    """
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


@attrs.frozen(kw_only=True)
class Answer:
    """Where the media of a call go, and the parameters that its stream is to bring along."""

    url: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Endpoint:
    """The voice webhook at *url*, which is called *public_url* in public, if that is another.

    Webhooks are signed with *token*, if there is one, over the public address. *anywhere* lets
    media go to hosts that are neither the webhook's nor this machine. *tls* is for https and wss.
    """

    url: str
    public_url: str = attrs.field(default=attrs.Factory(lambda self: self.url, takes_self=True))
    token: str = attrs.field(default="", repr=False)
    account_sid: str = ACCOUNT_SID
    number: str = NUMBER
    anywhere: bool = False
    tls: SSLContext = attrs.field(factory=create_default_context, repr=False)

    @property
    def place(self) -> SplitResult:
        """The parts of *url*."""
        return urlsplit(self.url)

    @property
    def port(self) -> int:
        """Where it is served."""
        return self.place.port or PORTS[self.place.scheme]

    async def ring(self, http: aiohttp.ClientSession, call_sid: str) -> Answer:
        """Tell of a call. Raises PatterError when it is not taken."""
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": call_sid,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "From": CALLER,
            "To": self.number,
        }
        public = urlsplit(self.public_url)
        headers = {"Host": public.netloc, **self._signed(self.public_url, fields)}
        name = public.hostname if self.place.scheme == "https" else None
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                http.post(
                    self.url, data=fields, headers=headers, ssl=self.tls, server_hostname=name
                ) as response,
            ):
                body = await response.content.read(ANSWER_BYTES)
        except TimeoutError as exc:
            raise PatterTimeoutError(
                f"{self.url} has not answered within {ANSWER_S:g} s", fix="is it still alive?"
            ) from exc
        except aiohttp.ClientError as exc:
            raise PatterConnectionError(
                f"{self.url} cannot be called: {exc}", fix="start what is to be loaded"
            ) from exc
        return _answer(self.url, response.status, body)

    async def connect(self, made: Callable[[], S], url: str) -> S:
        """Open the media socket that *made* makes, at *url*. Raises PatterError."""
        host, port, tls = self._way(urlsplit(url))
        name = urlsplit(url).hostname if tls else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, socket = await loop.create_connection(
                    made, host, port, ssl=self.tls if tls else None, server_hostname=name
                )
        except (OSError, TimeoutError) as exc:
            raise PatterConnectionError(
                f"no media socket at {host}:{port}: {exc or 'no answer'}", fix="is it still alive?"
            ) from exc
        try:
            async with asyncio.timeout(CONNECT_S):
                await socket.up
        except (asyncio.CancelledError, TimeoutError) as exc:
            socket.abort()
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise PatterConnectionError(
                socket.problem or f"the media socket did not open within {CONNECT_S:g} s",
                fix="look into the log of what is loaded",
            ) from exc
        return socket

    def media_headers(self, url: str) -> dict[str, str]:
        """What shows a media socket at *url* to be the carrier's."""
        return self._signed(url, {})

    def _signed(self, url: str, fields: Mapping[str, str]) -> dict[str, str]:
        return {SIGNATURE: signature(self.token, url, fields)} if self.token else {}

    def _way(self, media: SplitResult) -> tuple[str, int, bool]:
        """Host, port, and whether TLS is spoken there. Raises InputError, ProvisionError."""
        if media.scheme not in ("ws", "wss") or not media.hostname:
            raise ProvisionError(
                f"media are wanted at {media.geturl()!r}", fix="answer with <Stream url='wss://...'"
            )
        if media.netloc == urlsplit(self.public_url).netloc:
            return self.place.hostname or "", self.port, self.place.scheme == "https"
        if not (self.anywhere or is_loopback(media.hostname)):
            raise InputError(
                f"media are wanted at {media.hostname}, which is another host",
                fix="pass --public-url as the server knows itself, or --yes to call that host",
            )
        return media.hostname, media.port or PORTS[media.scheme], media.scheme == "wss"


def is_loopback(host: str) -> bool:
    """Is *host* this machine, whatever the network?

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("a.example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Every webhook has a connection of its own: none is left when connections are counted."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


def _answer(url: str, status: int, body: bytes) -> Answer:
    """What TwiML says. Raises PatterError when it is no stream."""
    if status in (401, 403):
        raise WebhookVerificationError(
            f"{url} refuses the signature ({status})",
            fix="export TWILIO_AUTH_TOKEN and TWILIO_ACCOUNT_SID as it has them; --public-url",
        )
    try:
        stream = ElementTree.fromstring(body).find(".//Stream") if status == 200 else None
    except ElementTree.ParseError:
        stream = None
    if stream is None or "url" not in stream.attrib:
        shown = body[:120].decode(errors="replace")
        raise ProvisionError(
            f"{url} takes no call: {status} {shown!r}",
            fix="it is to answer with TwiML: <Connect><Stream url=...>; is it full?",
        )
    parameters = {
        each.get("name", ""): each.get("value", "") for each in stream.findall("Parameter")
    }
    return Answer(url=stream.attrib["url"], parameters=parameters)
