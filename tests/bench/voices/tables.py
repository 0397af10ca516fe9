"""The tables: which talks each is made of, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs

from voices import hearing, judge
from voices.clip import Clip, Clips
from voices.sound import active_db
from voices.table import Table, of
from voices.talks import Outcome, Settings, Talk, run

SOON_MS = 450
ECHO_DB = (-10.0, -20.0, -30.0, -40.0, -50.0)
SILENCE_MS = (300, 500, 700, 900, 1_200)
_BELOW_DB, _BEHIND_MS = 10.0, 30_000.0
_BRIEF_MS = 8_000.0
Make = Callable[[Clips, Sequence[Settings]], Table]


def echo(clips: Clips, every: Sequence[Settings]) -> Table:
    """Nobody says a word after the question; the agent hears itself, 200 ms late."""
    levels = [f"{db:g} dB" for db in ECHO_DB]
    table = Table("The agent's own echo: false cuts", clips.source, ("settings", "calls", *levels))
    for settings in every:
        cuts = [
            sum(len(run(talk, settings).cuts) for talk in _answers(clips, echo_db=db))
            for db in ECHO_DB
        ]
        table.add(settings.name, len(clips.agents), *cuts)
        if settings is every[0]:
            table.figures |= {
                f"echo at {db:g} dB: false cuts": float(count)
                for db, count in zip(ECHO_DB, cuts, strict=True)
            }
    return table


def over_echo(clips: Clips, every: Sequence[Settings]) -> Table:
    """Real interruptions while the agent hears itself."""
    columns = ("settings", "echo", "sentences cut", "silence p50 ms", "stop cut", "silence p50 ms")
    table = Table("Interruptions over the agent's echo", clips.source, columns)
    cut = total = 0
    for db in (-20.0, -30.0):
        groups = [
            [run(talk, every[0]) for talk in _over(clips, each, echo_db=db, stay_ms=_BRIEF_MS)]
            for each in (clips.sentences[::2], clips.stops[::2])
        ]
        cells = [cell for group in groups for cell in (_cut(group), _silence(group))]
        table.add(every[0].name, f"{db:g} dB", *cells)
        cut += sum(judge.was_cut(each) for group in groups for each in group)
        total += sum(map(len, groups))
    table.figures["interruptions over echo: cut"] = 100 * cut / total
    return table


def single_words(clips: Clips, every: Sequence[Settings]) -> Table:
    """The detector alone: one word on a fresh line, and five seconds after somebody has talked."""
    columns = ("detector", "before any speech", "5 s after a talk")
    table = Table("Single words heard", clips.source, columns)
    for settings in _detectors(every):
        vad, words, before = settings.detector(), clips.singles, _long_talks(clips)
        fresh = sum(hearing.hears(vad, word) for word in words)
        after = sum(
            hearing.hears(vad, word, before[number % len(before)])
            for number, word in enumerate(words)
        )
        table.add(settings.vad, of(fresh, len(words)), of(after, len(words)))
        if settings is every[0]:
            table.figures["words after speech: heard"] = 100 * after / len(words)
    return table


def false_starts(clips: Clips, every: Sequence[Settings]) -> Table:
    """The detector alone, where nobody speaks."""
    table = Table("False starts a minute", clips.source, ("detector", *clips.noises))
    for settings in _detectors(every):
        vad = settings.detector()
        rates = [hearing.starts_a_minute(vad, noise) for noise in clips.noises.values()]
        table.add(settings.vad, *rates)
        if settings is every[0]:
            for kind, rate in zip(clips.noises, rates, strict=True):
                table.figures[f"false starts a minute: {kind}"] = rate
    return table


def backchannels(clips: Clips, every: Sequence[Settings]) -> Table:
    """ "Mm-hm" while the agent speaks."""
    return _noise_over("mm-hm", '"Mm-hm" over the answer', clips, clips.backchannels, every)


def laughs(clips: Clips, every: Sequence[Settings]) -> Table:
    """Somebody laughs while the agent speaks."""
    return _noise_over("laughs", "Laughs over the answer", clips, clips.laughs, every)


def coughs(clips: Clips, every: Sequence[Settings]) -> Table:
    """Somebody coughs while the agent speaks."""
    return _noise_over("coughs", "Coughs over the answer", clips, clips.coughs, every)


def stops(clips: Clips, every: Sequence[Settings]) -> Table:
    """ "Stop" while the agent speaks."""
    return _words_over("stop", '"Stop" over the answer', clips, clips.stops, every)


def interruptions(clips: Clips, every: Sequence[Settings]) -> Table:
    """Whole sentences while the agent speaks."""
    return _words_over("interruptions", "Real interruptions", clips, clips.sentences, every)


def voice_behind(clips: Clips, every: Sequence[Settings]) -> Table:
    """A second voice, 10 dB below the caller, goes on after the caller has finished."""
    columns = ("settings", "calls", "turn taken p50 ms", "latest ms", "never")
    table = Table("A second voice after the question", clips.source, columns)
    talks = [
        Talk(question=question, agent=agent, behind=behind, behind_ms=begin, stay_ms=500)
        for question, agent, behind in _strangers(clips)
        for begin in (-1_000.0, 300.0)
    ]
    for settings in every:
        waits = [judge.turn_ms(run(talk, settings)) for talk in talks]
        never = sum(wait >= judge.NEVER_MS for wait in waits)
        latest = max((wait for wait in waits if wait < judge.NEVER_MS), default=None)
        table.add(settings.name, len(waits), judge.p50(waits), latest, never)
        if settings is every[0]:
            table.figures["second voice: turn taken, latest"] = max(waits)
    return table


def voice_under(clips: Clips, every: Sequence[Settings]) -> Table:
    """The same voice under the answer."""
    columns = ("settings", "calls", "heard p50 s", "least s", "cuts")
    table = Table("A second voice under the answer: heard of 16 s", clips.source, columns)
    talks = [
        Talk(question=question, agent=agent, behind=behind, behind_ms=begin, behind_answer=True)
        for question, agent, behind in _strangers(clips)
        for begin in (500.0, 3_000.0)
    ]
    for settings in every:
        found = [run(talk, settings) for talk in talks]
        heard = list(map(judge.answer_s, found))
        cells = (f"{judge.p50(heard):.1f}", f"{min(heard):.1f}")
        table.add(settings.name, len(found), *cells, sum(len(each.cuts) for each in found))
        if settings is every[0]:
            table.figures["second voice: answer heard, least"] = min(heard)
    return table


def monologues(clips: Clips, every: Sequence[Settings]) -> Table:
    """People who think while they speak, by the patience of the agent."""
    columns = ("silence_ms", "monologues", "early commits", "heard over the caller")
    table = Table("Monologues with pauses", clips.source, columns)
    for silence_ms in SILENCE_MS:
        chosen = {**every[0].agent, "silence_ms": silence_ms}
        settings = attrs.evolve(every[0], agent=chosen)
        early = over = 0
        for number, clip in enumerate(clips.monologues):
            agent = clips.agents[number % len(clips.agents)]
            outcome = run(Talk(question=clip, agent=agent, stay_ms=clip.ms), settings)
            early += judge.early_commits(outcome)
            over += judge.heard_over(outcome, clip)
        table.add(silence_ms, len(clips.monologues), early, over)
    return table


TABLES: Mapping[str, Make] = MappingProxyType(
    {
        "echo": echo,
        "over-echo": over_echo,
        "words": single_words,
        "false-starts": false_starts,
        "mm-hm": backchannels,
        "stop": stops,
        "laughs": laughs,
        "coughs": coughs,
        "voice-behind": voice_behind,
        "voice-under": voice_under,
        "interruptions": interruptions,
        "monologues": monologues,
    }
)


def _noise_over(
    figure: str, title: str, clips: Clips, over: Sequence[Clip], every: Sequence[Settings]
) -> Table:
    columns = ("settings", "cut", "hole p50 ms", "longest ms", "words lost", "of")
    table = Table(title, clips.source, columns)
    for settings in every if over else ():
        found = [run(talk, settings) for talk in _over(clips, over)]
        holes = [judge.hole_ms(each) for each in found if not judge.was_cut(each)]
        middle, lost = judge.p50(holes), sum(map(judge.words_lost, found))
        longest = max(holes, default=None)
        table.add(settings.name, _cut(found), middle, longest, lost, len(found) * judge.WORDS)
        if settings is every[0]:
            table.figures[f"{figure}: cut"] = float(sum(map(judge.was_cut, found)))
            if middle is not None:
                table.figures[f"{figure}: hole p50"] = middle
    return table


def _words_over(
    figure: str, title: str, clips: Clips, over: Sequence[Clip], every: Sequence[Settings]
) -> Table:
    columns = ("settings", "cut", "silence p50 ms", "latest ms", f"within {SOON_MS} ms")
    table = Table(title, clips.source, columns)
    for settings in every:
        found = [run(talk, settings) for talk in _over(clips, over, stay_ms=_BRIEF_MS)]
        silences = list(map(judge.silence_ms, found))
        middle = _silence(found)
        latest = max((each for each in silences if each is not None), default=None)
        soon = f"{judge.within(silences, SOON_MS):.0f} %"
        table.add(settings.name, _cut(found), middle, latest, soon)
        if settings is every[0]:
            share = 100 * sum(map(judge.was_cut, found)) / len(found)
            table.figures[f"{figure}: cut"] = share
            if middle is not None:
                table.figures[f"{figure}: silence p50"] = middle
    return table


def _answers(clips: Clips, echo_db: float) -> Iterable[Talk]:
    for number, agent in enumerate(clips.agents):
        question = clips.questions[number % len(clips.questions)]
        yield Talk(question=question, agent=agent, echo_db=echo_db, seed=number)


def _over(
    clips: Clips,
    over: Sequence[Clip],
    *,
    echo_db: float | None = None,
    stay_ms: float = 20_000.0,
) -> Iterable[Talk]:
    """Each of *over* comes at another point of the answer."""
    for number, clip in enumerate(over):
        yield Talk(
            question=clips.questions[number % len(clips.questions)],
            agent=clips.agents[number % len(clips.agents)],
            over=clip,
            over_ms=1_500 + 130 * (number % 8),
            echo_db=echo_db,
            stay_ms=stay_ms,
            seed=number,
        )


def _strangers(clips: Clips) -> Iterable[tuple[Clip, Clip, Clip]]:
    """A question, who answers, and who goes on speaking behind it, 10 dB below the question."""
    for number, stranger in enumerate(clips.strangers):
        question = clips.questions[number % len(clips.questions)]
        behind = stranger.repeated(_BEHIND_MS).at(active_db(question.samples) - _BELOW_DB)
        yield question, clips.agents[number % len(clips.agents)], behind


def _long_talks(clips: Clips) -> list[Clip]:
    """The four longest: the longer somebody has talked, the more a detector remembers."""
    return sorted((*clips.sentences, *clips.strangers), key=lambda clip: -clip.ms)[:4]


def _detectors(every: Sequence[Settings]) -> list[Settings]:
    """The first settings of each detector."""
    return list({settings.vad: settings for settings in reversed(every)}.values())[::-1]


def _cut(found: Sequence[Outcome]) -> str:
    return of(sum(map(judge.was_cut, found)), len(found))


def _silence(found: Sequence[Outcome]) -> float | None:
    return judge.p50(each for each in map(judge.silence_ms, found) if each is not None)
