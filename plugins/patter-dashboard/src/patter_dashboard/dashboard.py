"""One dashboard: its access, its calls, its index, and the tasks that keep them up to date.

Of a phone that serves there is one for each `serve`; `patter dashboard` has one beside them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import attrs

from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.providers.context import CallContext
from patter_dashboard._work import Work
from patter_dashboard.access import Access
from patter_dashboard.audit import Audit
from patter_dashboard.documents import Documents, StoredDocuments, StoreDocuments
from patter_dashboard.exporting import Exporter
from patter_dashboard.feed import fed
from patter_dashboard.hub import Hub
from patter_dashboard.index_file import IndexFile
from patter_dashboard.indexer import Indexer
from patter_dashboard.live import LiveCalls
from patter_dashboard.log_lines import CallLines
from patter_dashboard.notify import PORT, notify_dashboard
from patter_dashboard.recorded import RecordedCalls
from patter_dashboard.ringing import Ringing
from patter_dashboard.store import MetricsStore


@attrs.define(eq=False, kw_only=True)
class Dashboard:
    """*root* is where records are, None without any. *server* is the one that takes calls, if any.

    *store* has the calls of API v1 where there are no records.
    """

    access: Access
    root: Path | None = None
    server: Any = None
    store: Any = attrs.field(factory=MetricsStore)
    clock: Clock = attrs.field(factory=LoopClock)
    hub: Hub = attrs.field(init=False)
    live: LiveCalls = attrs.field(init=False)
    work: Work = attrs.field(factory=Work, init=False)
    exporter: Exporter = attrs.field(factory=Exporter, init=False)
    index: IndexFile | None = attrs.field(init=False)
    indexer: Indexer | None = attrs.field(default=None, init=False)
    recorded: RecordedCalls | None = attrs.field(default=None, init=False)
    audit: Audit | None = attrs.field(default=None, init=False)
    documents: Documents = attrs.field(init=False)
    lines: CallLines = attrs.field(factory=CallLines, init=False)
    began_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.hub = Hub(self.clock)
        self.live = LiveCalls(self.hub, self._ended, self.clock)
        self.index = IndexFile(self.root) if self.root is not None else None
        if self.index is None:
            self.documents = StoreDocuments(self.store)
            return
        self.indexer = Indexer(self.index, self.work, self._changed, self.clock)
        self.recorded = RecordedCalls(self.index)
        self.audit = Audit(self.index.root)
        self.documents = StoredDocuments(self.index, self.work, self.live)

    @property
    def here(self) -> tuple[str, ...]:
        """The ids of the calls this process has."""
        calls: tuple[str, ...] = self.server.switchboard.calls if self.server is not None else ()
        return calls

    def listeners(self, call: CallContext) -> dict[type | str, Callable[..., object]]:
        """What hears the events of *call*."""
        listeners = self.live.listeners(call)
        # With records, API v1 reads those.
        return listeners if self.index is not None else fed(listeners, self.store)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Dashboard]:
        """Keep index, pages and log lines going while inside."""
        self.began_ms = self.clock.ms()
        async with AsyncExitStack() as stack:
            stack.callback(self._close)
            stack.enter_context(self.lines.listening())
            if self.indexer is not None:
                await stack.enter_async_context(self.indexer.running())
            await stack.enter_async_context(self.hub.running())
            if self.server is not None:
                await stack.enter_async_context(_beside(Ringing(self.hub, self.server).run))
            yield self

    def _close(self) -> None:
        self.work.close()
        if self.index is not None:
            self.index.close()

    def _ended(self, call_id: str) -> None:
        if self.indexer is not None:
            self.indexer.poke()
        # A dashboard beside this process reads the same records: its id is all that it needs.
        if self.server is not None and self.server.port != PORT:
            notify_dashboard({"call_id": call_id, "event": "call_end"})

    def _changed(self, changed: Sequence[Mapping[str, Any]], gone: Sequence[str]) -> None:
        if self.recorded is not None:
            self.recorded.forget()
        self.exporter.forget()
        if gone:
            self.hub.publish("calls_deleted", {"call_ids": [*gone]})
        for call_id in gone:
            self.lines.forget(call_id)
        for row in changed:
            self.hub.publish("call_indexed", {"call_id": row["id"], "row": row})


@asynccontextmanager
async def _beside(run: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Have *run* go on while inside."""
    async with task_scope() as tasks:
        running = tasks.create_task(run(), name="dashboard-ringing")
        try:
            yield
        finally:
            running.cancel()


_OF: WeakKeyDictionary[Any, Dashboard] = WeakKeyDictionary()
_RUNNING: WeakSet[Dashboard] = WeakSet()


def dashboard_of(server: Any) -> Dashboard | None:
    """The dashboard of *server*; None where it has none. Raises StartRefused.

    A server asks twice: for routes, and for a scope.
    """
    served = server.served
    options = served.options.get("dashboard", {}) if served is not None else {}
    if not options.get("enabled"):
        return None
    if server not in _OF:
        trusted = server.switchboard.admission.limits.trusted_proxies
        access = Access.of(options, exposed=served.exposed, trusted=trusted)
        root = served.log.root if served.log is not None else None
        _OF[server] = Dashboard(access=access, root=root, server=server)
    return _OF[server]


@asynccontextmanager
async def running(dashboard: Dashboard) -> AsyncIterator[None]:
    """Run *dashboard*, which hears of calls meanwhile."""
    async with dashboard.running():
        _RUNNING.add(dashboard)
        try:
            yield
        finally:
            _RUNNING.discard(dashboard)


def dashboard_with(call_id: str) -> Dashboard | None:
    """The running dashboard of the server that has the call; several may run in one process."""
    return next((each for each in _RUNNING if call_id in each.here), None)
