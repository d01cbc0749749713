"""One period against the comparable one before it."""

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import HistoryColumns, TrackColumns
from spotify_insights.listening.analytics.comparable import (
    coverage_changed,
    suppliers_changed,
    why_incomparable,
)
from spotify_insights.listening.analytics.evidence import Coverage, Missing
from spotify_insights.listening.analytics.feature_profile import FeatureProfile, profile_of_weighed
from spotify_insights.listening.analytics.known_features import ENERGY, VALENCE
from spotify_insights.listening.analytics.listened_weights import WeighedTracks, weigh_tracks
from spotify_insights.listening.analytics.overview import Figures, period_figures
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.analytics.top import (
    TopBy,
    TopOf,
    group_tracks,
    ranked,
    ranks,
    total_by_group,
)

# Coverage is that of these two, and so is who supplied what is known of the whole music.
_PLANE: Final = (VALENCE, ENERGY)


@dataclass(frozen=True, slots=True)
class Change:
    """One number of `Figures`; `ratio` is now by before, None where that is 0 or either is unknown."""

    name: str
    now: float | None
    before: float | None
    difference: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class RankMove:
    """An artist heard in both periods; `places` gained are above 0, lost below."""

    artist: int
    rank: int
    rank_before: int
    places: int


@dataclass(frozen=True, slots=True)
class RankedArtist:
    artist: int
    rank: int
    plays: int


