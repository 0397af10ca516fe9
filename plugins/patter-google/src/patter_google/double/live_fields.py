"""The fields that messages of a Live session may have (pure), in tables like those of `fields`."""

from __future__ import annotations

from typing import Any

from patter_google.double.fields import ANY, BLOB, CONTENT, FUNCTION

_TOOLS = [{"functionDeclarations": [FUNCTION], "googleSearch": ANY}]
_TRANSCRIPTION = {
    "languageCodes": ANY,
    "languageAuto": ANY,
    "languageHints": ANY,
    "customVocabulary": ANY,
    "adaptationPhrases": ANY,
    "wordTimestamp": ANY,
    "diarization": ANY,
    "mode": ANY,
}
_GENERATION: dict[str, Any] = {
    "candidateCount": ANY,
    "enableAffectiveDialog": ANY,
    "frequencyPenalty": ANY,
    "maxOutputTokens": ANY,
    "mediaResolution": ANY,
    "presencePenalty": ANY,
    "responseModalities": ANY,
    "seed": ANY,
    "speechConfig": {
        "languageCode": ANY,
        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": ANY}},
    },
    "temperature": ANY,
    "thinkingConfig": {"includeThoughts": ANY, "thinkingBudget": ANY, "thinkingLevel": ANY},
    "topK": ANY,
    "topP": ANY,
}
SETUP: dict[str, Any] = {
    "model": ANY,
    "generationConfig": _GENERATION,
    "systemInstruction": CONTENT,
    "tools": _TOOLS,
    "realtimeInputConfig": {
        "automaticActivityDetection": {
            "disabled": ANY,
            "startOfSpeechSensitivity": ANY,
            "endOfSpeechSensitivity": ANY,
            "prefixPaddingMs": ANY,
            "silenceDurationMs": ANY,
        },
        "activityHandling": ANY,
        "turnCoverage": ANY,
    },
    "inputAudioTranscription": _TRANSCRIPTION,
    "outputAudioTranscription": _TRANSCRIPTION,
    "sessionResumption": {"handle": ANY, "transparent": ANY},
    "contextWindowCompression": {"triggerTokens": ANY, "slidingWindow": {"targetTokens": ANY}},
    "proactivity": {"proactiveAudio": ANY, "proactiveVideo": ANY},
    "explicitVadSignal": ANY,
    "historyConfig": {"initialHistoryInClientContent": ANY},
    "safetySettings": [{"category": ANY, "threshold": ANY, "method": ANY}],
    "labels": ANY,
}
MESSAGE: dict[str, Any] = {
    "setup": SETUP,
    "clientContent": {"turns": [CONTENT], "turnComplete": ANY},
    "realtimeInput": {
        "audio": BLOB,
        "video": BLOB,
        "mediaChunks": [BLOB],
        "text": ANY,
        "audioStreamEnd": ANY,
        "activityStart": {},
        "activityEnd": {},
    },
    "toolResponse": {
        "functionResponses": [
            {
                "id": ANY,
                "name": ANY,
                "response": ANY,
                "scheduling": ANY,
                "willContinue": ANY,
                "parts": ANY,
            }
        ]
    },
    "contextUpdate": {"systemInstruction": CONTENT, "tools": {"tools": _TOOLS}},
}
CHOICES = {
    "startOfSpeechSensitivity": ("START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"),
    "endOfSpeechSensitivity": ("END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"),
    "activityHandling": ("START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"),
    "turnCoverage": (
        "TURN_INCLUDES_ONLY_ACTIVITY",
        "TURN_INCLUDES_ALL_INPUT",
        "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
    ),
    "scheduling": ("SILENT", "WHEN_IDLE", "INTERRUPT"),
    "behavior": ("BLOCKING", "NON_BLOCKING"),
    "thinkingLevel": ("MINIMAL", "LOW", "MEDIUM", "HIGH"),
}
VOICES = frozenset(
    {
        "Achernar",
        "Achird",
        "Algenib",
        "Algieba",
        "Alnilam",
        "Aoede",
        "Autonoe",
        "Callirrhoe",
        "Charon",
        "Despina",
        "Enceladus",
        "Erinome",
        "Fenrir",
        "Gacrux",
        "Iapetus",
        "Kore",
        "Laomedeia",
        "Leda",
        "Orus",
        "Puck",
        "Pulcherrima",
        "Rasalgethi",
        "Sadachbia",
        "Sadaltager",
        "Schedar",
        "Sulafat",
        "Umbriel",
        "Vindemiatrix",
        "Zephyr",
        "Zubenelgenubi",
    }
)
"""The prebuilt voices of models with native audio."""
