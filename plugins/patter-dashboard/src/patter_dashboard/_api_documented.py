"""API v1 and ``/api/dashboard``, as the documents have them; numbers are masked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import attrs
import orjson
from aiohttp import web

from patter.errors import InputError
from patter_dashboard._api_calls import number_in
from patter_dashboard._api_log import log_of_call
from patter_dashboard._http import body_of, json_response
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.documented import COLUMNS, Record, csv_lines, masked, row_of
from patter_dashboard.filters import read_filters

LIMIT, MOST = 50, 1_000
_NOT_FOUND = {"error": "Not found"}


@attrs.frozen(eq=False)
class DocumentedApi:
    """The documented routes of *dashboard*."""

    dashboard: Dashboard

    def routes(self) -> Iterator[web.RouteDef]:
        """All of them."""
        access, own, v1 = self.dashboard.access, "/api/dashboard", "/api/v1"
        reads = {
            f"{own}/calls": self.list_calls,
            f"{own}/calls/{{id}}": self.one,
            f"{own}/calls/{{id}}/log": self.log,
            f"{own}/active": self.active,
            f"{own}/aggregates": self.aggregates,
            f"{own}/export/calls": self.export,
            f"{v1}/calls": self.v1_calls,
            f"{v1}/calls/active": self.v1_active,
            f"{v1}/calls/{{id}}": self.v1_one,
            f"{v1}/analytics/overview": self.v1_overview,
            f"{v1}/analytics/costs": self.v1_costs,
            f"{v1}/export/csv": self.export_csv,
            f"{v1}/export/json": self.export_json,
        }
        for path, handler in reads.items():
            yield web.get(path, access.reading(handler))
        yield web.delete(f"{own}/calls/{{id}}", access.changing(self.delete_one))
        yield web.post(f"{own}/calls/delete", access.changing(self.delete_several))

    async def list_calls(self, request: web.Request) -> web.StreamResponse:
        """The newest calls."""
        records, _, _, _ = await self._newest(request)
        return json_response(records)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        record = await self.dashboard.documents.one(request.match_info["id"])
        if record is None:
            return json_response(_NOT_FOUND, status=404)
        return json_response(masked(record))

    async def log(self, request: web.Request) -> web.StreamResponse:
        """What was logged in one call."""
        return await log_of_call(self.dashboard, request)

    async def active(self, _: web.Request) -> web.StreamResponse:
        """Those that go on."""
        return json_response([masked(each) for each in await self.dashboard.documents.active()])

    async def aggregates(self, _: web.Request) -> web.StreamResponse:
        """Totals."""
        return json_response(await self.dashboard.documents.totals())

    async def export(self, request: web.Request) -> web.StreamResponse:
        """All calls as a file."""
        format = request.query.get("format", "json")
        if format not in ("csv", "json"):
            raise InputError(f"there is no format {format!r}", fix="use csv or json")
        return await self._exported(request, format)

    async def export_csv(self, request: web.Request) -> web.StreamResponse:
        """All calls as a table."""
        return await self._exported(request, "csv")

    async def export_json(self, request: web.Request) -> web.StreamResponse:
        """All calls as an array."""
        return await self._exported(request, "json")

    async def delete_one(self, request: web.Request) -> web.StreamResponse:
        """Take a call from all lists."""
        return await self._deleted([request.match_info["id"]])

    async def delete_several(self, request: web.Request) -> web.StreamResponse:
        """Take calls from all lists."""
        ids = (await body_of(request)).get("call_ids")
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise InputError("call_ids is not a list of ids", fix='send {"call_ids": ["..."]}')
        if len(ids) > MOST:
            raise InputError(f"{len(ids)} ids", fix=f"delete {MOST} calls at a time")
        return await self._deleted(ids)

    async def v1_calls(self, request: web.Request) -> web.StreamResponse:
        """The newest calls, and how many there are."""
        records, limit, offset, total = await self._newest(request)
        pagination = {"limit": limit, "offset": offset, "count": len(records), "total": total}
        return json_response({"data": records, "pagination": pagination})

    async def v1_active(self, _: web.Request) -> web.StreamResponse:
        """Those that go on, and how many."""
        records = [masked(each) for each in await self.dashboard.documents.active()]
        return json_response({"data": records, "count": len(records)})

    async def v1_one(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        record = await self.dashboard.documents.one(request.match_info["id"])
        if record is None:
            return json_response(_NOT_FOUND, status=404)
        return json_response({"data": masked(record)})

    async def v1_overview(self, _: web.Request) -> web.StreamResponse:
        """Totals."""
        return json_response({"data": await self.dashboard.documents.totals()})

    async def v1_costs(self, request: web.Request) -> web.StreamResponse:
        """What calls cost."""
        since, until = self._period(request)
        totals = await self.dashboard.documents.totals(since, until)
        period = {name: request.query.get(name) or None for name in ("from", "to")}
        data = {
            "total_cost": totals["total_cost"],
            "breakdown": totals["cost_breakdown"],
            "calls_analyzed": totals["total_calls"],
            "unpriced_calls": totals["unpriced_calls"],
            "period": period,
        }
        return json_response({"data": data})

    async def _newest(self, request: web.Request) -> tuple[list[Record], int, int, int]:
        limit = number_in(request, "limit", LIMIT, 1, MOST)
        offset = number_in(request, "offset", 0, 0, 10**9)
        records, total = await self.dashboard.documents.newest(limit, offset)
        return [masked(each) for each in records], limit, offset, total

    async def _deleted(self, ids: list[str]) -> web.StreamResponse:
        active = {each["call_id"] for each in await self.dashboard.documents.active()}
        wanted = [each for each in ids if each not in active]
        gone = await self.dashboard.documents.delete(wanted)
        if gone:
            self.dashboard.hub.publish("calls_deleted", {"call_ids": gone})
        return json_response({"deleted": gone, "count": len(gone)})

    def _period(self, request: web.Request) -> tuple[int | None, int | None]:
        query = {name: request.query.get(name, "") for name in ("from", "to")}
        filters = read_filters(query, self.dashboard.clock.wall())
        return filters.since, filters.until

    async def _exported(self, request: web.Request, format: str) -> web.StreamResponse:
        """Send calls as they are read: a year of them is never in memory."""
        since, until = self._period(request)
        kind = {"csv": "text/csv", "json": "application/json"}[format]
        response = web.StreamResponse(
            headers={
                "Content-Type": f"{kind}; charset=utf-8",
                "Content-Disposition": f'attachment; filename="patter_calls.{format}"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            }
        )
        chunks = self.dashboard.documents.between(since, until)
        pieces = _csv(chunks) if format == "csv" else _json(chunks)
        await response.prepare(request)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response


async def _csv(chunks: AsyncIterator[list[Record]]) -> AsyncIterator[bytes]:
    yield csv_lines([COLUMNS]).encode()
    async for records in chunks:
        yield csv_lines(row_of(masked(each)) for each in records).encode()


async def _json(chunks: AsyncIterator[list[Record]]) -> AsyncIterator[bytes]:
    yield b"["
    first = True
    async for records in chunks:
        for record in records:
            yield (b"\n" if first else b",\n") + orjson.dumps(masked(record))
            first = False
    yield b"\n]\n"
