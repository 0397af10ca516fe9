"""Plivo's double as a test opens it: the account, its API and its webhooks together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

import attrs

from patter.carriers.webhooks import form_fields
from patter_plivo._signature import Signature
from patter_plivo.double.account_double import PlivoAccountDouble
from patter_plivo.double.api import api_routes, refuse
from patter_plivo.double.settings import PlivoDoubleSettings
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.runtime import opened
from patter_testing.doubles.webhook_sender import Webhook

DETECTION_MS = 40.0


@attrs.frozen(kw_only=True)
class PlivoDouble(PlivoDoubleSettings):
    """A Plivo account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's. *stop_frames* False: streams end without a word, as Plivo's
    pages have it. *holds_streams*: a stream that runs goes on until it is closed, and what the
    call was told to do next waits for that, as some integrations report; Plivo's pages do not
    say. *redials*: so often a socket that was lost, or could not be opened, is tried again.
    *paced* False: what a caller says is sent at once, in one frame, and nothing between. *faults*
    say how bad the day is.
    """

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PlivoAccountDouble]:
        """Serve the API while inside; on leaving every call of the double is gone."""
        signature, nonces = Signature(token=self.auth_token), count(1)

        def sign(webhook: Webhook) -> Mapping[str, str]:
            nonce = f"{self.faults.seed}{next(nonces):020}"
            return signature.sign(webhook.url, form_fields(webhook.body), nonce)

        async with opened(
            sign=sign,
            refuse=refuse,
            vendor=lambda runtime: PlivoAccountDouble(self, runtime),
            routes=api_routes,
            faults=self.faults,
            hosts=HostMap(public_host=self.public_host),
            clock=self.clock,
            paced=self.paced,
        ) as vendor:
            yield vendor
