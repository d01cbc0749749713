"""A phrase: prose with places for facts, which cites the facts it states by construction.

Places are written in braces:

- `{late_share}` is the fact's text; `{^mood_2}` the same with a capital first letter;
- `{days|day|days}` is a count with the noun that agrees with it: "1 day", "12 days";
- `{artist_1,artist_2,artist_3}` is a list of those that are known: "A, B and C".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spotify_insights.insights.fact import Fact, Unit
from spotify_insights.insights.narrators.narrative import Sentence

_PLACE: Final = re.compile(r"\{([^{}]+)\}")

# Anything but capitalised words of letters would be hard to tell from the sentence around it, or, with
# digits, from our own numbers: such names go between quotation marks.
_LONGEST_BARE_NAME: Final = 40
_BARE_NAME_MARKS: Final = " &'\u2019-/+"


@dataclass(frozen=True)
class Phrase:
    """One or more sentences for the phrasebook; `text` is what stands between the placeholders."""

    text: str

    @property
    def required(self) -> tuple[str, ...]:
        """Ids without which it cannot be told; of a list only the first is required."""
        return tuple(place.required for place in self._places)

    def render(self, facts: Mapping[str, Fact]) -> Sentence:
        """Fill the places. Raises KeyError where a required fact is missing: ask `required` first."""
        cited: list[str] = []

        def fill(match: re.Match[str]) -> str:
            place = _Place.parse(match[1])
            known = [facts[place.required], *(facts[i] for i in place.optional if i in facts)]
            cited.extend(fact.id for fact in known)
            return place.wording(known)

        text = _PLACE.sub(fill, _typeset(self.text))
        return Sentence(text=text, fact_ids=tuple(dict.fromkeys(cited)))

    @property
    def _places(self) -> list["_Place"]:
        return [_Place.parse(inside) for inside in _PLACE.findall(self.text)]


@dataclass(frozen=True)
class _Place:
    required: str
    optional: tuple[str, ...]
    nouns: tuple[str, ...]
    capital: bool

    @classmethod
    def parse(cls, inside: str) -> "_Place":
        ids, *nouns = inside.split("|")
        first, *others = ids.removeprefix("^").split(",")
        return cls(required=first, optional=tuple(others), nouns=tuple(nouns), capital=inside.startswith("^"))

    def wording(self, facts: list[Fact]) -> str:
        texts = [_displayed(fact) for fact in facts]
        text = " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]
        if self.nouns:
            singular, plural = self.nouns
            text = f"{text} {singular if facts[0].value == 1 else plural}"
        return text[0].upper() + text[1:] if self.capital else text


def _displayed(fact: Fact) -> str:
    if not fact.unit.is_name:
        return fact.text
    if fact.unit is Unit.TRACK_NAME or not _is_bare(fact):
        return f"“{fact.text}”"
    return fact.text


def _is_bare(fact: Fact) -> bool:
    name = fact.text
    if len(name) > _LONGEST_BARE_NAME or (fact.unit is Unit.ARTIST_NAME and not name[0].isupper()):
        return False
    return name[-1].isalpha() and all(c.isalpha() or c in _BARE_NAME_MARKS for c in name)


def _typeset(text: str) -> str:
    return text.replace("'", "\u2019")
