"""Plivo's XML carried out as Plivo would: element after element, until the call ends.

What is asked for with an order of the API replaces all of it, also in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import attrs

from patter_plivo.double import webhook_forms
from patter_plivo.double.conference import Room
from patter_plivo.double.frames import StreamFrames
from patter_plivo.double.ids import Ids
from patter_plivo.double.line import Line
from patter_plivo.double.settings import PlivoDoubleSettings
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.runtime import DoubleRuntime
from patter_testing.doubles.stream import Ended

MOST_ELEMENTS = 500
BY_XML = "Answer XML"
SPEAK_MS_A_CHARACTER = 0.5
LOST = frozenset({Ended.DROPPED, Ended.REFUSED})


class XmlError(Exception):
    """What Plivo calls "Error Reaching Answer URL" or "Invalid Answer XML"."""


class Vendor(Protocol):
    """What carrying out needs of the account."""

    runtime: DoubleRuntime
    ids: Ids
    settings: PlivoDoubleSettings

    @property
    def account(self) -> str: ...

    def answer(self, line: Line) -> None: ...

    def rings_out(self, parent: Line, target: str, caller: str) -> Line: ...

    def give_up_after(self, line: Line, timeout_s: float, status: str) -> None: ...

    def room(self, name: str) -> Room: ...

    def leave(self, line: Line) -> None: ...

    async def end(self, line: Line, status: str, by: str = ...) -> None: ...

    def tell(self, url: str, form: Mapping[str, str]) -> None: ...


@attrs.define(eq=False)
class XmlInterpreter:
    """What one call does."""

    vendor: Vendor
    line: Line

    async def fetch(self, url: str) -> None:
        """Do what *url* says, until the call ends."""
        try:
            xml, done = await self._post(url, webhook_forms.of_call(self.line)), 0
            while xml and not self.line.over:
                elements, xml = _elements(xml), ""
                for element in elements:
                    if (done := done + 1) > MOST_ELEMENTS:
                        raise XmlError("it goes round and round")
                    xml = await self._do(element)
                    if xml or self.line.over:
                        break
            await self.vendor.end(self.line, "completed", BY_XML)
        except XmlError:
            await self.vendor.end(self.line, "failed", "Error")

    async def _do(self, element: Element) -> str:
        """Carry out *element*; XML that replaces what follows, or nothing."""
        if element.tag == "Hangup":
            await self._hang_up(element)
            return ""
        self.vendor.answer(self.line)
        match element.tag:
            case "Stream":
                return await self._stream(element)
            case "Dial":
                return await self._dial(element)
            case "Conference":
                await self._confer(element)
            case "Redirect":
                return await self._post(
                    _text(element), webhook_forms.of_call(self.line, "Redirect")
                )
            case "Speak":
                await self._speak(_text(element))
            case "Wait":
                await self._wait(element)
            case _:
                raise XmlError(f"{element.tag} is not known here")
        return ""

    async def _hang_up(self, element: Element) -> None:
        refused = element.get("reason", "rejected")
        unanswered = self.line.status == "ringing"
        await self.vendor.end(self.line, refused if unanswered else "completed", BY_XML)

    async def _speak(self, text: str) -> None:
        self.line.call.spoken.append(text)
        await self.line.clock.sleep(len(text) * SPEAK_MS_A_CHARACTER)
        self.line.call.note()

    async def _wait(self, element: Element) -> None:
        await self.line.clock.sleep(float(element.get("length", "1")) * 1_000)

    async def _stream(self, element: Element) -> str:
        """Stream until that ends; what the call was told meanwhile to do then.

        A call that does not stay is not what anybody here asks for.
        """
        _check_stream(element)
        url, status = _text(element), element.get("statusCallbackUrl", "")
        stream_id, ended = self.vendor.ids.uuid(), Ended.CARRIER
        self.line.stream_callback = (status, stream_id, url)
        self._tell_stream(status, "StartStream", stream_id, url)
        try:
            ended = await self._streamed(element, stream_id)
        finally:
            event = "DroppedStream" if ended in LOST else "StopStream"
            self._tell_stream(status, event, stream_id, url)
        if ended is Ended.CALLER:
            await self.vendor.end(self.line, "completed", self.line.far_end)
            return ""
        next_url, self.line.next_url = self.line.next_url, ""
        return await self._post(next_url, webhook_forms.of_call(self.line)) if next_url else ""

    async def _streamed(self, element: Element, stream_id: str) -> Ended:
        """Who ended the stream. A socket that is lost is opened again, twice.

        Source: docs.plivo.com/docs/voice/audio-streaming/best-practices.
        """
        ended = Ended.REFUSED
        for _ in range(1 + self.vendor.settings.redials):
            frames = StreamFrames(
                stream_id=stream_id,
                call_uuid=self.line.uuid,
                account=self.vendor.account,
                extra_headers=element.get("extraHeaders", ""),
                stops=self.vendor.settings.stop_frames,
                clock=self.line.clock,
            )
            url = _text(element)
            ended = await self.vendor.runtime.streamed(self.line.call, url, frames)
            if ended not in LOST or self.line.next_url:
                break
        return ended

    async def _dial(self, element: Element) -> str:
        """Ring somebody and let them talk, then ask the ``action`` what comes next."""
        target = next((_text(each) for each in element if each.tag in ("Number", "User")), "")
        if not target:
            raise XmlError("there is nobody to dial")
        caller = element.get("callerId", self.line.call.caller)
        child = self.vendor.rings_out(self.line, target, caller)
        self.line.call.goes(CallerLocation.HOLD)
        if timeout := element.get("timeout"):
            self.vendor.give_up_after(child, float(timeout), "timeout")
        try:
            await self._talked(child, element.get("callbackUrl", ""))
        finally:
            if not child.over:
                await self.vendor.end(child, "completed" if child.live else "cancel", "Caller")
        action = element.get("action", "")
        return await self._post(action, webhook_forms.of_dial(self.line, child)) if action else ""

    async def _talked(self, child: Line, news: str) -> None:
        """Tell the *news* of a Dial, until its other leg is gone."""
        await child.decided.wait()
        if child.live:
            self.line.call.goes(CallerLocation.HUMAN)
            child.call.goes(CallerLocation.HUMAN)
            self._tell(news, webhook_forms.of_dialling(self.line, child, "answer"))
            self._tell(news, webhook_forms.of_dialling(self.line, child, "connected"))
        await child.gone.wait()
        self._tell(news, webhook_forms.of_dialling(self.line, child, "hangup"))

    async def _confer(self, element: Element) -> None:
        room = self.vendor.room(_text(element))
        news = element.get("callbackUrl", "")
        out = room.enter(
            self.line,
            starts=element.get("startConferenceOnEnter", "true") == "true",
            ends=element.get("endConferenceOnExit", "false") == "true",
        )
        self._tell_conference(news, "enter", room, alone=len(room.members) == 1)
        try:
            await out.wait()
        finally:
            self.vendor.leave(self.line)
            self._tell_conference(news, "exit", room, alone=not room.members)

    def _tell_conference(self, url: str, action: str, room: Room, *, alone: bool) -> None:
        form = webhook_forms.of_conference(self.line, action, room.name, room.uuid, alone=alone)
        self._tell(url, form)

    def _tell_stream(self, url: str, event: str, stream_id: str, service: str) -> None:
        self._tell(url, webhook_forms.of_stream(self.line, event, stream_id, service))

    def _tell(self, url: str, form: Mapping[str, str]) -> None:
        self.vendor.tell(url, form)

    async def _post(self, url: str, form: Mapping[str, str]) -> str:
        answer = await self.vendor.runtime.sender.ask(webhook_forms.post(url, form))
        if not answer.ok:
            raise XmlError(f"{url} was answered with {answer.status}")
        return answer.body.decode()


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _elements(xml: str) -> list[Element]:
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise XmlError(str(error)) from error
    if root.tag != "Response":
        raise XmlError("the root is not a Response")
    return list(root)


def _check_stream(element: Element) -> None:
    """What the double can stream is what the server has to ask for."""
    wanted = {
        "bidirectional": "true",
        "keepCallAlive": "true",
        "contentType": "audio/x-mulaw;rate=8000",
    }
    if any(element.get(name) != value for name, value in wanted.items()):
        raise XmlError(f"the stream is not {wanted}")
    if element.get("audioTrack", "inbound") != "inbound":
        raise XmlError("a bidirectional stream carries the inbound track")
    if not _text(element).startswith("wss://"):
        raise XmlError("the stream's address is not wss")
