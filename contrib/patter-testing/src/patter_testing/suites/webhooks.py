"""What is posted to us is believed when the vendor signed it, and what we ask for is bounded.

The webhooks are the double's own, taken as they came and then spoilt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest

from patter.clock import LoopClock
from patter.errors import PatterConnectionError, RateLimitError
from patter_testing.doubles.carrier_double import Double
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HUMAN, CarrierHarness, until
from patter_testing.doubles.webhook_sender import Webhook
from patter_testing.suites.on_double import DoubleSuite
from patter_testing.suites.rules import has_fix
from patter_testing.switchboard import FakeSwitchboard, serving_line

At: TypeAlias = CarrierHarness[Any, Any]
FORBIDDEN, TOO_LARGE = 403, 413
MUCH = 70_000


async def posted(
    at: At, webhook: Webhook, headers: Mapping[str, str] | None = None, **more: str
) -> int:
    """The status that *webhook* is answered with; signed as it is, unless *headers* are given."""
    signed = at.vendor.runtime.sender.sign(webhook) if headers is None else headers
    async with at.vendor.runtime.http.post(
        at.vendor.runtime.hosts.http(webhook.url),
        data=webhook.body,
        headers={"Content-Type": webhook.content_type, **signed, **more},
    ) as answer:
        return int(answer.status)


async def first_word(at: At) -> Webhook:
    """The webhook of a call that came in, was acted on, and is over."""
    call, attached = await at.inbound()
    await call.hangs_up()
    await until(lambda: any(each.status == "completed" for each in at.switchboard.reports))
    attached.done()
    first: Webhook = at.vendor.runtime.sender.answers[0][0]
    return first


def noted(at: At) -> tuple[int, ...]:
    """How many reports the switchboard has, and how many requests the vendor got."""
    switchboard, requests = at.switchboard, at.vendor.runtime.requests
    records = (
        switchboard.rung,
        switchboard.reports,
        switchboard.transfers,
        switchboard.detections,
        switchboard.recordings,
        requests,
    )
    return tuple(len(each) for each in records)


class WebhooksSuite(DoubleSuite):
    """Subclass as for `CallsSuite`; *stranger* makes the simulator of another account."""

    stranger: ClassVar[Callable[..., Double]]

    async def test_nothing_unsigned_is_believed(self) -> None:
        """Whatever the address, a webhook without a signature changes nothing.

        If this fails: verify in one place that every webhook's handler goes through.
        """
        async with self.harness() as at:
            webhook = await first_word(at)
            before = noted(at)
            routes = [each for each in at.line.routes() if each.path.startswith("/webhooks/")]
            assert routes
            for route in routes:
                there = attrs.evolve(webhook, url=at.vendor.runtime.hosts.public(route.path))
                assert await posted(at, there, {}) == FORBIDDEN, route.path
            assert noted(at) == before

    async def test_what_was_tampered_with_is_not_believed(self) -> None:
        """The signature is of another body, or is not a signature.

        If this fails: compute it over the body as it came, before it is parsed.
        """
        async with self.harness() as at:
            webhook = await first_word(at)
            before, signed = noted(at), at.vendor.runtime.sender.sign(webhook)
            for spoilt in (webhook.body + b"&Forged=1", webhook.body[:-1], b""):
                assert await posted(at, attrs.evolve(webhook, body=spoilt), signed) == FORBIDDEN
            assert await posted(at, webhook, dict.fromkeys(signed, "forged")) == FORBIDDEN
            assert noted(at) == before

    async def test_the_host_header_decides_nothing(self) -> None:
        """Anybody can write one.

        If this fails: rebuild the address with ``webhooks.public_url``.
        """
        async with self.harness() as at:
            webhook = await first_word(at)
            assert 200 <= await posted(at, webhook, Host="evil.example.com") < 300

    async def test_what_is_too_large_is_not_read(self) -> None:
        """Not even when it is signed.

        If this fails: read bodies with ``webhooks.raw_body``.
        """
        async with self.harness() as at:
            webhook = await first_word(at)
            before = noted(at)
            large = attrs.evolve(webhook, body=webhook.body + b"&Big=" + b"x" * MUCH)
            assert await posted(at, large) == TOO_LARGE
            assert noted(at) == before

    async def test_a_request_of_long_ago_is_not_believed_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A vendor repeats a delivery soon; who repeats it later has recorded it.

        If this fails: give what was signed to `webhooks.Replays`.
        """
        late_ms, now_ms = 0.0, LoopClock.ms
        monkeypatch.setattr(LoopClock, "ms", lambda clock: now_ms(clock) + late_ms)
        async with self.harness() as at:
            webhook = await first_word(at)
            signed, answers = at.vendor.runtime.sender.sign(webhook), []
            for late_ms in (0.0, 58_000.0, 61_000.0):  # noqa: B007
                answers.append(await posted(at, webhook, signed))
            assert [status < 300 for status in answers] == [True, True, False]
            assert answers[-1] == FORBIDDEN

    async def test_two_accounts_do_not_answer_for_each_other(self) -> None:
        """Each has its own line in one server, and believes its own webhooks alone.

        If this fails: keep secrets and state in the line, never in the module.
        """
        stranger = type(self).stranger(numbers=(HUMAN,), faults=Faults(seed=5))
        async with self.harness() as at, stranger.open() as vendor:
            switchboard = FakeSwitchboard(stranger.public_host)
            async with vendor.carrier().open(switchboard) as line, serving_line(line) as url:
                vendor.reaches(url)
                ours, theirs = at.vendor.rings(), vendor.rings()
                await ours.up()
                await theirs.up()
                assert [each.account for each in at.switchboard.rung] == [at.vendor.account]
                assert [each.account for each in switchboard.rung] == [vendor.account]
                vendor.reaches(at.url)
                vendor.rings()
                sent = vendor.runtime.sender.answers
                await until(lambda: any(answer.status == FORBIDDEN for _, answer in sent))
                assert len(at.switchboard.rung) == 1
                for each in (switchboard, at.switchboard):
                    (await each.next_leg()).done()
                await vendor.runtime.stopped()

    async def test_a_dial_that_fails_says_how_and_rings_nobody(self) -> None:
        """Too much was asked, or the vendor's API is broken: two errors, each with a fix.

        If this fails: map 429 to RateLimitError, 5xx to PatterConnectionError.
        """
        async with self.harness() as at:
            self.need(at, "outbound")
            for fault, kind in (("limited", RateLimitError), ("broken", PatterConnectionError)):
                at.worsen(limited=0.0, broken=0.0)
                at.worsen(**{fault: 1.0})
                with pytest.raises(kind) as raised:
                    await at.outbound()
                has_fix(raised.value)
            assert not at.vendor.runtime.calls

    async def test_a_bad_moment_of_the_api_does_not_keep_a_call_up(self) -> None:
        """What may be asked twice is asked again, a little later.

        If this fails: repeat a hang-up on 429, 5xx and a lost connection, a bounded number of
        times.
        """
        async with self.harness() as at:
            call, attached = await at.inbound()
            at.worsen(limited=1.0)
            async with asyncio.TaskGroup() as tasks:
                hanging_up = tasks.create_task(at.line.hangup(call.call_id))
                count = len(at.vendor.runtime.requests)
                await until(lambda: len(at.vendor.runtime.requests) > count)
                at.worsen(limited=0.0)
                await hanging_up
            await call.is_with(call.where.ENDED)
            attached.done()

    async def test_requests_of_many_calls_go_side_by_side(self) -> None:
        """One slow answer of the API does not hold up other calls.

        If this fails: share one client with room for many connections, and lock nothing.
        """
        async with self.harness() as at:
            calls = [await at.inbound() for _ in range(10)]
            at.worsen(slow=1.0, slow_ms=200)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await asyncio.gather(*(at.line.hangup(call.call_id) for call, _ in calls))
            assert loop.time() - began < 1.0
            for _, attached in calls:
                attached.done()
