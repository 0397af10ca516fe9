"""What a tunnel has to keep."""

from __future__ import annotations

import asyncio

import pytest

from patter.errors import PatterError
from patter.providers.tunnel import Tunnel, TunnelTraits
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    cancelled,
    has_fix,
    nothing_left,
    within,
)


class TunnelSuite(ProviderSuite):
    """Subclass, and return the tunnel from ``provider``."""

    async def test_it_opens_on_a_bare_host(self, provider: Tunnel) -> None:
        """What it yields is a host: no scheme, no path.

        If this fails: strip ``https://`` and everything from the first slash.
        """
        async with within(ANSWER_S, "opening"), provider.open(8_000) as host:
            assert host, "the host is empty"
            assert "/" not in host, f"{host!r} is not a bare host"

    async def test_a_host_known_before_is_the_one_opened(self, provider: Tunnel) -> None:
        """Webhooks are written for `hostname` before the tunnel is open.

        If this fails: yield ``self.hostname``, or leave it empty when it can change.
        """
        async with within(ANSWER_S, "opening"), provider.open(8_000) as host:
            hostname = TunnelTraits.of(provider).hostname
            assert hostname in ("", host), f"hostname is {hostname!r}, opened {host!r}"

    async def test_a_closed_tunnel_leaves_nothing(self, provider: Tunnel) -> None:
        """No task, socket or process outlives the ``async with``.

        If this fails: end the vendor's process in a ``finally``, and wait for it.
        """
        async with nothing_left(), provider.open(8_000):
            pass

    async def test_cancelling_closes_within_a_second(self, provider: Tunnel) -> None:
        """A server that stops is not kept waiting.

        If this fails: bound what ``open`` does after its ``yield``.
        """

        async def hold(begun: asyncio.Event) -> None:
            async with provider.open(8_000):
                begun.set()
                await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(hold):
            pass

    async def test_a_refusal_says_what_to_do(self, refused: Tunnel) -> None:
        """A tunnel that cannot be had makes a PatterError with a fix.

        If this fails: raise PatterConnectionError with the vendor's reason.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                async with refused.open(8_000):
                    pass
        has_fix(raised.value)
