"""Voices by name: the premade ones of ElevenLabs, by their ids.

The names are in ``voices.json``, gathered from public listings of ``GET /v1/voices``; ``alloy``,
which agents say who do not care, is Sarah. A cloned or designed voice has an id alone.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from patter.errors import PatterConfigError, did_you_mean

_ID = re.compile(r"[A-Za-z0-9]{20}")


@cache
def voices() -> dict[str, str]:
    """Ids of voices by their names in lower case."""
    text = files("patter_elevenlabs").joinpath("voices.json").read_text(encoding="utf-8")
    ids: dict[str, str] = json.loads(text)
    return ids


def voice_id(voice: str) -> str:
    """The id of *voice*, a name in any case or an id, which has 20 letters and digits.

    >>> voice_id("Rachel"), voice_id("21m00Tcm4TlvDq8ikWAM")
    ('21m00Tcm4TlvDq8ikWAM', '21m00Tcm4TlvDq8ikWAM')

    Raises PatterConfigError for a name that is not known.
    """
    name = str(voice).strip()
    if _ID.fullmatch(name):
        return name
    if (own_id := voices().get(name.casefold())) is not None:
        return own_id
    hint = did_you_mean(name.casefold(), voices(), "one of rachel, sarah, george, ...")
    raise PatterConfigError(
        f"ElevenLabs has no voice named {name!r} that is known here",
        fix=f"{hint} Other voices go by their id: see elevenlabs.io/app/voice-lab",
    )
