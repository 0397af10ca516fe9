"""What Google refuses in a Live session, with the code and the words it closes the socket with."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from patter_google.double.fields import spelled, unknown
from patter_google.double.live_fields import CHOICES, MESSAGE, VOICES
from patter_google.double.request_check import Refusal, check_part, check_tools, unknown_name

INVALID, POLICY = 1_007, 1_008
BAD_ARGUMENT = "Request contains an invalid argument."
_RATE = re.compile(r"audio/pcm(?:;\s*rate=(\d+))?")


class LiveRefusal(Exception):
    """The vendor closes the socket with *code* and *words*."""

    def __init__(self, words: str, code: int = INVALID) -> None:
        super().__init__(words)
        self.words, self.code = words, code


@attrs.frozen
class LiveRules:
    """What the vendor takes of sessions on *version* of Google AI, or of Vertex AI."""

    vertexai: bool
    version: str
    models: tuple[str, ...]

    def message(self, data: str | bytes) -> tuple[str, dict[str, Any]]:
        """The kind of a message and its content. Raises LiveRefusal."""
        try:
            body = json.loads(data)
        except ValueError:
            raise LiveRefusal("Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(body, dict):
            raise LiveRefusal("Invalid JSON payload received. Root element must be a message.")
        read: dict[str, Any] = spelled(body, MESSAGE)
        if field := unknown(read, MESSAGE):
            raise LiveRefusal(unknown_name(*field).words)
        if len(read) != 1:
            raise LiveRefusal("Invalid value (oneof), oneof field 'message_type' is already set.")
        _check_choices(read)
        ((kind, content),) = read.items()
        if not isinstance(content, dict):
            raise LiveRefusal(f"Invalid value at '{kind}'")
        return kind, content

    def model_of(self, setup: Mapping[str, Any]) -> str:
        """The plain name of the model that *setup* asks for. Raises LiveRefusal."""
        path = setup.get("model") or ""
        name = path.rpartition("/")[2]
        at = "projects/" if self.vertexai else "models/"
        if name not in self.models or not path.startswith(at):
            raise LiveRefusal(
                f"{path} is not found for API version {self.version}, or is not supported for "
                "bidiGenerateContent.",
                POLICY,
            )
        return name

    def check_setup(self, setup: Mapping[str, Any], model: str) -> None:
        """Raise LiveRefusal for a *setup* that *model* does not take."""
        self._check_generation(setup.get("generationConfig") or {}, model)
        check_declared({"tools": setup.get("tools")}, model)
        for part in (setup.get("systemInstruction") or {}).get("parts") or ():
            _translated(check_part, part, "system_instruction.parts")
        if setup.get("explicitVadSignal") and not self.vertexai:
            raise LiveRefusal(unknown_name("explicitVadSignal", "setup").words)
        if (setup.get("sessionResumption") or {}).get("transparent") and not self.vertexai:
            raise LiveRefusal(unknown_name("transparent", "setup.session_resumption").words)
        self._check_proactivity(setup.get("proactivity") or {}, model)
        _check_compression(setup.get("contextWindowCompression"))

    def _check_generation(self, config: Mapping[str, Any], model: str) -> None:
        if config.get("responseModalities") not in (None, ["AUDIO"]):
            raise LiveRefusal("Cannot extract voices from a non-audio request.")
        for name, low, high in (("temperature", 0, 2), ("topP", 0, 1), ("topK", 1, 1 << 20)):
            if (value := config.get(name)) is not None and not low <= value <= high:
                raise LiveRefusal(BAD_ARGUMENT)
        voice = (config.get("speechConfig") or {}).get("voiceConfig") or {}
        chosen = (voice.get("prebuiltVoiceConfig") or {}).get("voiceName")
        if chosen is not None and chosen not in VOICES:
            raise LiveRefusal(
                f"Requested voice api_name '{chosen}' is not available for model models/{model}"
            )
        _check_thinking(config.get("thinkingConfig"), model)
        if config.get("enableAffectiveDialog") is not None:
            self._check_experiment("enableAffectiveDialog", model)

    def _check_proactivity(self, proactivity: Mapping[str, Any], model: str) -> None:
        if proactivity.get("proactiveAudio") is None:
            return
        if is_latest(model):
            if not proactivity["proactiveAudio"]:
                raise LiveRefusal("proactive_audio cannot be turned off for this model.")
            return
        self._check_experiment("proactivity", model)

    def _check_experiment(self, name: str, model: str) -> None:
        """What is in v1alpha alone, or in the cloud, and of the models of 2.5."""
        if not self.vertexai and self.version != "v1alpha":
            raise LiveRefusal(unknown_name(name, "setup").words)
        if not is_old(model):
            raise LiveRefusal(BAD_ARGUMENT)


def is_old(model: str) -> bool:
    """Is it of the families before Gemini 3?"""
    return model.startswith(("gemini-2", "gemini-live-2"))


def is_latest(model: str) -> bool:
    """Is it of the family that takes updates of its context, and lets tools run beside it?"""
    return model.startswith("gemini-3.8-live")


def waits_for(function: Mapping[str, Any], model: str) -> bool:
    """Does *model* wait for the result of *function*? By the family's own default."""
    behavior = function.get("behavior") or ("NON_BLOCKING" if is_latest(model) else "BLOCKING")
    return bool(behavior == "BLOCKING")


