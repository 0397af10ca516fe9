"""What plays behind calls: settings, which sound a call gets, files and clips."""

from __future__ import annotations

import struct
import sys
import wave
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.background import (
    AudioConfig,
    BackgroundAudioPlayer,
    BuiltinAudioClip,
    builtin_clip_path,
    select_sound_from_list,
)
from patter.audio.g711 import alaw_to_pcm16, mulaw_to_pcm16
from patter.audio.sound_file import Sound, read_sound
from patter.errors import InputError, NotInstalled, PatterConfigError, PatterTypeError

RAMP = struct.pack("<100h", *range(0, 10_000, 100))


def wav(path: Path, pcm: bytes, rate_hz: int = 8_000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(pcm)
    return path


def riff(tag: int, bits: int, data: bytes, more: bytes = b"") -> bytes:
    form = struct.pack("<HHIIHH", tag, 1, 8_000, 8_000, 1, bits) + more
    body = b"fmt " + struct.pack("<I", len(form)) + form + b"LIST\x03\0\0\0odd\0"
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


# --- settings


@pytest.mark.parametrize("volume", [-0.1, 1.1, "loud", True, float("nan")])
def test_a_volume_is_from_0_to_1(volume: Any) -> None:
    for make in (BackgroundAudioPlayer, AudioConfig):
        with pytest.raises(ValueError, match="volume"):
            make("office.wav", volume=volume)
    assert BackgroundAudioPlayer("office.wav").volume == 0.1


def test_a_source_is_a_clip_a_path_or_a_list() -> None:
    for source in (BuiltinAudioClip.HOLD_MUSIC, Path("office.wav"), [AudioConfig("office.wav")]):
        assert len(BackgroundAudioPlayer(source).source) == 1
    wrong: Any
    for wrong in (3, [], ["office.wav"], None):
        with pytest.raises(PatterTypeError):
            BackgroundAudioPlayer(wrong)


def test_the_volumes_of_sound_and_player_multiply(tmp_path: Path) -> None:
    path = wav(tmp_path / "ramp.wav", RAMP)
    player = BackgroundAudioPlayer([AudioConfig(path, volume=0.5)], volume=0.5)
    assert player.choose(Random(1)) == (Sound(RAMP, 8_000), 0.25)


# --- which sound


def test_without_a_generator_the_most_probable_is_chosen() -> None:
    assert select_sound_from_list(["a", "b"]) == "a"
    rare, often = AudioConfig("a", probability=0.2), AudioConfig("b", probability=0.7)
    assert select_sound_from_list([rare, often]) is often
    with pytest.raises(InputError):
        select_sound_from_list([])


@given(st.integers())
def test_the_same_generator_chooses_the_same(seed: int) -> None:
    names = ["a", "b", "c"]
    chosen = [select_sound_from_list(names, rng=Random(seed)) for _ in range(2)]
    assert chosen[0] == chosen[1] in names


def test_sounds_are_chosen_as_often_as_their_probability_says() -> None:
    sounds = [AudioConfig("a", probability=0.2), AudioConfig("b", probability=0.5)]
    rng = Random(7)
    chosen = Counter(
        getattr(select_sound_from_list(sounds, rng=rng), "source", None) for _ in range(4_000)
    )
    assert [round(chosen[name] / 4_000, 1) for name in ("a", "b", None)] == [0.2, 0.5, 0.3]


def test_probabilities_above_one_are_weights() -> None:
    sounds = [AudioConfig("a"), AudioConfig("b")]
    chosen = {select_sound_from_list(sounds, rng=Random(seed)) for seed in range(50)}
    assert chosen == set(sounds)


# --- files


@pytest.mark.parametrize(("tag", "decode"), [(7, mulaw_to_pcm16), (6, alaw_to_pcm16)])
def test_wav_files_of_g711_are_read(tmp_path: Path, tag: int, decode: Any) -> None:
    (tmp_path / "clip.wav").write_bytes(riff(tag, 8, bytes(range(256))))
    assert read_sound(tmp_path / "clip.wav") == Sound(decode(bytes(range(256))), 8_000)


def test_two_channels_become_their_mean(tmp_path: Path) -> None:
    both = struct.pack("<4h", 100, 300, -50, 50)
    assert read_sound(wav(tmp_path / "two.wav", both, 48_000, 2)).pcm == struct.pack("<2h", 200, 0)


def test_an_extensible_header_names_its_format_further_on(tmp_path: Path) -> None:
    more = struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)
    (tmp_path / "clip.wav").write_bytes(riff(0xFFFE, 16, RAMP, more))
    assert read_sound(tmp_path / "clip.wav").pcm == RAMP


def test_what_cannot_be_played_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PatterConfigError, match="No such file"):
        BackgroundAudioPlayer(tmp_path / "none.wav").load()
    with pytest.raises(PatterConfigError, match="empty"):
        read_sound(wav(tmp_path / "empty.wav", b""))
    with pytest.raises(PatterConfigError, match="lasts 601 s"):
        read_sound(wav(tmp_path / "long.wav", bytes(2 * 1_000 * 601), 1_000))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    for name, data in (("text.wav", b"hello"), ("short.wav", b"RIFF\0\0\0\0WAVEfmt ")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(NotInstalled, match="soundfile"):
            read_sound(tmp_path / name)


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("sound") / "clip.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + data)
    with pytest.raises(PatterConfigError):
        read_sound(path)


# --- clips


def test_a_clip_of_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="hold-music"):
        builtin_clip_path("dial-tone")


def test_without_the_clips_their_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patter_ambience", None)
    with pytest.raises(NotInstalled, match="pip install patter-ambience"):
        builtin_clip_path(BuiltinAudioClip.CITY_AMBIENCE)
