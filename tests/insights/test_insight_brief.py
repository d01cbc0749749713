import json

import pytest
from hypothesis import given, settings

from arbitrary_snapshots import snapshots
from invented_listeners import commuter, devotee, night_owl, office_listener
from invented_weeks import fitting
from spotify_insights.insights.brief import Brief, compose_brief
from spotify_insights.insights.types import InsightType
from spotify_insights.listening.snapshot import Coverage, Snapshot, TopArtist


def without_sound(snapshot: Snapshot, *, measured: int, coverage: float) -> Snapshot:
    return snapshot.model_copy(
        update={
            "audio_features": {},
            "mood_patterns": None,
            "mood_diversity_score": None,
            "effective_moods": None,
            "coverage": Coverage(tracks=40, tracks_with_features=measured, share=coverage, providers={}),
        }
    )


def with_plays(snapshot: Snapshot, *, plays: int, days: int) -> Snapshot:
    assert snapshot.rhythm is not None
    return snapshot.model_copy(
        update={"rhythm": snapshot.rhythm.model_copy(update={"plays": plays, "days": days})}
    )


def text_of(brief: Brief, fact_id: str) -> str:
    return brief.facts_by_id[fact_id].text


def kinds(brief: Brief) -> list[str]:
    return [signal.kind for signal in brief.signals]


@settings(max_examples=50)
@given(snapshot=snapshots())
def test_every_signal_rests_on_facts_of_the_brief_and_no_id_is_used_twice(snapshot: Snapshot) -> None:
    for insight_type in InsightType:
        brief = compose_brief(fitting(snapshot, insight_type), insight_type)
        ids = [fact.id for fact in brief.facts]
        assert len(ids) == len(set(ids))
        assert {fact_id for signal in brief.signals for fact_id in signal.fact_ids} <= set(ids)
        strengths = [signal.strength for signal in brief.signals]
        assert strengths == sorted(strengths, reverse=True)


@settings(max_examples=20)
@given(snapshot=snapshots())
def test_equal_snapshots_give_equal_briefs_that_survive_json(snapshot: Snapshot) -> None:
    for insight_type in InsightType:
        fitted = fitting(snapshot, insight_type)
        brief = compose_brief(fitted, insight_type)
        again = compose_brief(Snapshot.model_validate_json(fitted.model_dump_json()), insight_type)
        assert brief.content_hash == again.content_hash
        assert Brief.model_validate_json(brief.model_dump_json()) == brief


def test_the_hash_follows_the_content() -> None:
    hashes = {
        compose_brief(fitting(snapshot, insight_type), insight_type).content_hash
        for snapshot in (night_owl(), commuter(), with_plays(night_owl(), plays=1843, days=161))
        for insight_type in InsightType
    }
    assert len(hashes) == 3 * len(InsightType)


def test_shares_of_the_day_are_those_of_the_hours() -> None:
    brief = compose_brief(office_listener(), InsightType.PRODUCTIVITY)
    # 95 of 100 weights lie from nine to five, 2 after, 3 in the hour before nine.
    assert text_of(brief, "daytime_share") == "95%"
    assert text_of(brief, "evening_share") == "2%"
    assert text_of(brief, "morning_share") == "3%"
    assert "late_share" not in brief.facts_by_id
    # The fullest three hours begin at nine: 14 + 17 + 15.
    assert (text_of(brief, "block_from"), text_of(brief, "block_to")) == ("09:00", "12:00")
    assert text_of(brief, "block_share") == "46%"


@pytest.mark.parametrize(
    ("plays", "days", "hours_known", "week_known"),
    [(99, 30, False, False), (100, 6, False, False), (100, 7, True, False), (100, 14, True, True)],
)
def test_a_rhythm_takes_enough_plays_on_enough_days(
    plays: int, days: int, *, hours_known: bool, week_known: bool
) -> None:
    brief = compose_brief(with_plays(night_owl(), plays=plays, days=days), InsightType.WELLNESS)
    assert ("peak_hour" in brief.facts_by_id) == hours_known
    assert ("weekend_share" in brief.facts_by_id) == week_known
    assert ("rhythm_thin" in kinds(brief)) != hours_known


