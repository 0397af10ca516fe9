"""What may be done to a call of the double: one method an action, named as in the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from patter_telnyx.double.account_double import TelnyxAccountDouble
from patter_telnyx.double.line import RINGING, Line
from patter_testing.doubles.call import CallerLocation

Body: TypeAlias = Mapping[str, Any]
Command: TypeAlias = Callable[[Line, Body], None]
DIALLED = re.compile(r"\+[1-9]\d{6,14}\Z|sips?:.+@.+", re.IGNORECASE)
SPEAK_MS = 2.0
"""How long a character of a briefing takes: double time flies."""
_DIGITS = re.compile(r"[0-9A-D*#wW]+\Z")
_WHEN_RINGING = frozenset({"answer", "reject", "hangup"})


class ApiError(Exception):
    """The API refuses: HTTP *status*, Telnyx's *code* and words."""

    def __init__(self, status: int, code: str, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.detail = status, code, title, detail


@attrs.frozen
class Commands:
    """The actions on *vendor*'s calls. Each raises ApiError."""

    vendor: TelnyxAccountDouble

    def obey(self, line: Line, action: str, body: Body) -> None:
        """Do *action*."""
        command: Command | None = getattr(self, action, None) if action.islower() else None
        if command is None or action.startswith("_") or action == "obey":
            raise ApiError(404, "10005", "Resource not found")
        if line.over:
            raise ApiError(422, "90018", "Call has already ended")
        if not line.live and action not in _WHEN_RINGING:
            raise ApiError(422, "90034", "Call not answered yet")
        if state := body.get("client_state"):
            line.state = str(state)
        command(line, body)

    def answer(self, line: Line, body: Body) -> None:
        if line.live or not line.incoming:
            raise ApiError(422, "90015", "Invalid call state")
        if "stream_bidirectional_sampling_rate" in body and not self.vendor.settings.rate_in_answer:
            raise ApiError(422, "10015", "Invalid value", "answer takes no sampling rate")
        line.streaming = streaming(body)
        self.vendor.answer(line)

    def reject(self, line: Line, body: Body) -> None:
        if line.call.status != RINGING:
            raise ApiError(422, "90015", "Invalid call state")
        busy = body.get("cause") == "USER_BUSY"
        self.vendor.end(line, "user_busy" if busy else "call_rejected")

    def hangup(self, line: Line, _: Body) -> None:
        self.vendor.end(line, "normal_clearing" if line.live else "originator_cancel")

    def transfer(self, line: Line, body: Body) -> None:
        check_dialled(body.get("to"))
        human = self.vendor.line(
            str(body.get("from") or line.call.callee),
            str(body["to"]),
            incoming=False,
            linked=line,
            cold=True,
            state=str(body.get("target_leg_client_state") or ""),
            webhook_url=str(body.get("webhook_url") or line.webhook_url),
        )
        if not self.vendor.settings.keeps_streams and line.stream is not None:
            line.stream.stop()
        self.vendor.rings_out(human, float(body.get("timeout_secs") or 30))

    def bridge(self, line: Line, body: Body) -> None:
        other = self.vendor.lines.get(str(body.get("call_control_id")))
        if other is None or not other.live:
            raise ApiError(422, "90018", "Call has already ended", "the other one")
        self.vendor.bridge(line, other)

    def speak(self, line: Line, body: Body) -> None:
        if not body.get("payload") or not body.get("voice"):
            raise ApiError(422, "10004", "Missing required parameter")
        line.call.spoken.append(str(body["payload"]))
        self.vendor.reports.happened(line, "call.speak.started")

        def ended() -> None:
            status = "call_hangup" if line.over else "completed"
            self.vendor.reports.happened(line, "call.speak.ended", status=status)

        self.vendor.runtime.later(SPEAK_MS * len(body["payload"]), ended)

    def send_dtmf(self, line: Line, body: Body) -> None:
        digits = str(body.get("digits", ""))
        if not _DIGITS.match(digits):
            raise ApiError(422, "10015", "Invalid value", "digits")
        line.call.digits += digits
        line.call.note()

    def record_start(self, line: Line, body: Body) -> None:
        if body.get("format") not in ("mp3", "wav") or body.get("channels") not in (
            "single",
            "dual",
        ):
            raise ApiError(422, "10004", "Missing required parameter")
        line.call.recorded += 1
        line.call.note()

    def record_pause(self, line: Line, _: Body) -> None:
        self._pauses(line, True)

    def record_resume(self, line: Line, _: Body) -> None:
        self._pauses(line, False)

    def _pauses(self, line: Line, paused: bool) -> None:
        if not line.call.recorded:
            raise ApiError(422, "90018", "The call is not recorded")
        line.call.pauses(paused)

    def streaming_start(self, line: Line, body: Body) -> None:
        if line.streams:
            raise ApiError(422, "90045", "The call is streamed already")
        line.streaming = streaming(body)
        self.vendor.stream(line)
        if line.peer is not None:
            line.call.goes(CallerLocation.HUMAN)

    def streaming_stop(self, line: Line, _: Body) -> None:
        if line.streams and line.stream is not None:
            line.stream.stop()


def streaming(body: Body) -> dict[str, Any]:
    """How a call is to be streamed; empty when it is not. Raises ApiError."""
    fields = {name: body[name] for name in body if name.startswith("stream_")}
    if fields and fields.get("stream_bidirectional_mode") != "rtp":
        raise ApiError(422, "10015", "Invalid value", "this double streams rtp")
    if fields and not str(fields.get("stream_url", "")).startswith(("ws://", "wss://")):
        raise ApiError(422, "10015", "Invalid value", "stream_url")
    return fields


def check_dialled(target: object) -> None:
    """Raise ApiError for what is neither a number nor an address."""
    if not DIALLED.match(str(target)):
        raise ApiError(
            422, "10016", "Phone number must be in +E164 format", "The 'to' is not valid."
        )
