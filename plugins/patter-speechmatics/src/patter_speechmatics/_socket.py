"""How Speechmatics is reached, and how a session begins: over sockets of the kit.

The sockets are aiohttp's, from the pool of the process: the vendor's SDK makes a TLS context for
each client, which blocks the loop for tens of milliseconds. See the README for figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs

from patter.errors import PatterError
from patter.vendors.options import socket_url
from patter.vendors.sockets import VendorSocket, decoded, vendor_socket
from patter_speechmatics._errors import ERRORS, failed, hung_up

PATH = "/v2"

START_S = 4.0
"""How long a session may take to begin: a call waits as long for one, and tries again."""

HEARTBEAT_S = 20.0
"""Without audio and without pings Speechmatics hangs up after 3 min; it recommends 20 to 60 s."""

MOST_BYTES = 4 << 20


@attrs.frozen
class Started:
    """A session that has begun: *delimiter* stands between words; the rest is for people."""

    delimiter: str = " "
    language: str = ""
    quality: str = ""
    usage: str = ""

    @property
    def text(self) -> str:
        """What of it is worth telling people."""
        return ", ".join(each for each in (self.language, self.quality, self.usage) if each)


def connected(base_url: str, key: str) -> AbstractAsyncContextManager[VendorSocket]:
    """A socket to Speechmatics, on which no session has begun.

    Entering raises PatterError as Speechmatics answers, or when it does not in time.
    """
    return vendor_socket(
        socket_url(base_url, PATH),
        errors=ERRORS,
        headers={"Authorization": f"Bearer {key}"},
        hung_up=lambda code, reason: hung_up(code, reason, key),
        heartbeat_s=HEARTBEAT_S,
        most_bytes=MOST_BYTES,
    )


async def begun(socket: VendorSocket, start: str, key: str) -> Started:
    """Send *start*, and wait until the session has begun: no audio may be sent before.

    Raises PatterError: CONFIG for settings that are refused, AUTH, RATE_LIMIT for too many
    sessions, TIMEOUT after `START_S`.
    """
    with ERRORS.translated():
        async with asyncio.timeout(START_S):
            await socket.send(start)
            return await _begun(socket, key)


async def _begun(socket: VendorSocket, key: str) -> Started:
    started = Started()
    async for message in socket:
        body = decoded(message, ERRORS)
        try:
            match body["message"]:
                case "RecognitionStarted":
                    return _described(started, body.get("language_pack_info") or {})
                case "Error":
                    raise failed(str(body["type"]), str(body["reason"]), key)
                case "Info":
                    started = _informed(started, body)
        except PatterError:
            raise
        except (LookupError, TypeError, AttributeError):
            raise ERRORS.garbled(message) from None
    raise ERRORS.hung_up()


def _described(started: Started, pack: Mapping[str, Any]) -> Started:
    delimiter = pack.get("word_delimiter")
    return attrs.evolve(
        started,
        delimiter=" " if delimiter is None else str(delimiter),
        language=str(pack.get("language_description") or ""),
    )


def _informed(started: Started, body: Mapping[str, Any]) -> Started:
    match body.get("type"):
        case "recognition_quality":
            return attrs.evolve(started, quality=str(body.get("quality") or ""))
        case "concurrent_session_usage":
            usage = f"{body.get('usage')} of {body.get('quota')} sessions"
            return attrs.evolve(started, usage=usage)
    return started
