"""Hypothesis strategies for what flows through a call: audio, its cuts, specs, words, numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from patter.audio.formats import AudioFormat, Encoding
from patter.plugins.spec import ProviderSpec
from patter.providers.stt import Transcript, Word

_NAME = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def formats() -> st.SearchStrategy[AudioFormat]:
    """Every encoding at the rates that telephones, models and voices use."""
    rates = st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
    return st.builds(AudioFormat, st.sampled_from(list(Encoding)), rates)


def pcm(*, max_samples: int = 2_000) -> st.SearchStrategy[bytes]:
    """PCM16: any samples, always a whole number of them."""
    return st.binary(max_size=2 * max_samples).map(lambda raw: raw[: len(raw) // 2 * 2])


def frames(
    audio: AudioFormat, *, ms: float = 20, max_frames: int = 50
) -> st.SearchStrategy[list[bytes]]:
    """Frames of *ms* milliseconds in *audio*."""
    size = audio.bytes_in(ms)
    return st.lists(st.binary(min_size=size, max_size=size), max_size=max_frames)


@st.composite
def chunkings(draw: st.DrawFn, data: bytes, sample_bytes: int = 1) -> list[bytes]:
    """*data* cut anywhere between samples, empty pieces included; joined, it is *data*."""
    places = st.integers(0, len(data) // sample_bytes).map(lambda at: at * sample_bytes)
    cuts = sorted(draw(st.lists(places, max_size=12)))
    bounds = [0, *cuts, len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


def specs() -> st.SearchStrategy[ProviderSpec]:
    """Provider strings that can be written, with and without model and options."""
    options = st.dictionaries(_NAME, _TEXT, max_size=3)
    return st.builds(ProviderSpec, _NAME, st.none() | _TEXT.filter(bool), options)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Words with times that grow, as an interim or a final, with or without timing."""
    texts = draw(st.lists(st.from_regex(r"[a-z']{1,8}", fullmatch=True), max_size=8))
    at, words = 0, []
    for text in texts:
        begins = at + draw(st.integers(0, 400))
        at = begins + draw(st.integers(20, 800))
        words.append(Word(text, begins, at))
    timed = draw(st.booleans())
    return Transcript(
        " ".join(texts),
        final=draw(st.booleans()),
        end_ms=at if timed else None,
        confidence=draw(st.none() | st.floats(0, 1)),
        words=tuple(words) if timed else (),
    )


def e164_numbers() -> st.SearchStrategy[str]:
    """Telephone numbers: a plus, a country code, up to 15 digits altogether (ITU-T E.164)."""
    return st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
