import re
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbitrary_snapshots import snapshots, telling_snapshots
from invented_listeners import commuter, devotee, night_owl, office_listener
from invented_weeks import fitting
from spotify_insights.insights.brief import Brief, compose_brief
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.narrators.narrative import Narrative
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.narrators.template import TemplateNarrator
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.snapshot import Snapshot

NARRATOR: Narrator = TemplateNarrator()
LISTENERS = (night_owl(), commuter(), office_listener(), devotee())
EVERY_KIND = list(product(InsightType, ToneMode))


def narrated(
    snapshot: Snapshot, insight_type: InsightType, tone: ToneMode, *, seed: str = "seed"
) -> tuple[Narrative, Brief]:
    brief = compose_brief(fitting(snapshot, insight_type), insight_type)
    return NARRATOR.narrate(brief, tone=tone, seed=seed), brief


@settings(max_examples=80)
@given(snapshot=snapshots(), seed=st.text(max_size=8))
def test_whatever_the_evidence_the_text_is_grounded_and_says_something(snapshot: Snapshot, seed: str) -> None:
    for insight_type, tone in EVERY_KIND:
        narrative, brief = narrated(snapshot, insight_type, tone, seed=seed)
        assert ungrounded(narrative, brief) == []
        assert len(narrative.content) > 80


@settings(max_examples=60)
@given(snapshot=telling_snapshots())
def test_good_evidence_gives_three_to_five_paragraphs(snapshot: Snapshot) -> None:
    for insight_type, tone in EVERY_KIND:
        narrative, brief = narrated(snapshot, insight_type, tone)
        assert 3 <= len(narrative.paragraphs) <= 5
        assert ungrounded(narrative, brief) == []


@settings(max_examples=20)
@given(snapshot=snapshots(), seed=st.text(max_size=8))
def test_the_same_input_gives_the_same_text(snapshot: Snapshot, seed: str) -> None:
    for insight_type, tone in EVERY_KIND:
        first, _ = narrated(snapshot, insight_type, tone, seed=seed)
        again, _ = narrated(snapshot.model_copy(deep=True), insight_type, tone, seed=seed)
        assert first == again


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_another_seed_finds_other_words(insight_type: InsightType, tone: ToneMode) -> None:
    texts = {narrated(LISTENERS[0], insight_type, tone, seed=str(seed))[0].content for seed in range(12)}
    assert len(texts) >= 10


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_different_listeners_read_different_texts(insight_type: InsightType, tone: ToneMode) -> None:
    for one, other in combinations(LISTENERS, 2):
        overlap = [
            _overlap(
                narrated(one, insight_type, tone, seed=seed)[0],
                narrated(other, insight_type, tone, seed=seed)[0],
            )
            for seed in "abcdefgh"
        ]
        assert sum(overlap) / len(overlap) < 0.25


@pytest.mark.parametrize("insight_type", InsightType)
def test_each_tone_has_a_voice_of_its_own(insight_type: InsightType) -> None:
    for listener in LISTENERS:
        texts = {tone: narrated(listener, insight_type, tone)[0] for tone in ToneMode}
        assert all(_overlap(texts[one], texts[other]) < 0.1 for one, other in combinations(ToneMode, 2))


def test_the_direct_voice_speaks_in_the_shortest_sentences() -> None:
    for listener, insight_type in product(LISTENERS, InsightType):
        lengths = {tone: _words_per_sentence(narrated(listener, insight_type, tone)[0]) for tone in ToneMode}
        assert min(lengths, key=lambda tone: lengths[tone]) is ToneMode.DIRECT


@settings(max_examples=30)
@given(snapshot=telling_snapshots())
def test_a_wellness_insight_ends_with_its_only_question(snapshot: Snapshot) -> None:
    plain = snapshot.model_copy(update={"top_tracks": (), "top_artists": ()})
    for tone in ToneMode:
        narrative, _ = narrated(plain, InsightType.WELLNESS, tone)
        assert narrative.content.count("?") == 1
        assert narrative.content.endswith("?")


