"""Settings as Speechmatics wants them: ``transcription_config``, of what is set and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from patter.errors import PatterConfigError
from patter_speechmatics._turns import TurnMode

if TYPE_CHECKING:
    from patter_speechmatics.stt import SpeechmaticsSTT


def transcription_config(stt: SpeechmaticsSTT) -> dict[str, object]:
    """How a session of *stt* listens."""
    # Servers that know no `model` call it `operating_point`, and refuse what has both.
    model = {"operating_point": stt.model} if stt.operating_point else {"model": stt.model}
    return given(
        {
            "language": stt.language,
            **model,
            "domain": stt.domain or None,
            "output_locale": stt.output_locale or None,
            "enable_partials": stt.include_partials,
            "max_delay": stt.max_delay,
            "max_delay_mode": stt.max_delay_mode,
            "enable_entities": stt.enable_entities,
            "additional_vocab": [word.wire() for word in stt.additional_vocab],
            "language_hints": list(stt.language_hints),
            "punctuation_overrides": given(
                {
                    "permitted_marks": list(stt.permitted_marks),
                    "sensitivity": stt.punctuation_sensitivity,
                }
            ),
            "diarization": "speaker" if stt.enable_diarization else None,
            "speaker_diarization_config": given(
                {
                    "max_speakers": stt.max_speakers,
                    "speaker_sensitivity": stt.speaker_sensitivity,
                    "prefer_current_speaker": stt.prefer_current_speaker,
                }
            ),
            "audio_filtering_config": given({"volume_threshold": stt.volume_threshold}),
            "transcript_filtering_config": given(
                {
                    "remove_disfluencies": stt.remove_disfluencies,
                    "replacements": [_replacement(pair) for pair in stt.replacements],
                }
            ),
            "conversation_config": _conversation(stt),
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


def changed(stt: SpeechmaticsSTT, changes: Mapping[str, Any]) -> dict[str, object]:
    """The part of *changes* to *stt* that Speechmatics takes during a session.

    Raises PatterConfigError for what *stt* could not be made with.
    """
    if "end_of_utterance_silence_trigger" in changes and not stt.endpoints:
        raise PatterConfigError(
            "a trigger has no effect: the call ends turns", fix="use turn_detection_mode='fixed'"
        )
    new = transcription_config(attrs.evolve(stt, **changes))
    return {
        "language": stt.language,
        **{name: new[name] for option, name in _MID_SESSION.items() if option in changes},
    }


def given(options: Mapping[str, object]) -> dict[str, object]:
    """*options* that say something: without None and empty ones.

    >>> given({"a": None, "b": [], "c": {}, "d": False, "e": 0})
    {'d': False, 'e': 0}
    """
    return {
        name: value
        for name, value in options.items()
        if value is not None and value != [] and value != {}
    }


def _conversation(stt: SpeechmaticsSTT) -> Mapping[str, object]:
    if stt.turn_detection_mode == TurnMode.EXTERNAL:
        return {}
    return {"end_of_utterance_silence_trigger": stt.end_of_utterance_silence_trigger}


def _replacement(pair: str) -> Mapping[str, str]:
    heard, _, written = pair.partition(":")
    return {"from": heard, "to": written}
