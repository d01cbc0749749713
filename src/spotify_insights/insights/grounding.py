"""The gate: every narrative passes it before it is stored, whoever wrote it.

It is deterministic and errs on the strict side. What it cannot know is whether a sentence without
numbers is true; it can know that every number, name and citation comes from the brief, and that the
words stay within what this type of insight may talk about.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from spotify_insights.insights.brief import Brief
from spotify_insights.insights.fact import Fact, Unit
from spotify_insights.insights.forbidden_words import forbidden_words
from spotify_insights.insights.narrators.narrative import Narrative, Paragraph, Sentence

MAX_HEADLINE: Final = 140
MAX_PARAGRAPH: Final = 1600
MIN_CONTENT: Final = 80
MAX_CONTENT: Final = 6000

_QUOTED: Final = re.compile(r"“([^”]*)”|\"([^\"]*)\"")
_MARKUP: Final = re.compile(
    r"[<>{}`\\]|\[[^\]]*\]\(|\*\*|__|^\s*(?:#|[-*] )|https?:|www\.|\b[\w-]+\.(?:com|net|org|io|app|dev)\b",
    re.IGNORECASE | re.MULTILINE,
)
# "One" and "second" are left out: they are pronoun and order far more often than quantity.
_NUMBER_WORDS: Final = re.compile(
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|dozens?|twice|thrice|half|halves"
    r"|thirds?|quarters?|fifths?|tenths?|doubled?|triple|percent|per cent)\b",
    re.IGNORECASE,
)
# Nouns that say what a number counts; a fact of another unit does not support "50 plays".
_UNIT_NOUNS: Final[Mapping[str, Unit]] = {
    "artist": Unit.ARTISTS,
    "artists": Unit.ARTISTS,
    "beats": Unit.BPM,
    "bpm": Unit.BPM,
    "day": Unit.DAYS,
    "days": Unit.DAYS,
    "genre": Unit.GENRES,
    "genres": Unit.GENRES,
    "hour": Unit.HOURS,
    "hours": Unit.HOURS,
    "moods": Unit.MOODS,
    "play": Unit.PLAYS,
    "plays": Unit.PLAYS,
    "points": Unit.POINTS,
    "song": Unit.TRACKS,
    "songs": Unit.TRACKS,
    "track": Unit.TRACKS,
    "tracks": Unit.TRACKS,
}
# Words before a number that make it another number.
_COMPARED: Final = (
    r"(?:\b(under|over|above|below|nearly|almost|(?:more|less|fewer) than|at (?:least|most))\s)?"
)


def ungrounded(narrative: Narrative, brief: Brief) -> list[str]:
    """Return why the narrative may not be shown, one sentence per reason; empty where it may.

    Checks that every part cites known facts with the brief's own values; that every number (digits,
    percent, times, decimals, number words) is the text of a fact cited by that part, of a fitting unit;
    that everything between quotation marks is a cited name; that there is no markup, link, control
    or bidirectional character; that no forbidden word occurs outside names; and the lengths.
    """
    known = brief.facts_by_id
    reasons = [*_length_reasons(narrative), *_fact_reasons(narrative, known)]
    for part_name, part in _parts(narrative):
        cited = [known[fact_id] for fact_id in part.fact_ids if fact_id in known]
        prose = _without_names(part.text, cited)
        found = [
            *_citation_reasons(part, known),
            *_quotation_reasons(part.text, cited),
            *_number_reasons(prose, cited),
            *_plainness_reasons(part.text, prose),
            *forbidden_words(prose, brief.insight_type),
        ]
        reasons += [f"{part_name}: {reason}" for reason in found]
    return [*reasons, *_whole_reasons(narrative, brief)]


def _parts(narrative: Narrative) -> Iterable[tuple[str, Sentence | Paragraph]]:
    yield "Headline", narrative.headline
    for place, paragraph in enumerate(narrative.paragraphs, start=1):
        yield f"Paragraph {place}", paragraph
    for place, highlight in enumerate(narrative.highlights, start=1):
        yield f"Highlight {place}", highlight


def _length_reasons(narrative: Narrative) -> list[str]:
    reasons = []
    if not narrative.paragraphs:
        reasons.append("There is no paragraph.")
    if not 0 < len(narrative.headline.text) <= MAX_HEADLINE:
        reasons.append(f"The headline must have 1 to {MAX_HEADLINE} characters.")
    if any(not 0 < len(paragraph.text) <= MAX_PARAGRAPH for paragraph in narrative.paragraphs):
        reasons.append(f"A paragraph must have 1 to {MAX_PARAGRAPH} characters.")
    if not MIN_CONTENT < len(narrative.content) <= MAX_CONTENT:
        reasons.append(f"The whole must have more than {MIN_CONTENT} and at most {MAX_CONTENT} characters.")
    return reasons


def _fact_reasons(narrative: Narrative, known: Mapping[str, Fact]) -> list[str]:
    return [
        f"The fact {fact.id} is not the brief's." for fact in narrative.facts if known.get(fact.id) != fact
    ]


def _citation_reasons(part: Sentence | Paragraph, known: Mapping[str, Fact]) -> list[str]:
    if not part.fact_ids:
        return ["it cites no fact."]
    return [
        f"it cites {fact_id}, which is not in the brief." for fact_id in part.fact_ids if fact_id not in known
    ]


def _quotation_reasons(text: str, cited: list[Fact]) -> list[str]:
    names = {fact.text for fact in cited if fact.unit.is_name}
    quoted = (match[1] or match[2] or "" for match in _QUOTED.finditer(text))
    return [f"“{words}” is not a name that it cites." for words in quoted if words not in names]


def _without_names(text: str, cited: list[Fact]) -> str:
    """Take cited names out: between quotation marks all, elsewhere only those without a digit.

    A bare name made of digits could stand in for any number, so narrators put it in quotation marks.
    """
    names = sorted({fact.text for fact in cited if fact.unit.is_name}, key=len, reverse=True)
    for name in names:
        text = text.replace(f"“{name}”", " ").replace(f'"{name}"', " ")
    for name in names:
        if not any(character.isnumeric() for character in name):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


def _number_reasons(prose: str, cited: list[Fact]) -> list[str]:
    reasons: list[str] = []
    units: dict[str, set[Unit]] = {}
    for fact in cited:
        if not fact.unit.is_name:
            units.setdefault(fact.text, set()).add(fact.unit)
    for text in sorted(units, key=len, reverse=True):
        if not (_NUMBER_WORDS.search(text) or any(character.isnumeric() for character in text)):
            continue
        stated = _statement_of(text)
        for match in stated.finditer(prose):
            unit = _UNIT_NOUNS.get((match[2] or "").lower())
            if unit is not None and unit not in units[text]:
                reasons.append(f"“{text} {match[2]}” gives a fact another unit.")
            if match[1] is not None:
                reasons.append(f"“{match[1]} {text}” is not what the fact says.")
        prose = stated.sub(" ", prose)
    strays = re.findall(r"\S*\d\S*", prose)
    strays += [match[0] for match in _NUMBER_WORDS.finditer(prose)]
    strays += [c for c in prose if c.isnumeric() and not c.isdecimal()]
    return reasons + [f"the number “{stray}” is not a fact that it cites." for stray in strays]


def _statement_of(text: str) -> re.Pattern[str]:
    """Find the text as a whole number (not the 41 of 141, 4,141, 0.41 or 41%) and the words around it."""
    before, after = r"(?<![\w\-\u2212])(?<!\d[.,:])", r"(?!\w|[.,:]\d|\s?%)"
    return re.compile(
        rf"{_COMPARED}{before}{re.escape(text)}{after}(?=\s?(\w+)?)",
        re.IGNORECASE,
    )


def _plainness_reasons(text: str, prose: str) -> list[str]:
    reasons = []
    if (markup := _MARKUP.search(prose)) is not None:
        reasons.append(f"“{markup[0]}” looks like markup or a link.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for character in text):
        reasons.append("it contains control or invisible characters.")
    return reasons


def _whole_reasons(narrative: Narrative, brief: Brief) -> list[str]:
    known = brief.facts_by_id
    questions = 0
    for paragraph in narrative.paragraphs:
        cited = [known[fact_id] for fact_id in paragraph.fact_ids if fact_id in known]
        questions += _without_names(paragraph.text, cited).count("?")
    if brief.insight_type == "wellness" and questions > 1:
        return ["A wellness insight asks at most one question."]
    return []
