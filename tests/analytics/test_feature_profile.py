"""The sound of what was heard, weighted by time heard."""

import math
from collections import defaultdict

import pytest
from hypothesis import given

from small_histories import MINUTE, Row, Song, a_history, all_time, small_histories, utc
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.feature_profile import (
    FeatureFigures,
    feature_profile,
    profile_of_weighed,
)
from spotify_insights.listening.analytics.listened_weights import WeighedTracks, play_weights, weigh_tracks
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.feature_summary import summarise_features
from spotify_insights.listening.take_snapshot import MINIMUM_COVERAGE, MINIMUM_TRACKS
from spotify_insights.listening.weights import WeightedTrack

AT = utc("2026-01-01T12:00")
EVERYTHING = Counting(PlayRule.ALL, private_sessions=True)


def one_play_each(songs: list[Song]) -> HistoryColumns:
    return a_history([Row(AT, track=index, ms=song.duration) for index, song in enumerate(songs)], songs)


def figures(history: HistoryColumns, name: str) -> FeatureFigures:
    return feature_profile(history, all_time()).features[FEATURE_NAMES.index(name)]


def naive_weights(rows: list[Row], songs: list[Song]) -> list[float]:
    known = [float(min(row.ms, songs[row.track].duration or row.ms)) for row in rows if row.ms is not None]
    mean = sum(known) / len(known) if known else 0.0
    return [
        float(min(row.ms, songs[row.track].duration or row.ms)) if row.ms is not None else mean or 1.0
        for row in rows
    ]


def naive_tracks(rows: list[Row], songs: list[Song]) -> list[WeightedTrack]:
    sums: dict[int, float] = defaultdict(float)
    for row, weight in zip(rows, naive_weights(rows, songs), strict=True):
        sums[row.track] += weight
    return [
        WeightedTrack(weight=weight, features=AudioFeatures(**songs[track].features))
        for track, weight in sorted(sums.items())
        if weight > 0
    ]


def test_a_profile_by_hand() -> None:
    # Five tracks with valence 0.25, heard for one minute; five with 0.75, heard for three.
    songs = [
        Song(duration=(1 if index < 5 else 3) * MINUTE, features={"valence": value, "energy": 0.5})
        for index, value in enumerate([0.25] * 5 + [0.75] * 5)
    ]
    valence = figures(one_play_each(songs), "valence")
    # (5 * 1 * 0.25 + 5 * 3 * 0.75) / 20 = 12.5 / 20.
    assert valence.mean == pytest.approx(0.625)
    # Variance (5 * 0.375^2 + 15 * 0.125^2) / 20 = (0.703125 + 0.234375) / 20 = 0.046875.
    assert valence.spread == pytest.approx(math.sqrt(0.046875))
    # n_eff = 20^2 / (5 * 1 + 5 * 9) = 400 / 50 = 8.
    assert valence.n_eff == pytest.approx(8)
    assert valence.margin == pytest.approx(1.96 * math.sqrt(0.046875) / math.sqrt(8))
    assert (valence.n, valence.coverage, valence.missing) == (10, 1, None)


def test_tempo_is_a_median() -> None:
    # 30 minutes in all; up to 100 it is 14, with 110 it is 16: half of it, 15, is reached at 110.
    tempos = [(90, 2)] * 5 + [(100, 4)] + [(110, 2)] + [(180, 3)] * 4 + [(190, 2)]
    songs = [
        Song(duration=minutes * MINUTE, features={"valence": 0.5, "energy": 0.5, "tempo": tempo})
        for tempo, minutes in tempos
    ]
    assert figures(one_play_each(songs), "tempo").mean == 110


def test_a_track_is_not_heard_longer_than_it_is() -> None:
    songs = [Song(duration=2 * MINUTE), Song(duration=None)]
    history = a_history([Row(AT, 0, ms=60 * MINUTE), Row(AT, 1, ms=60 * MINUTE)], songs)
    assert play_weights(history.plays, history.tracks).tolist() == [2 * MINUTE, 60 * MINUTE]


def test_a_play_of_unknown_length_weighs_as_the_mean_one() -> None:
    songs = [Song(duration=5 * MINUTE)]
    rows = [Row(AT, ms=1 * MINUTE), Row(AT, ms=3 * MINUTE), Row(AT, ms=None)]
    history = a_history(rows, songs)
    assert play_weights(history.plays, history.tracks).tolist() == [MINUTE, 3 * MINUTE, 2 * MINUTE]
    unknown = a_history([Row(AT, ms=None)] * 3, songs)
    assert play_weights(unknown.plays, unknown.tracks).tolist() == [1, 1, 1]


