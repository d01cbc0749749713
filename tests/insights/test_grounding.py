import re
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbitrary_snapshots import telling_snapshots
from invented_listeners import commuter, devotee, night_owl, office_listener
from invented_weeks import fitting
from spotify_insights.insights.brief import Brief, compose_brief
from spotify_insights.insights.fact import Unit, points
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.narrators.narrative import Narrative, Paragraph, Sentence
from spotify_insights.insights.narrators.template import TemplateNarrator
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.snapshot import Snapshot

LISTENERS = (night_owl(), commuter(), office_listener(), devotee())

# Long enough for the whole, and without anything to object to.
FILLER = "The rest of this paragraph only fills the page, since a text is shown from a certain length on."


def brief_of(insight_type: InsightType = InsightType.WELLNESS, snapshot: Snapshot | None = None) -> Brief:
    return compose_brief(snapshot or night_owl(), insight_type)


def narrative_of(brief: Brief, text: str, *fact_ids: str) -> Narrative:
    return Narrative.of(
        brief,
        headline=Sentence(text="A headline", fact_ids=("time_range",)),
        paragraphs=[Paragraph(text=f"{text} {FILLER}", fact_ids=fact_ids)],
        highlights=[],
    )


def objections(
    text: str,
    *fact_ids: str,
    insight_type: InsightType = InsightType.WELLNESS,
    snapshot: Snapshot | None = None,
) -> list[str]:
    brief = brief_of(insight_type, snapshot)
    return ungrounded(narrative_of(brief, text, *fact_ids), brief)


def test_a_paragraph_that_states_its_facts_passes() -> None:
    text = "Between 23:00 and 05:00 came 59% of 1,842 plays, and “Streetlight Sonata” ranked first."
    assert objections(text, "late_from", "late_to", "late_share", "plays", "track_1") == []


@pytest.mark.parametrize(
    "text",
    [
        "Late hours had 58% of plays.",
        "Late hours had 59 of the plays.",
        "Late hours had 59 % of plays and 1 more.",
        "Late hours had 59.0% of plays.",
        "Late hours had 0.59 of plays.",
        "Late hours had 159% of plays.",
        "Late hours had 5,959% of plays.",
        "Late hours had -59% of plays.",
        "Late hours had about 60% of plays.",
        "Late hours had over 59% of plays.",
        "Late hours had nearly 59% of plays.",
        "Late hours had more than 59% of plays.",
        "Late hours had 59 percent of plays.",
        "Late hours had fifty-nine percent of plays.",
        "Late hours had more than half of the plays.",
        "Late hours had twice the plays.",
        "Late hours had two thirds of the plays.",
        "The measure was 40.38 in the end.",
        "The measure was 38.40 in the end.",
        "The measure was 40,38 in the end.",
        "The measure was 40:38 in the end.",
        "Late hours had \uff15\uff19% of plays.",
        "Late hours had ½ of the plays.",
        "Late hours had Ⅲ plays.",
        "Late hours had ⑤ plays.",
    ],
)
def test_a_number_that_is_not_the_cited_fact_is_refused(text: str) -> None:
    assert objections(text, "late_share", "tracks_listed", "tracks_measured") != []


def test_a_number_of_a_fact_that_the_paragraph_does_not_cite_is_refused() -> None:
    assert objections("Late hours had 59% of plays.", "plays") != []


@pytest.mark.parametrize(
    "text", ["It came to 1,842 days.", "It came to 1,842 tracks.", "It came to 1,842 bpm."]
)
def test_a_number_of_plays_cannot_be_passed_off_as_something_else(text: str) -> None:
    assert objections("It came to 1,842 plays.", "plays") == []
    assert objections(text, "plays") != []


def test_a_time_is_a_number_too() -> None:
    assert objections("The fullest hour opens at 00:00.", "peak_hour") == []
    assert objections("The fullest hour opens at 01:00.", "peak_hour") != []
    assert objections("The fullest hour opens at 00.", "peak_hour") != []