@settings(max_examples=40)
@given(snapshot=telling_snapshots())
def test_only_the_direct_voice_opens_a_sentence_with_a_figure(snapshot: Snapshot) -> None:
    plain = snapshot.model_copy(update={"top_tracks": (), "top_artists": ()})
    for insight_type, tone in EVERY_KIND:
        narrative, _ = narrated(plain, insight_type, tone)
        openings = [paragraph.text for paragraph in narrative.paragraphs]
        figures = [re.search(r"(?:^|[.?!] )\d", text) for text in openings]
        assert tone is ToneMode.DIRECT or not any(figures)


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_what_stands_out_most_comes_first(insight_type: InsightType, tone: ToneMode) -> None:
    for listener in LISTENERS:
        narrative, brief = narrated(listener, insight_type, tone)
        strongest = brief.signals[0]
        assert set(strongest.fact_ids) <= set(narrative.paragraphs[0].fact_ids)


@pytest.mark.parametrize(
    ("insight_type", "tone"), [kind for kind in EVERY_KIND if kind[0] is not InsightType.WEEKLY]
)
def test_thin_evidence_is_named_and_the_ranking_still_told(insight_type: InsightType, tone: ToneMode) -> None:
    rich = night_owl()
    assert rich.rhythm is not None
    thin = rich.model_copy(
        update={
            "audio_features": {},
            "mood_patterns": None,
            "mood_diversity_score": None,
            "effective_moods": None,
            "rhythm": rich.rhythm.model_copy(update={"plays": 1, "days": 1}),
            "coverage": rich.coverage.model_copy(update={"tracks_with_features": 7, "share": 0.21}),
        }
    )
    text = narrated(thin, insight_type, tone)[0].content
    assert "Paper Lanterns" in text
    assert "“Streetlight Sonata”" in text
    assert "7 of 40 top tracks" in text
    assert "21%" in text
    assert "1 play on 1 day" in text
    assert "100 plays on 7 days" in text


@pytest.mark.parametrize(("insight_type", "tone"), EVERY_KIND)
def test_no_figure_is_told_twice_in_the_body(insight_type: InsightType, tone: ToneMode) -> None:
    for listener in LISTENERS:
        narrative, brief = narrated(listener, insight_type, tone)
        body = " ".join(paragraph.text for paragraph in narrative.paragraphs)
        shares = [fact.text for fact in brief.facts if fact.unit == "share"]
        unique = {text for text in shares if shares.count(text) == 1}
        assert {text for text in unique if body.count(f" {text}") > 1} == set()


def test_highlights_stand_alone_and_are_in_the_structured_form() -> None:
    narrative, _ = narrated(night_owl(), InsightType.WELLNESS, ToneMode.NEUTRAL)
    assert narrative.highlights[0].text == "59% of plays between 23:00 and 05:00"
    structured = narrative.structured
    assert set(structured) == {"headline", "paragraphs", "facts", "highlights"}
    assert structured["paragraphs"][0].keys() == {"text", "fact_ids"}
    assert {fact["id"] for fact in structured["facts"]} >= set(structured["paragraphs"][0]["fact_ids"])
    assert all(fact.keys() == {"id", "value", "unit", "text"} for fact in structured["facts"])
    parts = [structured["headline"], *(paragraph["text"] for paragraph in structured["paragraphs"])]
    assert narrative.content == "\n\n".join(parts)


def _sentences(narrative: Narrative) -> set[str]:
    """Sentences with the listener's own figures, names and words masked: what is left is phrasing."""
    masked = []
    for paragraph in narrative.paragraphs:
        text = paragraph.text
        for fact in sorted(narrative.facts, key=lambda fact: -len(fact.text)):
            text = text.replace(fact.text, "#").replace(fact.text.capitalize(), "#")
        masked += re.split(r"(?<=[.?!]) ", text)
    return set(masked)


def _overlap(one: Narrative, other: Narrative) -> float:
    mine, theirs = _sentences(one), _sentences(other)
    return len(mine & theirs) / len(mine | theirs)


def _words_per_sentence(narrative: Narrative) -> float:
    sentences = [s for paragraph in narrative.paragraphs for s in re.split(r"(?<=[.?!]) ", paragraph.text)]
    return sum(len(sentence.split()) for sentence in sentences) / len(sentences)
