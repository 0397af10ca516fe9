"""What every call registry has to keep, in one process or in a database.

Subclass it and say how a registry is made; each test's docstring says what to fix.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from patter.errors import InputError, RateLimitError, WebhookVerificationError
from patter.observe.summary import CallSummary
from patter.providers.carrier import Answerer, CallOutcome
from patter.providers.context import Direction
from patter.server.calls import (
    CallEntry,
    CallRequest,
    CallState,
    Checkpoint,
    Detected,
    Doubted,
    RecordingReady,
    Reported,
)
from patter.server.commands import CallCommand, HangUp, MachineCommand
from patter.server.registry import CallRegistry

INBOUND = CallRequest(carrier="tin", account="A", carrier_call_id="CA1", caller="+15550100001")
OUTBOUND = CallRequest(
    carrier="tin", account="A", direction=Direction.OUTBOUND, callee="+15550100002"
)


def _ended(call_id: str, outcome: str = "completed") -> CallSummary:
    return CallSummary(call_id=call_id, outcome=outcome)


class CallRegistrySuite:
    """Subclass, and return a scope that yields an empty registry::

    class TestMyRegistry(CallRegistrySuite):
        def registry(self):
            return my_registry_scope()
    """

    def registry(self) -> AbstractAsyncContextManager[CallRegistry]:
        """Return a scope that yields an empty registry."""
        raise NotImplementedError("override 'registry' in your subclass")

    async def test_ids_are_ours_and_differ(self) -> None:
        """Mint an id of your own for every call; the carrier's id is not ours to use."""
        async with self.registry() as registry:
            entries = [
                await registry.open(CallRequest(carrier="tin", carrier_call_id=f"CA{number}"))
                for number in range(50)
            ]
        assert len({entry.call_id for entry in entries}) == 50
        assert not {entry.call_id for entry in entries} & {f"CA{n}" for n in range(50)}

    async def test_a_repeated_webhook_opens_no_second_call(self) -> None:
        """Look the call up by (account, carrier, carrier id) before you write a new one."""
        async with self.registry() as registry:
            first, again = await registry.open(INBOUND), await registry.open(INBOUND)
            assert first.call_id == again.call_id
            assert first.version == again.version

    async def test_accounts_and_carriers_do_not_share_ids(self) -> None:
        """Make account and carrier part of the key: both choose their ids alone."""
        others = (
            CallRequest(carrier="tin", account="B", carrier_call_id="CA1"),
            CallRequest(carrier="can", account="A", carrier_call_id="CA1"),
        )
        async with self.registry() as registry:
            ids = {(await registry.open(each)).call_id for each in (INBOUND, *others)}
            assert len(ids) == 3
            assert await registry.find_at("tin", "CA1") is None
            for account in "AB":
                stored = await registry.find_at("tin", "CA1", account)
                assert stored is not None and stored.request.account == account

    async def test_a_call_is_found_by_either_id(self) -> None:
        """Return the entry for our id and for the carrier's, None for one nobody knows."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            assert await registry.find(entry.call_id) == entry
            assert await registry.find_at("tin", "CA1", "A") == entry
            assert await registry.find("nobody") is None
            assert await registry.find_at("tin", "nobody", "A") is None

    async def test_an_attempt_is_written_before_it_has_a_carrier_id(self) -> None:
        """Write a dial down as `attempted`, and give that entry its carrier id when told."""
        async with self.registry() as registry:
            entry = await registry.open(OUTBOUND)
            assert entry.state is CallState.ATTEMPTED
            bound = await registry.open(_dialled(entry, "CA7"))
            assert (bound.call_id, bound.state) == (entry.call_id, CallState.RINGING)
            assert await registry.find_at("tin", "CA7", "A") == bound

    async def test_two_attempts_without_carrier_id_are_two_calls(self) -> None:
        """An empty carrier id is not a key: do not merge attempts that have none."""
        async with self.registry() as registry:
            one, other = await registry.open(OUTBOUND), await registry.open(OUTBOUND)
            assert one.call_id != other.call_id

    async def test_a_carrier_id_cannot_be_given_to_two_calls(self) -> None:
        """Refuse to bind an id that another call has, and to bind a call nobody knows."""
        async with self.registry() as registry:
            await registry.open(INBOUND)
            placed = await registry.open(OUTBOUND)
            with pytest.raises(InputError):
                await registry.open(_dialled(placed, "CA1"))
            with pytest.raises(InputError):
                await registry.open(
                    CallRequest(carrier="tin", call_id="nobody", carrier_call_id="X")
                )

    async def test_a_dial_without_answer_is_unknown(self) -> None:
        """Keep `unknown` as a state of its own; neither failed nor rung, until media comes."""
        async with self.registry() as registry:
            entry = await registry.open(OUTBOUND)
            registry.note(entry.call_id, Doubted())
            assert (await _now(registry, entry)).state is CallState.UNKNOWN
            async with registry.attach(entry.call_id, _ignore):
                registry.note(entry.call_id, Doubted())
                assert (await _now(registry, entry)).state is CallState.LIVE

    async def test_admission_stops_at_the_limit(self) -> None:
        """Count open calls and refuse the one too many; make check and write one step."""
        async with self.registry() as registry:
            first = await registry.admit(INBOUND, limit=1)
            with pytest.raises(RateLimitError):
                await registry.admit(OUTBOUND, limit=1)
            assert await registry.admit(INBOUND, limit=1) == first
            await registry.finish(first.call_id, _ended(first.call_id), epoch=0)
            await registry.admit(OUTBOUND, limit=1)

    async def test_media_has_one_holder(self) -> None:
        """Refuse a second claim while the first stands; let it in once the holder is gone."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            async with registry.attach(entry.call_id, _ignore) as first:
                with pytest.raises(WebhookVerificationError):
                    async with registry.attach(entry.call_id, _ignore):
                        pass
                assert (await _now(registry, entry)).held
            assert not (await _now(registry, entry)).held
            async with registry.attach(entry.call_id, _ignore) as second:
                assert (first, second) == (1, 2)

    async def test_a_failing_holder_lets_go(self) -> None:
        """Release the claim however its scope is left."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            with pytest.raises(OSError, match="socket"):
                async with registry.attach(entry.call_id, _ignore):
                    raise OSError("socket")
            async with registry.attach(entry.call_id, _ignore) as epoch:
                assert epoch == 2

    async def test_unknown_and_finished_calls_have_no_media(self) -> None:
        """Refuse claims on calls that are not there or over."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            await registry.finish(entry.call_id, _ended(entry.call_id), epoch=0)
            for call_id in ("nobody", entry.call_id):
                with pytest.raises(WebhookVerificationError) as refused:
                    async with registry.attach(call_id, _ignore):
                        pass
                assert refused.value.fix

    async def test_an_end_has_one_winner(self) -> None:
        """Make finish compare-and-set: True once, and never again for that call."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            won = [
                await registry.finish(entry.call_id, _ended(entry.call_id, outcome), epoch=0)
                for outcome in ("completed", "failed", "completed")
            ]
            assert won == [True, False, False]
            after = await _now(registry, entry)
            assert after.over
            assert after.summary == _ended(entry.call_id)

    async def test_an_owner_of_the_past_cannot_end_the_call(self) -> None:
        """Compare the epoch: who lost the call to a later claim has no say in its end."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            async with registry.attach(entry.call_id, _ignore) as old:
                pass
            async with registry.attach(entry.call_id, _ignore) as new:
                summary = _ended(entry.call_id)
                assert not await registry.finish(entry.call_id, summary, epoch=0)
                assert not await registry.finish(entry.call_id, summary, epoch=old)
                assert await registry.finish(entry.call_id, summary, epoch=new)
            assert not await registry.finish("nobody", summary, epoch=0)

    async def test_a_call_that_is_over_is_not_opened_again(self) -> None:
        """Remember ended calls for a while: webhooks are late and repeated."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            await registry.finish(entry.call_id, _ended(entry.call_id), epoch=0)
            assert (await registry.open(INBOUND)).call_id == entry.call_id
            assert (await registry.open(INBOUND)).over

    async def test_reports_that_move_nothing_change_nothing(self) -> None:
        """Take the first outcome; a late, repeated or unknown report leaves the entry alone."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            busy = Reported("busy", CallOutcome.BUSY)
            registry.note(entry.call_id, Reported("ringing"))
            registry.note(entry.call_id, busy)
            report = await _now(registry, entry)
            assert (report.status, report.outcome) == ("busy", CallOutcome.BUSY)
            for late in (busy, Reported("ringing"), Reported("done", CallOutcome.ANSWERED)):
                registry.note(entry.call_id, late)
            registry.note("nobody", busy)
            assert await _now(registry, entry) == report

    async def test_the_first_answerer_is_kept(self) -> None:
        """Keep who took the call and that a machine's beep came; `unknown` may be replaced."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            for answerer in (Answerer.UNKNOWN, Answerer.MACHINE, Answerer.HUMAN):
                registry.note(entry.call_id, Detected(answerer, raw=f"raw {answerer}"))
            report = await _now(registry, entry)
            assert (report.answerer, report.answered_by) == (Answerer.MACHINE, "raw machine")
            assert not report.beep
            registry.note(entry.call_id, Detected(Answerer.MACHINE, beep=True))
            assert (await _now(registry, entry)).beep

    async def test_notes_are_kept(self) -> None:
        """Keep the recording's address, also after the end, and the last checkpoint."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            for number in (1, 2):
                registry.note(entry.call_id, Checkpoint({"v": 1, "turn": number}))
            assert (await _now(registry, entry)).checkpoint == {"v": 1, "turn": 2}
            await registry.finish(entry.call_id, _ended(entry.call_id), epoch=0)
            registry.note(entry.call_id, RecordingReady("https://files.example/1"))
            assert (await _now(registry, entry)).recording_url == "https://files.example/1"

    async def test_orders_reach_who_has_the_call(self) -> None:
        """Deliver by call id to the last claim, those that came before it first, in order."""
        first: list[CallCommand] = []
        second: list[CallCommand] = []
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            assert await registry.tell(entry.call_id, MachineCommand(beep=False))
            assert await registry.tell(entry.call_id, MachineCommand(beep=True))
            async with registry.attach(entry.call_id, first.append):
                assert await registry.tell(entry.call_id, HangUp("one"))
            assert await registry.tell(entry.call_id, HangUp("two"))
            async with registry.attach(entry.call_id, second.append):
                assert await registry.tell(entry.call_id, HangUp("three"))
        assert first == [MachineCommand(False), MachineCommand(True), HangUp("one"), HangUp("two")]
        assert second == [HangUp("three")]

    async def test_nobody_is_told_after_the_end(self) -> None:
        """Answer False for a call that is over or unknown, and deliver nothing."""
        commands: list[CallCommand] = []
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            async with registry.attach(entry.call_id, commands.append) as epoch:
                await registry.finish(entry.call_id, _ended(entry.call_id), epoch=epoch)
            assert not await registry.tell(entry.call_id, HangUp("late"))
            assert not await registry.tell("nobody", HangUp("lost"))
        assert commands == []

    async def test_orders_for_nobody_are_bounded(self) -> None:
        """Refuse orders, by answering False, before they fill the memory."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            taken = [await registry.tell(entry.call_id, HangUp(str(n))) for n in range(1_000)]
            assert taken[0]
            assert not taken[-1]

    async def test_one_call_is_watched_to_its_end(self) -> None:
        """Send the present state, then later ones with growing versions; stop after the end."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            async with registry.watch(entry.call_id) as changes:
                seen = [await anext(changes)]
                await registry.finish(entry.call_id, _ended(entry.call_id), epoch=0)
                seen += [change async for change in changes]
        assert [each.state for each in seen] == [CallState.RINGING, CallState.ENDED]
        assert seen[0].version < seen[1].version

    async def test_all_calls_can_be_watched(self) -> None:
        """With no id, send every call's changes, and go on after one has ended."""
        async with self.registry() as registry, registry.watch() as changes:
            one = await registry.open(INBOUND)
            await registry.finish(one.call_id, _ended(one.call_id), epoch=0)
            other = await registry.open(OUTBOUND)
            seen = [await anext(changes) for _ in range(3)]
        assert [each.call_id for each in seen] == [one.call_id, one.call_id, other.call_id]

    async def test_a_slow_watcher_still_sees_the_end(self) -> None:
        """Drop states in between when a watcher is slow, never the last."""
        async with self.registry() as registry:
            entry = await registry.open(INBOUND)
            async with registry.watch(entry.call_id) as changes:
                for number in range(500):
                    registry.note(entry.call_id, Reported(f"status {number}"))
                await registry.finish(entry.call_id, _ended(entry.call_id), epoch=0)
                seen = [change async for change in changes]
        assert seen[-1].over

    async def test_watching_nobody_is_an_error(self) -> None:
        """Raise InputError for a call id nobody knows, instead of waiting for ever."""
        async with self.registry() as registry:
            with pytest.raises(InputError):
                async with registry.watch("nobody"):
                    pass


def _ignore(_: CallCommand) -> None:
    """Take an order and do nothing."""


def _dialled(entry: CallEntry, carrier_call_id: str) -> CallRequest:
    request = entry.request
    return CallRequest(
        carrier=request.carrier,
        account=request.account,
        call_id=entry.call_id,
        carrier_call_id=carrier_call_id,
    )


async def _now(registry: CallRegistry, entry: CallEntry) -> CallEntry:
    stored = await registry.find(entry.call_id)
    assert stored is not None
    return stored
