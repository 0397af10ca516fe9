"""What a language's periods mean: abbreviations, ordinals, the words that begin sentences.

Words are in lower case, without their last period; "p.m" also stands for "p. m".
"""

from __future__ import annotations

import attrs


def words(text: str | frozenset[str]) -> frozenset[str]:
    """The words of *text*, which are separated by space."""
    return frozenset(text.split()) if isinstance(text, str) else text


@attrs.frozen(kw_only=True)
class LanguageRules:
    """How a period behind a word is read when what follows is in capitals, or a number.

    *never*: no sentence ends with them ("e.g.", "Mrs."). *names*: streets, companies, and what
    belongs to a name; a sentence ends only before one of *starters*. *tail*: a sentence ends
    ("etc.", "p.m."), unless one of *times* or a weekday or month follows. *numbers*: part of the
    number behind them ("No. 5"). *months* and *weekdays*: "Jan. 5", "Mon. Jan. 5". *ordinals*:
    "3." is how the third is written. *endings*: of words that are like *names* ("Hauptstr.").
    *clipped*: words that are abbreviations before one in lower case ("temp.", "in.").
    """

    never: frozenset[str] = attrs.field(default="", converter=words)
    names: frozenset[str] = attrs.field(default="", converter=words)
    tail: frozenset[str] = attrs.field(default="", converter=words)
    numbers: frozenset[str] = attrs.field(default="", converter=words)
    months: frozenset[str] = attrs.field(default="", converter=words)
    weekdays: frozenset[str] = attrs.field(default="", converter=words)
    times: frozenset[str] = attrs.field(default="", converter=words)
    starters: frozenset[str] = attrs.field(default="", converter=words)
    endings: frozenset[str] = attrs.field(default="", converter=words)
    clipped: frozenset[str] = attrs.field(default="", converter=words)
    ordinals: bool = False
    listed: frozenset[str] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        kinds = (self.never, self.names, self.tail, self.numbers, self.months, self.weekdays)
        object.__setattr__(self, "listed", self.clipped.union(*kinds))

    def over(self, other: LanguageRules) -> LanguageRules:
        """These rules, and where they do not know a word, those of *other*."""
        words = self.never | self.names | self.tail | self.numbers | self.months | self.weekdays
        kinds = ("never", "names", "tail", "numbers", "months", "weekdays")
        merged = {name: getattr(self, name) | (getattr(other, name) - words) for name in kinds}
        return attrs.evolve(
            self,
            **merged,
            times=self.times | other.times,
            starters=self.starters or other.starters,
            ordinals=self.ordinals or other.ordinals,
        )
