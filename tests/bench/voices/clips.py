"""Makes every clip from seeds: nothing is recorded, so all of it may be shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from voices import formants, noises, texts
from voices.clip import Clip, Clips, chained
from voices.formants import THROATS
from voices.sound import Samples, at_level, telephone
from voices.speech import LEVEL_DB, Speaker, labelled, speak

NOISE_MS = 60_000
_PAUSES_MS = (250, 1_400)


def shipped(seed: int = 1) -> Clips:
    """All clips, the same for the same *seed* in a process that has not spoken before.

    What espeak says depends a little on what it has said, so everything is made in one order.
    """
    talks = [speak(text, speaker, name=speaker.name) for speaker, text in texts.TALKS]
    return Clips(
        source="synthetic",
        questions=tuple(speak(text, speaker) for speaker, text in texts.QUESTIONS),
        sentences=tuple(speak(text, speaker) for speaker, text in texts.SENTENCES),
        singles=tuple(_each(texts.SINGLES)),
        stops=tuple(clip.meaning("stop") for clip in _each(texts.STOPS)),
        backchannels=(*_hums(seed), *_each(texts.AGREEMENT)),
        laughs=tuple(_bursts("laugh", formants.laugh, seed, 2)),
        coughs=tuple(_bursts("cough", formants.cough, seed, 2)),
        agents=tuple(talks[:3]),
        strangers=tuple(talks[3:]),
        monologues=tuple(_monologues(seed)),
        noises=_noises(seed, talks),
    )


def _each(lists: tuple[tuple[Speaker, tuple[str, ...]], ...]) -> Iterator[Clip]:
    for speaker, words in lists:
        for word in words:
            yield speak(word, speaker)


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
    each: int,
) -> Iterator[Clip]:
    """So many of every throat; nobody says a word."""
    for number, throat in enumerate(THROATS):
        for again in range(each):
            random = np.random.default_rng((seed, number, again))
            yield labelled(make(throat, random), f"{name} {number}.{again}", "").meaning("")


def _monologues(seed: int) -> Iterator[Clip]:
    """People who think while they speak: phrases with pauses of any length between them."""
    for speaker, phrases in texts.PHRASES:
        parts = [speak(phrase, speaker) for phrase in phrases]
        for again in range(3):
            random = np.random.default_rng((seed, speaker.throat, again))
            chosen = [parts[int(at)] for at in sorted(random.permutation(len(parts))[:6])]
            gaps = np.exp(random.uniform(*np.log(_PAUSES_MS), size=5))
            yield chained(f"{speaker.name} {again}", chosen, [float(gap) for gap in gaps])


def _noises(seed: int, talks: list[Clip]) -> dict[str, tuple[Clip, ...]]:
    """A minute of each kind."""
    random = np.random.default_rng((seed, 99))
    people = [clip.samples for clip in talks]
    coughs = [formants.cough(throat, random) for throat in THROATS]
    laughs = [formants.laugh(throat, random) for throat in THROATS]
    lines = {
        "hold music": noises.music(NOISE_MS, random),
        "keyboard": noises.keyboard(NOISE_MS, random),
        "office": noises.office(NOISE_MS, random, people),
        "cough": at_level(noises.spread(NOISE_MS, coughs, random), LEVEL_DB),
        "laugh": at_level(noises.spread(NOISE_MS, laughs, random), LEVEL_DB),
        "breath": noises.breaths(NOISE_MS, random),
        "ringback": noises.ringback(NOISE_MS),
        "DTMF": noises.keys(NOISE_MS, random),
        "babble": noises.crowd(NOISE_MS, random, people),
    }
    return {kind: (Clip(kind, telephone(line)),) for kind, line in lines.items()}
