"""Compute a snapshot from what was loaded: same content in, same content hash out."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.diversity import mood_diversity
from spotify_insights.listening.feature_summary import summarise_features
from spotify_insights.listening.mood import mood_patterns, mood_position
from spotify_insights.listening.rhythm import listening_rhythm
from spotify_insights.listening.snapshot import (
    SPOTIFY_RULE,
    Coverage,
    FeatureSummary,
    MoodPatterns,
    PlayRuleName,
    Rhythm,
    Snapshot,
    TopArtist,
    TopTrack,
)
from spotify_insights.listening.time_range import SnapshotRange
from spotify_insights.listening.weights import WeightedTrack, rank_weight

# Whether a provider knows a track depends on its age and fame. With less than two fifths of the weight
# known, the tracks that happen to be known could show a mood that the unknown majority does not share.
MINIMUM_COVERAGE: Final = 0.4

# With ten tracks the 95 % margin of a feature is about two thirds of its standard deviation, near 0.15 for
# a typical one: just enough to tell high from low. With fewer a single track decides the picture.
MINIMUM_TRACKS: Final = 10

_MOOD_PLANE: Final = ("valence", "energy")

# Finer than any figure that is ever shown, and far coarser than the noise of float arithmetic.
_DECIMALS: Final = 6
# Mathematical libraries of different platforms differ in the last of about 16 digits. Rounding to twelve
# first makes them agree, so that the second rounding meets equal numbers even half-way between two steps.
_AGREED_DECIMALS: Final = 12


class SuppliedFeatures(BaseModel):
    """The audio features of one track, and by feature the name of the provider that supplied it."""

    model_config = ConfigDict(frozen=True)

    features: AudioFeatures
    providers: Mapping[str, str]

    @classmethod
    def from_one(cls, *, features: AudioFeatures, provider: str) -> Self:
        """All that is known comes from one provider."""
        known = [name for name in FEATURE_NAMES if getattr(features, name) is not None]
        return cls(features=features, providers=dict.fromkeys(known, provider))


def take_snapshot(
    *,
    snapshot_date: date,
    time_range: SnapshotRange,
    timezone: str,
    top_tracks: Sequence[TopTrack],
    top_artists: Sequence[TopArtist],
    features: Mapping[str, SuppliedFeatures],
    plays_ended_at: Sequence[datetime],
    play_rule: PlayRuleName = SPOTIFY_RULE,
) -> Snapshot:
    """Compute the snapshot of one listener, day and range. Pure: repeat it as often as you like.

    Every float is rounded to six decimals; shares are rounded so that they still add up to 1 (by largest
    remainder, each within one millionth). Equal content gives an equal `content_hash` on every platform,
    in whatever order tracks, artists, features and plays come.

    Coverage is decided by the mood plane: a track has features when both its valence and its energy are
    known. `coverage.share` is the sum of weights of those tracks over the sum for all top tracks,
    0 without top tracks. Tracks of which something else is known (tempo, say) add to that feature only.
    `coverage.providers` splits the known weight: half of a track's counts for whoever supplied its valence,
    half for whoever supplied its energy.
    A track weighs its number of plays where the source counts them, else by its rank.

    Mood is shown from MINIMUM_COVERAGE and MINIMUM_TRACKS on, the limits included, judged by the rounded
    share that is stored. Below them audio_features is empty too. Each feature has to meet both limits
    with its own tracks as well, and is left out otherwise. Mood diversity asks for more evidence
    than mood shares do; see `mood_diversity`.

    Args:
        snapshot_date: The day it stands for, in the listener's zone.
        time_range: The window of the top items.
        timezone: The listener's IANA zone; hours and weekdays are told by its clock.
        top_tracks: Ranks count from 1 and are told apart by spotify_id where they are equal.
        top_artists: As for the tracks.
        features: By spotify_id; ids that are not among the top tracks are ignored.
        plays_ended_at: Aware end moments of the plays inside the range, as selected by the caller.
        play_rule: By which rule the caller selected them.

    Raises:
        InvalidInputError: The zone is not in the IANA database (field `timezone`).
        ValueError: A rank of a track is below 1, or a moment is naive.
    """
    tracks = tuple(sorted(top_tracks, key=_by_rank))
    return compose_snapshot(
        snapshot_date=snapshot_date,
        time_range=time_range,
        timezone=timezone,
        weighted=[_weighted(track, features) for track in tracks],
        top_tracks=tracks,
        top_artists=tuple(sorted(top_artists, key=_by_rank)),
        rhythm=listening_rhythm(plays_ended_at, timezone=timezone, play_rule=play_rule),
    )


def compose_snapshot(
    *,
    snapshot_date: date,
    time_range: SnapshotRange,
    timezone: str,
    weighted: Sequence[WeightedTrack],
    top_tracks: tuple[TopTrack, ...],
    top_artists: tuple[TopArtist, ...],
    rhythm: Rhythm | None,
) -> Snapshot:
    """As `take_snapshot`, from weighed music, lists in their order and an unrounded rhythm."""
    coverage = _coverage(weighted)
    shows_mood = _is_enough(coverage.tracks_with_features, coverage.share)
    diversity = mood_diversity(weighted) if shows_mood else None
    return Snapshot(
        snapshot_date=snapshot_date,
        time_range=time_range,
        timezone=timezone,
        audio_features=_well_covered_features(weighted) if shows_mood else {},
        mood_patterns=_rounded_moods(mood_patterns(weighted)) if shows_mood else None,
        mood_diversity_score=_rounded(diversity.score) if diversity else None,
        effective_moods=_rounded(diversity.effective_moods) if diversity else None,
        rhythm=_rounded_rhythm(rhythm),
        top_tracks=top_tracks,
        top_artists=top_artists,
        coverage=coverage,
    )


def _by_rank(item: TopTrack | TopArtist) -> tuple[int, str]:
    return item.rank, item.spotify_id


def _weighted(track: TopTrack, features: Mapping[str, SuppliedFeatures]) -> WeightedTrack:
    supplied = features.get(track.spotify_id)
    return WeightedTrack(
        weight=rank_weight(track.rank) if track.plays is None else float(track.plays),
        features=supplied.features if supplied else AudioFeatures(),
        providers=supplied.providers if supplied else {},
    )


def _coverage(weighted: Sequence[WeightedTrack]) -> Coverage:
    weights_by_provider: dict[str, list[float]] = {}
    known: list[float] = []
    for track in weighted:
        if mood_position(track.features) is not None:
            known.append(track.weight)
            for name in _MOOD_PLANE:
                weights_by_provider.setdefault(track.providers[name], []).append(
                    track.weight / len(_MOOD_PLANE)
                )
    providers = sorted(weights_by_provider)
    provider_shares = [math.fsum(weights_by_provider[name]) / math.fsum(known) for name in providers]
    return Coverage(
        tracks=len(weighted),
        tracks_with_features=len(known),
        share=_rounded_share(known, weighted),
        providers=dict(zip(providers, _rounded_shares(provider_shares), strict=True)),
    )


def _is_enough(tracks: int, share: float) -> bool:
    return tracks >= MINIMUM_TRACKS and share >= MINIMUM_COVERAGE


def _rounded_share(known: Sequence[float], weighted: Sequence[WeightedTrack]) -> float:
    if not weighted:
        return 0.0
    return _rounded(math.fsum(known) / math.fsum(track.weight for track in weighted))


def _well_covered_features(weighted: Sequence[WeightedTrack]) -> dict[str, FeatureSummary]:
    shown: dict[str, FeatureSummary] = {}
    for name, summary in summarise_features(weighted).items():
        known = [track.weight for track in weighted if getattr(track.features, name) is not None]
        if _is_enough(summary.n, _rounded_share(known, weighted)):
            shown[name] = FeatureSummary(
                mean=_rounded(summary.mean),
                spread=_rounded(summary.spread),
                n=summary.n,
                margin=_rounded(summary.margin),
            )
    return shown


def _rounded_moods(moods: MoodPatterns | None) -> MoodPatterns | None:
    if moods is None:
        return None
    shares: dict[str, float] = moods.model_dump()
    return MoodPatterns(**dict(zip(shares, _rounded_shares(list(shares.values())), strict=True)))


def _rounded_rhythm(rhythm: Rhythm | None) -> Rhythm | None:
    if rhythm is None:
        return None
    return rhythm.model_copy(
        update={
            "hours": _rounded_shares(rhythm.hours),
            "weekdays": _rounded_shares(rhythm.weekdays),
            # A moment before midnight rounds to 24, which is 0 on a clock.
            "mean_hour": _rounded(rhythm.mean_hour) % 24,
            "concentration": _rounded(rhythm.concentration),
        }
    )


def _rounded(value: float) -> float:
    # Adding 0.0 turns -0.0 into 0.0: the two are equal, but their JSON and so their hashes are not.
    return round(round(value, _AGREED_DECIMALS), _DECIMALS) + 0.0


def _rounded_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Shares that add up to 1, in whole millionths that add up to a million.

    Every share is rounded down, and the millionths then missing go one each to the largest remainders,
    at equal remainders to the first. In integers, so that ties are ties on every platform.
    """
    step = 10 ** (_AGREED_DECIMALS - _DECIMALS)
    parts = [divmod(round(share * 10**_AGREED_DECIMALS), step) for share in shares]
    missing = 10**_DECIMALS - sum(whole for whole, _ in parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: (-parts[index][1], index))
    raised = frozenset(by_remainder[:missing])
    return tuple((whole + (index in raised)) / 10**_DECIMALS for index, (whole, _) in enumerate(parts))
