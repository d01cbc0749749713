"""Moods of the music in one period: shares, diversity, dispersion, coherence. None describes the listener."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.evidence import Coverage, Missing, why_thin, why_uncovered
from spotify_insights.listening.analytics.feature_profile import plane_coverage
from spotify_insights.listening.analytics.known_features import UNPLACED
from spotify_insights.listening.analytics.listened_weights import (
    WeighedTracks,
    dot,
    effective_number,
    weigh_tracks,
)
from spotify_insights.listening.analytics.mood_plane import MOODS, QUADRANTS, PlacedTracks, all_placed
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted
from spotify_insights.listening.diversity import MINIMUM_EFFECTIVE_TRACKS

_MAXIMUM_ENTROPY: Final = math.log(len(QUADRANTS))

# A mean of vectors, or a deviation, as short as this is float noise.
_NOISE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class MoodShares:
    """Parts of the music, by time heard, in the four quadrants and the neutral zone; they add up to 1."""

    upbeat: float
    intense: float
    wistful: float
    calm: float
    neutral: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """How evenly the coloured music spreads over the quadrants. Three readings of the same four shares p.

    `entropy`: `H = -sum p ln p` in nats, as it stands; `corrected_entropy`: with Miller's and Madow's
    `+ (K - 1) / (2 n_eff)`, K the quadrants that are the best match of a track, clipped to [0, ln 4];
    `score`: the corrected one by its maximum, ln 4; `effective_moods`: `exp` of the corrected one, the Hill
    number of order 1; `simpson`: `1 - sum p^2`, the probability that two plays differ in quadrant.
    """

    entropy: float
    corrected_entropy: float
    score: float
    effective_moods: float
    simpson: float
    n_eff: float


@dataclass(frozen=True, slots=True)
class Moods:
    """Moods of one period.

    `dispersion` is the distance from the mean place in the plane, as a root mean square.
    `coherence` in [0, 1] is near 1 where all music departs from the listener's library in one direction,
    and near 0 where it departs in all; `coherence_tracks` take part.
    `missing` says why there are no shares; `diversity_missing` and `coherence_missing` the same for these.
    """

    coverage: Coverage
    shares: MoodShares | None
    diversity: Diversity | None
    dispersion: float | None
    coherence: float | None
    coherence_tracks: int
    missing: Missing | None
    diversity_missing: Missing | None
    coherence_missing: Missing | None


def moods(history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING) -> Moods:
    """The moods of one period: see `moods_of`."""
    return moods_of(counted(history, period.since, period.until, counting), history.tracks)


def moods_of(plays: PlayColumns, tracks: TrackColumns) -> Moods:
    """The moods of some plays, weighted by time heard, with the definitions of `mood.py` and `diversity.py`.

    Sources: Russell 1980, Journal of Personality and Social Psychology 39:1161, and Thayer 1989 for the
    plane; Miller 1955, Note on the bias of information estimates; Hill 1973, Ecology 54:427; Simpson 1949,
    Nature 163:688. Dispersion: `sqrt(sum w |z - mu|^2 / sum w)` with z = (valence, energy). Coherence: see
    `feature_coherence`.
    """
    weighed = weigh_tracks(plays, tracks)
    placed, weights = _placed(weighed, tracks)
    coverage = plane_coverage(weighed, tracks)
    missing = why_uncovered(coverage)
    diversity = None if missing else mood_diversity(placed, weights)
    coherence, coherence_tracks, thin = feature_coherence(weighed, tracks)
    return Moods(
        coverage=coverage,
        shares=None if missing else mood_shares(placed, weights),
        diversity=diversity,
        dispersion=None if missing else _dispersion(placed, weights),
        coherence=None if missing else coherence,
        coherence_tracks=coherence_tracks,
        missing=missing,
        diversity_missing=missing or (None if diversity else Missing.FEW_TRACKS),
        coherence_missing=missing or thin,
    )


def _placed(weighed: WeighedTracks, tracks: TrackColumns) -> tuple[PlacedTracks, NDArray[np.float64]]:
    """The tracks that were heard, and perhaps others with the weight 0, and what each weighs."""
    placed = all_placed(tracks)
    if 2 * len(weighed.rows) > len(tracks):
        # Where most are wanted it is faster to take all.
        return placed, weighed.by_row(len(tracks))
    return placed.of(weighed.rows), weighed.weights


def mood_shares(placed: PlacedTracks, weights: NDArray[np.float64]) -> MoodShares | None:
    """Weighted shares of MOODS over the tracks that are known; None where none is."""
    by_mood = np.einsum("ij,j->i", placed.moods, weights)
    total = dot(weights, placed.known)
    if total <= 0:
        return None
    return MoodShares(**dict(zip(MOODS, (by_mood / total).tolist(), strict=True)))


def mood_diversity(placed: PlacedTracks, weights: NDArray[np.float64]) -> Diversity | None:
    """As `diversity.mood_diversity`, of known tracks that are not neutral; None where n_eff is below 10."""
    weights = weights * placed.coloured
    n_eff = effective_number(weights)
    if round(n_eff, 9) < MINIMUM_EFFECTIVE_TRACKS:
        return None
    shares = np.einsum("ij,j->i", placed.moods[: len(QUADRANTS)], weights) / weights.sum()
    observed = int(np.bitwise_or.reduce(placed.best * (weights > 0))).bit_count()
    present = shares[shares > 0]
    entropy = -dot(present, np.log(present))
    corrected = min(max(entropy + (observed - 1) / (2 * n_eff), 0.0), _MAXIMUM_ENTROPY)
    return Diversity(
        entropy=entropy,
        corrected_entropy=corrected,
        score=corrected / _MAXIMUM_ENTROPY,
        effective_moods=math.exp(corrected),
        simpson=1 - dot(shares, shares),
        n_eff=n_eff,
    )


def _dispersion(placed: PlacedTracks, weights: NDArray[np.float64]) -> float:
    weights = weights * placed.known
    total = float(weights.sum())
    valence, energy = (
        coordinate - dot(weights, coordinate) / total for coordinate in (placed.valence, placed.energy)
    )
    return math.sqrt(dot(weights, valence * valence + energy * energy) / total)


def feature_coherence(
    weighed: WeighedTracks, tracks: TrackColumns
) -> tuple[float | None, int, Missing | None]:
    """Weighted mean cosine between the tracks and their mean direction, over all nine features.

    The formula is the generalist-specialist score of Anderson et al. 2020 (WWW, doi
    10.1145/3366423.3380281): `sum w cos(v, mu) / sum w` with `mu = sum w v / sum w`; for unit vectors v it
    is the length of mu. That score works on embeddings learnt from playlists. Ours works on audio features,
    which are a different thing under a different name. Raw features are all positive, and every cosine
    would be near 1; so each is taken as its distance from the mean of the listener's whole library, in that
    library's standard deviations, every track once. Compare periods of one listener, not two listeners.

    Returns:
        The coherence, the number of tracks with all nine features, and why the coherence is None if it is.
    """
    library = _library(tracks)
    place = library.place[weighed.rows]
    heard = np.flatnonzero(place != UNPLACED)
    place, weights, count = place[heard], weighed.weights[heard], len(heard)
    total = weighed.total
    thin = why_thin(count, float(weights.sum()) / total if total > 0 else 0.0)
    if thin is not None:
        return None, count, thin if len(weighed.rows) else Missing.NO_PLAYS
    directed = dot(weights, library.directed[place])
    if directed <= 0:
        return None, count, Missing.NO_SPREAD
    directions = library.directions
    if 2 * count > len(library.directed):
        # Where most are wanted it is faster to take all, and the others weigh nothing.
        weights_of_all = np.zeros(len(library.directed))
        weights_of_all[place] = weights
        weights = weights_of_all
    else:
        directions = np.take(directions, place, axis=1)
    mean_direction = np.einsum("ij,j->i", directions, weights) / directed
    return min(float(np.linalg.norm(mean_direction)), 1.0), count, None


@dataclass(frozen=True, slots=True)
class Library:
    """In which direction each track with all nine features lies from the mean of the listener's library.

    Attributes:
        place: for each row of `TrackColumns` its place among these tracks, or UNPLACED.
        directed: which of these tracks lie somewhere else than the mean.
        directions: their unit vectors, in columns; 0 for the others of these tracks.
    """

    place: NDArray[np.int32]
    directed: NDArray[np.bool_]
    directions: NDArray[np.float64]

    def with_unknown(self, more: int) -> "Library":
        """The same, with so many more rows of `TrackColumns`, of which nothing is known."""
        return replace(self, place=np.append(self.place, np.full(more, UNPLACED, dtype=np.int32)))


def _library(tracks: TrackColumns) -> Library:
    """Held beside the tracks."""
    return tracks.held.get(Library, lambda: _directions(tracks.features))


def _directions(features: NDArray[np.float32]) -> Library:
    # A sum with an unknown value in it is unknown.
    rows = np.flatnonzero(~np.isnan(np.einsum("ij->i", features)))
    place = np.full(len(features), UNPLACED, dtype=np.int32)
    place[rows] = np.arange(len(rows))
    if not len(rows):
        return Library(place, np.zeros(0, dtype=np.bool_), np.zeros((0, 0)))
    vectors = np.ascontiguousarray(features[rows].T, dtype=np.float64)
    mean, spread = vectors.mean(axis=1), vectors.std(axis=1)
    varying = spread > _NOISE
    vectors = (vectors[varying] - mean[varying, None]) / spread[varying, None]
    lengths = np.sqrt(np.einsum("ij,ij->j", vectors, vectors))
    directed = lengths > _NOISE
    vectors *= directed / np.where(directed, lengths, 1.0)
    return Library(place, directed, vectors)
