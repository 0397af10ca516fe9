"""What is said again after a voice has failed, and by whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.broken_speech import letters_of, unbegun
from patter.call.link import LinkRules
from patter.call.tts_link import Recovery, recovery

RULES = LinkRules()
SENTENCES = st.lists(
    st.text(st.characters(categories=["Ll", "Nd", "Po", "Zs"]), min_size=1, max_size=12),
    min_size=1,
    max_size=6,
)


@given(SENTENCES, st.data())
def test_whole_sentences_that_have_begun_are_not_said_again(
    sentences: list[str], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(sentences)))
    text = " ".join(sentences[:count])
    rest, partial = unbegun(sentences, text)
    assert sentences[len(sentences) - len(rest) :] == rest
    assert letters_of("".join(rest)) == letters_of("".join(sentences[count:]))
    assert partial == ""


@given(SENTENCES, st.text(max_size=20))
def test_at_least_one_sentence_has_begun_and_none_changes(sentences: list[str], text: str) -> None:
    rest, _ = unbegun(sentences, text)
    assert len(rest) < len(sentences)
    assert rest == sentences[len(sentences) - len(rest) :]


def test_half_a_sentence_has_begun_all_the_same() -> None:
    assert unbegun(["Hello there.", "Bye."], "Hello") == (["Bye."], "there")


def test_a_text_that_is_spelt_differently_is_one_sentence() -> None:
    assert unbegun(["At 5.", "Bye."], "At five.") == (["Bye."], "")


@given(st.booleans(), st.floats(0, 20_000), st.integers(1, 9), st.booleans())
def test_the_caller_waits_no_longer_than_an_outage_may_last(
    passing: bool, silent_ms: float, attempts: int, last: bool
) -> None:
    chosen = recovery(RULES, passing=passing, silent_ms=silent_ms, attempts=attempts, last=last)
    if not passing or (silent_ms >= RULES.outage_ms and attempts > 1):
        assert chosen is (Recovery.FAIL if last else Recovery.NEXT)
    elif last:
        assert chosen is Recovery.AGAIN
    else:
        assert chosen is (Recovery.AGAIN if silent_ms < RULES.fallback_ms else Recovery.NEXT)
