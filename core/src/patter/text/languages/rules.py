"""What a language's periods mean: abbreviations, ordinals, the words that begin sentences.

Words are in lower case, without their last period; "p.m" also stands for "p. m".
"""

from __future__ import annotations

import attrs


def words(text: str | frozenset[str]) -> frozenset[str]:
    """The words of *text*, which are separated by space."""
    return frozenset(text.split()) if isinstance(text, str) else text


def _field() -> frozenset[str]:
    field: frozenset[str] = attrs.field(default=frozenset(), converter=words)
    return field


@attrs.frozen(kw_only=True)
class LanguageRules:
    """How a period behind a word is read when what follows is in capitals, or a number.

    *never*: no sentence ends with them ("e.g.", "Mrs."). *names*: streets, companies, and what
    a name may follow or precede; a sentence ends only before one of *starters*. *tail*: a sentence ends ("etc.", "p.m."), unless one of
    *times* or a weekday or month follows. *numbers*: part of the number behind them ("No. 5").
    *months* and *weekdays*: "Jan. 5", "Mon. Jan. 5". *ordinals*: "3." is how the third is
    written. *endings*: of words that are like *names* ("Hauptstr.").
    """

    never: frozenset[str] = _field()
    names: frozenset[str] = _field()
    tail: frozenset[str] = _field()
    numbers: frozenset[str] = _field()
    months: frozenset[str] = _field()
    weekdays: frozenset[str] = _field()
    times: frozenset[str] = _field()
    starters: frozenset[str] = _field()
    endings: frozenset[str] = _field()
    ordinals: bool = False

    def over(self, other: LanguageRules) -> LanguageRules:
        """These rules, and where they do not know a word, those of *other*."""
        known = self.never | self.names | self.tail | self.numbers | self.months | self.weekdays
        kinds = ("never", "names", "tail", "numbers", "months", "weekdays")
        merged = {name: getattr(self, name) | (getattr(other, name) - known) for name in kinds}
        return attrs.evolve(
            self,
            **merged,
            times=self.times | other.times,
            starters=self.starters or other.starters,
            ordinals=self.ordinals or other.ordinals,
        )
