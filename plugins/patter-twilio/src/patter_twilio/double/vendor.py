"""Twilio's double as a test opens it: the account, its API and its webhooks together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs

from patter.carriers.webhooks import form_fields
from patter_testing.doubles.host_map import HostMap
from patter_testing.doubles.runtime import opened
from patter_testing.doubles.webhook_sender import Webhook
from patter_twilio._signature import Signature
from patter_twilio.double.account_double import TwilioAccountDouble
from patter_twilio.double.api import Api, refuse
from patter_twilio.double.settings import TwilioDoubleSettings


@attrs.frozen(kw_only=True)
class TwilioDouble(TwilioDoubleSettings):
    """A Twilio account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's, *currency* is what it pays in. *faults* say how bad the day is.
    *paced* False: what a caller says is sent at once, in one frame, and nothing between.
    """

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TwilioAccountDouble]:
        """Serve the API while inside; on leaving every call of the double is gone."""
        signature = Signature(token=self.auth_token)

        def sign(webhook: Webhook) -> Mapping[str, str]:
            return signature.sign(webhook.url, form_fields(webhook.body))

        async with opened(
            sign=sign,
            refuse=refuse,
            vendor=lambda runtime: TwilioAccountDouble(self, runtime),
            routes=lambda vendor: Api(vendor).routes(),
            faults=self.faults,
            hosts=HostMap(public_host=self.public_host),
            clock=self.clock,
            paced=self.paced,
        ) as vendor:
            yield vendor