class Basis(StrEnum):
    """Which tracks a comparison of features rests on."""

    ALL_KNOWN = "all_known"
    """All known tracks of either period: as much of the music is known in both, from the same suppliers."""
    HEARD_IN_BOTH = "heard_in_both"
    """Only the known tracks that were heard in both periods."""


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """The centre of one feature now less that before; `margin` is half of its 95 % interval.

    `margin = sqrt(m1^2 + m2^2)` of the two margins, as for independent samples. `stands_out` where the
    difference is greater. All are None, and `missing` says why, where too little is known.
    """

    name: str
    difference: float | None
    margin: float | None
    stands_out: bool | None
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Now against before. Every part is empty or None, and `missing` says why, where there is no before.

    `moved` are the artists of the list that were heard in both periods; `new` those of the list that were
    not heard before; `dropped` those of the list before that were not heard now, with that rank and plays.
    `basis` is None where too little is known to compare features.
    """

    figures: Figures
    figures_before: Figures | None
    changes: tuple[Change, ...]
    moved: tuple[RankMove, ...]
    new: tuple[RankedArtist, ...]
    dropped: tuple[RankedArtist, ...]
    coverage: Coverage
    coverage_before: Coverage | None
    basis: Basis | None
    features: tuple[FeatureChange, ...]
    missing: Missing | None


def compare(
    history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING, *, limit: int = 50
) -> Comparison:
    """Compare a period with its `before`: numbers, the `limit` most played artists, features.

    A change of what is known, or of who supplied it, is never reported as a change of the music. Features of
    all known tracks are compared only where both periods show them, their coverage differs by less than
    STEADY_COVERAGE, and less than STEADY_SUPPLIERS of their weight is from other suppliers (`comparable.py`).
    Otherwise only known tracks that were heard in both periods are compared, each with its weight in either,
    where these tracks alone meet the limits for coverage and number in both; a feature that is from other
    suppliers even then is left out. Otherwise nothing is said.
    """
    plays = counted(history, period.since, period.until, counting)
    now = weigh_tracks(plays, history.tracks)
    profile = profile_of_weighed(now, history.tracks)
    groups = group_tracks(history.tracks, TopOf.ARTISTS)
    totals = total_by_group(plays, history.tracks, groups)
    figures = period_figures(history, period, counting, artists=int(np.count_nonzero(totals.plays)))
    if period.before is None:
        return _without_before(figures, profile.coverage)
    plays_before = counted(history, period.before.since, period.before.until, counting)
    if not len(plays_before):
        return _without_before(figures, profile.coverage)
    before = weigh_tracks(plays_before, history.tracks)
    profile_before = profile_of_weighed(before, history.tracks)
    totals_before = total_by_group(plays_before, history.tracks, groups)
    artists_before = int(np.count_nonzero(totals_before.plays))
    figures_before = period_figures(history, period.before, counting, artists=artists_before)
    top, top_before = (ranked(each, TopBy.PLAYS, limit=limit) for each in (totals, totals_before))
    comparable = _comparable(now, before, profile, profile_before, history.tracks)
    return Comparison(
        figures=figures,
        figures_before=figures_before,
        changes=_changes(figures, figures_before),
        moved=_moved(groups.ids, top, ranks(totals_before, TopBy.PLAYS)),
        new=_only_in(groups.ids, top, totals.plays, totals_before.plays),
        dropped=_only_in(groups.ids, top_before, totals_before.plays, totals.plays),
        coverage=profile.coverage,
        coverage_before=profile_before.coverage,
        basis=comparable[2] if comparable else None,
        features=_feature_changes(*comparable) if comparable else (),
        missing=None if comparable else _why_nothing(profile, profile_before),
    )


def _without_before(figures: Figures, coverage: Coverage) -> Comparison:
    return Comparison(
        figures=figures,
        figures_before=None,
        changes=(),
        moved=(),
        new=(),
        dropped=(),
        coverage=coverage,
        coverage_before=None,
        basis=None,
        features=(),
        missing=Missing.NOTHING_BEFORE,
    )


def _changes(figures: Figures, figures_before: Figures) -> tuple[Change, ...]:
    return tuple(
        _change(field.name, getattr(figures, field.name), getattr(figures_before, field.name))
        for field in fields(Figures)
    )


def _change(name: str, now: float | None, before: float | None) -> Change:
    if now is None or before is None:
        return Change(name, now, before, None, None)
    return Change(name, now, before, now - before, now / before if before else None)


def _moved(
    ids: NDArray[np.int64], top: NDArray[np.intp], ranks_before: NDArray[np.int64]
) -> tuple[RankMove, ...]:
    pairs = zip(ids[top].tolist(), ranks_before[top].tolist(), strict=True)
    return tuple(
        RankMove(artist, rank, rank_before, rank_before - rank)
        for rank, (artist, rank_before) in enumerate(pairs, start=1)
        if rank_before
    )


def _only_in(
    ids: NDArray[np.int64], top: NDArray[np.intp], plays: NDArray[np.int64], elsewhere: NDArray[np.int64]
) -> tuple[RankedArtist, ...]:
    rows = zip(ids[top].tolist(), plays[top].tolist(), elsewhere[top].tolist(), strict=True)
    return tuple(
        RankedArtist(artist, rank, count)
        for rank, (artist, count, other) in enumerate(rows, start=1)
        if not other
    )


def _comparable(
    now: WeighedTracks,
    before: WeighedTracks,
    profile: FeatureProfile,
    profile_before: FeatureProfile,
    tracks: TrackColumns,
) -> tuple[FeatureProfile, FeatureProfile, Basis] | None:
    both_show = profile.missing is None and profile_before.missing is None
    if both_show and _why_not_as_they_are(profile, profile_before) is None:
        return profile, profile_before, Basis.ALL_KNOWN
    shared = np.intersect1d(now.rows, before.rows, assume_unique=True)
    in_both, in_both_before = (
        profile_of_weighed(weighed, tracks, only=np.isin(weighed.rows, shared, assume_unique=True))
        for weighed in (now, before)
    )
    if in_both.missing is None and in_both_before.missing is None:
        return in_both, in_both_before, Basis.HEARD_IN_BOTH
    return None


def _why_nothing(now: FeatureProfile, before: FeatureProfile) -> Missing | None:
    return now.missing or before.missing or _why_not_as_they_are(now, before)


def _why_not_as_they_are(now: FeatureProfile, before: FeatureProfile) -> Missing | None:
    if coverage_changed(now.coverage.share, before.coverage.share):
        return Missing.COVERAGE_CHANGED
    pairs = ((now.features[column], before.features[column]) for column in _PLANE)
    return Missing.SUPPLIERS_CHANGED if any(suppliers_changed(*pair) for pair in pairs) else None


def _feature_changes(now: FeatureProfile, before: FeatureProfile, basis: Basis) -> tuple[FeatureChange, ...]:
    changes = []
    for name, here, there in zip(FEATURE_NAMES, now.features, before.features, strict=True):
        if here.mean is None or here.margin is None or there.mean is None or there.margin is None:
            changes.append(FeatureChange(name, None, None, None, here.missing or there.missing))
            continue
        why = why_incomparable(here, there)
        if why is Missing.COVERAGE_CHANGED and basis is Basis.HEARD_IN_BOTH:
            # The same tracks are known in both: of what else was heard they may well be different parts.
            why = Missing.SUPPLIERS_CHANGED if suppliers_changed(here, there) else None
        if why is not None:
            changes.append(FeatureChange(name, None, None, None, why))
            continue
        difference, margin = here.mean - there.mean, math.hypot(here.margin, there.margin)
        changes.append(FeatureChange(name, difference, margin, abs(difference) > margin, None))
    return tuple(changes)
