"""The fake engine seen from the vendor's side, as `EngineSuite` needs it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from patter.providers.llm import Message, ToolRequest
from patter_testing.fakes.engine import FakeEngine, FakeEngineSession


@attrs.frozen
class FakeEngineVendor:
    """What the latest session of *engine* holds; what it is made to do."""

    engine: FakeEngine

    @property
    def instructions(self) -> str:
        return self._session.instructions

    @property
    def rows(self) -> Sequence[Message]:
        return self._session.rows

    @property
    def tools(self) -> Sequence[str]:
        return self._session.tools

    async def hear(self, text: str) -> None:
        self._session.hear(text)

    async def want(self, request: ToolRequest) -> None:
        self._session.want(request)

    async def warn(self) -> None:
        self._session.warn()

    async def linger(self) -> None:
        self._session.lingering = True

    @property
    def _session(self) -> FakeEngineSession:
        return self.engine.sessions[-1]
