"""Settings as Speechmatics wants them: ``transcription_config``, of what is set and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.errors import PatterConfigError
from patter_speechmatics._turns import TurnMode

_SAME = ("language", "max_delay", "max_delay_mode", "enable_entities")
_TEXTS = ("domain", "output_locale")
_SPEAKERS = ("max_speakers", "speaker_sensitivity", "prefer_current_speaker")


def transcription_config(options: Mapping[str, Any]) -> dict[str, object]:
    """How a session with the *options* of `SpeechmaticsSTT`, all of them by name, listens."""
    # Servers that know no `model` call it `operating_point`, and refuse what has both.
    model = "operating_point" if options["operating_point"] else "model"
    return without_empty(
        {
            **{name: options[name] for name in _SAME},
            **{name: options[name] or None for name in _TEXTS},
            model: options["model"],
            "enable_partials": options["include_partials"],
            "additional_vocab": [word.wire() for word in options["additional_vocab"]],
            "language_hints": list(options["language_hints"]),
            "diarization": "speaker" if options["enable_diarization"] else None,
            "speaker_diarization_config": _parts(options, *_SPEAKERS),
            "audio_filtering_config": _parts(options, "volume_threshold"),
            "punctuation_overrides": _punctuation(options),
            "transcript_filtering_config": _filtering(options),
            "conversation_config": _conversation(options),
        }
    )


_MID_SESSION = {
    "max_delay": "max_delay",
    "max_delay_mode": "max_delay_mode",
    "include_partials": "enable_partials",
    "volume_threshold": "audio_filtering_config",
    "end_of_utterance_silence_trigger": "conversation_config",
}
"""What may change during a session, by the option and by its name at Speechmatics."""


def changes(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, object]:
    """The part of *options* called *names* that Speechmatics takes during a session.

    Raises PatterConfigError for a trigger where the call ends turns.
    """
    config = transcription_config(options)
    wanted = [_MID_SESSION[name] for name in names]
    if "conversation_config" in wanted and "conversation_config" not in config:
        raise PatterConfigError(
            "a trigger has no effect: the call ends turns", fix="use turn_detection_mode='fixed'"
        )
    return {"language": options["language"], **{name: config[name] for name in wanted}}


def without_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """*fields* that say something: without None and empty ones.

    >>> without_empty({"a": None, "b": [], "c": {}, "d": False, "e": 0})
    {'d': False, 'e': 0}
    """
    return {
        name: value
        for name, value in fields.items()
        if value is not None and value != [] and value != {}
    }


def _parts(options: Mapping[str, Any], *names: str) -> dict[str, object]:
    return without_empty({name: options[name] for name in names})


def _punctuation(options: Mapping[str, Any]) -> dict[str, object]:
    marks, sensitivity = options["permitted_marks"], options["punctuation_sensitivity"]
    return without_empty({"permitted_marks": list(marks), "sensitivity": sensitivity})


def _filtering(options: Mapping[str, Any]) -> dict[str, object]:
    pairs = [pair.partition(":") for pair in options["replacements"]]
    replacements = [{"from": heard, "to": written} for heard, _, written in pairs]
    return without_empty(
        {"remove_disfluencies": options["remove_disfluencies"], "replacements": replacements}
    )


def _conversation(options: Mapping[str, Any]) -> dict[str, object]:
    if options["turn_detection_mode"] == TurnMode.EXTERNAL:
        return {}
    return _parts(options, "end_of_utterance_silence_trigger")
