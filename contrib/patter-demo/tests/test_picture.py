"""The picture of a call and its page."""

from __future__ import annotations

import re
import sys
import wave
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import InputError
from patter.observe.codec import stamped
from patter.observe.events import Ended, Row, Started, ToolRun, Wire
from patter.observe.metrics import STAGES
from patter_demo.lanes import LANES, read_call
from patter_demo.page import call_html, title_of, write_page
from patter_demo.picture import _LOOKS, caller_peaks, draw, fitted, svg

sys.path.insert(0, str(Path(__file__).parent))
from .a_call import recording, the_call

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("call") / "call.wav")


@pytest.fixture(scope="module")
def picture(wav: Path) -> str:
    return svg(the_call(), wav)


def test_heard_and_unheard_meet_at_the_cut() -> None:
    marks = [mark for mark in read_call(the_call()).marks if mark.lane == "agent"]
    heard, unheard = marks[0], marks[1]
    assert (heard.look, heard.began_ms, heard.ended_ms) == ("heard", 300, 2_710)
    assert (unheard.look, unheard.began_ms) == ("unheard", 2_710)
    assert unheard.ended_ms <= marks[2].began_ms


def test_the_turn_lane_has_no_holes() -> None:
    call = read_call(the_call())
    turn = [mark for mark in call.marks if mark.lane == "turn"]
    assert [mark.look for mark in turn[:5]] == [
        "listening",
        "thinking",
        "speaking",
        "hold",
        "listening",
    ]
    assert turn[0].began_ms == 0
    assert all(one.ended_ms == two.began_ms for one, two in pairwise(turn))


def test_every_gap_is_the_sum_of_its_stages() -> None:
    gaps = read_call(the_call()).gaps
    assert [gap.gap_ms for gap in gaps] == [640, 702, 597]
    assert all(sum(ms for _, ms in gap.stages) == gap.gap_ms for gap in gaps)


def test_only_barge_in_and_the_slowest_turn_are_annotated() -> None:
    assert [note.label for note in read_call(the_call()).notes] == [
        "barge-in, 300 ms of voice, cut at 2.71 s ±20 ms",
        "slowest: 702 ms",
    ]


def test_an_amended_turn_is_drawn_once() -> None:
    first = Row(at_ms=900, role="caller", turn=1, text="book")
    amended = Row(at_ms=990, role="caller", turn=1, text="book a table", amends=True)
    marks = read_call([first, amended]).marks
    assert [mark.text for mark in marks if mark.lane == "caller"] == ["book a table"]


def test_the_wire_shows_where_the_caller_went_and_how_many_keys_were_sent() -> None:
    events = [
        Wire(at_ms=0, what="dtmf_sent", count=3),
        Wire(at_ms=100, what="where", name="hold"),
        Wire(at_ms=200, what="where", name="human"),
        Wire(at_ms=300, what="where", name="ended"),
    ]
    wire = [mark for mark in read_call(events).marks if mark.lane == "wire"]
    assert [mark.label for mark in wire] == ["3 sent", "hold", "human"]


def test_every_mark_tells_what_it_is_to_those_who_cannot_see_it(picture: str) -> None:
    groups = {group.get("id"): group for group in ET.fromstring(picture).iter(f"{SVG}g")}
    for number, mark in enumerate(read_call(the_call()).marks):
        group = groups[f"mark-{number}"]
        assert group.findtext(f"{SVG}title") == mark.title
        assert group.findtext(f"{SVG}desc")
    assert groups["gap-2-tool"].findtext(f"{SVG}title") == "turn 2: tool 86 ms"


def test_no_two_looks_of_one_lane_differ_by_colour_alone() -> None:
    for lane in (("heard", "unheard"), STAGES):
        hatches = [_LOOKS[look][1] for look in lane]
        assert len(set(hatches)) == len(hatches)


