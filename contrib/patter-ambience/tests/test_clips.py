"""The clips: all of them there, small, loud as they should be, without a seam, and made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patter.audio.background import BackgroundAudioPlayer, BuiltinAudioClip, builtin_clip_path
from patter.audio.mix import level_db
from patter.audio.sound_file import read_sound
from patter_ambience import FOLDER
from patter_ambience.__main__ import main, wav
from patter_ambience.scenes import SCENES

each_clip = pytest.mark.parametrize("clip", BuiltinAudioClip)


def samples(clip: BuiltinAudioClip) -> np.ndarray:
    return np.frombuffer(read_sound(builtin_clip_path(clip)).pcm, "<i2").astype(float)


def test_there_is_a_file_for_every_clip_and_together_they_are_small() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(BuiltinAudioClip) == set(SCENES)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_100_000


@pytest.mark.parametrize("name", ["hold-music", "HOLD_MUSIC", "hold-music.ogg"])
def test_a_clip_is_found_by_each_of_its_names(name: str) -> None:
    assert builtin_clip_path(name) == FOLDER / "hold-music.wav"


@each_clip
def test_a_clip_is_loud_enough_and_not_clipped(clip: BuiltinAudioClip) -> None:
    line = samples(clip)
    assert -34 < level_db(line.astype("<i2").tobytes()) < -17
    assert np.abs(line).max() < 24_000


@each_clip
def test_a_clip_that_loops_has_no_seam(clip: BuiltinAudioClip) -> None:
    line = samples(clip)
    steps = np.abs(np.diff(line))
    assert abs(line[0] - line[-1]) <= np.quantile(steps, 0.999) + 1


@each_clip
def test_the_script_makes_the_clip_that_is_there(clip: BuiltinAudioClip, tmp_path: Path) -> None:
    # Other builds of numpy may round the last bit otherwise, which mu-law hardly ever shows.
    made = np.frombuffer(wav(SCENES[clip]()), np.uint8)
    kept = np.frombuffer(builtin_clip_path(clip).read_bytes(), np.uint8)
    assert len(made) == len(kept)
    assert (made != kept).mean() < 0.001


def test_the_script_names_its_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "FOLDER" in capsys.readouterr().err


def test_an_agent_can_play_them_all() -> None:
    for clip in BuiltinAudioClip:
        BackgroundAudioPlayer(clip, loop=True).load()
