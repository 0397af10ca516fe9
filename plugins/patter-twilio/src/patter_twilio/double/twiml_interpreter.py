"""TwiML carried out as Twilio would: verb after verb, until the call ends or is redirected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import attrs

from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.runtime import DoubleRuntime
from patter_testing.doubles.stream import Ended
from patter_twilio.double import webhook_forms
from patter_twilio.double.conference import Room
from patter_twilio.double.frames import StreamFrames
from patter_twilio.double.ids import Ids
from patter_twilio.double.line import Line

MOST_VERBS = 500
SAY_MS_A_CHARACTER = 0.5


class TwimlError(Exception):
    """What Twilio tells the caller as "an application error has occurred"."""


class Vendor(Protocol):
    """What carrying out needs of the account."""

    runtime: DoubleRuntime
    ids: Ids

    @property
    def account(self) -> str: ...

    def answer(self, line: Line) -> None: ...

    def rings_out(
        self, parent: Line, target: str, *, caller: str, callback: str, events: str
    ) -> Line: ...

    def no_answer_after(self, line: Line, timeout_s: float) -> None: ...

    def room(self, name: str, callback: str) -> Room: ...

    def end(self, line: Line, status: str) -> None: ...


@attrs.define(eq=False)
class TwimlInterpreter:
    """What one call does."""

    vendor: Vendor
    line: Line

    async def fetch(self, url: str) -> None:
        """Do what *url* says."""
        try:
            await self._carry_out(await self._post(url, self._form()))
        except TwimlError:
            self.vendor.end(self.line, "failed")

    async def run(self, twiml: str) -> None:
        """Do what *twiml* says."""
        try:
            await self._carry_out(twiml)
        except TwimlError:
            self.vendor.end(self.line, "failed")

    async def _carry_out(self, twiml: str) -> None:
        done = 0
        while twiml and not self.line.over:
            verbs, twiml = _verbs(twiml), ""
            for verb in verbs:
                if (done := done + 1) > MOST_VERBS:
                    raise TwimlError("12100: it goes round and round")
                twiml = await self._do(verb)
                if twiml or self.line.over:
                    break
        self.vendor.end(self.line, "completed")

    async def _do(self, verb: Element) -> str:
        """Carry out *verb*; TwiML that replaces what follows, or nothing."""
        if verb.tag == "Reject":
            busy = verb.get("reason") == "busy"
            self.vendor.end(self.line, "busy" if busy else "no-answer")
            return ""
        if verb.tag == "Hangup":
            self.vendor.end(self.line, "completed")
            return ""
        self.vendor.answer(self.line)
        match verb.tag:
            case "Connect":
                return await self._connect(verb)
            case "Dial":
                return await self._dial(verb)
            case "Redirect":
                return await self._post((verb.text or "").strip(), self._form())
            case "Say" | "Play" | "Pause":
                await self._sound(verb)
                return ""
        raise TwimlError(f"12200: {verb.tag} is not known here")

    async def _sound(self, verb: Element) -> None:
        text = (verb.text or "").strip()
        if verb.tag == "Pause":
            await self.line.clock.sleep(float(verb.get("length", "1")) * 1_000)
            return
        if digits := verb.get("digits"):
            self.line.call.digits += digits
        else:
            self.line.call.spoken.append(text)
        await self.line.clock.sleep(len(text) * SAY_MS_A_CHARACTER)
        self.line.call.note()

    async def _connect(self, verb: Element) -> str:
        noun = verb.find("Stream")
        url = "" if noun is None else noun.get("url", "")
        if noun is None or not url.startswith("wss://"):
            raise TwimlError(f"31922: {url[:40]!r} is not a wss address")
        if noun.get("track", "inbound_track") != "inbound_track":
            raise TwimlError("31941: only the inbound track can be connected")
        how = await self._streamed(url, _parameters(noun))
        if how is Ended.CALLER:
            self.vendor.end(self.line, "completed")
            return ""
        return await self._action(verb, self._form())

    async def _streamed(self, url: str, parameters: Mapping[str, str]) -> Ended:
        """Stream to *url* until that ends, or this is cancelled."""
        frames = StreamFrames(
            stream_sid=self.vendor.ids.new("MZ"),
            call_sid=self.line.sid,
            account_sid=self.vendor.account,
            parameters=parameters,
        )
        return await self.vendor.runtime.streamed(self.line.call, url, frames)

    async def _dial(self, verb: Element) -> str:
        self.line.dial_action = verb.get("action", "")
        conference = verb.find("Conference")
        child = None
        if conference is not None:
            status = await self._confer(conference)
        else:
            child = self._child(verb)
            status = await self._rung(child, float(verb.get("timeout", "30")))
        self.line.dial_action = ""
        form = webhook_forms.of_dial(self.line, self.vendor.account, status, child)
        return await self._action(verb, form)

    async def _confer(self, noun: Element) -> str:
        room = self.vendor.room((noun.text or "").strip(), noun.get("statusCallback", ""))
        out = room.enter(
            self.line,
            starts=noun.get("startConferenceOnEnter", "true") == "true",
            ends=noun.get("endConferenceOnExit", "false") == "true",
        )
        try:
            await out.wait()
        finally:
            room.leave(self.line)
        return "answered"

    def _child(self, verb: Element) -> Line:
        noun = next((each for each in verb if each.tag in ("Number", "Sip")), verb)
        target = (noun.text or "").strip()
        if not target:
            raise TwimlError("13224: nobody to dial")
        return self.vendor.rings_out(
            self.line,
            target,
            caller=verb.get("callerId", self.line.call.caller),
            callback=noun.get("statusCallback", ""),
            events=noun.get("statusCallbackEvent", "completed"),
        )

    async def _rung(self, child: Line, timeout_s: float) -> str:
        """Ring *child* and let them talk; how it ended."""
        self.line.call.goes(CallerLocation.HOLD)
        self.vendor.no_answer_after(child, timeout_s)
        try:
            await child.gone.wait()
        finally:
            if not child.over:
                self.vendor.end(child, "completed" if child.live else "canceled")
        return child.status

    async def _action(self, verb: Element, form: Mapping[str, str]) -> str:
        """Ask the verb's action, if it has one, what comes next."""
        url = verb.get("action", "")
        return await self._post(url, form) if url else ""

    async def _post(self, url: str, form: Mapping[str, str]) -> str:
        answer = await self.vendor.runtime.sender.ask(webhook_forms.post(url, form))
        if not answer.ok:
            raise TwimlError(f"11200: {url} was answered with {answer.status}")
        return answer.body.decode()

    def _form(self) -> dict[str, str]:
        return webhook_forms.of_call(self.line, self.vendor.account)


def _verbs(twiml: str) -> list[Element]:
    try:
        root = ElementTree.fromstring(twiml)
    except ElementTree.ParseError as error:
        raise TwimlError(f"12100: {error}") from error
    if root.tag != "Response":
        raise TwimlError("12100: the root is not a Response")
    return list(root)


def _parameters(noun: Element) -> dict[str, str]:
    return {each.get("name", ""): each.get("value", "") for each in noun.findall("Parameter")}
