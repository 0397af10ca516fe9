"""Patter gives your Python agent a phone number; every carrier, voice and model is a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter.agent import Agent
    from patter.audio.agc import AgcConfig
    from patter.audio.background import (
        BackgroundAudioPlayer,
        BuiltinAudioClip,
    )
    from patter.audio.formats import (
        ALAW_8K,
        MULAW_8K,
        PCM16_8K,
        PCM16_16K,
        PCM16_24K,
        AudioFormat,
    )
    from patter.call.barge_in_strategies import BargeInStrategy, MinWordsStrategy
    from patter.call.compaction import CompactionConfig
    from patter.call.control import CallControl, current_call
    from patter.call.conversation_state import AgentState, ConversationStateSnapshot, UserState
    from patter.call.custom_llm import CustomLLM
    from patter.call.hook_executor import PipelineHookExecutor
    from patter.call.hooks import HookContext, PipelineHooks
    from patter.call.plan import Phrases
    from patter.call.remote_messages import RemoteMessageHandler, is_remote_url, is_websocket_url
    from patter.client import Patter
    from patter.errors import (
        AgentError,
        AllProvidersFailedError,
        AuthenticationError,
        EgressError,
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
        ToolSchemaError,
    )
    from patter.llm.chat_context import ChatContext, ChatMessage
    from patter.llm.fallback import FallbackLLMProvider
    from patter.observe.call_metrics import (
        CallMetrics,
        CostBreakdown,
        LatencyBreakdown,
        TurnMetrics,
    )
    from patter.observe.pricing import Price
    from patter.observe.summary import CallSummary
    from patter.phone.event_bus import EventBus, PatterEventType
    from patter.phone.metric_types import (
        EOUMetrics,
        InterruptionMetrics,
        ProcessingMetrics,
        TTFBMetrics,
    )
    from patter.phone.phone_tool import PatterTool, PatterToolResult
    from patter.phone.results import CallResult, MachineDetectionResult
    from patter.phone.speech_events import EouTrigger, SpeechEventCallback, SpeechEvents
    from patter.phone.static_tunnel import Static, StaticTunnel
    from patter.phone.values import (
        IncomingMessage,
        SessionContext,
        STTConfig,
        TTSConfig,
        hash_caller,
    )
    from patter.plugins.hookspecs import hookimpl
    from patter.plugins.registry import PluginRegistry
    from patter.plugins.spec import ProviderSpec
    from patter.providers.carrier import Answerer, CallOutcome
    from patter.providers.context import CallContext
    from patter.text.chunker import SentenceChunker
    from patter.text.guardrail import Guardrail, guardrail
    from patter.text.transforms import filter_emoji, filter_for_tts, filter_markdown
    from patter.tools.consult import ConsultConfig, OpenAICompatibleConsult
    from patter.tools.executor import DefaultToolExecutor
    from patter.tools.mcp_server import McpServer
    from patter.tools.skill import Skill
    from patter.tools.tool import Tool, define_tool, tool

_HOME = {
    "ALAW_8K": "patter.audio.formats",
    "AgcConfig": "patter.audio.agc",
    "Agent": "patter.agent",
    "AgentError": "patter.errors",
    "AllProvidersFailedError": "patter.errors",
    "Answerer": "patter.providers.carrier",
    "AudioFormat": "patter.audio.formats",
    "AuthenticationError": "patter.errors",
    "BargeInStrategy": "patter.call.barge_in_strategies",
    "AgentState": "patter.call.conversation_state",
    "ConversationStateSnapshot": "patter.call.conversation_state",
    "UserState": "patter.call.conversation_state",
    "CallMetrics": "patter.observe.call_metrics",
    "CostBreakdown": "patter.observe.call_metrics",
    "LatencyBreakdown": "patter.observe.call_metrics",
    "TurnMetrics": "patter.observe.call_metrics",
    "EventBus": "patter.phone.event_bus",
    "PatterEventType": "patter.phone.event_bus",
    "EOUMetrics": "patter.phone.metric_types",
    "InterruptionMetrics": "patter.phone.metric_types",
    "ProcessingMetrics": "patter.phone.metric_types",
    "TTFBMetrics": "patter.phone.metric_types",
    "EouTrigger": "patter.phone.speech_events",
    "SpeechEventCallback": "patter.phone.speech_events",
    "SpeechEvents": "patter.phone.speech_events",
    "IncomingMessage": "patter.phone.values",
    "SessionContext": "patter.phone.values",
    "STTConfig": "patter.phone.values",
    "TTSConfig": "patter.phone.values",
    "hash_caller": "patter.phone.values",
    "BackgroundAudioPlayer": "patter.audio.background",
    "BuiltinAudioClip": "patter.audio.background",
    "CallContext": "patter.providers.context",
    "CallControl": "patter.call.control",
    "CallOutcome": "patter.providers.carrier",
    "CallResult": "patter.phone.results",
    "CallSummary": "patter.observe.summary",
    "CompactionConfig": "patter.call.compaction",
    "ChatContext": "patter.llm.chat_context",
    "ChatMessage": "patter.llm.chat_context",
    "ConsultConfig": "patter.tools.consult",
    "CustomLLM": "patter.call.custom_llm",
    "DefaultToolExecutor": "patter.tools.executor",
    "EgressError": "patter.errors",
    "ErrorCode": "patter.errors",
    "FallbackLLMProvider": "patter.llm.fallback",
    "Guardrail": "patter.text.guardrail",
    "HookContext": "patter.call.hooks",
    "InputError": "patter.errors",
    "MULAW_8K": "patter.audio.formats",
    "MachineDetectionResult": "patter.phone.results",
    "OpenAICompatibleConsult": "patter.tools.consult",
    "McpServer": "patter.tools.mcp_server",
    "MinWordsStrategy": "patter.call.barge_in_strategies",
    "PCM16_16K": "patter.audio.formats",
    "PCM16_24K": "patter.audio.formats",
    "PCM16_8K": "patter.audio.formats",
    "PartialStreamError": "patter.errors",
    "Patter": "patter.client",
    "PatterConfigError": "patter.errors",
    "PatterConnectionError": "patter.errors",
    "PatterError": "patter.errors",
    "PatterTimeoutError": "patter.errors",
    "PatterTool": "patter.phone.phone_tool",
    "PatterToolResult": "patter.phone.phone_tool",
    "PipelineHookExecutor": "patter.call.hook_executor",
    "PipelineHooks": "patter.call.hooks",
    "Price": "patter.observe.pricing",
    "ProviderError": "patter.errors",
    "ProviderNotFound": "patter.errors",
    "ProviderSpec": "patter.plugins.spec",
    "ProvisionError": "patter.errors",
    "RateLimitError": "patter.errors",
    "PluginRegistry": "patter.plugins.registry",
    "Phrases": "patter.call.plan",
    "SentenceChunker": "patter.text.chunker",
    "RemoteMessageHandler": "patter.call.remote_messages",
    "Skill": "patter.tools.skill",
    "SpecError": "patter.errors",
    "Static": "patter.phone.static_tunnel",
    "StaticTunnel": "patter.phone.static_tunnel",
    "Tool": "patter.tools.tool",
    "current_call": "patter.call.control",
    "ToolSchemaError": "patter.errors",
    "define_tool": "patter.tools.tool",
    "filter_emoji": "patter.text.transforms",
    "filter_for_tts": "patter.text.transforms",
    "filter_markdown": "patter.text.transforms",
    "guardrail": "patter.text.guardrail",
    "hookimpl": "patter.plugins.hookspecs",
    "is_remote_url": "patter.call.remote_messages",
    "is_websocket_url": "patter.call.remote_messages",
    "tool": "patter.tools.tool",
}

__all__ = [
    "ALAW_8K",
    "MULAW_8K",
    "PCM16_8K",
    "PCM16_16K",
    "PCM16_24K",
    "AgcConfig",
    "Agent",
    "AgentError",
    "AgentState",
    "AllProvidersFailedError",
    "Answerer",
    "AudioFormat",
    "AuthenticationError",
    "BackgroundAudioPlayer",
    "BargeInStrategy",
    "BuiltinAudioClip",
    "CallContext",
    "CallControl",
    "CallMetrics",
    "CallOutcome",
    "CallResult",
    "CallSummary",
    "ChatContext",
    "ChatMessage",
    "CompactionConfig",
    "ConsultConfig",
    "ConversationStateSnapshot",
    "CostBreakdown",
    "CustomLLM",
    "DefaultToolExecutor",
    "EOUMetrics",
    "EgressError",
    "EouTrigger",
    "ErrorCode",
    "EventBus",
    "FallbackLLMProvider",
    "Guardrail",
    "HookContext",
    "IncomingMessage",
    "InputError",
    "InterruptionMetrics",
    "LatencyBreakdown",
    "MachineDetectionResult",
    "McpServer",
    "MinWordsStrategy",
    "OpenAICompatibleConsult",
    "PartialStreamError",
    "Patter",
    "PatterConfigError",
    "PatterConnectionError",
    "PatterError",
    "PatterEventType",
    "PatterTimeoutError",
    "PatterTool",
    "PatterToolResult",
    "Phrases",
    "PipelineHookExecutor",
    "PipelineHooks",
    "PluginRegistry",
    "Price",
    "ProcessingMetrics",
    "ProviderError",
    "ProviderNotFound",
    "ProviderSpec",
    "ProvisionError",
    "RateLimitError",
    "RemoteMessageHandler",
    "STTConfig",
    "SentenceChunker",
    "SessionContext",
    "Skill",
    "SpecError",
    "SpeechEventCallback",
    "SpeechEvents",
    "Static",
    "StaticTunnel",
    "TTFBMetrics",
    "TTSConfig",
    "Tool",
    "ToolSchemaError",
    "TurnMetrics",
    "UserState",
    "current_call",
    "define_tool",
    "filter_emoji",
    "filter_for_tts",
    "filter_markdown",
    "guardrail",
    "hash_caller",
    "hookimpl",
    "is_remote_url",
    "is_websocket_url",
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
