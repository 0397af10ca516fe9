"""Calls that were recorded: lists, figures, and one call with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs
from aiohttp import web

import patter_dashboard.detail as detail
import patter_dashboard.listing as listing
import patter_dashboard.peaks as peaks
import patter_dashboard.summary as summary
from patter.errors import ErrorCode, InputError, PatterError
from patter.observe.documents import moment
from patter.observe.events import Started
from patter_dashboard._api_log import log_of_call
from patter_dashboard._api_session import PREFIX
from patter_dashboard._http import NotFound, json_response, text_response
from patter_dashboard.access import address_of
from patter_dashboard.audit import Audit
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.exporting import FORMATS, PICTURE, REDACTED, available, axis_of, file_name
from patter_dashboard.filters import read_filters
from patter_dashboard.index_file import IndexFile
from patter_dashboard.recorded import RecordedCalls

WAV = "wav"
_PAGING = frozenset({"cursor", "limit"})
_FILE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # A file may be opened in the browser: it is not a page of ours there.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


@attrs.frozen(eq=False)
class CallsApi:
    """Routes of *dashboard* about recorded calls."""

    dashboard: Dashboard

    def routes(self) -> Iterator[web.RouteDef]:
        """All of them."""
        access, one = self.dashboard.access, f"{PREFIX}/calls/{{id}}"
        reads = {
            f"{PREFIX}/calls": self.calls,
            f"{PREFIX}/facets": self.facets,
            f"{PREFIX}/summary": self.summary,
            one: self.call,
            f"{one}/events": self.events,
            f"{one}/model": self.model,
            f"{one}/model/{{n}}": self.model_request,
            f"{one}/audio": self.audio,
            f"{one}/peaks": self.peaks,
            f"{one}/picture": self.axis,
            f"{one}/picture.svg": self.picture,
            f"{one}/export": self.export,
            f"{one}/logs": self.logs,
        }
        for path, handler in reads.items():
            yield web.get(path, access.reading(handler), allow_head=True)
        yield web.post(f"{one}/reveal", access.changing(self.reveal))

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """A page of calls."""
        filters = read_filters(request.query, self._now, but=_PAGING)
        limit = number_in(request, "limit", listing.PAGE, 1, listing.LARGEST)
        if self.dashboard.index is None:
            return json_response(_no_calls())
        cursor = request.query.get("cursor", "")
        page = await self.dashboard.work.answer(
            listing.page, self.dashboard.index, filters, cursor, limit
        )
        return json_response({**attrs.asdict(page), "index": self._index_state})

    async def facets(self, _: web.Request) -> web.StreamResponse:
        """What filters can be set to."""
        return json_response(await self.dashboard.work.answer(listing.facets, self._index))

    async def summary(self, request: web.Request) -> web.StreamResponse:
        """Figures over calls."""
        filters = read_filters(request.query, self._now)
        return json_response(
            await self.dashboard.work.figure(summary.summary, self._index, filters, self._now)
        )

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        return text_response(await self.dashboard.work.answer(self._detail, _id(request)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Some of its events."""
        query = request.query
        page = partial(
            detail.event_page,
            after=number_in(request, "after", 0, 0, 10**9),
            types=frozenset(filter(None, query.get("type", "").split(","))),
            limit=number_in(request, "limit", detail.EVENTS_PAGE, 1, detail.EVENTS_MOST),
            quiet=query.get("quiet") == "1",
        )

        def read() -> str:
            events = self._recorded.events(_id(request))
            return detail.masked(page(events), detail.parties_of(events))

        return text_response(await self.dashboard.work.answer(read))

    async def model(self, request: web.Request) -> web.StreamResponse:
        """When a model was asked."""

        def read() -> list[dict[str, Any]]:
            return detail.model_index(self._recorded.events(_id(request)))

        return json_response({"data": await self.dashboard.work.answer(read)})

    async def model_request(self, request: web.Request) -> web.StreamResponse:
        """What it was shown."""
        n = request.match_info["n"]
        at = int(n) if n.isascii() and n.isdigit() and len(n) < 9 else -1

        def read() -> str:
            events = self._recorded.events(_id(request))
            row = detail.model_request(events, at)
            if row is None:
                raise NotFound(f"no model was asked a time {n}", fix="see: calls/ID/model")
            return detail.masked(row, detail.parties_of(events))

        return text_response(await self.dashboard.work.answer(read))

    async def audio(self, request: web.Request) -> web.StreamResponse:
        """Its recording, or a part of it."""
        path = await self.dashboard.work.answer(self._recorded.recording, _id(request))
        response = web.FileResponse(path, headers={**_FILE, "Content-Type": "audio/wav"})
        if request.query.get("download") == "1":
            response.headers["Content-Disposition"] = _attached(f"{_id(request)}.wav")
        return response

    async def peaks(self, request: web.Request) -> web.StreamResponse:
        """The outline of its recording."""
        points = number_in(request, "n", 1_200, peaks.LEAST, peaks.POINTS)

        def read() -> dict[str, Any]:
            path = self._recorded.recording(_id(request))
            if self._recorded.row(_id(request))["live"]:
                raise PatterError(
                    "the call goes on", fix="ask when it is over", code=ErrorCode.CALL_STATE
                )
            return peaks.peaks(path, points)

        return json_response(await self.dashboard.work.answer(read))

    async def axis(self, request: web.Request) -> web.StreamResponse:
        """Where time lies in its picture."""
        left, right = axis_of(await self._picture(_id(request)))
        events = await self.dashboard.work.answer(self._recorded.events, _id(request))
        length = max((event.at_ms for event in events), default=0)
        return json_response({"left": left, "right": right, "length_ms": length})

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """Its picture."""
        body = await self._picture(_id(request))
        left, right = axis_of(body)
        headers = {**_FILE, "X-Patter-Axis": f"{left} {right}"}
        return web.Response(body=body, content_type="image/svg+xml", headers=headers)

    async def export(self, request: web.Request) -> web.StreamResponse:
        """A file of it."""
        format, call_id = request.query.get("format", "json"), _id(request)
        if format == WAV:
            path = await self.dashboard.work.answer(self._recorded.recording, call_id)
            headers = {**_FILE, "Content-Disposition": _attached(f"{call_id}.wav")}
            return web.FileResponse(path, headers=headers)
        if format not in FORMATS or format == PICTURE:
            formats = ", ".join([*(each for each in FORMATS if each != PICTURE), WAV])
            raise InputError(f"there is no format {format!r}", fix=f"use {formats}")
        redact = format in REDACTED and request.query.get("redact") != "0"
        directory = await self.dashboard.work.answer(self._recorded.directory, call_id)
        if not redact:
            # Numbers and keys are in it as they were said.
            await self._note(request, f"export {format}", call_id)
        body = await self.dashboard.exporter.export(format, directory, redact=redact)
        headers = {**_FILE, "Content-Disposition": _attached(file_name(call_id, format))}
        return web.Response(body=body, content_type=FORMATS[format][0], headers=headers)

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """What was logged in it, while this server runs."""
        return await log_of_call(self.dashboard, request)

    async def reveal(self, request: web.Request) -> web.StreamResponse:
        """The numbers of it, for once."""
        call_id = _id(request)
        events = await self.dashboard.work.answer(self._recorded.events, call_id)
        started = next((each for each in events if isinstance(each, Started)), Started())
        await self._note(request, "reveal", call_id)
        return json_response({"caller": started.caller, "callee": started.callee})

    def _detail(self, call_id: str) -> str:
        recorded = self._recorded
        row = recorded.row(call_id)
        if row["erased"]:
            return detail.masked(
                {"call": row, **detail.detail([]), "audio": None, "picture": False, "exports": []}
            )
        events = recorded.events(call_id)
        more = {
            "audio": self._audio(call_id),
            "picture": available(PICTURE),
            "warnings": len(self.dashboard.lines.of(call_id)),
        }
        exports = [each for each in FORMATS if each != PICTURE and available(each)]
        exports += [WAV] if more["audio"] else []
        body = {"call": row, **detail.detail(events), **more, "exports": exports}
        return detail.masked(body, detail.parties_of(events))

    def _audio(self, call_id: str) -> dict[str, int] | None:
        try:
            form = peaks.format_of(self._recorded.recording(call_id))
        except InputError:
            return None
        return {
            "duration_ms": form.duration_ms,
            "rate_hz": form.rate_hz,
            "bytes": form.bytes,
        }

    async def _picture(self, call_id: str) -> bytes:
        def find() -> tuple[Any, int]:
            directory = self._recorded.directory(call_id)
            return directory, directory.stat().st_mtime_ns

        directory, changed = await self.dashboard.work.answer(find)
        return await self.dashboard.exporter.picture(directory, changed)

    async def _note(self, request: web.Request, action: str, call_id: str) -> None:
        """Leave a line in the audit file; without one, it is not done."""
        at = moment(self._now)
        address = address_of(request, self.dashboard.access.trusted)
        try:
            await self.dashboard.work.answer(self._audit.write, at, action, call_id, address)
        except OSError as problem:
            raise PatterError(
                f"the audit file cannot be written: {problem.strerror}",
                fix="make room on the disk of the log root",
            ) from problem

    @property
    def _now(self) -> float:
        return self.dashboard.clock.wall()

    @property
    def _index_state(self) -> dict[str, Any]:
        indexer = self.dashboard.indexer
        return indexer.as_data() if indexer is not None else {}

    @property
    def _index(self) -> IndexFile:
        if self.dashboard.index is None:
            raise no_records()
        return self.dashboard.index

    @property
    def _recorded(self) -> RecordedCalls:
        if self.dashboard.recorded is None:
            raise no_records()
        return self.dashboard.recorded

    @property
    def _audit(self) -> Audit:
        if self.dashboard.audit is None:
            raise no_records()
        return self.dashboard.audit


def no_records() -> NotFound:
    """The error where calls are not recorded."""
    return NotFound("no records are kept here", fix="Patter(persist=True)")


def number_in(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """The number *name* in the query, within its bounds. Raises InputError."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise InputError(f"{name}={text!r} is not a valid number", fix=f"write {least} to {most}")
    return max(least, min(most, int(text)))


def _no_calls() -> dict[str, Any]:
    index = {"state": "off", "indexed": 0, "found": 0}
    return {"data": [], "next": None, "total": 0, "more_than": False, "index": index}


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _attached(name: str) -> str:
    return f'attachment; filename="{name}"'
