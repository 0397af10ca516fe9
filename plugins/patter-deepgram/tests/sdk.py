"""Deepgram's SDK, which imports what its own dependencies have deprecated."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment
    from deepgram.listen.v1 import types as listen_v1
    from deepgram.listen.v1.client import AsyncV1Client as ListenV1
    from deepgram.listen.v2 import types as listen_v2
    from deepgram.listen.v2.client import AsyncV2Client as ListenV2
    from deepgram.speak.v1 import types as speak_v1
    from deepgram.speak.v1.client import AsyncV1Client as SpeakV1
    from deepgram.speak.v2 import types as speak_v2
    from deepgram.speak.v2.client import AsyncV2Client as SpeakV2

__all__ = [
    "AsyncDeepgramClient",
    "DeepgramClientEnvironment",
    "ListenV1",
    "ListenV2",
    "SpeakV1",
    "SpeakV2",
    "listen_v1",
    "listen_v2",
    "speak_v1",
    "speak_v2",
]
