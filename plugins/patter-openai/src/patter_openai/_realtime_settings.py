"""What can be set of a Realtime session, and what is refused before anybody calls."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.engine import OPEN_S, TurnDetection
from patter.vendors.options import address, choice, key, number, switch
from patter_openai._settings import BASE_URL, KEY

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
    """A word, or a share of the conversation."""
    if value in ("auto", "disabled"):
        return value
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise PatterConfigError(
            f"truncation of OpenAIRealtime is {value!r}", fix="give auto, disabled, or 0 to 1"
        )
    return share


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
    input_format: str = choice("pcm", *FORMATS)
    output_format: str = choice("pcm", *FORMATS)
    speed: float | None = number(None, 0.25, 1.5)
    input_audio_transcription_model: str = "whisper-1"
    transcription_language: str = ""
    transcription_prompt: str = ""
    turn_detection: str = choice("server_vad", *DETECTIONS)
    threshold: float = number(0.5, 0, 1)
    prefix_padding_ms: int = number(300, 0, 5_000, whole=True)
    silence_ms: int = number(300, 0, 10_000, whole=True)
    eagerness: str = choice("auto", "low", "medium", "high", "auto")
    noise_reduction: str = choice("", "near_field", "far_field")
    max_output_tokens: int | None = number(None, 1, MOST_TOKENS, whole=True)
    tool_choice: str = "auto"
    parallel_tool_calls: bool | None = switch(None)
    reasoning_effort: str = choice("", "minimal", "low", "medium", "high", "xhigh")
    truncation: float | str = attrs.field(default="auto", converter=_truncation)
    truncation_tokens: int | None = number(None, 0, 1_000_000, whole=True)
    prompt: str = ""
    prompt_version: str = ""
    prompt_variables: Mapping[str, str] = attrs.field(factory=dict)
    tracing: str = ""
    temperature: float | None = attrs.field(default=None, validator=_no_temperature)
    organization: str = ""
    project: str = ""
    base_url: str = address(BASE_URL)
    open_s: float = number(4.5, 0.01, OPEN_S)
    response_s: float = number(15.0, 0.01, 300)
    api_key: str = key(KEY)
