"""The echo gate: what is far quieter than what was just played is the agent's own voice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.echo import MOST_BLOCKS, EchoGate
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K

SPOKEN_DB = -20.0


def tone(db: float, ms: float = 20) -> bytes:
    """A square wave of *db* of full scale."""
    height = round(32768 * 10 ** (db / 20))
    sample = height.to_bytes(2, "little", signed=True)
    other = (-height).to_bytes(2, "little", signed=True)
    return (sample + other) * (PCM16_8K.bytes_in(ms) // 4)


def gate() -> EchoGate:
    """One that played a word from 1,000 to 1,300 ms."""
    made = EchoGate(PCM16_8K, PCM16_8K)
    made.played(1_000, tone(SPOKEN_DB, 300))
    return made


@pytest.mark.parametrize(("db", "echo"), [(-60, True), (-40, True), (-36, True), (-34, False)])
def test_fifteen_db_below_what_was_played_is_an_echo(db: float, echo: bool) -> None:
    assert gate().is_echo(tone(db), 1_200, 1_220) is echo


@pytest.mark.parametrize(
    ("at_ms", "echo"),
    [(960, False), (990, True), (1_300, True), (1_890, True), (1_910, False), (60_000, False)],
)
def test_an_echo_comes_while_the_agent_speaks_and_600_ms_after(at_ms: float, echo: bool) -> None:
    assert gate().is_echo(tone(-40), at_ms, at_ms + 20) is echo


def test_audio_that_came_late_is_judged_by_when_it_was_spoken() -> None:
    assert gate().is_echo(tone(-40), 1_800, 2_300)


def test_what_is_only_to_be_played_is_no_reason() -> None:
    made = EchoGate(PCM16_8K, PCM16_8K)
    made.played(1_000, tone(-10, 300))
    assert not made.is_echo(tone(-40), 900, 920)


def test_what_was_cut_before_it_was_played_leaves_no_echo() -> None:
    made = gate()
    made.cut(1_000)
    assert not made.is_echo(tone(-40), 1_200, 1_220)


def test_what_was_played_before_the_cut_still_comes_back() -> None:
    made = gate()
    made.cut(1_100)
    assert made.is_echo(tone(-40), 1_600, 1_620)
    assert not made.is_echo(tone(-40), 1_710, 1_730)


def test_the_soft_end_of_a_syllable_belongs_to_it() -> None:
    made = gate()
    assert not made.is_echo(tone(-25), 1_200, 1_220)
    assert not made.is_echo(tone(-40), 1_360, 1_380)
    assert made.is_echo(tone(-40), 1_380, 1_400)


@pytest.mark.parametrize("db", [-90, -61])
def test_an_agent_that_plays_silence_is_silent(db: float) -> None:
    made = EchoGate(PCM16_8K, PCM16_8K)
    made.played(1_000, tone(db, 300))
    assert not made.is_echo(tone(-90), 1_200, 1_220)


def test_the_loudest_moment_of_a_long_piece_counts() -> None:
    assert not gate().is_echo(tone(-60, 80) + tone(-20) + tone(-60, 80), 1_100, 1_280)


def test_both_sides_may_have_formats_of_their_own() -> None:
    made = EchoGate(MULAW_8K, PCM16_16K)
    made.played(1_000, bytes([0x00, 0x80]) * 800)
    assert made.is_echo(tone(-20), 1_100, 1_110)
    assert not made.is_echo(tone(-10), 1_110, 1_120)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 700)), max_size=60))
def test_it_keeps_no_more_than_it_needs_whatever_is_played(pieces: list[tuple[float, int]]) -> None:
    made = EchoGate(PCM16_8K, PCM16_8K)
    for at_ms, ms in pieces:
        made.played(at_ms, tone(SPOKEN_DB, ms))
    assert len(made._blocks) <= MOST_BLOCKS
    made.is_echo(tone(-40), 2e6, 2e6 + 20)
    assert not made._blocks


@given(st.binary(max_size=700))
def test_any_bytes_are_judged(audio: bytes) -> None:
    made = gate()
    made.played(1_300, audio)
    assert made.is_echo(audio, 1_200, 1_220) in (True, False)
    assert math.isfinite(made._loudest(0, 2_000))
