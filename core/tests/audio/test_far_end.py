"""What the caller was played, read in the stretches in which the caller's audio comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.audio.far_end import KEEP_MS, FarEnd
from patter.audio.formats import MULAW_8K, PCM16_16K

SILENT = b"\xff"
SIZE = 160


def spoken(ms: int, code: int = 1) -> bytes:
    return bytes([code]) * MULAW_8K.bytes_in(ms)


def reads(far_end: FarEnd, *from_ms: float) -> bytes:
    return b"".join(far_end.read(at_ms, SIZE) for at_ms in from_ms)


def test_nothing_played_is_silence() -> None:
    assert FarEnd(MULAW_8K).read(100, SIZE) == SILENT * SIZE
    assert FarEnd(PCM16_16K).read(100, 640) == bytes(640)


def test_it_lies_where_it_was_played() -> None:
    far_end = FarEnd(MULAW_8K)
    far_end.played(110, spoken(30))
    assert reads(far_end, 100, 120, 140) == SILENT * 80 + spoken(30) + SILENT * 160


def test_what_is_cut_was_not_played() -> None:
    far_end = FarEnd(MULAW_8K)
    far_end.played(100, spoken(40))
    far_end.played(140, spoken(40))
    far_end.cut(115)
    assert reads(far_end, 100, 120, 140) == spoken(15) + SILENT * 360
    far_end.cut(50)
    assert far_end.read(160, SIZE) == SILENT * SIZE


def test_a_cut_behind_the_end_takes_nothing_away() -> None:
    far_end = FarEnd(MULAW_8K)
    far_end.played(100, spoken(20))
    far_end.cut(500)
    assert far_end.read(100, SIZE) == spoken(20)


def test_stretches_that_jitter_are_read_without_a_seam() -> None:
    far_end = FarEnd(MULAW_8K)
    far_end.played(100, bytes(range(240)) * 2)
    assert reads(far_end, 100, 127, 133) == (bytes(range(240)) * 2)[: 3 * SIZE]


def test_after_a_gap_in_the_callers_audio_it_is_in_step_again() -> None:
    far_end = FarEnd(MULAW_8K)
    far_end.played(100, spoken(20, 1) + spoken(100, 2) + spoken(20, 3))
    assert reads(far_end, 100, 220) == spoken(20, 1) + spoken(20, 3)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20), st.integers(1, 200))
def test_any_pieces_are_read_whole_in_any_stretches(lengths: list[int], stretch: int) -> None:
    far_end, line, at = FarEnd(MULAW_8K), b"", 0
    for code, length in enumerate(lengths):
        far_end.played(at / 8, bytes([code]) * length)
        line, at = line + bytes([code]) * length, at + length
    out = b"".join(far_end.read(begin / 8, stretch) for begin in range(0, at, stretch))
    assert out[:at] == line


def test_what_nobody_reads_is_forgotten() -> None:
    far_end = FarEnd(MULAW_8K)
    for at_ms in range(0, 60_000, 100):
        far_end.played(at_ms, spoken(100))
    assert sum(len(audio) for _, audio in far_end._pieces) <= MULAW_8K.bytes_in(KEEP_MS + 100)
