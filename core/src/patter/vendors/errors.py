"""What a vendor's refusals mean, the same for all: who must do what before it can work.

One value a plugin::

    ERRORS = VendorErrors("Deepgram", "DEEPGRAM_API_KEY", "status.deepgram.com")
    with ERRORS.translated():
        ...

What only one vendor means by a code of its own is for its plugin to say.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType

import attrs

from patter.errors import (
    AuthenticationError,
    PatterConfigError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProviderError,
    RateLimitError,
)

MOST_WORDS = 200
"""How much of a vendor's own words is shown."""


@attrs.frozen
class VendorErrors:
    """The errors of *vendor*, whose key is in *variable*; *status_page* says how it is."""

    vendor: str
    variable: str
    status_page: str

    def refused(
        self, status: int, reason: str = "", *, headers: Mapping[str, str] | None = None
    ) -> PatterError:
        """The error for an HTTP *status*; *reason* are the vendor's own words, without secrets."""
        tail = f"({status}){': ' + reason[:MOST_WORDS] if reason else ''}"
        if status in (401, 403):
            return AuthenticationError(
                f"{self.vendor} refused the key {tail}", fix=f"export a valid {self.variable}"
            )
        if status == 402:
            return AuthenticationError(
                f"{self.vendor} wants to be paid first {tail}",
                fix=f"add credit to the account of {self.variable}",
            )
        if status == 404:
            return PatterConfigError(
                f"{self.vendor} has no such thing {tail}",
                fix="check the names of model and voice, and the address",
            )
        if status == 429:
            return RateLimitError(
                f"{self.vendor} takes no more requests for now {tail}",
                fix=f"fewer calls at once, or ask {self.vendor} for a higher limit",
                retry_after_ms=retry_after_ms(headers or {}),
            )
        if status in (408, 504):
            return self.late()
        if status >= 500:
            return PatterConnectionError(f"{self.vendor} failed {tail}", fix=self._wait)
        return ProviderError(
            f"{self.vendor} refused the request {tail}", fix="check the provider's options"
        )

    def late(self) -> PatterError:
        """The error for an answer that did not come in time."""
        return PatterTimeoutError(f"{self.vendor} did not answer in time", fix=self._wait)

    def unreachable(self, why: object = "") -> PatterError:
        """The error for a connection that could not be made, or broke."""
        words = f": {str(why)[:MOST_WORDS]}" if str(why) else ""
        return PatterConnectionError(f"{self.vendor} is out of reach{words}", fix=self._wait)

    def hung_up(self, code: int | None = None, reason: str = "") -> PatterError:
        """The error for a socket that *vendor* closed before it was done with."""
        words = ", ".join(str(part) for part in (code, reason[:MOST_WORDS]) if part)
        tail = f" ({words})" if words else ""
        return PatterConnectionError(f"{self.vendor} ended the connection{tail}", fix=self._wait)

    def garbled(self, message: object) -> PatterError:
        """The error for an answer that is not the protocol's."""
        start = repr(message)[:60]
        return ProviderError(
            f"{self.vendor} sent {start}",
            fix=f"check that nothing between here and {self.vendor} answers in its place",
        )

    def translated(self) -> Translated:
        """Raise as ours what aiohttp and the loop raise; the key is in none of it."""
        return Translated(self)

    def translation(self, raised: BaseException) -> PatterError | None:
        """The error of ours for what aiohttp and the loop raise; None for anything else."""
        # aiohttp is heavy, and whoever raises its errors has imported it.
        http = sys.modules.get("aiohttp")
        refusals = (http.WSServerHandshakeError, http.ClientResponseError) if http else ()
        failures = (http.ClientError,) if http else ()
        if isinstance(raised, PatterError):
            return None
        if isinstance(raised, refusals):
            return self.refused(raised.status, headers=raised.headers)
        if isinstance(raised, TimeoutError):
            return self.late()
        if isinstance(raised, (*failures, OSError)):
            return self.unreachable(type(raised).__name__)
        return None

    @property
    def _wait(self) -> str:
        return f"try again; see {self.status_page}"


@attrs.frozen
class Translated:
    """While inside, what is raised is raised as *errors* say it."""

    # A class, because a context manager made of a generator costs every message of a call.
    errors: VendorErrors

    def __enter__(self) -> None:
        """Nothing is done until something is raised."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if raised is not None and (error := self.errors.translation(raised)) is not None:
            raise error from None


def retry_after_ms(headers: Mapping[str, str]) -> float:
    """What ``Retry-After-Ms``, or ``Retry-After`` in seconds, asks for; 0 without, and for a date.

    >>> retry_after_ms({"Retry-After": "1.5"}), retry_after_ms({"retry-after-ms": "20"})
    (1500.0, 20.0)
    >>> retry_after_ms({"Retry-After": "soon"}), retry_after_ms({"Retry-After": "-1"})
    (0.0, 0.0)
    """
    lower = {name.lower(): value for name, value in headers.items()}
    return _number(lower.get("retry-after-ms", "")) or _number(lower.get("retry-after", "")) * 1_000


def _number(text: str) -> float:
    text = text.strip()
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 9
    return float(text) if plain else 0.0
