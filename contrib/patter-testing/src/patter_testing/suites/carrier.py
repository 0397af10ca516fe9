"""What every carrier has to keep, checked through its real webhooks and media socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from functools import partial
from typing import Protocol

import pytest

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.carrier import (
    Carrier,
    CarrierLine,
    DialRequest,
    Dtmf,
    Hangup,
    MarkPlayed,
    MediaLeg,
    TransferRequest,
)
from patter_testing.doubles.voice import is_silence, without_silence
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    ProviderSuite,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.switchboard import Attached, FakeSwitchboard, serving


class Broken(Enum):
    """Ways in which a frame can be wrong."""

    NOT_JSON = "a text frame that is not JSON"
    NOT_AN_OBJECT = "JSON that is not an object"
    UNKNOWN = "an event of no known kind"
    NOT_BASE64 = "audio that is not base64"
    ODD_BYTES = "audio that ends in half a sample, or a binary frame of odd length"
    HUGE = "a frame of 10 MB"


class RemoteParty(Protocol):
    """The carrier's far end, and the caller behind it, speaking the vendor's own protocol.

    It plays the agent's audio in real time and answers marks as the vendor does.
    """

    async def ring(self) -> str:
        """Send the webhook of a new call; return the media token it was answered with.

        Raises ConnectionError when the call was refused.
        """
        ...

    async def connect(self, token: str) -> None:
        """Open the media socket. Raises ConnectionError when it is refused or closed at once."""
        ...

    async def speak(self, audio: bytes) -> None:
        """Send the caller's audio, in the carrier's first format."""
        ...

    async def heard(self, size: int) -> bytes:
        """Wait until *size* bytes of the agent's audio arrived, and return all there are."""
        ...

    async def cleared(self) -> None:
        """Wait until the agent's audio was cleared."""
        ...

    async def press(self, digit: str) -> None: ...

    async def hang_up(self) -> None:
        """Say that the caller is gone, as the vendor says it."""
        ...

    async def drop(self) -> None:
        """Lose the media socket without a word."""
        ...

    async def send_broken(self, how: Broken) -> bool:
        """Send a frame that is wrong; False when the protocol has no such thing."""
        ...

    async def closed(self) -> None:
        """Wait until the other side has closed the media socket."""
        ...


