"""The hooks a plugin may implement. None is ever called per audio frame or per token.

Hooks are plain functions, never ``async def``: they answer "what?", and what they return
may be asynchronous. An implementation takes any subset of the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from aiohttp import web

    from patter.plugins.commands import Commands
    from patter.plugins.spec import ProviderSpec
    from patter.providers.audio_filter import AudioFilter
    from patter.providers.carrier import Carrier
    from patter.providers.context import CallContext
    from patter.providers.engine import Engine
    from patter.providers.guardrail import GuardrailProvider
    from patter.providers.llm import LLM
    from patter.providers.stt import STT
    from patter.providers.tts import TTS
    from patter.providers.tunnel import Tunnel
    from patter.providers.turn_detector import TurnDetector
    from patter.providers.vad import VAD

hookspec = pluggy.HookspecMarker("patter")
hookimpl = pluggy.HookimplMarker("patter")


@hookspec(firstresult=True)
def patter_carrier(spec: ProviderSpec) -> Carrier | None:
    """Return the carrier described by *spec*."""


@hookspec(firstresult=True)
def patter_stt(spec: ProviderSpec) -> STT | None:
    """Return the recogniser described by *spec*."""


@hookspec(firstresult=True)
def patter_tts(spec: ProviderSpec) -> TTS | None:
    """Return the voice described by *spec*."""


@hookspec(firstresult=True)
def patter_llm(spec: ProviderSpec) -> LLM | None:
    """Return the language model described by *spec*."""


@hookspec(firstresult=True)
def patter_vad(spec: ProviderSpec) -> VAD | None:
    """Return the voice detector described by *spec*."""


@hookspec(firstresult=True)
def patter_engine(spec: ProviderSpec) -> Engine | None:
    """Return the speech-to-speech engine described by *spec*."""


@hookspec(firstresult=True)
def patter_tunnel(spec: ProviderSpec) -> Tunnel | None:
    """Return the tunnel described by *spec*."""


@hookspec(firstresult=True)
def patter_guardrail(spec: ProviderSpec) -> GuardrailProvider | None:
    """Return the guardrail described by *spec*."""


@hookspec(firstresult=True)
def patter_turn_detector(spec: ProviderSpec) -> TurnDetector | None:
    """Return the turn detector described by *spec*."""


@hookspec(firstresult=True)
def patter_audio_filter(spec: ProviderSpec) -> AudioFilter | None:
    """Return the audio filter described by *spec*."""


@hookspec
def patter_prices() -> Iterable[Any]:  # type: ignore[empty-body]
    """Return the price entries (`patter.observe.pricing.Price`) of this plugin's models."""


@hookspec
def patter_server_scope(server: Any) -> AbstractAsyncContextManager[object] | None:
    """Return a scope entered before the first call is taken and left after the last."""


@hookspec
def patter_call_scope(call: CallContext) -> AbstractAsyncContextManager[object] | None:
    """Return a scope entered after *call* was answered, before its media, left at its end."""


@hookspec
def patter_call_listeners(call: CallContext) -> Mapping[type | str, Callable[..., object]] | None:
    """Return what to call with events of *call*, by their class; frozen for its duration.

    The classes are those of `patter.observe.events`; the ``type`` of their JSON names them too.
    """


@hookspec
def patter_routes(server: Any) -> Iterable[web.RouteDef]:  # type: ignore[empty-body]
    """Return routes to add to the server."""


@hookspec
def patter_cli(commands: Commands) -> None:
    """Add commands to the ``patter`` command line."""
