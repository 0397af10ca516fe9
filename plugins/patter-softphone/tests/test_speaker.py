"""A loudspeaker plays in order, in time, and says truly what was played."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter_softphone._speaker import Speaker

deeds = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=500),
        st.just("mark"),
        st.just("clear"),
        st.integers(1, 300),
    ),
    max_size=60,
)


@given(deeds)
def test_every_mark_is_answered_once_in_order_and_never_before_its_audio(
    what: list[bytes | str | int],
) -> None:
    speaker, sent, done = Speaker(), 0, 0
    asked: list[str] = []
    answered: list[str] = []
    for deed in what:
        if isinstance(deed, bytes):
            speaker.put(deed)
            sent += len(deed)
        elif isinstance(deed, int):
            waiting = len(speaker)
            assert len(speaker.play(deed)) == deed
            done += min(deed, waiting)
        elif deed == "mark":
            asked.append(f"{sent}/{len(asked)}")
            speaker.mark(asked[-1])
        else:
            answered += speaker.clear()
            done = sent
        now = speaker.reached()
        assert all(int(name.partition("/")[0]) <= done for name in now)
        answered += now
    assert answered + speaker.clear() == asked


@given(st.lists(st.binary(max_size=300), max_size=10), st.lists(st.integers(1, 400), max_size=40))
def test_what_is_played_is_what_was_put_then_silence(put: list[bytes], ticks: list[int]) -> None:
    speaker = Speaker()
    for part in put:
        speaker.put(part)
    played = b"".join(speaker.play(size) for size in ticks)
    given_audio = b"".join(put)
    assert played == given_audio[: len(played)].ljust(len(played), b"\xff")
