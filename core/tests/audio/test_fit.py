"""The chosen path is the cheapest there is, by comparison with every path there is."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.fit import Fit, Step, StepKind, chain, fit, meeting
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
    Encoding,
)
from patter.errors import ErrorCode, PatterError

RATES = (8_000, 16_000, 22_050, 48_000)
EVERY = tuple(AudioFormat(encoding, rate) for encoding, rate in product(Encoding, RATES))
formats = st.lists(st.sampled_from(EVERY), min_size=1, max_size=4, unique=True).map(tuple)


def cost(source: AudioFormat, sink: AudioFormat) -> float:
    try:
        return Step(source, sink).cost
    except PatterError:
        return float("inf")


@cache
def cheapest(source: AudioFormat, sink: AudioFormat) -> float:
    """Try every path over at most three formats in between, of all there are."""
    if source == sink:
        return 0
    paths = (
        (source, *between, sink)
        for count in range(4)
        for between in permutations(set(EVERY) - {source, sink}, count)
        if all(cost(a, b) < float("inf") for a, b in pairwise(between))
    )
    return min(sum(map(cost, path, path[1:])) for path in paths)


@pytest.mark.parametrize("source", [MULAW_8K, PCM16_8K, AudioFormat("alaw", 22_050)], ids=str)
@pytest.mark.parametrize("sink", EVERY, ids=str)
def test_no_chain_is_cheaper_than_ours(source: AudioFormat, sink: AudioFormat) -> None:
    assert sum(step.cost for step in chain(source, sink)) == cheapest(source, sink)


@given(formats, formats)
def test_no_pair_is_cheaper_than_ours(
    sources: tuple[AudioFormat, ...], sinks: tuple[AudioFormat, ...]
) -> None:
    chosen = fit(sources, sinks)
    best = min(sum(s.cost for s in chain(a, b)) for a, b in product(sources, sinks))
    assert chosen.cost == best
    assert chosen.source in sources
    assert chosen.sink in sinks


@given(formats, formats)
def test_steps_lead_from_the_source_to_the_sink(
    sources: tuple[AudioFormat, ...], sinks: tuple[AudioFormat, ...]
) -> None:
    chosen = fit(sources, sinks)
    ends = [chosen.source]
    for step in chosen.steps:
        assert step.source == ends[-1]
        ends.append(step.sink)
    assert ends[-1] == chosen.sink


@given(formats)
def test_a_format_both_ends_know_needs_no_step(formats: tuple[AudioFormat, ...]) -> None:
    assert fit(formats, formats) == Fit(formats[0], formats[0])


def test_telephone_audio_end_to_end_is_not_touched() -> None:
    assert fit((MULAW_8K,), (PCM16_16K, MULAW_8K)).steps == ()
    assert fit((PCM16_24K, MULAW_8K), (MULAW_8K,)).steps == ()


def test_of_equally_cheap_pairs_the_better_liked_wins() -> None:
    assert fit((ALAW_8K, MULAW_8K), (MULAW_8K, PCM16_8K, ALAW_8K)).source == MULAW_8K
    assert fit((ALAW_8K, MULAW_8K), (MULAW_8K, ALAW_8K)).source == ALAW_8K


def test_a_fit_tells_its_path() -> None:
    assert str(fit((MULAW_8K,), (MULAW_8K,))) == "mulaw/8k, no conversion"
    assert str(fit((PCM16_24K,), (MULAW_8K,))) == "pcm16/24k -> pcm16/8k -> mulaw/8k, 2 steps"
    assert str(fit((MULAW_8K,), (PCM16_8K,))) == "mulaw/8k -> pcm16/8k, 1 step"


def test_a_step_tells_what_it_does() -> None:
    kinds = [step.kind for step in chain(MULAW_8K, PCM16_16K)]
    assert kinds == [StepKind.DECODE, StepKind.RESAMPLE]
    assert str(Step(MULAW_8K, ALAW_8K)) == "transcode mulaw/8k to alaw/8k"


@pytest.mark.parametrize(("sources", "sinks"), [((), (MULAW_8K,)), ((MULAW_8K,), ())])
def test_an_end_without_formats_is_an_error_with_a_fix(
    sources: tuple[AudioFormat, ...], sinks: tuple[AudioFormat, ...]
) -> None:
    with pytest.raises(PatterError) as caught:
        fit(sources, sinks)
    assert caught.value.code is ErrorCode.CONFIG
    assert "AudioFormat" in caught.value.fix


def test_a_line_meets_its_recogniser_and_its_voice() -> None:
    line = (MULAW_8K, PCM16_16K)
    assert meeting(line, (MULAW_8K, PCM16_16K), (MULAW_8K,)) == MULAW_8K
    assert meeting(line, (PCM16_16K, MULAW_8K), (PCM16_16K, MULAW_8K)) == PCM16_16K
    assert meeting(line, (PCM16_16K,), (PCM16_16K,)) == PCM16_16K
    assert meeting(line, (PCM16_16K, MULAW_8K), (MULAW_8K,)) == MULAW_8K


@given(formats, formats, formats)
def test_nothing_on_the_line_would_have_cost_less(
    line: tuple[AudioFormat, ...],
    accepts: tuple[AudioFormat, ...],
    produces: tuple[AudioFormat, ...],
) -> None:
    def effort(one: AudioFormat) -> int:
        return fit((one,), accepts).cost + fit(produces, (one,)).cost

    assert effort(meeting(line, accepts, produces)) == min(map(effort, line))


def test_choosing_imports_nothing_heavy() -> None:
    code = "import sys, patter.audio.fit as f; print('numpy' in sys.modules, 'soxr' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
