"""What can be set of a Realtime session, and what is refused before anybody calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.engine import OPEN_S, TurnDetection
from patter_openai._settings import BASE_URL, api_key, secret_url

FORMATS: Mapping[str, AudioFormat] = {"pcm": PCM16_24K, "pcmu": MULAW_8K, "pcma": ALAW_8K}
"""Audio by the vendor's names, which it writes ``audio/pcm``; PCM is 24 kHz and nothing else."""

DETECTIONS: Mapping[str, TurnDetection] = {
    "server_vad": TurnDetection.SILENCE,
    "semantic_vad": TurnDetection.SEMANTIC,
    "manual": TurnDetection.MANUAL,
}

MOST_TOKENS = 4096
"""The longest answer that may be asked for; without a limit it is the model's own."""


def _truncation(value: float | str) -> float | str:
    return value if value in ("auto", "disabled") else float(value)


def _number(value: float | str | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: int | str | None) -> int | None:
    return None if value is None else int(value)


def _one_of(*choices: str) -> Any:
    """A validator that names the choices; with an empty one the vendor's default stands."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            names = ", ".join(filter(None, choices))
            raise PatterConfigError(
                f"OpenAIRealtime has no {field.alias}={value!r}", fix=f"use one of {names}"
            )

    return check


def _within(least: float, most: float) -> Any:
    """A validator of a number, or of None, between *least* and *most*."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, float | int) and not least <= value <= most:
            raise PatterConfigError(
                f"OpenAIRealtime cannot use {field.alias}={value}",
                fix=f"use a number from {least:g} to {most:g}",
            )

    return check


def _no_temperature(_: object, __: object, value: float | None) -> None:
    if value is not None:
        raise PatterConfigError(
            "OpenAIRealtime cannot use temperature: the Realtime API no longer has it",
            fix="remove temperature, and say in the instructions how free answers may be",
        )


@attrs.frozen(kw_only=True)
class RealtimeSettings:
    """The options of a session; what is None or empty is left to the vendor.

    *input_format* and *output_format* are ``pcm`` (24 kHz), ``pcmu`` or ``pcma`` (8 kHz).
    *turn_detection* is who ends turns when the setup does not say: ``server_vad``,
    ``semantic_vad`` or ``manual``; *threshold* (0 to 1), *silence_ms* and *prefix_padding_ms* are
    server_vad's, *eagerness* is semantic_vad's. *truncation* is ``auto``, ``disabled``, or the
    share of the conversation that is kept when it has become too long. *tool_choice* is ``auto``,
    ``none``, ``required`` or the name of a tool. *prompt* is the id of a stored prompt.
    *tracing* is ``auto``, or the name of a workflow.

    A session opens within *open_s*. A response of which nothing comes for *response_s* has
    failed; models that reason need some of it to think.
    """

    model: str = "gpt-realtime-mini"
    voice: str = "alloy"
    input_format: str = attrs.field(default="pcm", validator=_one_of(*FORMATS))
    output_format: str = attrs.field(default="pcm", validator=_one_of(*FORMATS))
    speed: float | None = attrs.field(default=None, converter=_number, validator=_within(0.25, 1.5))
    input_audio_transcription_model: str = "whisper-1"
    transcription_language: str = ""
    transcription_prompt: str = ""
    turn_detection: str = attrs.field(default="server_vad", validator=_one_of(*DETECTIONS))
    threshold: float = attrs.field(default=0.5, converter=float, validator=_within(0, 1))
    prefix_padding_ms: int = attrs.field(default=300, converter=int, validator=_within(0, 5_000))
    silence_ms: int = attrs.field(default=300, converter=int, validator=_within(0, 10_000))
    eagerness: str = attrs.field(default="auto", validator=_one_of("low", "medium", "high", "auto"))
    noise_reduction: str = attrs.field(default="", validator=_one_of("", "near_field", "far_field"))
    max_output_tokens: int | None = attrs.field(
        default=None, converter=_whole, validator=_within(1, MOST_TOKENS)
    )
    tool_choice: str = "auto"
    parallel_tool_calls: bool | None = attrs.field(
        default=None, converter=attrs.converters.optional(attrs.converters.to_bool)
    )
    reasoning_effort: str = attrs.field(
        default="", validator=_one_of("", "minimal", "low", "medium", "high", "xhigh")
    )
    truncation: float | str = attrs.field(
        default="auto", converter=_truncation, validator=_within(0, 1)
    )
    truncation_tokens: int | None = attrs.field(
        default=None, converter=_whole, validator=_within(0, 1_000_000)
    )
    prompt: str = ""
    prompt_version: str = ""
    prompt_variables: Mapping[str, str] = attrs.field(factory=dict)
    tracing: str = ""
    temperature: float | None = attrs.field(default=None, validator=_no_temperature)
    organization: str = ""
    project: str = ""
    base_url: str = attrs.field(default=BASE_URL, converter=secret_url)
    open_s: float = attrs.field(default=4.5, converter=float, validator=_within(0.01, OPEN_S))
    response_s: float = attrs.field(default=15.0, converter=float, validator=_within(0.01, 300))
    api_key: str = attrs.field(default=None, converter=api_key, repr=False)
