"""The vendor's SDK: one client for all that shares an address and a key, made off the loop.

Importing the SDK takes seconds and its TLS settings a tenth of one, so a thread does both before
the first call. Requests go by the SDK's `post`, which takes a body as it is and gives events as
JSON was read: it has the SDK's authorization, errors, streams and connections, and the first
request is 7 ms faster than by its typed methods (see the README). Tests hold our bodies to its
request types.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from patter.client_pool import CONNECT_S, KEEP_S, client_pool
from patter.errors import PatterConfigError, PatterError
from patter.providers.health import HealthReport
from patter_anthropic._errors import ERRORS, refused

if TYPE_CHECKING:
    import ssl

    from anthropic import AsyncAnthropic

CHECK_S = 5.0
VERSION = "2023-06-01"
"""The version of the API that a check asks for: the oldest, which has all that it reads."""

FRESH_S = KEEP_S / 2
"""A connection that was used so recently is still open: there is nothing to warm."""


@attrs.define(eq=False)
class _Client:
    """The SDK's client, and when its connection was last warmed."""

    sdk: AsyncAnthropic
    warmed_s: float = -math.inf

    async def aclose(self) -> None:
        await self.sdk.close()


@attrs.frozen(kw_only=True)
class Access:
    """Where requests go, and with which key."""

    base_url: str
    api_key: str = attrs.field(repr=False)

    async def events(
        self, body: Mapping[str, Any], headers: Mapping[str, str], silence_s: float
    ) -> AsyncGenerator[object, None]:
        """The events that answer *body*, as JSON was read.

        Closing this closes the connection, which is how the vendor is told to stop; read to its
        end, the connection is kept. Raises PatterError.
        """
        async with self._client() as client:
            from anthropic import AsyncStream

            stream: AsyncStream[object] = await client.sdk.post(
                "/v1/messages",
                cast_to=object,
                body={**body, "stream": True},
                options={"headers": dict(headers), "timeout": _timeout(silence_s)},
                stream=True,
                stream_cls=AsyncStream[object],
            )
            async with stream:
                async for event in stream:
                    yield event

    async def warm(self) -> None:
        """Import, make the client, and open its connection by asking for nothing that costs."""
        now = asyncio.get_running_loop().time
        async with self._client() as client:
            import httpx2

            if now() - client.warmed_s < FRESH_S:
                return
            async with asyncio.timeout(CHECK_S):
                await client.sdk.get("/v1/models?limit=1", cast_to=httpx2.Response)
            client.warmed_s = now()

    async def check(self, model: str) -> HealthReport:
        """Ask whether key, address and *model* are accepted; the vendor's time is in the report.

        It takes no SDK: that would be most of the time there is for a check. Raises
        PatterConfigError for a model that is retired.
        """
        requests = await asyncio.to_thread(import_module, "patter.vendors.requests")
        report: HealthReport = await requests.checked(
            f"{self.base_url}/v1/models/{quote(model, safe='')}",
            errors=ERRORS,
            headers={"x-api-key": self.api_key, "anthropic-version": VERSION},
            refused=self._refused,
            text=lifetime,
        )
        return report

    def _refused(self, status: int, body: object, headers: Mapping[str, str]) -> PatterError:
        return refused(status, body, headers=headers, secret=self.api_key)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[_Client]:
        """The client, warm or not, for one request; what it raises comes out as ours."""
        async with client_pool() as pool:
            if not _tls.cache_info().currsize:
                await asyncio.to_thread(_load)
            with self._translated():
                yield pool.client(("anthropic", self.base_url, self.api_key), self._make)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise as ours what the SDK, its HTTP client, the loop and unreadable JSON raise."""
        import anthropic
        import httpx2

        try:
            yield
        except PatterError:
            raise
        except anthropic.APIStatusError as status:
            answer = status.response
            raise self._refused(status.status_code, status.body, answer.headers) from None
        except (anthropic.APITimeoutError, httpx2.TimeoutException, TimeoutError):
            raise ERRORS.late() from None
        except anthropic.APIConnectionError as broken:
            raise ERRORS.unreachable(type(broken.__cause__ or broken).__name__) from None
        except (anthropic.AnthropicError, httpx2.HTTPError, OSError) as broken:
            raise ERRORS.unreachable(type(broken).__name__) from None
        except ValueError as unreadable:
            raise ERRORS.garbled(type(unreadable).__name__) from None

    def _make(self) -> _Client:
        import httpx2
        from anthropic import AsyncAnthropic

        http = httpx2.AsyncClient(
            verify=_tls(),
            follow_redirects=False,
            timeout=_timeout(CHECK_S),
            # Calls are bounded where they are admitted: one that waits here is silent.
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_S
            ),
        )
        return _Client(
            AsyncAnthropic(
                api_key=self.api_key,
                base_url=self.base_url,
                # A call tries again by itself, and may have another provider to try.
                max_retries=0,
                http_client=http,
            )
        )


def _load() -> None:
    """Import what a request needs, and make the TLS settings; slow, so a thread does it."""
    import anthropic  # noqa: F401

    _tls()


@cache
def _tls() -> ssl.SSLContext:
    import httpx2

    context: ssl.SSLContext = httpx2.create_ssl_context()
    return context


def _timeout(silence_s: float) -> Any:
    """The SDK's limits: connecting as everywhere, and *silence_s* for each next byte."""
    import httpx2

    return httpx2.Timeout(silence_s, connect=min(CONNECT_S, silence_s))


def lifetime(model: Any) -> str:
    """What *model*, as the vendor tells of it, is called, and until when it is there.

    >>> lifetime({"id": "claude-a", "lifecycle": "deprecated", "retires_at": "2027-01-31T00"})
    'claude-a, retires 2027-01-31'
    """
    if not isinstance(model, Mapping) or not isinstance(name := model.get("id"), str):
        raise ERRORS.garbled(type(model).__name__)
    if model.get("lifecycle") == "retired":
        raise PatterConfigError(
            f"Anthropic has retired {name}", fix="see its list of models for one that follows"
        )
    until = str(model.get("retires_at") or "some day")[:10]
    return f"{name}, retires {until}" if model.get("lifecycle") == "deprecated" else name
