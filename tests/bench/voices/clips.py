"""Makes every clip from seeds: nothing is recorded, so all of it may be shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from voices import formants, noises, texts
from voices.clip import Clip, Clips, chained, pauses
from voices.formants import THROATS
from voices.sound import Samples, at_level, telephone
from voices.speech import LEVEL_DB, Speaker, labelled, speak

NOISE_MS, FEW_NOISE_MS = 60_000.0, 10_000.0
# A word alone is often said more quietly than a sentence.
_SINGLES_DB = (-22.0, -30.0, -36.0, -40.0)


def shipped(seed: int = 1, few: int = 0) -> Clips:
    """All clips, or the first *few* of each kind, the same for the same arguments.

    In a process that has not spoken before: what espeak says depends a little on what it has
    said, so everything is made in one order.
    """
    most = few or None
    talks = [speak(text, speaker, name=speaker.name) for speaker, text in texts.TALKS]
    return Clips(
        source="synthetic",
        questions=tuple(speak(text, speaker) for speaker, text in texts.QUESTIONS[:most]),
        sentences=tuple(speak(text, speaker) for speaker, text in texts.SENTENCES[:most]),
        singles=tuple(
            clip.at(_SINGLES_DB[number % len(_SINGLES_DB)])
            for number, clip in enumerate(_each(texts.SINGLES, most))
        ),
        stops=tuple(clip.meaning("stop") for clip in _each(texts.STOPS, most)),
        backchannels=(*_hums(seed), *_each(texts.AGREEMENT, most))[:most],
        laughs=tuple(_bursts("laugh", formants.laugh, seed))[:most],
        coughs=tuple(_bursts("cough", formants.cough, seed))[:most],
        agents=tuple(talks[:3][:most]),
        strangers=tuple(talks[3:][:most]),
        monologues=tuple(_monologues(seed, most)),
        noises=_noises(seed, talks, NOISE_MS if most is None else FEW_NOISE_MS),
    )


def _each(lists: tuple[tuple[Speaker, tuple[str, ...]], ...], most: int | None) -> tuple[Clip, ...]:
    """Every word of every speaker, one of each first."""
    longest = max(len(words) for _, words in lists)
    turns = [(who, words[at]) for at in range(longest) for who, words in lists if at < len(words)]
    return tuple(speak(word, who) for who, word in turns[:most])


def _hums(seed: int) -> Iterator[Clip]:
    """ "Mm-hm" of every throat, "uh-huh" of every other one."""
    for number, throat in enumerate(THROATS):
        random = np.random.default_rng((seed, number))
        yield labelled(formants.hum_twice(throat, random), f"mm-hm {number}", "mm-hm")
        if number % 2:
            yield labelled(formants.grunt_twice(throat, random), f"uh-huh {number}", "uh-huh")


def _bursts(
    name: str,
    make: Callable[[formants.Throat, np.random.Generator], Samples],
    seed: int,
) -> Iterator[Clip]:
    """Two of every throat; nobody says a word."""
    for number, throat in enumerate(THROATS):
        for again in range(2):
            random = np.random.default_rng((seed, number, again))
            yield labelled(make(throat, random), f"{name} {number}.{again}", "").meaning("")


def _monologues(seed: int, most: int | None) -> Iterator[Clip]:
    """People who think while they speak: phrases with pauses of any length between them."""
    for speaker, phrases in texts.PHRASES[:most]:
        parts = [speak(phrase, speaker) for phrase in phrases]
        for again in range(3):
            random = np.random.default_rng((seed, speaker.throat, again))
            chosen = [parts[int(at)] for at in sorted(random.permutation(len(parts))[:6])]
            yield chained(f"{speaker.name} {again}", chosen, pauses(5, random))


def _noises(seed: int, talks: list[Clip], ms: float) -> dict[str, tuple[Clip, ...]]:
    """So much of each kind."""
    random = np.random.default_rng((seed, 99))
    people = [clip.samples for clip in talks]
    coughs = [formants.cough(throat, random) for throat in THROATS]
    laughs = [formants.laugh(throat, random) for throat in THROATS]
    lines = {
        "hold music": noises.music(ms, random),
        "keyboard": noises.keyboard(ms, random),
        "office": noises.office(ms, random, people),
        "cough": at_level(noises.spread(ms, coughs, random), LEVEL_DB),
        "laugh": at_level(noises.spread(ms, laughs, random), LEVEL_DB),
        "breath": noises.breaths(ms, random),
        "ringback": noises.ringback(ms),
        "DTMF": noises.keys(ms, random),
        "babble": noises.crowd(ms, random, people),
    }
    return {kind: (Clip(kind, telephone(line)),) for kind, line in lines.items()}
