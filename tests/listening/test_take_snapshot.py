"""What a snapshot holds: coverage, limits of evidence, order and rounding."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.snapshot import Snapshot, TopArtist, TopTrack
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import TimeRange

BRIGHT = AudioFeatures(valence=0.8, energy=0.7)


def top(*ranks: int) -> list[TopTrack]:
    return [
        TopTrack(rank=rank, spotify_id=f"track-{rank}", name=f"Song {rank}", artists=("Somebody",))
        for rank in ranks
    ]


def supplied(
    ranks: Sequence[int] | range, features: AudioFeatures = BRIGHT, provider: str = "catalogue"
) -> dict[str, SuppliedFeatures]:
    return {
        f"track-{rank}": SuppliedFeatures.from_one(features=features, provider=provider) for rank in ranks
    }


def snapshot_of(
    top_tracks: Sequence[TopTrack],
    features: Mapping[str, SuppliedFeatures] | None = None,
    *,
    top_artists: Sequence[TopArtist] = (),
    plays_ended_at: Sequence[datetime] = (),
    timezone: str = "Europe/Berlin",
) -> Snapshot:
    return take_snapshot(
        snapshot_date=date(2026, 11, 1),
        time_range=TimeRange.MEDIUM_TERM,
        timezone=timezone,
        top_tracks=top_tracks,
        top_artists=top_artists,
        features=features or {},
        plays_ended_at=plays_ended_at,
    )


def shows_mood(snapshot: Snapshot) -> bool:
    shown = snapshot.mood_patterns is not None
    assert shown == bool(snapshot.audio_features)
    return shown


def decimal_sum(shares: Sequence[float]) -> Decimal:
    return sum((Decimal(repr(share)) for share in shares), start=Decimal(0))


def test_the_snapshot_says_for_whom_when_and_what_it_is() -> None:
    snapshot = snapshot_of(top(1))
    assert (snapshot.snapshot_date, snapshot.time_range) == (date(2026, 11, 1), TimeRange.MEDIUM_TERM)
    assert snapshot.timezone == "Europe/Berlin"


def test_tracks_and_artists_are_in_order_of_rank() -> None:
    artists = [TopArtist(rank=rank, spotify_id=f"artist-{rank}", name=f"Band {rank}") for rank in (3, 1, 2)]
    snapshot = snapshot_of(top(11, 2, 7), top_artists=artists)
    assert [track.rank for track in snapshot.top_tracks] == [2, 7, 11]
    assert [artist.rank for artist in snapshot.top_artists] == [1, 2, 3]


def test_coverage_is_the_share_of_rank_weight_with_valence_and_energy() -> None:
    # Ranks 1, 3, 7, 15 weigh 1, 1/2, 1/3, 1/4: 25/12 together. Ranks 1 and 7 are known: 4/3.
    features = {
        **supplied([1], provider="catalogue"),
        **supplied([7], provider="reccobeats"),
        **supplied([3], AudioFeatures(valence=0.5, tempo=120), provider="reccobeats"),
    }
    coverage = snapshot_of(top(1, 3, 7, 15), features).coverage

    assert (coverage.tracks, coverage.tracks_with_features) == (4, 2)
    assert coverage.share == float(Fraction(4, 3) / Fraction(25, 12)) == 0.64
    # Of the known 4/3, rank 1 has 1 and rank 7 has 1/3.
    assert coverage.providers == {"catalogue": 0.75, "reccobeats": 0.25}


def test_features_of_other_tracks_do_not_count() -> None:
    coverage = snapshot_of(top(1, 2), supplied(range(50, 90))).coverage
    assert (coverage.share, coverage.tracks_with_features, coverage.providers) == (0, 0, {})


def test_a_listener_without_any_data_gets_an_empty_snapshot() -> None:
    snapshot = snapshot_of([])
    assert (snapshot.coverage.tracks, snapshot.coverage.share) == (0, 0)
    assert (snapshot.audio_features, snapshot.mood_patterns, snapshot.rhythm) == ({}, None, None)
    assert (snapshot.mood_diversity_score, snapshot.effective_moods) == (None, None)


def test_ten_known_tracks_show_a_mood_and_nine_do_not() -> None:
    assert shows_mood(snapshot_of(top(*range(1, 11)), supplied(range(1, 11))))
    assert not shows_mood(snapshot_of(top(*range(1, 11)), supplied(range(1, 10))))


def test_exactly_two_fifths_of_the_weight_show_a_mood_and_a_little_less_does_not() -> None:
    # Rank 2^k - 1 weighs exactly 1/k.
    known = [2**k - 1 for k in (6, 16, 18, 21, 28, 40, 42, 45, 48, 56)]
    unknown = [2**k - 1 for k in (2, 5, 60)]
    known_weight = sum(Fraction(1, k) for k in (6, 16, 18, 21, 28, 40, 42, 45, 48, 56))
    unknown_weight = sum(Fraction(1, k) for k in (2, 5, 60))
    assert known_weight / (known_weight + unknown_weight) == Fraction(2, 5)

    at_the_border = snapshot_of(top(*known, *unknown), supplied(known))
    assert at_the_border.coverage.share == 0.4
    assert shows_mood(at_the_border)
    below = snapshot_of(top(*known, *unknown, 2**1000 - 1), supplied(known))
    assert below.coverage.share < 0.4
    assert not shows_mood(below)


def test_below_the_limits_coverage_and_rhythm_are_still_told() -> None:
    plays = [datetime(2026, 10, 30, 20, tzinfo=UTC)]
    snapshot = snapshot_of(top(*range(1, 51)), supplied(range(1, 10)), plays_ended_at=plays)
    assert not shows_mood(snapshot)
    assert (snapshot.mood_diversity_score, snapshot.effective_moods) == (None, None)
    assert snapshot.coverage.tracks_with_features == 9
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.hours[21] == 1


def test_ten_tracks_show_moods_but_diversity_waits_for_thirteen() -> None:
    for count in (10, 12):
        snapshot = snapshot_of(top(*range(1, count + 1)), supplied(range(1, count + 1)))
        assert shows_mood(snapshot)
        assert (snapshot.mood_diversity_score, snapshot.effective_moods) == (None, None)
    thirteen = snapshot_of(top(*range(1, 14)), supplied(range(1, 14)))
    assert thirteen.mood_diversity_score is not None
    assert thirteen.effective_moods == pytest.approx(4**thirteen.mood_diversity_score, abs=1e-5)


def test_many_tracks_of_little_weight_give_no_diversity_either() -> None:
    # Fifteen tracks are enough for a score, but ranks 36 to 50 have about a fifth of the weight.
    features = supplied(range(36, 51))
    alone, among_fifty = (snapshot_of(top(*range(first, 51)), features) for first in (36, 1))
    assert alone.mood_diversity_score is not None
    assert not shows_mood(among_fifty)
    assert (among_fifty.mood_diversity_score, among_fifty.effective_moods) == (None, None)


def test_a_listener_of_neutral_music_gets_moods_but_no_diversity() -> None:
    neutral = supplied(range(1, 46), AudioFeatures(valence=0.5, energy=0.5))
    snapshot = snapshot_of(top(*range(1, 51)), {**neutral, **supplied(range(46, 51))})
    assert snapshot.mood_patterns is not None
    assert snapshot.mood_patterns.neutral > 0.9
    assert snapshot.mood_diversity_score is None


def test_every_feature_must_have_enough_evidence_of_its_own() -> None:
    ranks = range(1, 31)
    features = supplied(ranks)
    with_tempo = AudioFeatures(valence=0.8, energy=0.7, tempo=120)
    ten = snapshot_of(top(*ranks), {**features, **supplied(range(1, 11), with_tempo)})
    nine = snapshot_of(top(*ranks), {**features, **supplied(range(1, 10), with_tempo)})
    last_ten = snapshot_of(top(*ranks), {**features, **supplied(range(21, 31), with_tempo)})

    assert ten.audio_features["tempo"].n == 10
    assert list(nine.audio_features) == ["energy", "valence"]
    # Ten tracks again, but of ranks 21 to 30, with a quarter of the weight.
    assert list(last_ten.audio_features) == ["energy", "valence"]


def test_features_are_summed_up_over_tracks_that_lack_valence_as_well() -> None:
    ranks = range(1, 21)
    full = AudioFeatures(**dict.fromkeys(FEATURE_NAMES, 0.25))
    features = {**supplied(range(1, 15), full), **supplied(range(15, 21), AudioFeatures(loudness=-8))}
    snapshot = snapshot_of(top(*ranks), features)
    assert snapshot.audio_features["valence"].n == 14
    assert snapshot.audio_features["loudness"].n == 20
    assert snapshot.audio_features["valence"].mean == 0.25
    assert (snapshot.audio_features["valence"].spread, snapshot.audio_features["valence"].margin) == (0, 0)


def test_three_equal_shares_add_up_because_the_first_takes_the_odd_millionth() -> None:
    plays = [datetime(2026, 10, 30, hour, tzinfo=UTC) for hour in (8, 9, 10)]
    rhythm = snapshot_of(top(1), plays_ended_at=plays, timezone="UTC").rhythm
    assert rhythm is not None
    assert rhythm.hours[8:11] == (0.333334, 0.333333, 0.333333)


@pytest.mark.parametrize("counts", list(itertools.permutations((1, 4, 7))))
def test_equal_remainders_go_to_the_first_share_whatever_the_float_noise(
    counts: tuple[int, int, int],
) -> None:
    # 1/12, 4/12 and 7/12 are 0.083333, 0.333333 and 0.583333, each with a third of a millionth left over.
    hours = [hour for hour, count in zip((8, 9, 10), counts, strict=True) for _ in range(count)]
    plays = [datetime(2026, 10, 30, hour, tzinfo=UTC) for hour in hours]
    rhythm = snapshot_of(top(1), plays_ended_at=plays, timezone="UTC").rhythm

    first, second, third = (count * 1_000_000 // 12 for count in counts)
    assert rhythm is not None
    assert rhythm.hours[8:11] == ((first + 1) / 1e6, second / 1e6, third / 1e6)


def test_a_mean_just_before_midnight_rounds_to_zero_and_not_to_24() -> None:
    plays = [datetime(2026, 10, 30, 23, 59, 59, 999_999, tzinfo=UTC)]
    rhythm = snapshot_of(top(1), plays_ended_at=plays, timezone="UTC").rhythm
    assert rhythm is not None
    assert rhythm.mean_hour == 0
    assert rhythm.hours[23] == 1


def test_an_unknown_zone_is_refused_even_without_plays() -> None:
    with pytest.raises(InvalidInputError, match="Mars/Olympus"):
        snapshot_of(top(1), timezone="Mars/Olympus")


THOUSANDTHS = st.integers(min_value=0, max_value=1000).map(lambda thousandths: thousandths / 1000)
LISTENER = st.lists(
    st.tuples(THOUSANDTHS, THOUSANDTHS, st.sampled_from(["catalogue", "reccobeats", "spotify"])),
    min_size=10,
    max_size=50,
)
PLAYS = st.lists(
    st.integers(min_value=0, max_value=364 * 86_400).map(
        lambda seconds: datetime.fromtimestamp(1_735_689_600 + seconds, tz=UTC)
    ),
    min_size=1,
    max_size=60,
)


@given(LISTENER, PLAYS)
def test_rounded_shares_still_add_up_to_exactly_one_and_have_six_decimals(
    points: list[tuple[float, float, str]], plays: list[datetime]
) -> None:
    features = {
        f"track-{rank}": SuppliedFeatures.from_one(
            features=AudioFeatures(valence=valence, energy=energy), provider=provider
        )
        for rank, (valence, energy, provider) in enumerate(points, start=1)
    }
    snapshot = snapshot_of(top(*range(1, len(points) + 1)), features, plays_ended_at=plays)

    assert snapshot.mood_patterns is not None
    assert snapshot.rhythm is not None
    figures = snapshot.mood_patterns.model_dump()
    parts: list[Sequence[float]] = [
        list(figures.values()),
        list(snapshot.coverage.providers.values()),
        snapshot.rhythm.hours,
        snapshot.rhythm.weekdays,
    ]
    for shares in parts:
        assert decimal_sum(shares) == 1
        assert all(0 <= share <= 1 and round(share, 6) == share for share in shares)
    # By largest remainder each share is within one millionth of its count.
    for hour, share in enumerate(snapshot.rhythm.hours):
        local = [play for play in plays if _berlin_hour(play) == hour]
        assert abs(share - len(local) / len(plays)) < 1e-6


def _berlin_hour(moment: datetime) -> int:
    # 2025: summer time from 30 March 1:00 UTC to 26 October 1:00 UTC.
    summer = datetime(2025, 3, 30, 1, tzinfo=UTC) <= moment < datetime(2025, 10, 26, 1, tzinfo=UTC)
    return (moment.hour + (2 if summer else 1)) % 24