def test_a_number_word_is_allowed_only_as_part_of_a_cited_fact() -> None:
    assert objections("So went the last six months.", "time_range") == []
    assert objections("So went the last six months.", "plays") != []
    assert objections("So went the last six weeks.", "time_range") != []


@pytest.mark.parametrize("fact_ids", [(), ("no_such_fact",), ("plays", "no_such_fact")])
def test_every_paragraph_cites_known_facts_and_at_least_one(fact_ids: tuple[str, ...]) -> None:
    assert objections("Music played.", *fact_ids) != []


def test_what_stands_between_quotation_marks_is_a_cited_name() -> None:
    assert objections("First came “Streetlight Sonata”.", "track_1") == []
    assert objections("First came “Half a Ferry Home”.", "track_1") != []
    assert objections('First came "Something Else".', "track_1") != []
    assert objections("First came “Streetlight”.", "track_1") != []


def test_a_name_with_digits_hides_no_number() -> None:
    first, *others = night_owl().top_artists
    numeric = night_owl().model_copy(
        update={"top_artists": (first.model_copy(update={"name": "311"}), *others)}
    )
    assert objections("First came “311”.", "artist_1", snapshot=numeric) == []
    assert objections("There were 311 plays of it.", "artist_1", "plays", snapshot=numeric) != []


def test_a_name_may_contain_any_word_and_the_prose_may_not() -> None:
    first, *others = night_owl().top_artists
    named = night_owl().model_copy(
        update={"top_artists": (first.model_copy(update={"name": "Trauma Depression"}), *others)}
    )
    assert objections("First came Trauma Depression.", "artist_1", snapshot=named) == []
    assert objections("First came depression.", "artist_1", snapshot=named) != []


@pytest.mark.parametrize(
    "text",
    [
        "This is <b>music</b>.",
        "This is **music**.",
        "This is `music`.",
        "This is [music](there).",
        "This is {{track_1}}.",
        "# Music",
        "Look at https://example.org for more.",
        "Look at www.example for more.",
        "Look at example.com for more.",
        "This is mu\u202esic.",
        "This is mu\u200bsic.",
        "This is\nmusic.",
    ],
)
def test_markup_links_and_invisible_characters_are_refused(text: str) -> None:
    assert objections(text, "time_range") != []


@pytest.mark.parametrize(
    ("insight_type", "text"),
    [
        (InsightType.WELLNESS, "This looks like depression."),
        (InsightType.WELLNESS, "The listening was anxious."),
        (InsightType.WELLNESS, "This is good for the health."),
        (InsightType.WELLNESS, "Perhaps you should play less."),
        (InsightType.WELLNESS, "Try a brighter song."),
        (InsightType.WELLNESS, "Your mood was low."),
        (InsightType.WELLNESS, "You are sad."),
        (InsightType.WELLNESS, "So much for sleep."),
        (InsightType.ROAST, "You are a bore."),
        (InsightType.ROAST, "You\u2019re a bore."),
        (InsightType.ROAST, "Your life is a loop."),
        (InsightType.ROAST, "What a sad list."),
        (InsightType.ROAST, "It sounds like insomnia and stress."),
        (InsightType.PRODUCTIVITY, "The music helps with work."),
        (InsightType.PRODUCTIVITY, "Low energy boosts focus."),
        (InsightType.PRODUCTIVITY, "More got done because of it."),
    ],
)
def test_words_that_a_type_may_not_use_are_refused(insight_type: InsightType, text: str) -> None:
    assert objections(text, "time_range", insight_type=insight_type) != []


def test_a_wellness_insight_asks_one_question_at_most() -> None:
    assert objections("Is that so?", "time_range") == []
    assert objections("Is that so? Is it really?", "time_range") != []
    assert objections("Is that so? Is it really?", "time_range", insight_type=InsightType.PRODUCTIVITY) == []


