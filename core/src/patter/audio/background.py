"""What plays behind a call: which sounds, how loud, how often. Settings, shared by all calls.

`patter.call.playout.ambience` plays them. The clips that come with Patter are a distribution of
their own, patter-ambience.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, TypeVar, overload

import attrs

from patter.audio.sound_file import Sound, read_sound
from patter.errors import InputError, NotInstalled, PatterConfigError, PatterTypeError

_CLIPS = "patter_ambience"


class BuiltinAudioClip(StrEnum):
    """The clips of patter-ambience, which a script made: no recording, and nobody's rights."""

    CITY_AMBIENCE = "city-ambience"
    FOREST_AMBIENCE = "forest-ambience"
    OFFICE_AMBIENCE = "office-ambience"
    CROWDED_ROOM = "crowded-room"
    KEYBOARD_TYPING = "keyboard-typing"
    KEYBOARD_TYPING2 = "keyboard-typing2"
    HOLD_MUSIC = "hold-music"


Source: TypeAlias = str | Path | BuiltinAudioClip
"""A clip, or a file."""


def _share(_: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise PatterConfigError(
            f"{attribute.name}={value!r} is out of range", fix="give a number from 0 to 1"
        )


def _source(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str | Path):
        raise PatterTypeError(
            f"source={value!r} is neither a clip nor a file",
            fix="write a path, or BuiltinAudioClip.OFFICE_AMBIENCE",
        )


@attrs.frozen
class AudioConfig:
    """One of several sounds: *volume* and *probability* are from 0 to 1.

    When the probabilities of a list sum to less than 1, now and then none of it plays; when to
    more, they are weights.
    """

    source: Source = attrs.field(validator=_source)
    volume: float = attrs.field(default=1.0, validator=_share)
    probability: float = attrs.field(default=1.0, validator=_share)


def _as_sounds(source: Source | AudioConfig | Sequence[AudioConfig]) -> tuple[AudioConfig, ...]:
    if isinstance(source, AudioConfig):
        return (source,)
    if isinstance(source, list | tuple):
        return tuple(source)
    return (AudioConfig(source),)  # type: ignore[arg-type]


def _sounds(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
    if not value or not all(isinstance(each, AudioConfig) for each in value):
        raise PatterTypeError(
            "the source of a BackgroundAudioPlayer is not a list of AudioConfig",
            fix="write [AudioConfig(BuiltinAudioClip.OFFICE_AMBIENCE, volume=0.8)]",
        )


@attrs.frozen
class BackgroundAudioPlayer:
    """Plays *source* behind the agent: a clip, a file, or a list of which each call gets one.

    It is mixed into what the agent says and fills its silence, at *volume* from 0 to 1 times
    that of the sound. With *loop* it begins again at its end. Files are WAV; with the package
    soundfile installed also OGG, FLAC and MP3; at most ten minutes. Raises PatterConfigError,
    a ValueError, for a volume out of range.
    """

    source: tuple[AudioConfig, ...] = attrs.field(converter=_as_sounds, validator=_sounds)
    volume: float = attrs.field(default=0.1, validator=_share)
    loop: bool = False

    def load(self) -> None:
        """Read every sound there is, so that no call waits for a disk.

        Raises PatterConfigError for a file that cannot be played, NotInstalled for a clip or a
        format that needs another package.
        """
        for each in self.source:
            _loaded(each)

    def choose(self, rng: Random) -> tuple[Sound, float] | None:
        """The sound of one call and its gain; None when chance lets it have none."""
        each = select_sound_from_list(self.source, rng=rng)
        return None if each is None else (_loaded(each), each.volume * self.volume)


def builtin_clip_path(name: str) -> Path:
    """The file of the clip *name*: ``"hold-music"``, ``"HOLD_MUSIC"``, or the enum's member.

    Raises InputError for another name, NotInstalled where patter-ambience is not.
    """
    clip = _clip(name)
    if clip is None:
        names = ", ".join(BuiltinAudioClip)
        raise InputError(f"there is no clip {name!r}", fix=f"use one of {names}")
    try:
        clips = import_module(_CLIPS)
    except ModuleNotFoundError as exc:
        if exc.name != _CLIPS:
            raise
        raise NotInstalled(
            f"the clip {clip.value!r} is in patter-ambience, which is not installed",
            fix="pip install patter-ambience",
        ) from exc
    return Path(clips.FOLDER) / f"{clip.value}.wav"


S = TypeVar("S", bound=Source)


@overload
def select_sound_from_list(
    sounds: Sequence[AudioConfig], *, rng: Random | None = None
) -> AudioConfig | None: ...
@overload
def select_sound_from_list(sounds: Sequence[S], *, rng: Random | None = None) -> S: ...
def select_sound_from_list(sounds: Sequence[Any], *, rng: Random | None = None) -> Any:
    """One of *sounds*: by chance with *rng*, else the most probable, of equals the first.

    Names and paths are equally probable. Returns None only for `AudioConfig` whose probabilities
    sum to less than 1, as often as is missing. Raises InputError for an empty list.
    """
    if not sounds:
        raise InputError("there is no sound to select from", fix="give at least one")
    weights = [each.probability if isinstance(each, AudioConfig) else 1.0 for each in sounds]
    if not any(weights):
        return None
    if rng is None:
        return sounds[weights.index(max(weights))]
    place = rng.random() * max(1.0, sum(weights))
    for each, weight in zip(sounds, weights, strict=True):
        if place < weight:
            return each
        place -= weight
    # A sum of floats may end just below its own value.
    return None if sum(weights) < 1.0 else sounds[-1]


def _clip(name: str) -> BuiltinAudioClip | None:
    plain = name.strip().lower().replace("_", "-").removesuffix(".wav").removesuffix(".ogg")
    return next((clip for clip in BuiltinAudioClip if clip.value == plain), None)


def _loaded(sound: AudioConfig) -> Sound:
    source = sound.source
    return read_sound(
        builtin_clip_path(source) if isinstance(source, BuiltinAudioClip) else Path(source)
    )
