"""From timed characters to words and sentences, and positions in a caller's audio (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K
from patter.providers.stt import Transcript, Word
from patter_elevenlabs._positions import Positions
from patter_elevenlabs._scribe_wire import Committed
from patter_elevenlabs._segments import Segments
from patter_elevenlabs._words import LOST, Alignment, ReplyWords, letters

MS = 10
word = st.text("abcdeé'", min_size=1, max_size=6).filter(letters)
sentence = st.lists(word, min_size=1, max_size=5).map(lambda words: " ".join(words) + ".")


def aligned(text: str, start: int = 0) -> Alignment:
    """*text*, of `MS` a character from *start* on."""
    times = [start + at * MS for at in range(len(text))]
    return Alignment(tuple(text), tuple(times), (MS,) * len(text))


def cut(text: str, sizes: list[int]) -> Iterator[tuple[int, str]]:
    at = 0
    for size in [*sizes, len(text)]:
        if part := text[at : at + size]:
            yield at, part
        at += size


def told(
    sentences: list[str], text: str, sizes: list[int]
) -> tuple[list[str], list[str], list[int]]:
    """The sentences that begin, the words that end, and where, when *text* is heard in pieces."""
    reply = ReplyWords()
    for each in sentences:
        reply.add(each)
    begun, words, ends = list[str](), list[str](), list[int]()
    for at, part in cut(text, sizes):
        begins, ended = reply.hear(aligned(part), at * MS)
        begun += [begins] if begins else []
        words += [each.text for each in ended]
        ends += [each.end_ms for each in ended]
    for last in reply.end():
        words.append(last.text)
        ends.append(last.end_ms)
    return begun, words, ends


@given(st.lists(sentence, min_size=1, max_size=4), st.lists(st.integers(1, 9)), st.booleans())
def test_every_word_is_told_where_it_ends(
    sentences: list[str], sizes: list[int], spaced: bool
) -> None:
    text = " ".join(sentences) + (" " if spaced else "")
    begun, words, ends = told(sentences, text, sizes)
    assert " ".join(begun) == " ".join(sentences)
    assert words == " ".join(sentences).split()
    assert [text[: end // MS].split()[-1] for end in ends] == words


def test_a_sentence_begins_with_its_first_letter() -> None:
    reply = ReplyWords()
    reply.add("One two.")
    reply.add("Three four.")
    assert reply.hear(aligned("One two. "), 0)[0] == "One two."
    assert reply.waiting
    assert reply.hear(aligned("T"), 90)[0] == "Three four."
    assert not reply.waiting


def test_a_sentence_without_a_space_behind_it_ends_all_the_same() -> None:
    begun, words, _ = told(["One two.", "Three."], "One two.Three.", [])
    assert begun == ["One two. Three."]
    assert words == ["One", "two.", "Three."]


def test_what_the_vendor_leaves_out_costs_no_other_word() -> None:
    _, words, _ = told(["Call 😀 me, <b>now</b>."], "Call me, now.", [])
    assert words == ["Call", "me,"]
    begun, words, _ = told(["Hi there 😀", "Bye now."], "Hi there Bye now.", [5, 4])
    assert begun == ["Hi there 😀", "Bye now."]
    assert words == ["Hi", "there", "Bye", "now."]


def test_without_characters_all_that_was_sent_has_begun() -> None:
    reply = ReplyWords()
    reply.add("One.")
    assert reply.hear(None, 0) == ("One.", ())
    reply.add("Two.")
    assert reply.waiting
    assert reply.hear(None, 90) == ("Two.", ())
    assert not reply.skipped


def test_characters_of_another_text_are_not_believed() -> None:
    reply = ReplyWords()
    reply.add("Guten Tag.")
    reply.add("Auf Wiedersehen.")
    begins, words = reply.hear(aligned("xx " * LOST), 0)
    assert begins == "Guten Tag. Auf Wiedersehen."
    assert not words
    assert not reply.skipped


def test_a_sentence_that_was_left_out_is_known() -> None:
    reply = ReplyWords()
    reply.add("One.")
    reply.add("Two.")
    reply.hear(aligned("One. "), 0)
    assert reply.skipped
    reply.hear(aligned("Two. "), 50)
    assert not reply.skipped


def test_word_times_never_run_back() -> None:
    reply = ReplyWords()
    reply.add("One two three.")
    ends = [word.end_ms for word in reply.hear(aligned("One two "), 500)[1]]
    ends += [word.end_ms for word in reply.hear(aligned("three. "), 100)[1]]
    assert ends == sorted(ends)


def segments(sent_ms: int = 10_000) -> Segments:
    positions = Positions(MULAW_8K)
    positions.add(sent_ms * 8)
    return Segments(positions)


def committed(text: str) -> Committed:
    words = tuple(Word(each, 100 * at, 100 * at + 90) for at, each in enumerate(text.split()))
    return Committed(text, True, words)


def test_a_pause_is_answered_once() -> None:
    heard = segments()
    heard.owed = True
    assert heard.commit(committed("")) == [Transcript("", True)]
    assert heard.commit(committed("")) == []
    assert heard.throttled() == heard.late() == []


def test_what_the_vendor_commits_unasked_is_final() -> None:
    heard = segments()
    (only,) = heard.commit(committed("hello there"))
    assert (only.text, only.final, only.end_ms) == ("hello there", True, 190)


def test_words_that_had_to_be_final_are_not_so_again() -> None:
    heard = segments()
    heard.interim("hello")
    heard.owed = True
    assert [each.text for each in heard.late()] == ["hello"]
    (rest,) = heard.commit(committed("Hello, there"))
    assert (rest.text, [word.text for word in rest.words]) == ("there", ["there"])
    assert heard.interim("next") == [Transcript("next", False)]


def test_words_that_are_all_known_are_no_news() -> None:
    heard = segments()
    heard.interim("hello there")
    heard.owed = True
    heard.late()
    assert heard.interim("hello there") == []
    assert heard.commit(committed("hello there")) == []


def test_words_that_differ_from_those_that_are_final_are_dropped() -> None:
    heard = segments()
    heard.interim("four two")
    heard.owed = True
    heard.late()
    assert heard.commit(committed("forty two")) == []
    assert heard.commit(committed("forty two"))[0].text == "forty two"


def test_words_of_another_segment_are_no_revision() -> None:
    heard = segments()
    heard.interim("a table")
    heard.owed = True
    heard.late()
    assert heard.interim("yes please") == [Transcript("yes please", False)]
    assert heard.commit(committed("yes please"))[0].text == "yes please"


def test_times_that_come_late_make_nothing_final_twice() -> None:
    heard = segments()
    heard.hold(Committed("hello"))
    assert [each.text for each in heard.release()] == ["hello"]
    assert heard.release() == heard.commit(committed("hello")) == []
    assert [each.text for each in heard.commit(committed("hello"))] == ["hello"]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=6), st.floats(0, 6e3))
def test_a_position_is_within_what_the_caller_sent(
    parts: list[tuple[int, int]], vendor_ms: float
) -> None:
    sent = Positions(MULAW_8K)
    for ours, padding in parts:
        sent.add(ours * 8)
        sent.pad(padding * 8)
    at = sent.of_caller(vendor_ms)
    assert 0 <= at <= sent.caller_ms
    assert sent.of_caller(vendor_ms + 10) >= at


def test_silence_of_ours_moves_no_word() -> None:
    heard = segments(1_000)
    heard.positions.pad(8_000)
    heard.positions.add(8_000)
    (only,) = heard.commit(Committed("hi", True, (Word("hi", 2_200, 2_500),)))
    assert only.words == (Word("hi", 1_200, 1_500),)