def test_lengths_are_kept() -> None:
    brief = brief_of()
    short = narrative_of(brief, "Music.", "time_range")
    empty = short.model_copy(update={"paragraphs": ()})
    tiny = short.model_copy(update={"paragraphs": (Paragraph(text="Music.", fact_ids=("time_range",)),)})
    endless = narrative_of(brief, "Music. " * 400, "time_range")
    shouting = short.model_copy(update={"headline": Sentence(text="Music " * 40, fact_ids=("time_range",))})
    assert ungrounded(short, brief) == []
    assert all(ungrounded(narrative, brief) for narrative in (empty, tiny, endless, shouting))


def test_headline_and_highlights_are_held_to_the_same_rules() -> None:
    brief = brief_of()
    fine = narrative_of(brief, "Music played.", "time_range")
    wrong = Sentence(text="60% after 23:00", fact_ids=("late_share", "late_from"))
    assert ungrounded(fine.model_copy(update={"headline": wrong}), brief) != []
    assert ungrounded(fine.model_copy(update={"highlights": (wrong,)}), brief) != []


def test_a_fact_that_is_not_the_briefs_own_is_refused() -> None:
    brief = brief_of()
    fine = narrative_of(brief, "Music played.", "time_range")
    assert ungrounded(fine.model_copy(update={"facts": (points("energy", 0.99),)}), brief) != []


@settings(max_examples=60)
@given(data=st.data())
def test_changing_any_one_number_of_a_narrative_is_noticed(data: st.DataObject) -> None:
    snapshot = data.draw(st.sampled_from(LISTENERS))
    insight_type, tone = data.draw(st.sampled_from(list(product(InsightType, ToneMode))))
    brief = compose_brief(fitting(snapshot, insight_type), insight_type)
    narrative = TemplateNarrator().narrate(brief, tone=tone, seed=data.draw(st.text(max_size=3)))
    place, match = data.draw(st.sampled_from(list(_numbers(narrative))))
    paragraph = narrative.paragraphs[place]
    cited = {brief.facts_by_id[fact_id].text for fact_id in paragraph.fact_ids}
    other = data.draw(
        st.integers(0, 9_999)
        .map(lambda number: re.sub(r"\d[\d,:]*\d|\d", str(number), match[0], count=1))
        # A number of the same paragraph in another place is a mistake that only a reader can see.
        .filter(lambda changed: changed not in cited and changed.strip("%") not in cited)
    )
    text = paragraph.text[: match.start()] + other + paragraph.text[match.end() :]
    paragraphs = list(narrative.paragraphs)
    paragraphs[place] = paragraph.model_copy(update={"text": text})
    assert ungrounded(narrative.model_copy(update={"paragraphs": tuple(paragraphs)}), brief) != []


@settings(max_examples=40)
@given(snapshot=telling_snapshots(), data=st.data())
def test_leaving_out_the_citation_of_a_stated_share_is_noticed(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    # Unnamed, so that no name can contain the number in question.
    plain = snapshot.model_copy(update={"top_tracks": (), "top_artists": ()})
    brief = compose_brief(plain, InsightType.WELLNESS)
    narrative = TemplateNarrator().narrate(brief, tone=ToneMode.NEUTRAL, seed="seed")
    paragraph = narrative.paragraphs[0]
    known = brief.facts_by_id
    shares = [
        fact_id
        for fact_id in paragraph.fact_ids
        if known[fact_id].unit is Unit.SHARE
        and re.search(rf"(?<!\w){re.escape(known[fact_id].text)}", paragraph.text)
    ]
    if not shares:
        return
    text = known[data.draw(st.sampled_from(shares))].text
    kept = tuple(i for i in paragraph.fact_ids if known[i].text != text)
    changed = narrative.model_copy(
        update={"paragraphs": (paragraph.model_copy(update={"fact_ids": kept}), *narrative.paragraphs[1:])}
    )
    assert ungrounded(changed, brief) != []


def _numbers(narrative: Narrative) -> Iterator[tuple[int, re.Match[str]]]:
    for place, paragraph in enumerate(narrative.paragraphs):
        for match in re.finditer(r"(?<![\w“])\d[\d,:]*%?(?![\w”])", paragraph.text):
            if not match[0].endswith((",", ":")):
                yield place, match
