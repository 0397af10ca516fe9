"""Signed addresses of conversations, by the vendor's own client: it knows where to ask.

Its import takes most of a second and its TLS context a quarter of one, so both happen in a thread,
once; the client is in the pool.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from patter.client_pool import KEEP_S, ClientPool
from patter.plugins.installing import needs
from patter_elevenlabs._errors import ERRORS, of_answer

if TYPE_CHECKING:
    import httpx
    from elevenlabs.client import AsyncElevenLabs

TIMEOUT_S = 4.0


@attrs.frozen(eq=False)
class Signer:
    """The vendor's client, and the connections it uses."""

    _key: str = attrs.field(repr=False)
    _vendor: AsyncElevenLabs
    _http: httpx.AsyncClient

    async def signed_url(self, agent_id: str, branch_id: str, environment: str) -> str:
        """An address that admits to one conversation, for about a quarter of an hour."""
        import httpx
        from elevenlabs.core import ApiError

        named = {"branch_id": branch_id, "environment": environment}
        options: dict[str, Any] = {name: value for name, value in named.items() if value}
        try:
            answer = await self._vendor.conversational_ai.conversations.get_signed_url(
                agent_id=agent_id, request_options={"max_retries": 0}, **options
            )
        except ApiError as refused:
            headers = refused.headers or {}
            status = refused.status_code or 500
            raise of_answer(status, refused.body, headers, self._key) from None
        except httpx.TimeoutException:
            raise ERRORS.late() from None
        except (httpx.HTTPError, OSError) as broken:
            raise ERRORS.unreachable(type(broken).__name__) from None
        except (TypeError, ValueError) as wrong:
            raise ERRORS.garbled(type(wrong).__name__) from None
        url = getattr(answer, "signed_url", None)
        if not isinstance(url, str) or not url.startswith(("ws://", "wss://")):
            raise ERRORS.garbled("no signed address")
        return url

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def signer(pool: ClientPool, base_url: str, api_key: str) -> Signer:
    """The signer of the pool, made when there is none."""
    with needs("elevenlabs", install="patter-elevenlabs[sdk]"):
        tls = await asyncio.to_thread(_prepare)
    return pool.client(("elevenlabs", base_url, api_key), lambda: _made(base_url, api_key, tls))


@cache
def _prepare() -> ssl.SSLContext:
    """Do what takes long: import the client and its part for agents, and read the certificates."""
    import elevenlabs.conversational_ai.conversations.client  # noqa: F401, I001
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _made(base_url: str, api_key: str, tls: ssl.SSLContext) -> Signer:
    import httpx
    from elevenlabs.client import AsyncElevenLabs

    http = httpx.AsyncClient(
        verify=tls,
        # The default of 5 s makes a new handshake for nearly every call.
        limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_S),
    )
    vendor = AsyncElevenLabs(
        api_key=api_key, base_url=base_url, timeout=TIMEOUT_S, httpx_client=http
    )
    return Signer(api_key, vendor, http)
