"""The brief: all that a narrator may know about one snapshot for one type of insight. Pure."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from pydantic import BaseModel, ConfigDict

from spotify_insights.insights.evidence.favourites import concentration_facts, favourite_facts, source_facts
from spotify_insights.insights.evidence.genres import genre_facts
from spotify_insights.insights.evidence.rhythm import hour_facts, play_facts, week_facts
from spotify_insights.insights.evidence.sound import coverage_facts, feature_facts, mood_facts
from spotify_insights.insights.evidence.week import (
    acquaintance_facts,
    amount_facts,
    comparison_facts,
    hours_of_week_facts,
    leader_facts,
    sound_of_week_facts,
)
from spotify_insights.insights.fact import Fact, wording
from spotify_insights.insights.signals import productivity, roast, weekly, wellness
from spotify_insights.insights.signals.signal import Detector, Signal
from spotify_insights.insights.types import InsightType
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.time_range import CalendarRange, SnapshotRange, TimeRange

# Spotify Web API reference, "Get User's Top Items": about four weeks, six months, one year.
_PERIODS: Final[Mapping[SnapshotRange, str]] = {
    TimeRange.SHORT_TERM: "the last four weeks",
    TimeRange.MEDIUM_TERM: "the last six months",
    TimeRange.LONG_TERM: "the last year",
    CalendarRange.WEEK: "the week",
    CalendarRange.MONTH: "the month",
    CalendarRange.YEAR: "the year",
    CalendarRange.ALL_TIME: "the history on record",
}

_Gather = Callable[[Snapshot], list[Fact]]


def _with_features(*names: str) -> tuple[_Gather, ...]:
    return (
        source_facts,
        favourite_facts,
        concentration_facts,
        coverage_facts,
        partial(feature_facts, names=names),
        play_facts,
    )


# Valence is a guess at emotion, so only those who handle it with care see it: the wellness insight, and the
# weekly letter as part of a mood.
_EVIDENCE: Final[Mapping[InsightType, tuple[_Gather, ...]]] = {
    InsightType.WELLNESS: (*_with_features("energy", "valence"), mood_facts, hour_facts, week_facts),
    InsightType.ROAST: (
        *_with_features("energy", "danceability", "acousticness", "instrumentalness", "speechiness", "tempo"),
        genre_facts,
        hour_facts,
    ),
    InsightType.PRODUCTIVITY: (
        *_with_features("energy", "instrumentalness", "speechiness", "tempo"),
        hour_facts,
        week_facts,
    ),
    InsightType.WEEKLY: (
        amount_facts,
        comparison_facts,
        leader_facts,
        acquaintance_facts,
        hours_of_week_facts,
        sound_of_week_facts,
    ),
}

_DETECTORS: Final[Mapping[InsightType, tuple[Detector, ...]]] = {
    InsightType.WELLNESS: wellness.DETECTORS,
    InsightType.ROAST: roast.DETECTORS,
    InsightType.PRODUCTIVITY: productivity.DETECTORS,
    InsightType.WEEKLY: weekly.DETECTORS,
}


class Brief(BaseModel):
    """Facts with unique ids, and the signals among them with the strongest first.

    What the evidence does not carry is absent; signals of the theme "evidence" say what was too thin.
    """

    model_config = ConfigDict(frozen=True)

    insight_type: InsightType
    time_range: SnapshotRange
    facts: tuple[Fact, ...]
    signals: tuple[Signal, ...]

    @property
    def facts_by_id(self) -> dict[str, Fact]:
        return {fact.id: fact for fact in self.facts}

    @property
    def content_hash(self) -> str:
        """SHA-256 in hexadecimal over the canonical JSON: equal content gives an equal hash."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def compose_brief(snapshot: Snapshot, insight_type: InsightType) -> Brief:
    """Gather what this snapshot can say for this type of insight; equal input gives an equal brief.

    Never fails on thin evidence: an empty snapshot gives a brief that holds the period and says
    that there is nothing else. Weekly evidence is found in the snapshot of a week only.
    """
    facts = [wording("time_range", _period(snapshot))]
    for gather in _EVIDENCE[insight_type]:
        facts += gather(snapshot)
    known = {fact.id: fact for fact in facts}
    found = (detect(known) for detect in _DETECTORS[insight_type])
    signals = sorted(
        (signal for signal in found if signal is not None),
        key=lambda signal: (-signal.strength, signal.theme, signal.kind),
    )
    return Brief(
        insight_type=insight_type,
        time_range=snapshot.time_range,
        facts=tuple(facts),
        signals=tuple(signals),
    )


def _period(snapshot: Snapshot) -> str:
    name, day = _PERIODS[snapshot.time_range], snapshot.snapshot_date
    following = day + timedelta(days=1)
    match snapshot.time_range:
        case CalendarRange.MONTH if following.month == day.month:
            return f"{name} so far"
        case CalendarRange.YEAR if following.year == day.year:
            return f"{name} so far"
        case _:
            return name
