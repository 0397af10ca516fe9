"""One POST of JSON to an application's own service: checked, signed, bounded in time and size."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs
import orjson

from patter.client_pool import client_pool
from patter.clock import Clock
from patter.egress.policy import EgressPolicy
from patter.egress.signing import SIGNATURE, signature
from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError

_FIX = "look at the log of the service behind the address"


class PostFailure(Exception):
    """Nothing of use came back; *arrived*: the service may have got, and acted on, the request."""

    def __init__(self, error: PatterError, *, arrived: bool) -> None:
        super().__init__(error.message)
        self.error, self.arrived = error, arrived


@attrs.frozen(kw_only=True)
class Post:
    """Where and how to post. *secret*: the requests are signed with it, unless it is empty.

    An answer has *limit_bytes* at most and takes *within_s* seconds at most.
    """

    url: str
    secret: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    policy: EgressPolicy
    limit_bytes: int
    within_s: float

    async def send(
        self, message: object, clock: Clock, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a successful answer to *message* as JSON. Raises PostFailure."""
        # It is heavy; a server has imported it long before a call needs it.
        import aiohttp

        body = orjson.dumps(message)
        try:
            async with asyncio.timeout(self.within_s):
                return await self._posted(body, {**self._headers(body, clock), **(headers or {})})
        except PatterError as refused:
            raise PostFailure(refused, arrived=False) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as broken:
            raise PostFailure(self._unreachable(broken), arrived=False) from None
        except TimeoutError:
            late = PatterTimeoutError(f"no answer within {self.within_s:g} s", fix=_FIX)
            raise PostFailure(late, arrived=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as broken:
            raise PostFailure(self._unreachable(broken), arrived=True) from None

    async def _posted(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        from patter.egress.client import egress_client

        async with (
            client_pool() as pool,
            egress_client(pool, self.policy).post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            got = bytearray()
            while part := await answer.content.readany():
                got += part
                if len(got) > self.limit_bytes:
                    answer.close()
                    raise ValueError(f"the answer has more than {self.limit_bytes} bytes")
            if not 200 <= answer.status < 300:
                raise ValueError(f"the answer has status {answer.status}")
            return bytes(got)

    def _headers(self, body: bytes, clock: Clock) -> dict[str, str]:
        signed = {SIGNATURE: signature(body, self.secret, clock.wall())} if self.secret else {}
        own = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        return {**own, **self.headers, **signed}

    def _unreachable(self, broken: Exception) -> PatterConnectionError:
        words = str(broken) if isinstance(broken, ValueError) else type(broken).__name__
        return PatterConnectionError(f"the service cannot be used: {words}", fix=_FIX)
