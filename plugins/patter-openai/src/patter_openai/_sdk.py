"""The vendor's SDK: one client for all that shares an address and a key, made off the loop.

Importing the SDK takes a second and its TLS settings a tenth, so a thread does both before the
first call. Requests go by the SDK's `post`, which it documents for requests of one's own: it has
the SDK's authorization, errors, streams and connections, and costs 4 ms less than its typed
methods, which rewrite every body and every chunk. Tests hold our bodies to its request types.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from patter.client_pool import CONNECT_S, KEEP_S, client_pool
from patter.errors import PatterError
from patter.providers.health import HealthReport
from patter.vendors.dates import date_of
from patter.vendors.errors import VendorErrors
from patter_openai._errors import ERRORS, refused, reported

if TYPE_CHECKING:
    import ssl

    from openai import AsyncOpenAI

CHECK_S = 5.0
ANSWER_S = 20.0
_PARTS = (
    "httpx2",
    "openai",
    "openai.resources.audio.audio",
    "openai.resources.audio.speech",
    "openai.resources.chat",
    "openai.types.audio",
    "openai.types.chat",
    "numpy",
)
"""What a call needs; the last is for the loudness of what a caller says."""


@attrs.frozen(kw_only=True)
class Access:
    """Where requests go, with which key, and what their errors are called.

    *organization* and *project* are the account's; for a vendor other than OpenAI they are not
    sent at all.
    """

    base_url: str
    api_key: str = attrs.field(repr=False)
    errors: VendorErrors = ERRORS
    organization: str = ""
    project: str = ""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncOpenAI]:
        """The client, warm or not, for one request; what it raises comes out as ours."""
        async with client_pool() as pool:
            if not _tls.cache_info().currsize:
                await asyncio.to_thread(_load)
            key = ("openai", self.base_url, self.api_key, self.organization, self.project)
            with self.translated():
                yield pool.client(key, self._make)

    async def warm(self) -> None:
        """Import, make the client, and open its connection by asking for nothing that costs."""
        await self.reach()

    async def warm_sockets(self) -> None:
        """Open a connection to the host of sockets, which the next one takes over."""
        for name in ("patter.vendors.requests", "numpy"):
            await asyncio.to_thread(import_module, name)
        from patter.vendors.requests import warmed_connection

        await warmed_connection(f"{self.base_url}/models", self.errors)

    async def reach(self, headers: Mapping[str, str] | None = None) -> HealthReport:
        """Ask which models there are, if the server tells, to see whether it takes the key."""
        return await self._get("/models", headers or {})

    async def check(self, model: str) -> HealthReport:
        """Ask whether key, address and *model* are accepted; the vendor's time is in the report."""
        return await self._get(f"/models/{quote(model, safe=':')}", {})

    def timeout(self, silence_s: float) -> Any:
        """The SDK's limits: connecting as everywhere, and *silence_s* for each next byte."""
        import httpx2

        return httpx2.Timeout(silence_s, connect=min(CONNECT_S, silence_s))

    async def _get(self, path: str, headers: Mapping[str, str]) -> HealthReport:
        async with self.client() as client, asyncio.timeout(CHECK_S):
            import httpx2
            import openai

            try:
                reply = await client.get(
                    path, cast_to=httpx2.Response, options={"headers": dict(headers)}
                )
            except (openai.NotFoundError, openai.PermissionDeniedError) as unclear:
                if why := _unasked(unclear.code, unclear.message):
                    return HealthReport(text=why, wall=date_of(unclear.response.headers))
                raise
            body = reply.json()
        if not isinstance(body, dict) or "error" in body:
            raise self.errors.garbled(body)
        return HealthReport(text=str(body.get("id") or ""), wall=date_of(reply.headers))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise as ours what the SDK, the loop and unreadable JSON raise; the key is in none."""
        import httpx2
        import openai

        errors, secret = self.errors, self.api_key
        try:
            yield
        except PatterError:
            raise
        except openai.APIStatusError as status:
            raise refused(
                errors,
                status.status_code,
                status.body,
                headers=status.response.headers,
                secret=secret,
            ) from None
        except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError):
            raise errors.late() from None
        except openai.APIConnectionError as broken:
            raise errors.unreachable(type(broken.__cause__ or broken).__name__) from None
        except openai.APIError as mid_stream:
            body = mid_stream.body if isinstance(mid_stream.body, Mapping) else {}
            raise reported(errors, body, secret=secret) from None
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as broken:
            raise errors.unreachable(type(broken).__name__) from None
        except (ValueError, RecursionError) as unreadable:
            raise errors.garbled(type(unreadable).__name__) from None

    def _make(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI

        ours = self.errors is ERRORS
        return AsyncOpenAI(
            api_key=self.api_key,
            base_url=self.base_url,
            organization=self.organization or None,
            project=self.project or None,
            # A call tries again by itself, and may have another provider to try.
            max_retries=0,
            default_headers=None if ours else _not_of_theirs(),
            http_client=httpx2.AsyncClient(
                verify=_tls(),
                follow_redirects=False,
                timeout=self.timeout(ANSWER_S),
                # Calls are bounded where they are admitted: one that waits here is silent.
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_S
                ),
            ),
        )


def _not_of_theirs() -> Any:
    """Headers that name an OpenAI account, left out."""
    from openai import Omit

    return {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}


def _load() -> None:
    """Import what a request needs, and make the TLS settings; slow, so a thread does it."""
    for name in _PARTS:
        import_module(name)
    _tls()


@cache
def _tls() -> ssl.SSLContext:
    import httpx2

    context: ssl.SSLContext = httpx2.create_ssl_context()
    return context


def _unasked(code: str | None, message: str) -> str:
    """Why a refusal says nothing of the key and the model, if it does not.

    A key may be good for speech alone, and not every server lists its models.
    """
    if "scope" in message.lower():
        return "the key may not read models, so they were not checked"
    return "it lists no models" if code is None else ""
