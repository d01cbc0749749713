"""Facts from audio features: moods of the music, feature means, and how much of it was measured."""

import math
from collections.abc import Sequence
from typing import Final

from spotify_insights.insights.fact import (
    Fact,
    Unit,
    beats_per_minute,
    count,
    margin,
    points,
    share,
    tenths,
    wording,
)
from spotify_insights.listening.snapshot import FeatureSummary, Snapshot
from spotify_insights.listening.time_range import DAILY_RANGES

# The same floor that a snapshot sets for showing any feature: below it one album decides the mean.
MIN_TRACKS_PER_FEATURE: Final = 10

# Below this share, or with fewer tracks measured than above, a snapshot shows no features at all.
MIN_COVERAGE: Final = 0.4

# A mood below this holds no whole track of a list of fifty, so it is not named as a runner-up.
MIN_SHARE_TO_NAME: Final = 0.02

# Tempos outside are artefacts of beat tracking (doubled, or no beat found), not music we can describe.
PLAUSIBLE_BPM: Final = (30.0, 250.0)

# The features a mean of 0 to 1 makes sense of; tempo has its own unit, loudness and liveness say
# more about mastering and recording than about taste.
_POINT_FEATURES: Final = (
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "speechiness",
)


def coverage_facts(snapshot: Snapshot) -> list[Fact]:
    """How many of the tracks have audio features, and their weight; silent without tracks.

    They are the top tracks and weigh by rank, or all that were played and weigh by plays.
    """
    coverage = snapshot.coverage
    if coverage.tracks < 1:
        return []
    considered = "tracks_heard" if snapshot.time_range in DAILY_RANGES else "tracks_considered"
    return [
        count(considered, coverage.tracks, Unit.TRACKS),
        count("tracks_measured", coverage.tracks_with_features, Unit.TRACKS),
        share("coverage_share", coverage.share),
    ]


def mood_facts(snapshot: Snapshot) -> list[Fact]:
    """The moods of the top music, most frequent first, and how varied they are.

    Silent where the snapshot has no mood pattern. Runners-up below `MIN_SHARE_TO_NAME` are left out.
    Moods are quadrants of valence and energy after Russell (1980), doi 10.1037/h0077714.
    """
    if snapshot.mood_patterns is None:
        return []
    shares = snapshot.mood_patterns.model_dump()
    if not all(math.isfinite(part) for part in shares.values()):
        return []
    ranked = sorted(shares, key=lambda mood: -shares[mood])
    facts = [wording("mood_1", ranked[0]), share("mood_1_share", shares[ranked[0]])]
    if shares[ranked[1]] >= MIN_SHARE_TO_NAME:
        facts += [
            wording("mood_2", ranked[1]),
            share("mood_2_share", shares[ranked[1]]),
            share("mood_pair_share", shares[ranked[0]] + shares[ranked[1]]),
        ]
    return [*facts, *_diversity_facts(snapshot)]


def _diversity_facts(snapshot: Snapshot) -> list[Fact]:
    effective = snapshot.effective_moods
    if effective is None or not math.isfinite(effective):
        return []
    return [tenths("effective_moods", effective, Unit.MOODS)]


def feature_facts(snapshot: Snapshot, names: Sequence[str]) -> list[Fact]:
    """Means of the named features with spread and margin, in points out of 100; the tempo in bpm.

    A feature known for fewer than `MIN_TRACKS_PER_FEATURE` tracks is silent, and so is one whose
    numbers make no sense. `scale` (100) comes along as soon as one feature is in points.
    """
    facts: list[Fact] = []
    for name in names:
        summary = snapshot.audio_features.get(name)
        if summary is not None and _makes_sense(summary):
            facts += _tempo_facts(summary) if name == "tempo" else _point_facts(name, summary)
    if any(fact.unit is Unit.POINTS for fact in facts):
        # The end of the scale is a number in the text like any other, so it is a fact.
        facts.append(points("scale", 1.0))
    return facts


def _makes_sense(summary: FeatureSummary) -> bool:
    numbers = (summary.mean, summary.spread, summary.margin)
    return summary.n >= MIN_TRACKS_PER_FEATURE and all(math.isfinite(number) for number in numbers)


def _tempo_facts(summary: FeatureSummary) -> list[Fact]:
    low, high = PLAUSIBLE_BPM
    return [beats_per_minute("tempo", summary.mean)] if low <= summary.mean <= high else []


def _point_facts(name: str, summary: FeatureSummary) -> list[Fact]:
    if name not in _POINT_FEATURES or not 0.0 <= summary.mean <= 1.0:
        return []
    return [
        points(name, summary.mean),
        points(f"{name}_spread", summary.spread),
        margin(f"{name}_margin", summary.margin),
    ]
