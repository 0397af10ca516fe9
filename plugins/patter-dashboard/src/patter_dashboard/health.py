"""How the server is: what it does, what is installed, what went wrong, and what to do about it."""

from __future__ import annotations

import asyncio
import platform
from typing import Any

import attrs
import orjson

from patter.cli.checks.finding import Finding
from patter.cli.plugins import row_of
from patter.env import environment
from patter.errors import PatterError
from patter.plugins.registry import PluginRegistry
from patter_dashboard._process import python
from patter_dashboard._version import VERSION
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.summary import failures

ERRORS_MS = 7 * 86_400_000
DOCTOR_S = 90.0


@attrs.define(eq=False)
class Health:
    """Of *dashboard*."""

    dashboard: Dashboard
    _doctor: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def as_data(self) -> dict[str, Any]:
        """All of it, as the page has it."""
        dashboard = self.dashboard
        indexer, index = dashboard.indexer, dashboard.index
        errors: list[dict[str, Any]] = []
        if index is not None:
            since = dashboard.clock.wall() * 1_000 - ERRORS_MS
            errors = await dashboard.work.answer(failures, index, since)
        root = str(dashboard.root) if dashboard.root is not None else False
        findings = await dashboard.work.answer(_local_findings, root)
        state = indexer.as_data() if indexer else {"state": "off", "indexed": 0, "found": 0}
        return {
            **self._server(),
            "uptime_ms": round(dashboard.clock.ms() - dashboard.began_ms),
            "version": VERSION,
            "python": platform.python_version(),
            "checks": [_finding(each) for each in findings],
            "plugins": await dashboard.work.answer(_plugins),
            "errors": errors,
            "index": {
                **state,
                "bytes": await dashboard.work.answer(lambda: index.size_bytes) if index else 0,
                "rebuilt_at": indexer.rebuilt_at if indexer else None,
            },
            "clients": dashboard.hub.clients,
            "dropped_clients": dashboard.hub.dropped,
        }

    async def doctor(self) -> list[dict[str, str]]:
        """The findings of `patter doctor`, in a process of its own, one at a time.

        Raises PatterTimeoutError, PatterError.
        """
        async with self._doctor:
            ended = await python(
                *("-m", "patter.cli", "doctor", "--json"),
                within_s=DOCTOR_S,
                what="patter doctor",
                fix="run it yourself: patter doctor",
            )
        try:
            checks = orjson.loads(ended.output)["checks"]
        except (ValueError, KeyError, TypeError) as broken:
            raise PatterError("patter doctor has no report", fix="patter doctor") from broken
        return [
            {
                "name": str(each.get("name", "")),
                "status": str(each.get("level", "")).lower(),
                "text": str(each.get("text", "")),
                "fix": str(each.get("fix", "")),
            }
            for each in checks
        ]

    def _server(self) -> dict[str, Any]:
        server = self.dashboard.server
        if server is None:
            calls = len(self.dashboard.live.calls)
            return {"state": "ready", "calls": calls, "limits": {"calls": None}, "draining": False}
        admission = server.switchboard.admission
        return {
            "state": admission.closed or "ready",
            "calls": len(self.dashboard.here),
            "limits": {"calls": admission.limits.calls},
            "draining": admission.closed == "draining",
        }


def _local_findings(root: str | bool) -> list[Finding]:
    # Late: with these come all parts of a phone, and a dashboard beside one has none of them.
    from patter.cli.checks import records, variables

    return [*records.findings_of(root), *variables.findings_of(environment())]


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "status": finding.level.value.lower(),
        "text": finding.text,
        "fix": finding.fix,
    }


def _plugins() -> list[dict[str, str]]:
    registry = PluginRegistry.from_environment()
    rows = [row_of(registry, each, check=False) for each in registry.catalogue.advertised]
    return [
        {
            "name": row.name,
            "kind": row.kind,
            "package": row.distribution,
            "version": row.version,
            "state": row.state or "installed",
            "problem": row.reason,
            "fix": row.fix,
        }
        for row in sorted(rows, key=lambda row: (row.kind, row.name))
    ]
