"""Asks the public address of a phone whether Patter answers there: one bounded GET, no redirects.

The operator's own host is asked and nobody else's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from patter.clock import Clock, LoopClock

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

LIMIT_S = 4.0
BODY_BYTES = 4_096


class Trouble(StrEnum):
    """Why there was no answer."""

    NAME = "name"
    CERTIFICATE = "certificate"
    REFUSED = "refused"
    SILENT = "silent"


@attrs.frozen(kw_only=True)
class Answer:
    """What came back. *ours*: it is what Patter says at /health. *wall*: its Date header."""

    status: int
    ours: bool = False
    took_ms: float = 0.0
    wall: float | None = None


class Probe(Protocol):
    """Looks at a host from outside."""

    async def health(self, host: str) -> Answer | Trouble:
        """What *host* (a name, with port if it is not the usual one) says at /health."""
        ...


@attrs.frozen(kw_only=True)
class HttpProbe:
    """Over the network. *scheme* and *resolver* are other than usual in tests only."""

    scheme: str = "https"
    limit_s: float = LIMIT_S
    resolver: AbstractResolver | None = None
    clock: Clock = attrs.field(factory=LoopClock)

    async def health(self, host: str) -> Answer | Trouble:
        import aiohttp

        try:
            async with asyncio.timeout(self.limit_s):
                return await self._asked(f"{self.scheme}://{host}/health")
        except TimeoutError:
            return Trouble.SILENT
        except aiohttp.ClientConnectorDNSError:
            return Trouble.NAME
        except aiohttp.ClientSSLError:
            return Trouble.CERTIFICATE
        except (aiohttp.ClientError, OSError):
            return Trouble.REFUSED

    async def _asked(self, url: str) -> Answer:
        import aiohttp

        connector = aiohttp.TCPConnector(resolver=self.resolver)
        async with aiohttp.ClientSession(connector=connector) as session:
            asked_ms = self.clock.ms()
            async with session.get(url, allow_redirects=False) as response:
                body = await response.content.read(BODY_BYTES)
                return Answer(
                    status=response.status,
                    ours=response.status == 200 and is_ours(body),
                    took_ms=self.clock.ms() - asked_ms,
                    wall=date_of(response.headers),
                )


def is_ours(body: bytes) -> bool:
    """Is *body* what a server of Patter says at /health?

    >>> is_ours(b'{"status":"ok","mode":"local"}'), is_ours(b"ok"), is_ours(b"[]")
    (True, False, False)
    """
    try:
        said: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("status") == "ok" and "mode" in said


def date_of(headers: Mapping[str, str]) -> float | None:
    """Seconds since 1970 as a Date header has them; None when there is none that can be read.

    >>> date_of({"Date": "Thu, 01 Jan 1970 00:01:00 GMT"}), date_of({"Date": "soon"}), date_of({})
    (60.0, None, None)
    """
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
