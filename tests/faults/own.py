"""Is what there is of a call its own: what was heard, recorded and written down of it?"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

from patter.audio.formats import MULAW_8K
from patter.audio.g711 import pcm16_to_mulaw
from patter.observe.codec import event_fields
from patter.observe.events import Row
from patter.observe.record_files import NAME
from patter.observe.recorder import NAME as WAV
from patter_testing.fakes.tts import read_back

from .audit_record import Record
from .marks import MS_PER_LETTER, is_noise, name_of, pieces, strange_names, strange_tones, tone_of
from .people import Case
from .phone import Phone, bare
from .talk import phrases

PHRASES = phrases()
MANY, DELAY, CUT = 10, 4, 9
"""Letters that are on the line while nobody knows it, and of a word that was cut, which does not
count as heard; so many may be missing for each time the agent was interrupted."""


def of_case(case: Case, phone: Phone, record: Record) -> Iterator[str]:
    """What of the call is not, by its far end, its recogniser, its record and its recording."""
    own, known = name_of(case.party), all_known(case.party, record)
    heard = phone.said(case.call) if case.call is not None else ""
    yield from _as_written(heard, record)
    for stream in case.call.streams if case.call is not None else ():
        leg = stream.leg
        yield from of_agent(
            "the far end", read_back(leg.heard(), leg.audio, MS_PER_LETTER), own, known
        )
    for session in phone.stt.sessions:
        if bare(case.party) in (bare(session.call.caller), bare(session.call.callee)):
            yield from of_caller("the recogniser", bytes(session.sent), case.party)
    folder = next(phone.log.rglob(f"{record.call_id}/{NAME}")).parent
    yield from of_words(folder / NAME, own)
    yield from _rows(case, record)
    if not phone.disk_full and (recording := folder / WAV).exists():
        yield from of_recording(recording, case.party, known, heard)


def _as_written(heard: str, record: Record) -> Iterator[str]:
    """As much as the record says was heard was heard; less or more is a little inexact."""
    rows = (event_fields(each) for each in record.events if isinstance(each, Row))
    written = sum(len(row["text"]) for row in rows if row["role"] == "agent")
    if not written - DELAY <= len(heard) <= written + DELAY + CUT * (1 + heard.count(".")):
        yield f"{len(heard)} letters were heard, and {written} written down: {heard!r}"


def all_known(party: str, record: Record) -> str:
    """All that this call's agent may say, and what the record has of it."""
    rows = (event_fields(each) for each in record.events if isinstance(each, Row))
    own = [f"{wish} {name_of(party)}." for wish in ("Yes", "Bye", "Wait")]
    return " ".join((*PHRASES, *own, *(row["text"] for row in rows if row["role"] == "agent")))


def of_agent(who: str, text: str, own: str, known: str) -> Iterator[str]:
    """What in *text*, which *who* heard, is not this call's agent's."""
    if strange := strange_names(text, own):
        yield f"{who} heard the agent of others: {strange}"
    if is_noise(text, known):
        yield f"{who} heard what no agent says: {pieces(text, known)}"


def of_caller(who: str, audio: bytes, party: str) -> Iterator[str]:
    """What in *audio*, which *who* heard, is not *party*'s."""
    if strange := strange_tones(audio, tone_of(party)):
        yield f"{who} heard the tones of others: {sorted(strange)[:5]}"


def of_words(path: Path, own: str) -> Iterator[str]:
    """Whose names are in the record at *path*, if not only *own*."""
    if strange := strange_names(path.read_text(encoding="utf-8"), own):
        yield f"the record has words of others: {strange}"


def _rows(case: Case, record: Record) -> Iterator[str]:
    rows = [event_fields(each) for each in record.events if isinstance(each, Row)]
    said = sum(row["role"] == "caller" and name_of(case.party) in row["text"] for row in rows)
    answered = sum(row["role"] == "agent" for row in rows)
    if case.answers and not (said and answered):
        yield f"{case.answers} answers were heard, and there are {len(rows)} rows: {rows}"


def of_recording(path: Path, party: str, known: str, heard: str) -> Iterator[str]:
    """The caller is on the left, the agent on the right, sample by sample."""
    with wave.open(str(path)) as recording:
        both = recording.readframes(recording.getnframes())
    left = b"".join(both[at : at + 2] for at in range(0, len(both), 4))
    right = b"".join(both[at + 2 : at + 4] for at in range(0, len(both), 4))
    yield from of_caller("the recording", pcm16_to_mulaw(left), party)
    text = read_back(pcm16_to_mulaw(right), MULAW_8K, MS_PER_LETTER)
    yield from of_agent("the recording", text, name_of(party), known)
    if len(heard) > MANY and not text:
        yield "the recording is silent"