def test_without_coverage_the_missing_mood_is_a_fact() -> None:
    brief = compose_brief(without_sound(night_owl(), measured=7, coverage=0.21), InsightType.WELLNESS)
    assert "mood_1" not in brief.facts_by_id
    thin = next(signal for signal in brief.signals if signal.kind == "sound_thin")
    assert {text_of(brief, fact_id) for fact_id in thin.fact_ids} == {"7", "40", "21%"}


def test_without_plays_and_rankings_the_brief_says_so() -> None:
    empty = without_sound(night_owl(), measured=0, coverage=0.0).model_copy(
        update={"rhythm": None, "top_tracks": (), "top_artists": ()}
    )
    assert {"no_plays", "no_favourites", "sound_missing"} <= set(
        kinds(compose_brief(empty, InsightType.ROAST))
    )


def test_a_roast_knows_nothing_of_mood_and_valence() -> None:
    for snapshot in (night_owl(), commuter(), office_listener(), devotee()):
        ids = compose_brief(snapshot, InsightType.ROAST).facts_by_id.keys()
        assert not {fact_id for fact_id in ids if fact_id.startswith(("mood", "valence", "effective"))}


@pytest.mark.parametrize(
    ("snapshot", "insight_type", "kind"),
    [
        (night_owl(), InsightType.WELLNESS, "late_night"),
        (commuter(), InsightType.WELLNESS, "morning"),
        (office_listener(), InsightType.PRODUCTIVITY, "daytime"),
        (devotee(), InsightType.ROAST, "one_artist"),
    ],
)
def test_the_strongest_signal_is_what_the_listener_was_invented_for(
    snapshot: Snapshot, insight_type: InsightType, kind: str
) -> None:
    assert kinds(compose_brief(snapshot, insight_type))[0] == kind


def test_nobody_is_singled_out_without_a_clear_lead() -> None:
    # Six artists with five tracks each.
    assert "most_listed_artist" not in compose_brief(commuter(), InsightType.ROAST).facts_by_id


def test_an_artist_who_made_everything_is_not_singled_out_from_the_others() -> None:
    alone = devotee()
    tracks = tuple(track.model_copy(update={"artists": ("KAVE",)}) for track in alone.top_tracks)
    brief = compose_brief(alone.model_copy(update={"top_tracks": tracks}), InsightType.ROAST)
    assert "most_listed_artist" not in brief.facts_by_id
    assert text_of(brief, "distinct_artists") == "1"
    assert text_of(brief, "streak_tracks") == "40"


def test_a_favourite_artist_without_a_track_in_the_list_is_noticed() -> None:
    stranger = TopArtist(rank=0, spotify_id="x", name="Nobody Else")
    snapshot = commuter()
    absent = snapshot.model_copy(update={"top_artists": (stranger, *snapshot.top_artists)})
    assert "absent_favourite" in kinds(compose_brief(absent, InsightType.ROAST))
    assert "absent_favourite" not in kinds(compose_brief(snapshot, InsightType.ROAST))


def test_genres_need_enough_artists_that_have_them() -> None:
    snapshot = commuter()
    few = snapshot.model_copy(update={"top_artists": snapshot.top_artists[:7]})
    assert "genre_1" not in compose_brief(few, InsightType.ROAST).facts_by_id
    brief = compose_brief(snapshot, InsightType.ROAST)
    # Of ten artists every fourth is disco, beginning with the first.
    assert (text_of(brief, "genre_1"), text_of(brief, "genre_1_artists")) == ("dance pop", "7")


def test_an_even_clock_is_no_late_habit() -> None:
    brief = compose_brief(devotee(), InsightType.WELLNESS)
    assert "all_hours" in kinds(brief)
    assert not {"late_night", "morning", "daytime", "evening", "hours"} & set(kinds(brief))


def test_a_brief_is_plain_json() -> None:
    brief = compose_brief(night_owl(), InsightType.WELLNESS)
    document = json.loads(brief.model_dump_json())
    assert document["time_range"] == "medium_term"
    assert document["facts"][0]["text"] == "the last six months"
