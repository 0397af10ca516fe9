"""Audio a lost leg took along waits again: none is missing, none that was heard comes twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.playout.gate import Playout
from patter.call.playout.timing import Mark, PlayoutTiming

from .world import pattern

AUDIO = pattern(1, 0, 12_000)


@given(
    steps=st.lists(st.integers(1, 400), max_size=12),
    losses=st.sets(st.integers(0, 11)),
    pieces=st.lists(st.integers(1, 5_000), max_size=5),
    marks=st.booleans(),
)
def test_what_was_not_heard_is_sent_again_and_nothing_else(
    steps: list[int], losses: set[int], pieces: list[int], marks: bool
) -> None:
    playout = Playout(PlayoutTiming(marks=marks))
    playout.open(1)
    playout.say(1, "words")
    rest = AUDIO
    for size in [*pieces, len(AUDIO)]:
        playout.put(1, rest[:size])
        rest = rest[size:]
    playout.finish(1)
    now, sent = 0.0, bytearray()
    for number, step in enumerate(steps):
        now += step
        for item in playout.due(now):
            if isinstance(item, Mark):
                continue
            sent += item
        if number in losses:
            heard = playout.heard(now)
            playout.lost(now)
            assert playout.heard(now) == heard
            assert playout.sent_ms + playout.queued_ms == len(AUDIO) // 8
            del sent[heard:]
            playout.lost(now)
        assert bytes(sent) == AUDIO[: len(sent)]
    while playout.queued_ms:
        now += 100
        sent += b"".join(item for item in playout.due(now) if isinstance(item, bytes))
    assert bytes(sent) == AUDIO
    assert playout.over(now + 5_000)
