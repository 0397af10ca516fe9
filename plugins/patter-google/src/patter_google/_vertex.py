"""Access tokens of Google Cloud: found once, renewed off the loop, shared by all calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from patter.errors import AuthenticationError, PatterError
from patter_google._errors import ERRORS

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_S = 10.0
"""How long a new token may take; it is good for an hour."""

_FIX = "run 'gcloud auth application-default login', or export GOOGLE_APPLICATION_CREDENTIALS"


@attrs.define(eq=False)
class TokenSource:
    """Tokens of *credentials*, or of those that this machine has by default."""

    credentials: Credentials | None = attrs.field(default=None, repr=False)
    _renewing: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, repr=False)

    async def token(self) -> str:
        """A token that is good for some minutes. Raises AuthenticationError without any."""
        async with self._renewing:
            if self.credentials is None or not self.credentials.valid:
                try:
                    async with asyncio.timeout(TOKEN_S):
                        await asyncio.to_thread(self._renew)
                except TimeoutError:
                    raise ERRORS.late() from None
            return str(self.credentials.token) if self.credentials else ""

    def close(self) -> None:
        """Forget the token."""
        self.credentials = None

    def _renew(self) -> None:
        """Find the credentials and have them renewed, over the network; blocks."""
        from google.auth import default
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.requests import Request

        try:
            if self.credentials is None:
                self.credentials, _ = default(scopes=[SCOPE])
            if not self.credentials.valid:
                self.credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except TransportError as broken:
            raise ERRORS.unreachable(type(broken).__name__) from None
        except GoogleAuthError as failure:
            raise _refused(failure) from None


def _refused(failure: Exception) -> PatterError:
    # Its words may hold a part of a credential; its class says enough.
    return AuthenticationError(
        f"Google Cloud gives no token for Vertex AI ({type(failure).__name__})", fix=_FIX
    )