def test_a_png_is_1200_pixels_wide(tmp_path: Path, wav: Path) -> None:
    body = draw(the_call(), wav, tmp_path / "call.png").read_bytes()
    assert body.startswith(b"\x89PNG")
    assert int.from_bytes(body[16:20]) == 1_200


def test_a_call_without_events_or_recording_can_be_drawn(tmp_path: Path) -> None:
    assert draw([], None, tmp_path / "call.svg").stat().st_size > 0


def test_a_picture_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"call\.gif"):
        draw(the_call(), None, tmp_path / "call.gif")


def test_what_is_not_a_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"words")
    with pytest.raises(InputError, match="not a WAV"):
        caller_peaks(path, 10)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x80" * 8)
    with pytest.raises(InputError, match="not 16-bit"):
        caller_peaks(path, 10)


@given(st.text(max_size=60), st.integers(0, 60))
def test_a_label_never_takes_more_than_its_room(text: str, room: int) -> None:
    assert len(fitted(text, room)) <= room


def test_the_page_fetches_nothing(wav: Path, picture: str) -> None:
    page = call_html(the_call(), wav, picture)
    assert "default-src 'none'" in page
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert all(each.startswith(("data:", "#")) for each in loaded)
    assert "@import" not in page


def test_every_sentence_is_a_button_that_knows_its_moment(wav: Path, picture: str) -> None:
    page = call_html(the_call(), wav, picture)
    assert re.findall(r'<button type="button" data-at="([\d.]+)"', page) == [
        "0.300",
        "2.410",
        "5.400",
        "8.900",
        "11.602",
        "15.000",
        "16.397",
    ]
    assert "(unheard, 2.9 s)" in page


def test_the_title_says_who_when_and_how_it_ended() -> None:
    started = Started(caller="+15550107788", callee="+15550001234", wall=1_796_000_000.0)
    title = title_of([started, Ended(outcome="completed")])
    assert re.fullmatch(
        r"Call from \+15550107788 to \+15550001234, \w{3} \d\d \w{3} 2026 \d\d:\d\d \S+, completed",
        title,
    )
    assert title_of([started]).endswith("not finished")
    assert title_of([]) == "Call"


def test_what_was_said_and_what_happened_stand_once_and_in_order(wav: Path, picture: str) -> None:
    run = ToolRun(at_ms=9_500, name="book_table", what="finished", result="R-17", ok=True)
    page = call_html([*the_call(), run], wav, picture).rpartition("</h2>")[2]
    assert "<pre>" not in page
    for words in ("what are your opening hours", "book_table(", "interrupted the agent"):
        assert page.count(words) == 1, words
    moments = [float(at) for _, at in re.findall(r"<time>(\d+):(\d+\.\d)</time>", page)]
    assert moments == sorted(moments)
    assert re.search(r"<span>latency</span><span class=\"what\">\d+ = stt", page)


def test_a_screen_narrower_than_the_picture_still_has_the_names_of_the_lanes(picture: str) -> None:
    named = set(re.findall(r'id="lane-(\w+)"', picture))
    assert named == set(LANES)
    assert "prefers-color-scheme: dark" in call_html([], None, picture)


def test_words_are_never_markup(wav: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    row = Row(call=evil, seq=2, at_ms=9, role="caller", turn=1, text=evil)
    events = [stamped(the_call()[0], evil, 1, 0), row]
    page = call_html(events, wav, svg(events, wav))
    assert "<img" not in page


@pytest.mark.parametrize("text", ["$5 or $6 \\frac{", "\x00\x1b[31m", "寿司 🍣", "&lt; <b>"])
def test_any_words_can_be_drawn(tmp_path: Path, text: str) -> None:
    events = [Row(at_ms=9, role="caller", turn=1, text=text, ended_ms=900)]
    assert ET.fromstring(svg(events, None)) is not None
    assert draw(events, None, tmp_path / "call.png").exists()


def test_the_page_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_page(the_call(), None, "<svg/>", tmp_path / "call.html")
    assert path.stat().st_mode & 0o077 == 0
    assert "was not recorded" in path.read_text()
