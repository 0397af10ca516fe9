"""Telnyx's double as a test opens it: the account, its API and its webhooks together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.clock import LoopClock
from patter_telnyx.double.account_double import TelnyxAccountDouble
from patter_telnyx.double.api import Api, refuse
from patter_telnyx.double.settings import TelnyxDoubleSettings
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.runtime import opened
from patter_testing.doubles.webhook_sender import Webhook


@attrs.frozen(kw_only=True)
class TelnyxDouble(TelnyxDoubleSettings):
    """A Telnyx account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's. *faults* say how bad the day is. *keeps_streams*: a caller who
    is handed over goes on to stream meanwhile. *scrambled*: media frames come in pairs, the
    wrong way round. *connects* False: no media socket is opened by itself. *paced* False: what a
    caller says is sent at once, in one frame, and nothing between. *rate_in_answer* False: an
    answer with a sampling rate is refused, as Telnyx's own library has none there.
    """

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelnyxAccountDouble]:
        """Serve the API while inside; on leaving every call of the double is gone."""
        clock = self.clock or LoopClock()

        def sign(webhook: Webhook) -> Mapping[str, str]:
            return self.sign(webhook.body, int(clock.wall()))

        async with opened(
            sign=sign,
            refuse=refuse,
            vendor=lambda runtime: TelnyxAccountDouble(self, runtime),
            routes=lambda vendor: Api(vendor).routes(),
            faults=self.faults,
            hosts=HostMap(public_host=self.public_host),
            clock=clock,
            paced=self.paced,
        ) as vendor:
            yield vendor
