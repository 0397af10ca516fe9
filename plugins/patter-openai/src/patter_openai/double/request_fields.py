"""The names of all fields that OpenAI's requests may have, as its SDK 3.57 types them.

Written down, so that the double needs no SDK; a test holds them to it.
"""

from __future__ import annotations

from typing import Final

CHAT: Final = frozenset(
    [
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)

RESPONSES: Final = frozenset(
    [
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)

SPEECH: Final = frozenset(
    ["input", "instructions", "model", "response_format", "speed", "stream_format", "voice"]
)

TRANSCRIPTIONS: Final = frozenset(
    [
        "chunking_strategy",
        "file",
        "include",
        "keywords",
        "known_speaker_names",
        "known_speaker_references",
        "language",
        "languages",
        "model",
        "prompt",
        "response_format",
        "stream",
        "temperature",
        "timestamp_granularities",
    ]
)
