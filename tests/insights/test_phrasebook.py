import re
from itertools import product

import pytest

from invented_listeners import commuter, devotee, night_owl, office_listener
from invented_weeks import fitting
from spotify_insights.insights.brief import compose_brief
from spotify_insights.insights.fact import Unit, count, share, wording
from spotify_insights.insights.forbidden_words import forbidden_words
from spotify_insights.insights.narrators.template.phrase import Phrase
from spotify_insights.insights.narrators.template.phrasebook import (
    highlights,
    parse_phrasebook,
    phrasebook,
)
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.time_range import CalendarRange

EVERY_KIND = list(product(InsightType, ToneMode))

# Written for this test, wider than the gate's own lists where a word would be in bad taste anywhere.
NEVER = re.compile(
    r"\b(?:health|depress|anxi|therap|disorder|lonel|insomnia|suicid|trauma|addict|crazy|insane|psycho|obsess"
    r"|sick|diet|pills?|drug|drunk|kill|die[sd]?\b|dead)",
    re.IGNORECASE,
)


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_every_tone_can_tell_the_same_things(insight_type: InsightType, tone: ToneMode) -> None:
    names = [{n for n in phrasebook(insight_type, t) if not n.startswith("closing_")} for t in ToneMode]
    assert names.count(names[0]) == len(names)
    for name, section in phrasebook(insight_type, tone).items():
        assert section.passages, name


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_whatever_can_lead_has_a_headline_a_highlight_and_variety(
    insight_type: InsightType, tone: ToneMode
) -> None:
    frames = re.compile(r"opening|closing_|method_|sound_|rhythm_thin|no_|nothing")
    for name, section in phrasebook(insight_type, tone).items():
        if not frames.match(name):
            assert section.headlines, name
            assert name in highlights()
            assert len(section.passages) > 1 or name == "sole_artist", name


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_every_place_names_a_fact_that_exists(insight_type: InsightType, tone: ToneMode) -> None:
    known = _fact_ids(insight_type)
    for name, section in phrasebook(insight_type, tone).items():
        for phrase in (*section.headlines, *section.passages):
            named = re.findall(r"\w+", " ".join(re.findall(r"\{\^?([\w,]+)", phrase.text)))
            assert set(named) <= known, (name, phrase.text)


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_the_phrases_themselves_are_plain_and_in_good_taste(
    insight_type: InsightType, tone: ToneMode
) -> None:
    for section in phrasebook(insight_type, tone).values():
        for phrase in (*section.headlines, *section.passages):
            prose = re.sub(r"\{[^}]*\}", "X", phrase.text)
            assert not NEVER.search(prose), prose
            assert forbidden_words(prose, insight_type) == [], prose
            assert not re.search(r"[\d\"“”{}<>*_!—]|\s\s|\s[,.;:?]", prose), prose
            assert prose[0].isupper(), prose


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_passages_end_as_sentences_do_and_headlines_do_not_run_on(
    insight_type: InsightType, tone: ToneMode
) -> None:
    for section in phrasebook(insight_type, tone).values():
        assert all(phrase.text.endswith((".", "?")) for phrase in section.passages)
        assert all(len(phrase.text) < 90 for phrase in section.headlines)


def test_a_phrase_agrees_with_its_count_and_cites_what_it_states() -> None:
    phrase = Phrase("It holds {days|day|days} and {late_share}.")
    facts = {"days": count("days", 1, Unit.DAYS), "late_share": share("late_share", 0.5)}
    assert phrase.render(facts).text == "It holds 1 day and 50%."
    assert phrase.render(facts).fact_ids == ("days", "late_share")
    assert (
        phrase.render(facts | {"days": count("days", 1200, Unit.DAYS)}).text == "It holds 1,200 days and 50%."
    )


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["Low"], "First came Low."),
        (["Low", "Air"], "First came Low and Air."),
        (["Low", "Air", "Can"], "First came Low, Air and Can."),
    ],
)
def test_a_list_is_joined_as_one_writes_it(names: list[str], text: str) -> None:
    facts = {
        f"artist_{place}": wording(f"artist_{place}", name, Unit.ARTIST_NAME)
        for place, name in enumerate(names, start=1)
    }
    assert Phrase("First came {artist_1,artist_2,artist_3}.").render(facts).text == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sigur Rós", "Sigur Rós"),
        ("AC/DC", "AC/DC"),
        ("Earth, Wind & Fire", "“Earth, Wind & Fire”"),
        ("blink-182", "“blink-182”"),
        ("The 1975", "“The 1975”"),
        ("deadmau5", "“deadmau5”"),
        ("fun", "“fun”"),
        ("Why?", "“Why?”"),
    ],
)
def test_an_artist_goes_without_quotation_marks_only_where_nothing_can_be_misread(
    name: str, shown: str
) -> None:
    facts = {"artist_1": wording("artist_1", name, Unit.ARTIST_NAME)}
    assert Phrase("First came {artist_1}, then silence.").render(facts).text == (
        f"First came {shown}, then silence."
    )


def test_a_section_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two sections"):
        parse_phrasebook("[hours]\n= One\n\nOne.\n\n[hours]\n= Two\n\nTwo.\n")


def _fact_ids(insight_type: InsightType) -> set[str]:
    rich = [night_owl(), commuter(), office_listener(), devotee()]
    thin = night_owl().model_copy(update={"rhythm": None})
    assert rich[0].rhythm is not None
    few = night_owl().model_copy(update={"rhythm": rich[0].rhythm.model_copy(update={"plays": 3})})
    year = night_owl().model_copy(update={"time_range": CalendarRange.YEAR})
    told = (*rich, thin, few, year)
    briefs = [compose_brief(fitting(snapshot, insight_type), insight_type) for snapshot in told]
    return {fact.id for brief in briefs for fact in brief.facts}
