"""The registry of one process passes the suite, and stays small."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

import pytest

from patter.errors import WebhookVerificationError
from patter.observe.summary import CallSummary
from patter.server.calls import CallRequest
from patter.server.local_registry import LocalRegistry
from patter.server.registry import CallRegistry
from patter_testing.call_registry import CallRegistrySuite


class TestLocalRegistry(CallRegistrySuite):
    def registry(self) -> AbstractAsyncContextManager[CallRegistry]:
        return nullcontext(LocalRegistry())


async def test_calls_that_are_over_are_forgotten_oldest_first() -> None:
    registry = LocalRegistry(remembered=10)
    ids = []
    for number in range(100):
        entry = await registry.open(CallRequest(carrier="tin", carrier_call_id=str(number)))
        ids.append(entry.call_id)
        await registry.finish(
            entry.call_id, CallSummary(call_id=entry.call_id, outcome="completed"), epoch=0
        )
    kept = [call_id for call_id in ids if await registry.find(call_id)]
    assert kept == ids[-10:]
    assert await registry.find_at("tin", "0") is None
    assert registry.open_calls == 0


async def test_a_call_id_is_128_random_bits() -> None:
    entries = [await LocalRegistry().open(CallRequest(carrier="tin")) for _ in range(64)]
    assert {len(entry.call_id) for entry in entries} == {32}
    ones = [f"{int(entry.call_id, 16):0128b}" for entry in entries]
    # Each bit of 64 ids is neither always set nor never, but once in 2**56 runs of this test.
    assert all({"0", "1"} == set(bits) for bits in zip(*ones, strict=True))


async def test_a_refusal_of_media_says_why() -> None:
    registry = LocalRegistry()
    entry = await registry.open(CallRequest(carrier="tin"))
    async with registry.attach(entry.call_id, lambda _: None):
        with pytest.raises(WebhookVerificationError, match="held by another socket"):
            async with registry.attach(entry.call_id, lambda _: None):
                pass
    with pytest.raises(WebhookVerificationError, match="not known here"):
        async with registry.attach("nobody", lambda _: None):
            pass
