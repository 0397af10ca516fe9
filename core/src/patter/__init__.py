"""Patter gives your Python agent a phone number; every carrier, voice and model is a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter.agent import Agent
    from patter.audio.formats import (
        ALAW_8K,
        MULAW_8K,
        PCM16_8K,
        PCM16_16K,
        PCM16_24K,
        AudioFormat,
    )
    from patter.call.control import CallControl
    from patter.call.plan import Phrases, PipelineHooks
    from patter.client import Patter
    from patter.errors import (
        AgentError,
        AllProvidersFailedError,
        AuthenticationError,
        ErrorCode,
        InputError,
        PartialStreamError,
        PatterConfigError,
        PatterConnectionError,
        PatterError,
        PatterTimeoutError,
        ProviderError,
        ProviderNotFound,
        ProvisionError,
        RateLimitError,
        SpecError,
    )
    from patter.llm.fallback import FallbackLLMProvider
    from patter.observe.pricing import Price
    from patter.observe.summary import CallSummary
    from patter.phone.results import CallResult, MachineDetectionResult
    from patter.phone.static_tunnel import Static, StaticTunnel
    from patter.plugins.hookspecs import hookimpl
    from patter.plugins.registry import PluginRegistry
    from patter.plugins.spec import ProviderSpec
    from patter.providers.carrier import Answerer, CallOutcome
    from patter.providers.context import CallContext
    from patter.text.guardrail import Guardrail
    from patter.text.transforms import filter_emoji, filter_for_tts, filter_markdown
    from patter.tools.tool import Tool, tool

_HOME = {
    "ALAW_8K": "patter.audio.formats",
    "Agent": "patter.agent",
    "AgentError": "patter.errors",
    "AllProvidersFailedError": "patter.errors",
    "Answerer": "patter.providers.carrier",
    "AudioFormat": "patter.audio.formats",
    "AuthenticationError": "patter.errors",
    "CallContext": "patter.providers.context",
    "CallControl": "patter.call.control",
    "CallOutcome": "patter.providers.carrier",
    "CallResult": "patter.phone.results",
    "CallSummary": "patter.observe.summary",
    "ErrorCode": "patter.errors",
    "FallbackLLMProvider": "patter.llm.fallback",
    "Guardrail": "patter.text.guardrail",
    "InputError": "patter.errors",
    "MULAW_8K": "patter.audio.formats",
    "MachineDetectionResult": "patter.phone.results",
    "PCM16_16K": "patter.audio.formats",
    "PCM16_24K": "patter.audio.formats",
    "PCM16_8K": "patter.audio.formats",
    "PartialStreamError": "patter.errors",
    "Patter": "patter.client",
    "PatterConfigError": "patter.errors",
    "PatterConnectionError": "patter.errors",
    "PatterError": "patter.errors",
    "PatterTimeoutError": "patter.errors",
    "PipelineHooks": "patter.call.plan",
    "Price": "patter.observe.pricing",
    "ProviderError": "patter.errors",
    "ProviderNotFound": "patter.errors",
    "ProviderSpec": "patter.plugins.spec",
    "ProvisionError": "patter.errors",
    "RateLimitError": "patter.errors",
    "PluginRegistry": "patter.plugins.registry",
    "Phrases": "patter.call.plan",
    "SpecError": "patter.errors",
    "Static": "patter.phone.static_tunnel",
    "StaticTunnel": "patter.phone.static_tunnel",
    "Tool": "patter.tools.tool",
    "filter_emoji": "patter.text.transforms",
    "filter_for_tts": "patter.text.transforms",
    "filter_markdown": "patter.text.transforms",
    "hookimpl": "patter.plugins.hookspecs",
    "tool": "patter.tools.tool",
}

__all__ = [
    "ALAW_8K",
    "MULAW_8K",
    "PCM16_8K",
    "PCM16_16K",
    "PCM16_24K",
    "Agent",
    "AgentError",
    "AllProvidersFailedError",
    "Answerer",
    "AudioFormat",
    "AuthenticationError",
    "CallContext",
    "CallControl",
    "CallOutcome",
    "CallResult",
    "CallSummary",
    "ErrorCode",
    "FallbackLLMProvider",
    "Guardrail",
    "InputError",
    "MachineDetectionResult",
    "PartialStreamError",
    "Patter",
    "PatterConfigError",
    "PatterConnectionError",
    "PatterError",
    "PatterTimeoutError",
    "Phrases",
    "PipelineHooks",
    "PluginRegistry",
    "Price",
    "ProviderError",
    "ProviderNotFound",
    "ProviderSpec",
    "ProvisionError",
    "RateLimitError",
    "SpecError",
    "Static",
    "StaticTunnel",
    "Tool",
    "filter_emoji",
    "filter_for_tts",
    "filter_markdown",
    "hookimpl",
    "tool",
]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(home), name)
    from patter.plugins.known import moved_class_hint

    if hint := moved_class_hint(name):
        raise ImportError(hint)
    raise AttributeError(f"module 'patter' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
