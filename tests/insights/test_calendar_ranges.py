"""Insights about the listener's own calendar speak of plays, and of nobody's ranking."""

from datetime import date
from itertools import product

import pytest

from invented_listeners import commuter, night_owl
from spotify_insights.insights.brief import compose_brief
from spotify_insights.insights.narrators.template import TemplateNarrator
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.time_range import DAILY_RANGES, CalendarRange, SnapshotRange, TimeRange

ASKED_FOR = [kind for kind in InsightType if kind is not InsightType.WEEKLY]
SEEDS = 12


def everything_told(snapshot: Snapshot, insight_type: InsightType, tone: ToneMode) -> str:
    """What the narrator says in many choices of words."""
    brief = compose_brief(snapshot, insight_type)
    narrator = TemplateNarrator()
    return "\n".join(narrator.narrate(brief, tone=tone, seed=str(seed)).content for seed in range(SEEDS))


@pytest.mark.parametrize(("insight_type", "tone"), list(product(ASKED_FOR, ToneMode)))
def test_nothing_is_said_of_ranks_where_plays_were_counted(insight_type: InsightType, tone: ToneMode) -> None:
    for time_range in DAILY_RANGES:
        rich = night_owl().model_copy(update={"time_range": time_range})
        thin = rich.model_copy(
            update={
                "audio_features": {},
                "mood_patterns": None,
                "mood_diversity_score": None,
                "effective_moods": None,
                "coverage": rich.coverage.model_copy(update={"tracks_with_features": 7, "share": 0.21}),
            }
        )
        for snapshot in (rich, thin):
            told = everything_told(snapshot, insight_type, tone)
            for untrue in ("Spotify", "by rank", "higher ranks", "higher ones", "of the top tracks"):
                assert untrue not in told


@pytest.mark.parametrize(
    ("time_range", "day", "period"),
    [
        (CalendarRange.MONTH, date(2026, 10, 12), "the month so far"),
        (CalendarRange.MONTH, date(2026, 10, 31), "the month"),
        (CalendarRange.YEAR, date(2026, 10, 31), "the year so far"),
        (CalendarRange.YEAR, date(2026, 12, 31), "the year"),
        (CalendarRange.ALL_TIME, date(2026, 10, 12), "the history on record"),
        (TimeRange.SHORT_TERM, date(2026, 10, 12), "the last four weeks"),
    ],
)
def test_what_is_not_over_is_called_so_far(time_range: SnapshotRange, day: date, period: str) -> None:
    snapshot = commuter().model_copy(update={"time_range": time_range, "snapshot_date": day})

    for insight_type in ASKED_FOR:
        assert compose_brief(snapshot, insight_type).facts_by_id["time_range"].text == period


def test_spotifys_ranges_still_say_who_ranked() -> None:
    told = everything_told(night_owl(), InsightType.WELLNESS, ToneMode.NEUTRAL)
    assert "top tracks" in told
    facts = compose_brief(night_owl(), InsightType.WELLNESS).facts_by_id
    assert facts["ranked_by"].text == "Spotify"