@given(small_histories())
def test_weights_are_those_of_a_loop(given: tuple[list[Row], list[Song]]) -> None:
    history = a_history(*given)
    assert play_weights(history.plays, history.tracks).tolist() == pytest.approx(naive_weights(*given))


@given(small_histories())
def test_figures_are_those_of_a_snapshot(given: tuple[list[Row], list[Song]]) -> None:
    history, tracks = a_history(*given), naive_tracks(*given)
    profile = feature_profile(history, all_time(), EVERYTHING)
    expected = summarise_features(tracks)
    total = math.fsum(track.weight for track in tracks)
    placed = [t for t in tracks if t.features.valence is not None and t.features.energy is not None]
    share = math.fsum(track.weight for track in placed) / total if total else 0
    assert profile.coverage.share == pytest.approx(share)
    assert (profile.coverage.tracks, profile.coverage.tracks_with_features) == (len(tracks), len(placed))
    enough = len(placed) >= MINIMUM_TRACKS and round(share, 6) >= MINIMUM_COVERAGE
    assert (profile.missing is None) == enough
    for shown in profile.features:
        known = [t.weight for t in tracks if getattr(t.features, shown.name) is not None]
        assert shown.n == len(known)
        assert shown.coverage == pytest.approx(math.fsum(known) / total if total else 0)
        if not enough or len(known) < MINIMUM_TRACKS or round(shown.coverage, 6) < MINIMUM_COVERAGE:
            assert shown.mean is shown.spread is shown.margin is shown.n_eff is None
            assert shown.missing is not None
        else:
            summary = expected[shown.name]
            assert shown.mean == pytest.approx(summary.mean)
            assert shown.spread == pytest.approx(summary.spread, abs=1e-7)
            assert shown.margin == pytest.approx(summary.margin, abs=1e-7)


def test_sixty_percent_known_is_said_and_shown() -> None:
    known = {"valence": 0.5, "energy": 0.5}
    profile = feature_profile(one_play_each([Song(features=known)] * 12 + [Song()] * 8), all_time())
    assert profile.coverage.share == pytest.approx(0.6)
    assert (profile.coverage.tracks, profile.coverage.tracks_with_features) == (20, 12)
    assert profile.missing is None


@pytest.mark.parametrize(
    ("known", "unknown", "missing"),
    [(10, 15, None), (10, 16, Missing.LOW_COVERAGE), (9, 0, Missing.FEW_TRACKS), (0, 0, Missing.NO_PLAYS)],
)
def test_thin_evidence_shows_no_feature(known: int, unknown: int, missing: Missing | None) -> None:
    songs = [Song(features={"valence": 0.5, "energy": 0.5})] * known + [Song()] * unknown
    profile = feature_profile(one_play_each(songs), all_time())
    assert profile.missing == missing
    assert (figures(one_play_each(songs), "valence").mean is None) == (missing is not None)


def test_each_feature_says_who_supplied_it() -> None:
    songs = [Song(duration=MINUTE, features={"valence": 0.5, "energy": 0.5}, provider="spotify")] * 6
    songs += [Song(duration=3 * MINUTE, features={"valence": 0.5, "energy": 0.5}, provider="reccobeats")] * 6
    providers = figures(one_play_each(songs), "energy").providers
    # 6 minutes of 24, and 18 of 24.
    assert [(each.provider, each.share) for each in providers] == [("spotify", 0.25), ("reccobeats", 0.75)]
    assert figures(one_play_each(songs), "tempo").providers == ()


@given(small_histories())
def test_few_plays_are_weighed_as_many(given: tuple[list[Row], list[Song]]) -> None:
    # Few plays of many tracks are sorted, many are counted: both ways give the same.
    rows, songs = given
    few, many = a_history(rows, songs + [Song()] * 2000), a_history(rows, songs)
    sums, counts = (weigh_tracks(each.plays, each.tracks) for each in (few, many))
    assert sums.rows.tolist() == counts.rows.tolist()
    assert sums.weights.tolist() == pytest.approx(counts.weights.tolist())


def test_tracks_taken_for_unknown_keep_their_weight() -> None:
    history = one_play_each([Song(features={"valence": 0.5, "energy": 0.5})] * 40)
    weighed: WeighedTracks = weigh_tracks(history.plays, history.tracks)
    profile = profile_of_weighed(weighed, history.tracks, only=weighed.rows < 20)
    assert (profile.coverage.share, profile.coverage.tracks_with_features) == (0.5, 20)
