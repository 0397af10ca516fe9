"""Tell Patter what this package offers: what follows a call, as variables say, and a command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patter import hookimpl

if TYPE_CHECKING:
    from patter.plugins.commands import Commands

PATTER_API = 1


@hookimpl
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object] | None:
    from patter_after_call.settings import AfterCall

    settings = AfterCall.from_environment()
    return None if settings is None else _scope(server, settings)


@hookimpl
def patter_calls_erased(root: Path, call_ids: Sequence[str]) -> None:
    from patter_after_call.letters import erase_letters

    erase_letters(root, [f"call-{call_id}" for call_id in call_ids])


@hookimpl
def patter_cli(commands: Commands) -> None:
    from patter_after_call.command import COMMAND

    commands.add(COMMAND)


@asynccontextmanager
async def _scope(server: Any, settings: Any) -> AsyncIterator[None]:
    from patter import PatterConfigError, PluginRegistry
    from patter.plugins.kinds import LLM_KIND
    from patter_after_call.worker import Worker

    calls = server.served.log
    if calls is None:
        raise PatterConfigError(
            "what follows a call goes by its record, and none are kept", fix="export PATTER_LOG_DIR"
        )
    registry = PluginRegistry.from_environment()
    llm = None if settings.llm is None else registry.resolve(LLM_KIND, settings.llm)
    async with Worker(root=calls.root, settings=settings, llm=llm).running():
        yield
