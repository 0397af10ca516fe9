"""What spans and their attributes are called.

Those of the first group are the names that getpatter documents; queries that people have saved go
on working. ``gen_ai.*`` are the generative AI conventions of OpenTelemetry.
"""

from __future__ import annotations

SPAN_CALL = "getpatter.call"
SPAN_STT = "getpatter.stt"
SPAN_LLM = "getpatter.llm"
SPAN_TTS = "getpatter.tts"
SPAN_TOOL = "getpatter.tool"
SPAN_ENDPOINT = "getpatter.endpoint"
SPAN_BARGEIN = "getpatter.bargein"
SPAN_BILLABLE = "patter.billable"

SPAN_TURN = "getpatter.turn"
SPAN_STAGE = "getpatter.stage"
"""With the stage behind it: ``getpatter.stage.llm``."""
EVENT = "patter.event"
"""With the type of event behind it: ``patter.event.error``."""

CALL_ID = "patter.call.id"
CALL_ID_OLDER = "patter.call_id"
STT_TEXT_LEN = "getpatter.stt.text_len"
TTS_TEXT_LEN = "getpatter.tts.text_len"
LLM_ITERATION = "patter.llm.iteration"
TOOL_NAME = "patter.tool.name"
TTFB_MS = "patter.latency.ttfb_ms"
TURN_MS = "patter.latency.turn_ms"
DIRECTION = "patter.direction"
TELEPHONY = "patter.telephony"

COSTS = {
    ("stt", "minutes"): ("patter.cost.stt_seconds", 60.0),
    ("tts", "characters"): ("patter.cost.tts_chars", 1.0),
    ("llm", "tokens_in"): ("patter.cost.llm_input_tokens", 1.0),
    ("llm", "tokens_out"): ("patter.cost.llm_output_tokens", 1.0),
    ("engine", "tokens_in"): ("patter.cost.llm_input_tokens", 1.0),
    ("engine", "tokens_out"): ("patter.cost.llm_output_tokens", 1.0),
    ("engine", "minutes"): ("patter.cost.realtime_minutes", 1.0),
    ("carrier", "minutes"): ("patter.cost.telephony_minutes", 1.0),
}
"""The attribute for an amount of a kind in a unit, and what the amount is multiplied by."""

TOKENS = {
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
    "tokens_cached": "gen_ai.usage.cache_read.input_tokens",
    "tokens_cache_written": "gen_ai.usage.cache_creation.input_tokens",
}

GEN_AI_PROVIDERS = {"google": "gcp.gemini"}
"""Providers that the conventions call something else than we do."""