def check_declared(body: Mapping[str, Any], model: str) -> None:
    """Raise LiveRefusal for tools that *model* does not take."""
    _translated(check_tools, body)
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            if function.get("behavior") == "NON_BLOCKING" and not (
                is_old(model) or is_latest(model)
            ):
                raise LiveRefusal(BAD_ARGUMENT)


def check_turns(turns: list[Mapping[str, Any]]) -> None:
    """Raise LiveRefusal for rows that are of no side, or hold nothing."""
    for at, row in enumerate(turns):
        if row.get("role", "user") not in ("user", "model"):
            raise LiveRefusal("Please use a valid role: user, model.")
        if not row.get("parts"):
            raise LiveRefusal(f"* turns[{at}].parts: contents.parts must not be empty.")
        for part in row["parts"]:
            _translated(check_part, part, f"turns[{at}].parts")


def audio_of(blob: Mapping[str, Any]) -> tuple[int, bytes]:
    """The rate and the sound of *blob*. Raises LiveRefusal."""
    match = _RATE.fullmatch(blob.get("mimeType") or "")
    if match is None:
        raise LiveRefusal(f"Unsupported mime type: {blob.get('mimeType')}")
    try:
        return int(match[1] or 16_000), base64.b64decode(blob.get("data") or "", validate=True)
    except binascii.Error:
        raise LiveRefusal("Invalid value at 'realtime_input.audio.data' (TYPE_BYTES)") from None


def _check_thinking(thinking: Mapping[str, Any] | None, model: str) -> None:
    if not thinking:
        return
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if is_latest(model) or (level and is_old(model)) or (budget is not None and not is_old(model)):
        raise LiveRefusal(BAD_ARGUMENT)


def _check_compression(config: Mapping[str, Any] | None) -> None:
    if config is None:
        return
    target = (config.get("slidingWindow") or {}).get("targetTokens")
    if target is not None and int(target) >= int(config.get("triggerTokens") or 131_072):
        raise LiveRefusal(BAD_ARGUMENT)


def _check_choices(value: Any) -> None:
    """Raise LiveRefusal for a value that is none of its enum's, at any depth."""
    if isinstance(value, list):
        for each in value:
            _check_choices(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in CHOICES and each not in CHOICES[name]:
                raise LiveRefusal(f"Invalid value at '{name}': {each!r}")
            if name != "parameters":
                _check_choices(each)


def _translated(check: Any, *arguments: Any) -> None:
    try:
        check(*arguments)
    except Refusal as refused:
        raise LiveRefusal(refused.words) from None
