"""Checks whether Patter answers at a phone's public address: one bounded GET, no redirects.

No host but the operator's own is contacted.
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

# Less than the bound of a check, so that the finding says that the host was silent.
LIMIT_S = 4.0
BODY_BYTES = 4_096


class Trouble(StrEnum):
    """Why there was no answer."""

    NAME = "name"
    CERTIFICATE = "certificate"
    REFUSED = "refused"
    SILENT = "silent"


@attrs.frozen(kw_only=True)
class ProbeAnswer:
    """The response. *ours*: it is Patter's /health. *wall*: its Date header, seconds since 1970.

    *one_address*: a proxy is before it that it does not trust, so all who call share its limits.
    """

    status: int
    ours: bool = False
    one_address: bool = False
    took_ms: float = 0.0
    wall: float | None = None


class Probe(Protocol):
    """Makes a request to a host by its public name."""

    async def health(self, host: str) -> ProbeAnswer | Trouble:
        """The response of *host* (a name, with port if it is not the usual one) at /health."""
        ...


@attrs.frozen(kw_only=True)
class HttpProbe:
    """The probe over the network. *scheme* and *resolver* are set in tests only."""

    scheme: str = "https"
    limit_s: float = LIMIT_S
    resolver: AbstractResolver | None = None
    clock: Clock = attrs.field(factory=LoopClock)

    async def health(self, host: str) -> ProbeAnswer | Trouble:
        import aiohttp

        try:
            async with asyncio.timeout(self.limit_s):
                return await self._get(f"{self.scheme}://{host}/health")
        except TimeoutError:
            return Trouble.SILENT
        except aiohttp.ClientConnectorDNSError:
            return Trouble.NAME
        except aiohttp.ClientSSLError:
            return Trouble.CERTIFICATE
        except (aiohttp.ClientError, OSError):
            return Trouble.REFUSED

    async def _get(self, url: str) -> ProbeAnswer:
        import aiohttp

        connector = aiohttp.TCPConnector(resolver=self.resolver)
        async with aiohttp.ClientSession(connector=connector) as session:
            began_ms = self.clock.ms()
            async with session.get(url, allow_redirects=False) as response:
                body = await response.content.read(BODY_BYTES)
                ours = response.status == 200 and is_ours(body)
                return ProbeAnswer(
                    status=response.status,
                    ours=ours,
                    one_address=ours and json.loads(body).get("proxy") == "untrusted",
                    took_ms=self.clock.ms() - began_ms,
                    wall=date_of(response.headers),
                )


def is_ours(body: bytes) -> bool:
    """Is *body* the /health response of a Patter server?

    >>> is_ours(b'{"status":"ok","mode":"local"}'), is_ours(b"ok"), is_ours(b"[]")
    (True, False, False)
    """
    try:
        value: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("status") == "ok" and "mode" in value


def date_of(headers: Mapping[str, str]) -> float | None:
    """Seconds since 1970 as a Date header has them; None when there is none that can be read.

    >>> date_of({"Date": "Thu, 01 Jan 1970 00:01:00 GMT"}), date_of({"Date": "soon"}), date_of({})
    (60.0, None, None)
    """
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