class CarrierSuite(ProviderSuite):
    """Subclass, return the carrier from ``provider`` and its far end from ``remote``::

    class TestParrot(CarrierSuite):
        @pytest.fixture
        def provider(self):
            return ParrotCarrier(api_key="k")

        def remote(self, base_url, provider):
            return parrot_double(base_url)
    """

    def remote(self, base_url: str, provider: Carrier) -> AbstractAsyncContextManager[RemoteParty]:
        """A fresh far end, for the carrier's routes served at *base_url*."""
        raise NotImplementedError("override 'remote' in your subclass")

    @pytest.fixture
    def switchboard(self) -> FakeSwitchboard:
        """The switchboard behind the carrier's routes."""
        return FakeSwitchboard()

    @pytest.fixture
    async def base_url(self, provider: Carrier, switchboard: FakeSwitchboard) -> AsyncIterator[str]:
        """Where the carrier's routes are served."""
        async with serving(provider, switchboard) as url:
            yield url

    @asynccontextmanager
    async def talking(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> AsyncIterator[tuple[RemoteParty, MediaLeg]]:
        """A call that is up: its far end, and its leg."""
        async with self.remote(base_url, provider) as party:
            async with within(ANSWER_S, "a call to be up"):
                await party.connect(await party.ring())
                attached = await switchboard.next_leg()
            try:
                yield party, attached.leg
            finally:
                await _over(attached)

    async def test_a_line_is_its_carriers_and_leaves_nothing(
        self, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """A line has the carrier's name, account and abilities; closed, nothing of it is left.

        If this fails: open the HTTP client in ``open``, and close it when that scope is left.
        """
        async with nothing_left(), provider.open(switchboard) as line:
            identity = (line.name, line.account, line.can)
        assert identity == (provider.name, provider.account, provider.can)

    async def test_routes_stay_in_their_own_corner(
        self, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Webhooks begin with ``/webhooks/NAME``, media sockets with ``/media/NAME``.

        If this fails: move the route; only the page of a softphone may live at ``/``.
        """
        async with provider.open(switchboard) as line:
            paths = [route.path for route in line.routes()]
        for kind in ("/webhooks/", "/media/"):
            assert any(path.startswith(kind + provider.name) for path in paths), kind
            others = [p for p in paths if p.startswith(kind)]
            assert all(p.startswith(kind + provider.name) for p in others), others

    async def test_a_call_rings_once_with_its_numbers(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """The webhook reaches the switchboard under the carrier's name and id.

        If this fails: fill ``Incoming`` from the webhook, and answer with the ticket's URL.
        """
        async with self.remote(base_url, provider) as party, within(ANSWER_S, "a ring"):
            token = await party.ring()
        (incoming,) = switchboard.rung
        assert incoming.carrier == provider.name
        assert incoming.carrier_call_id, "the carrier's own id is missing"
        assert token, "the webhook was answered without the token"

    async def test_a_full_house_refuses_politely(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """When no more calls are taken, the carrier is told in its own way, at once.

        If this fails: catch PatterError from ``register`` and answer with the vendor's rejection.
        """
        switchboard.full = True
        async with self.remote(base_url, provider) as party, within(ANSWER_S, "a refusal"):
            with pytest.raises(ConnectionError):
                await party.ring()

    async def test_what_the_caller_says_arrives(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """The caller's audio comes out in order, unaltered, in the format of the leg.

        Before and after it there may be silence, as on a telephone.

        If this fails: yield the decoded payload of every frame, as plain bytes.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            assert leg.audio in provider.formats
            sound = _sound(leg.audio, 200)
            await party.speak(sound)
            got = b""
            async with within(ANSWER_S, "the caller's audio"):
                async for event in leg:
                    got += event if isinstance(event, bytes) else b""
                    if len(without_silence(got, leg.audio)) >= len(sound):
                        break
            assert without_silence(got, leg.audio) == sound

    @pytest.mark.parametrize("size", [2, 160, 1_234, 8_000])
    async def test_what_the_agent_says_arrives(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard, size: int
    ) -> None:
        """The agent's audio reaches the far end in order, however `send` was given it.

        If this fails: frame the audio as the vendor wants it, and lose nothing at the seams.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            sound = _sound(leg.audio, 400)
            sound = sound if size > 100 else sound[:64]
            for at in range(0, len(sound), size):
                await leg.send(sound[at : at + size])
            async with within(ANSWER_S, "the agent's audio"):
                got = await party.heard(len(sound))
            assert got[: len(sound)] == sound

    async def test_marks_come_back_in_order(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Marks return one by one, once what was sent before them was played.

        If this fails: pass the vendor's mark events on, under the names they were sent with.
        """
        _need(provider, "marks")
        async with self.talking(base_url, provider, switchboard) as (_, leg):
            for name in ("one", "two", "three"):
                await leg.send(_sound(leg.audio, 60))
                await leg.mark(name)
            async with within(ANSWER_S, "three marks"):
                assert await _marks(leg, 3) == ["one", "two", "three"]

    async def test_a_clear_answers_the_marks(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """A clear reaches the far end, and open marks come back at once.

        If this fails: send the vendor's clear, and answer marks yourself if it does not.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            await leg.send(_sound(leg.audio, 30_000))
            if provider.can.marks:
                await leg.mark("never played")
            await leg.clear()
            async with within(ANSWER_S, "the clear"):
                await party.cleared()
                if provider.can.marks:
                    assert await _marks(leg, 1) == ["never played"]

    async def test_a_pressed_key_arrives(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Each key is one Dtmf event.

        If this fails: translate the vendor's digit event, or declare ``dtmf_in=False``.
        """
        _need(provider, "dtmf_in")
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            for digit in "5#":
                await party.press(digit)
            await party.hang_up()
            async with within(ANSWER_S, "two keys"):
                pressed = [event async for event in leg if isinstance(event, Dtmf)]
                assert pressed == [Dtmf("5"), Dtmf("#")]

    async def test_a_hang_up_is_told_and_ends_the_events(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Hangup comes, and nothing after it.

        If this fails: yield Hangup for the vendor's stop event, then end the iteration.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            await party.hang_up()
            async with within(ANSWER_S, "the end of the call"):
                events = [event async for event in leg]
            assert isinstance(events[-1], Hangup), f"the last event is {events[-1:]}"

    async def test_a_lost_socket_is_no_hang_up(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Iteration ends without Hangup when the connection is lost.

        If this fails: yield Hangup for the vendor's word only, not for a closed socket.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            await party.drop()
            async with within(ANSWER_S, "the end of the leg"):
                assert not [event async for event in leg if isinstance(event, Hangup)]

    async def test_a_closed_leg_is_gone(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Closing ends the socket and the events; twice is fine.

        If this fails: close the socket and the queue in ``close``, whoever was first.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            async with within(CLOSE_S * 2, "closing"):
                await leg.close()
                await leg.close()
            async with within(ANSWER_S, "the far end's end"):
                await party.closed()
                _ = [event async for event in leg]

    async def test_sending_to_nobody_fails_or_is_ignored(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """After the socket is lost, `send`, `mark` and `clear` do not hang, nor raise oddly.

        If this fails: raise PatterConnectionError, or drop what nobody can hear.
        """
        async with self.talking(base_url, provider, switchboard) as (party, leg):
            await party.drop()
            async with within(ANSWER_S, "sending to nobody"):
                _ = [event async for event in leg]
                sound = _sound(leg.audio, 20)
                for deed in (partial(leg.send, sound), partial(leg.mark, "x"), leg.clear):
                    try:
                        await deed()
                    except Exception as error:
                        has_fix(error)

    async def test_an_unknown_token_is_refused(self, base_url: str, provider: Carrier) -> None:
        """A socket with a token nobody issued carries no call.

        If this fails: give the URL's token to ``attach`` and close the socket when it raises.
        """
        async with self.remote(base_url, provider) as party, within(ANSWER_S, "a refusal"):
            await party.ring()
            with pytest.raises(ConnectionError):
                await party.connect("forged")

    async def test_a_token_in_use_is_refused(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """A second socket with the same token is closed; the first goes on.

        If this fails: call ``attach`` for every socket, and close the one it refuses.
        """
        async with self.remote(base_url, provider) as first:
            async with within(ANSWER_S, "a call to be up"):
                token = await first.ring()
                await first.connect(token)
                attached = await switchboard.next_leg()
            async with self.remote(base_url, provider) as second, within(ANSWER_S, "a refusal"):
                with pytest.raises(ConnectionError):
                    await second.connect(token)
            await first.speak(_sound(attached.leg.audio, 20))
            async with within(ANSWER_S, "the first call's audio"):
                assert await _hears(attached.leg)
            await _over(attached)

    @pytest.mark.parametrize("how", list(Broken))
    async def test_a_broken_frame_harms_only_its_own_call(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard, how: Broken
    ) -> None:
        """Frames that make no sense are skipped or end that call; another one goes on.

        If this fails: let ``_wire.decode`` raise InputError, and catch it where frames are read.
        """
        async with (
            self.talking(base_url, provider, switchboard) as (party, leg),
            self.talking(base_url, provider, switchboard) as (other, other_leg),
        ):
            try:
                sent = await party.send_broken(how)
            except ConnectionError:
                sent = True
            await other.speak(_sound(other_leg.audio, 20))
            async with within(ANSWER_S, "the other call"):
                assert await _hears(other_leg)
            await _goes_on_or_ends(party, leg)
        if not sent:
            pytest.skip(f"its protocol cannot say {how.value}")

    async def test_two_calls_do_not_mix(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Each leg carries its own caller.

        If this fails: keep the socket in the leg, never in the line.
        """
        async with (
            self.talking(base_url, provider, switchboard) as (one, one_leg),
            self.talking(base_url, provider, switchboard) as (_, other_leg),
        ):
            await one_leg.send(_sound(one_leg.audio, 20))
            async with within(ANSWER_S, "the first call's audio"):
                assert await one.heard(1)
                await one.hang_up()
                _ = [event async for event in one_leg]
            await other_leg.send(_sound(other_leg.audio, 20))

    async def test_a_call_leaves_nothing(
        self, base_url: str, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """When the call is over its socket and its tasks are gone.

        If this fails: own the leg's tasks with ``task_scope`` in the media handler.
        """
        async with nothing_left(), self.talking(base_url, provider, switchboard) as (party, leg):
            await leg.send(_sound(leg.audio, 20))
            await party.hang_up()

    async def test_what_it_cannot_do_it_refuses(
        self, provider: Carrier, switchboard: FakeSwitchboard
    ) -> None:
        """Deeds that ``can`` denies raise a PatterError with a fix; none is ignored.

        If this fails: raise ProvisionError naming what this carrier cannot do.
        """
        async with provider.open(switchboard) as line:
            for name, deed in _deeds(line, switchboard).items():
                if not getattr(provider.can, name):
                    with pytest.raises(PatterError) as raised:
                        await deed()
                    has_fix(raised.value)


def _deeds(
    line: CarrierLine, switchboard: FakeSwitchboard
) -> dict[str, Callable[[], Awaitable[object]]]:
    """What can be asked of a line, by the capability that allows it; not yet asked."""
    ticket = switchboard.issue(line.name)
    to, us = "+15550100001", "+15550100002"
    request = DialRequest(call_id="c", to=to, from_number=us, ticket=ticket)
    return {
        "outbound": partial(line.dial, request),
        "cold_transfer": partial(line.transfer, "id", TransferRequest(target=to)),
        "sip_transfer": partial(line.transfer, "id", TransferRequest(target="sip:a@b.example")),
        "warm_transfer": partial(line.transfer, "id", TransferRequest(target=to, mode="warm")),
        "dtmf_out": partial(line.send_dtmf, "id", "1"),
        "recording": partial(line.start_recording, "id"),
    }


def _need(provider: Carrier, capability: str) -> None:
    if not getattr(provider.can, capability):
        pytest.skip(f"this carrier declares no {capability}")


def _sound(audio: AudioFormat, ms: float) -> bytes:
    """Bytes that are all different enough to show a swap or a gap, and never silence."""
    size = audio.bytes_in(ms)
    return bytes(1 + at * 7 % 100 for at in range(size))


async def _over(attached: Attached) -> None:
    async with within(CLOSE_S * 2, "closing the leg"):
        await attached.leg.close()
    attached.done()


async def _marks(leg: MediaLeg, count: int) -> list[str]:
    names: list[str] = []
    async for event in leg:
        if isinstance(event, MarkPlayed):
            names.append(event.name)
        if len(names) == count:
            break
    return names


async def _goes_on_or_ends(party: RemoteParty, leg: MediaLeg) -> None:
    """After nonsense a call still hears its caller, or its events end."""
    async with within(ANSWER_S, "a call after a broken frame"):
        try:
            await party.speak(_sound(leg.audio, 20))
        except ConnectionError:
            _ = [event async for event in leg]
            return
        await asyncio.sleep(0)
        await _hears(leg)


async def _hears(leg: MediaLeg) -> bool:
    """Wait for a sound of the caller's; False when the events end without one."""
    async for event in leg:
        if isinstance(event, bytes) and not is_silence(event, leg.audio):
            return True
    return False
