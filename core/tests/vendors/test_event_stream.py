"""Server-sent events: whole however they are cut, and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.vendors import event_stream
from patter.vendors.event_stream import EventStream, EventTooLong

datas = st.lists(
    st.binary(min_size=1).filter(lambda data: not set(b"\r\n") & set(data)), max_size=5
)


@given(datas, st.integers(1, 40), st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_the_same_however_they_are_cut(sent: list[bytes], size: int, end: bytes) -> None:
    lines = (b": ping" + end + b"event: x" + end + b"data: " + each + end + end for each in sent)
    wire, stream = b"".join(lines), EventStream()
    cut = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert [data for piece in cut for data in stream.feed(piece)] == sent


def test_an_event_of_several_lines_is_one() -> None:
    assert list(EventStream().feed(b"data: a\ndata:b\n\n\n\n")) == [b"a\nb"]


@given(st.binary())
def test_half_an_event_is_none(wire: bytes) -> None:
    assert list(EventStream().feed(b"data: " + wire.replace(b"\n", b"") + b"\n")) == []


@pytest.mark.parametrize("line", [b"x" * 60, b"data: " + b"x" * 60 + b"\n"])
def test_an_event_without_an_end_is_not_kept_for_ever(
    line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MOST_BYTES", 100)
    stream = EventStream()
    list(stream.feed(line))
    with pytest.raises(EventTooLong):
        list(stream.feed(line))
