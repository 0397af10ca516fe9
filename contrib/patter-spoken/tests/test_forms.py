"""What is said is what is written, every digit of it, and nothing else changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError
from patter.text.respelling import respelled
from patter_spoken import spoken_forms
from patter_spoken.numerals import cardinal
from patter_spoken.words import LANGUAGES

languages = st.sampled_from(sorted(LANGUAGES))
SIGNS = "$€£%@+-().,:/ "
texts = st.text(
    st.sampled_from("0123456789" + SIGNS + "ABab hñ\u00a0٣²") | st.characters(), max_size=40
)


def spoken(language: str, text: str) -> str:
    return respelled(text, [spoken_forms(language)]).spoken


def digits_in(language: str, said: str) -> str:
    """The digits that are read out one by one in *said*."""
    names = {cardinal(LANGUAGES[language].lang, digit): str(digit) for digit in range(10)}
    return "".join(names.get(word.strip(",.!"), "") for word in said.split())


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "It is $3.50.", "It is three dollars and fifty cents."),
        ("en", "£1.01 or £0.02", "one pound and one penny or zero pounds and two pence"),
        ("en", "€1,234 or 1 EUR", "one thousand, two hundred and thirty-four euros or one euro"),
        ("en", "$1.5 or $1,000,000", "one point five dollars or one million dollars"),
        ("en", "At 14:30, 9:05 pm, 9:00.", "At two thirty p.m., nine oh five p.m., nine o'clock."),
        ("en", "At 0:15.", "At twelve fifteen a.m."),
        ("en", "The 3rd at 3.75 km, -5, 12%.", None),
        (
            "en",
            "In 2024, 2024 guests.",
            "In twenty twenty-four, two thousand and twenty-four guests.",
        ),
        ("en", "On July 4, 2026.", "On July fourth, twenty twenty-six."),
        ("en", "By 2026-11-29.", "By November twenty-ninth, twenty twenty-six."),
        ("en", "By 11/29/2026.", "By November twenty-ninth, twenty twenty-six."),
        ("en", "Your code is 4821.", "Your code is four eight two one."),
        ("en", "Order X7-99Q1.", "Order X seven, nine nine Q one."),
        ("en", "anna.smith-2@b.co", "anna dot smith dash two at b dot co"),
        ("en", "Call 555-0123", "Call five five five, zero one two three"),
        ("de", "12,50 € oder 1 €", "zwölf Euro fünfzig oder ein Euro"),
        ("de", "Am 3. Juli um 14:30 Uhr.", "Am dritten Juli um vierzehn Uhr dreißig."),
        (
            "de",
            "der 3. Mai, 1.234 Gäste",
            "der dritte Mai, eintausendzweihundertvierunddreißig Gäste",
        ),
        ("de", "20 % von 3,50", "zwanzig Prozent von drei Komma fünf null"),
        (
            "fr",
            "12,50 € le 1/12/2026",
            "douze euros cinquante le premier décembre deux mille vingt-six",
        ),
        ("fr", "à 14h30, 10 000 voix", "à quatorze heures trente, dix mille voix"),
        ("es", "21 € a la 1:00, la 3ª", "veintiún euros a la una, la tercera"),
        ("it", "1,50 € alle 14:30", "un euro e cinquanta alle quattordici e trenta"),
        ("pt", "R$ 12,50 às 22:15", "doze reais e cinquenta às vinte e duas e quinze"),
        ("pt", "em 01/07/2026", "em primeiro de julho de dois mil e vinte e seis"),
        ("nl", "€ 2 om 14:30 uur, de 3e", "twee euro om veertien uur dertig, de derde"),
    ],
)
def test_it_is_said_as_people_say_it(language: str, written: str, said: str | None) -> None:
    if said is None:
        said = "The third at three point seven five km, minus five, twelve percent."
    assert spoken(language, written) == said


@pytest.mark.parametrize(
    "text",
    [
        *("$1.2 million", "5-7", "v2.0", "1.2.3", "192.168.0.1", "COVID-19", "MP3", "a 4x4"),
        *("31.02.2026", "20°C", "x=5", "https://a.b/c?d=5", "#5", "3:2", "25:70", "٣٣٣", "1,2,3"),
    ],
)
def test_what_is_not_certain_is_left_to_the_voice(text: str) -> None:
    assert spoken("en", text) == text
    assert spoken("de", text) == text


@given(languages, st.text(st.characters(blacklist_categories=["Nd"], blacklist_characters="@")))
def test_a_text_without_digits_and_addresses_is_unchanged(language: str, text: str) -> None:
    assert list(spoken_forms(language)(text)) == []


@given(languages, texts)
def test_any_text_can_be_said_and_what_is_left_is_as_it_was(language: str, text: str) -> None:
    at = 0
    for span in spoken_forms(language)(text):
        assert at <= span.start < span.end <= len(text)
        assert span.spoken and not any(char.isdigit() for char in span.spoken)
        assert any(char in "0123456789@" for char in text[span.start : span.end])
        at = span.end


@given(languages, st.from_regex(r"\+[1-9][0-9]{1,2} [0-9]{2,4}[ -][0-9]{3,7}", fullmatch=True))
def test_a_phone_number_keeps_every_digit(language: str, number: str) -> None:
    said = spoken(language, f"Call {number}!")
    assert digits_in(language, said) == "".join(filter(str.isdigit, number))


@given(languages, st.from_regex(r"[A-Z]{1,3}[0-9]{3,6}(-[0-9]{2}[A-Z]{2})?", fullmatch=True))
def test_a_code_keeps_every_sign(language: str, code: str) -> None:
    said = spoken(language, f"{code}.").replace(",", "").replace(".", "")
    names = {cardinal(LANGUAGES[language].lang, digit): str(digit) for digit in range(10)}
    assert "".join(names.get(word, word) for word in said.split()) == code.replace("-", "")


@given(
    languages,
    st.from_regex(r"[a-z]{1,5}[._+-]?[a-z]{1,3}[0-9]{0,4}@[a-z]{1,5}\.[a-z]{2,3}", fullmatch=True),
)
def test_an_address_keeps_every_sign(language: str, address: str) -> None:
    signs = LANGUAGES[language].signs
    said = f" {spoken(language, address)} "
    assert f" {signs['at']} " in said and f" {signs['dot']} " in said
    assert digits_in(language, said) == "".join(filter(str.isdigit, address))


def _money(cents: int, language: str) -> str:
    point = LANGUAGES[language].decimal
    return f"{cents // 100}{point}{cents % 100:02} €" if language != "en" else f"€{cents / 100:.2f}"


def _moment(minute: int, language: str) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def _day(days: int, language: str) -> str:
    return date.fromordinal(days).isoformat()


@pytest.mark.parametrize(
    ("values", "write"),
    [
        (st.integers(0, 9_999_99), _money),
        (st.integers(0, 24 * 60 - 1), _moment),
        (st.integers(date(1900, 1, 1).toordinal(), date(2099, 1, 1).toordinal()), _day),
        (st.integers(0, 999_999), lambda n, _: f"{n}"),
        (st.integers(0, 100), lambda n, _: f"{n}%"),
    ],
    ids=["money", "time", "date", "number", "share"],
)
@given(languages, st.data())
def test_two_that_are_not_the_same_do_not_sound_the_same(
    values: st.SearchStrategy[int], write: Any, language: str, data: st.DataObject
) -> None:
    one, other = data.draw(values), data.draw(values)
    said = [spoken(language, f"Es {write(each, language)} ja") for each in (one, other)]
    assert (said[0] == said[1]) is (one == other)
    assert not any(char.isdigit() for char in said[0])


@given(
    languages,
    st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}", fullmatch=True),
)
def test_decimals_are_all_said(language: str, whole: str, decimals: str) -> None:
    words = LANGUAGES[language]
    said = spoken(language, f"{whole}{words.decimal}{decimals}")
    head, point, tail = said.partition(f" {words.signs['point']} ")
    assert head and point and digits_in(language, tail) == decimals


def test_a_tag_of_a_country_is_that_of_its_language() -> None:
    assert spoken_forms("pt-BR") is spoken_forms("pt") is spoken_forms("PT_br")


def test_a_language_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(PatterConfigError, match="'ja'") as refused:
        spoken_forms("ja")
    assert "de, en, es, fr, it, nl, pt" in refused.value.fix


def test_a_long_text_takes_no_longer_than_it_is_long() -> None:
    for text in (
        "1" * 30_000,
        "a." * 20_000,
        "1 " * 10_000,
        "A1-" * 10_000,
        "(" * 30_000,
        "1." * 20_000,
    ):
        assert spoken("en", text)
