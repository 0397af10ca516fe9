"""A voice keeps one socket for a call, replaces it when it has to, and speaks one reply on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import web

from patter.clock import LoopClock
from patter.errors import (
    AuthenticationError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProviderError,
)
from patter.providers.tts import Speech
from patter.vendors import speech_session
from patter.vendors.errors import VendorErrors
from patter.vendors.options import socket_url
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter.vendors.speech_session import SpeechLine, SpeechReply, SpeechSession
from patter_testing import site
from patter_testing.suites.rules import nothing_left

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")


@attrs.define(eq=False)
class Vendor:
    """Sends a sentence back in bytes, then ``done``; *heard* is what it was sent.

    Its faults: it *says* nothing, *confirms* no stop, *opens* no further socket. A sentence "bye"
    ends the socket, and "no" is refused.
    """

    heard: list[str] = attrs.field(factory=list)
    sockets: list[web.WebSocketResponse] = attrs.field(factory=list)
    requests: int = 0
    says: bool = True
    confirms: bool = True
    opens: bool = True

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        self.requests += 1
        if not self.opens:
            await asyncio.get_running_loop().create_future()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.heard.append(message.data)
            await self.answer(socket, message.data)
        return socket

    async def answer(self, socket: web.WebSocketResponse, text: str) -> None:
        if text == "bye":
            await socket.close()
        elif text in ("stop", "no"):
            if self.confirms:
                await socket.send_str({"stop": "stopped", "no": "refused"}[text])
        elif self.says:
            await socket.send_bytes(text.encode())
            if not text.endswith("..."):
                await socket.send_str("done")


@attrs.define(eq=False)
class Reply(SpeechReply):
    errors = ERRORS
    owed: list[str] = attrs.field(factory=list, init=False)

    @property
    def owes(self) -> bool:
        return bool(self.owed)


@attrs.define(eq=False)
class Session(SpeechSession[SpeechLine, Reply]):
    errors = ERRORS
    url: str
    timeout_ms: float = 2_000.0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SpeechLine]:
        async with vendor_socket(self.url, errors=ERRORS) as socket:
            yield SpeechLine(socket)

    def begin(self) -> Reply:
        return Reply(self.clock, self.timeout_ms)

    async def speak(self, reply: Reply, sentence: str) -> None:
        line = await self.ready()
        reply.owed.append(sentence)
        reply.news()
        await line.socket.send(sentence)

    def take(self, line: SpeechLine, message: str | bytes) -> None:
        if message == "refused":
            raise AuthenticationError("the key was withdrawn", fix="another key")
        if message == "stopped":
            line.settle()
        elif (reply := self.listener(line)) is not None:
            reply.news()
            if isinstance(message, bytes):
                reply.put(Speech(message))
            else:
                reply.owed.pop(0)
                reply.settle()

    async def leave(self, line: SpeechLine, reply: Reply) -> None:
        if reply.owes:
            await self.cancel(line, "stop", confirmed=True)


@attrs.define(eq=False)
class Stage:
    vendor: Vendor
    session: Session

    @property
    def sockets(self) -> int:
        return len(self.vendor.sockets)


@asynccontextmanager
async def stage(**settings: float) -> AsyncIterator[Stage]:
    vendor, app = Vendor(), web.Application()
    app.router.add_get("/talk", vendor.talk)
    async with site(app, handler_cancellation=True) as url, asyncio.timeout(5):
        session = Session(LoopClock(), socket_url(url, "/talk"), **settings)
        async with nothing_left(), session.open():
            yield Stage(vendor, session)


async def sentences(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def endless(text: str) -> AsyncIterator[str]:
    yield text
    await asyncio.get_running_loop().create_future()


async def say(session: Session, *texts: str) -> str:
    return b"".join([speech.audio async for speech in session.say(sentences(*texts))]).decode()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(2):
        while not holds():
            await asyncio.sleep(0.002)


async def test_one_socket_speaks_all_replies() -> None:
    async with stage() as on:
        assert await say(on.session, "one ", "two") == "one two"
        assert await say(on.session) == ""
        assert await say(on.session, "three") == "three"
    assert on.sockets == 1 and on.vendor.heard == ["one ", "two", "three"]


async def test_what_the_text_raises_is_raised() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one..."
        raise ZeroDivisionError

    async with stage() as on:
        with pytest.raises(ZeroDivisionError):
            async for _ in on.session.say(broken()):
                pass
        assert await say(on.session, "two") == "two"


async def test_a_reply_whose_socket_ends_has_failed_and_the_next_finds_another() -> None:
    async with stage() as on:
        with pytest.raises(PatterConnectionError, match="ended the connection"):
            await say(on.session, "one...", "bye")
        assert on.sockets == 1, "a socket that lived for so short is not replaced ahead"
        assert await say(on.session, "two") == "two"
    assert on.sockets == 2


async def test_a_reply_that_owes_nothing_goes_on_on_another_socket() -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        yield "one "
        await more.wait()
        yield "two"

    async with stage() as on:
        speech = on.session.say(slowly())
        assert (await anext(speech)).audio == b"one "
        await until(lambda: on.session.reply and not on.session.reply.owes)
        await on.vendor.sockets[0].close()
        await until(lambda: on.session.line is None)
        more.set()
        assert [piece.audio async for piece in speech] == [b"two"]
    assert on.sockets == 2


async def test_a_socket_that_has_lived_is_replaced_ahead_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech_session, "STEADY_MS", 0.0)
    async with stage() as on:
        first = await on.session.ready()
        await on.vendor.sockets[0].close()
        await until(lambda: on.session.line not in (first, None))
        await asyncio.sleep(0.02)
        assert on.sockets == 2
        on.session.replace(first)
        assert await say(on.session, "one") == "one"
    assert on.sockets == 2, "what is replaced already is not replaced again"


async def test_a_key_that_is_withdrawn_is_not_tried_again_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech_session, "STEADY_MS", 0.0)
    async with stage() as on:
        line = await on.session.ready()
        with pytest.raises(AuthenticationError):
            await say(on.session, "no")
        on.session.replace(line)
        await asyncio.sleep(0.02)
        assert on.sockets == 1 and on.session.line is None


async def test_a_vendor_that_is_gone_between_two_replies_disturbs_nobody() -> None:
    async with stage() as on:
        line, on.session.url = await on.session.ready(), "http://127.0.0.1:1/"
        on.session.replace(line)
        await asyncio.sleep(0.02)
        with pytest.raises(PatterConnectionError, match="out of reach"):
            await say(on.session, "one")


async def test_no_reply_begins_before_the_last_has_stopped() -> None:
    async with stage() as on:
        on.vendor.confirms = False
        speech = on.session.say(sentences("one..."))
        await anext(speech)
        await speech.aclose()
        line = on.session.line
        assert line is not None and on.session.listener(line) is None
        next_reply = asyncio.create_task(say(on.session, "two"))
        await until(lambda: on.vendor.heard[-1] == "stop")
        await asyncio.sleep(0.02)
        assert on.vendor.heard == ["one...", "stop"]
        await on.vendor.sockets[0].send_bytes(b"one still")
        await on.vendor.sockets[0].send_str("stopped")
        assert await next_reply == "two"
    assert on.sockets == 1


async def test_a_vendor_that_does_not_stop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_session, "CANCEL_MS", 30.0)
    async with stage() as on:
        on.vendor.confirms = False
        speech = on.session.say(sentences("one..."))
        await anext(speech)
        await speech.aclose()
        assert await say(on.session, "two") == "two"
    assert on.sockets == 2


async def test_a_socket_that_ends_while_it_is_to_stop_is_replaced_ahead() -> None:
    async with stage() as on:
        on.vendor.confirms = False
        speech = on.session.say(sentences("one..."))
        await anext(speech)
        await speech.aclose()
        await on.vendor.sockets[0].close()
        await until(lambda: on.sockets == 2)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_line_that_takes_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    async def stuck(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    async with stage() as on:
        line = await on.session.ready()
        with monkeypatch.context() as patch:
            patch.setattr(VendorSocket, "send", stuck)
            patch.setattr(speech_session, "CANCEL_MS", 30.0)
            await on.session.cancel(line, "stop", confirmed=confirmed)
        assert await say(on.session, "two") == "two"
    assert on.sockets == 2


async def test_a_reply_ends_when_another_begins_and_its_end_disturbs_none() -> None:
    async with stage() as on:
        first = on.session.say(sentences("one..."))
        await anext(first)
        second = on.session.say(endless("two"))
        assert (await anext(second)).audio == b"two"
        with pytest.raises(PatterError, match="another reply began"):
            await anext(first)
        third = asyncio.create_task(say(on.session, "three"))
        await second.aclose()
        assert await third == "three"
    assert on.sockets == 1 and on.vendor.heard[:3] == ["one...", "stop", "two"]
    # Whether the second was over when it was left depends on when its end was read.
    assert [each for each in on.vendor.heard if each != "stop"] == ["one...", "two", "three"]


async def test_of_replies_that_begin_at_once_one_is_spoken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = VendorSocket.send

    async def slow(socket: VendorSocket, message: str | bytes) -> None:
        await asyncio.sleep(0.01)
        await send(socket, message)

    monkeypatch.setattr(VendorSocket, "send", slow)
    async with stage() as on:
        first = on.session.say(sentences("one..."))
        await anext(first)
        work = [say(on.session, text) for text in ("two", "three", "four")]
        results = await asyncio.gather(*work, return_exceptions=True)
        await first.aclose()
    spoken = [result for result in results if isinstance(result, str)]
    assert len(spoken) == 1
    assert sum("another reply began" in str(result) for result in results) == 2


async def test_audio_that_is_owed_for_too_long_is_a_failure_and_its_socket_is_left() -> None:
    async with stage(timeout_ms=150.0) as on:
        on.vendor.says = False
        with pytest.raises(PatterTimeoutError):
            await say(on.session, "one")
        await until(lambda: on.sockets == 2)
        on.vendor.says = True
        assert await say(on.session, "two") == "two"
    assert "stop" not in on.vendor.heard


async def test_audio_that_keeps_coming_is_in_time() -> None:
    async with stage(timeout_ms=200.0) as on:
        speech = on.session.say(sentences("one..."))
        for _ in range(6):
            assert (await anext(speech)).audio
            await asyncio.sleep(0.05)
            await on.vendor.sockets[0].send_bytes(b"more")
        await speech.aclose()


async def test_who_is_owed_nothing_may_wait() -> None:
    async def slowly() -> AsyncIterator[str]:
        for text in ("one ", "two"):
            yield text
            await asyncio.sleep(0.2)

    async with stage(timeout_ms=150.0) as on:
        pieces = [piece.audio async for piece in on.session.say(slowly())]
    assert pieces == [b"one ", b"two"]


async def test_audio_that_nobody_reads_ends_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_session, "MOST_UNREAD", 2)
    async with stage() as on:
        speech = on.session.say(sentences("1", "2", "3", "4", "5"))
        await anext(speech)
        await until(lambda: on.session.reply and on.session.reply.failure)
        with pytest.raises(PatterError, match="nobody takes"):
            [piece async for piece in speech]


async def test_the_first_failure_counts() -> None:
    reply = Reply(LoopClock(), 1.0)
    for message in ("first", "second"):
        reply.fail(ProviderError(message, fix="none"))
    assert "first" in str(reply.failure)


async def test_who_listens_when_a_call_ends_is_told() -> None:
    async with stage() as on:
        speech = on.session.say(endless("one"))
        await anext(speech)
        listener = asyncio.create_task(anext(speech))
        await asyncio.sleep(0)
    for ended in (listener, say(on.session, "two"), on.session.ready()):
        with pytest.raises(PatterError, match="session of Parrot has ended"):
            await ended


async def test_a_call_that_ends_waits_for_no_socket() -> None:
    async with asyncio.timeout(1), stage() as on:
        line, on.vendor.opens = await on.session.ready(), False
        on.session.replace(line)
        await until(lambda: on.vendor.requests == 2)
