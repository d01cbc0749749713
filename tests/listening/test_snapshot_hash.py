"""Equal content gives an equal hash: in any order, in any process, with any mathematical library."""

import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.snapshot import Snapshot, TopArtist, TopTrack
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import TimeRange

MIDNIGHT: Final = datetime(2026, 10, 25, tzinfo=UTC)
TRACKS: Final = [
    TopTrack(rank=rank, spotify_id=f"track-{rank}", name=f"Song {rank}", artists=("A", "B"))
    for rank in range(1, 41)
]
ARTISTS: Final = [
    TopArtist(rank=rank, spotify_id=f"artist-{rank}", name=f"Band {rank}") for rank in range(1, 11)
]
PLAYS: Final = [MIDNIGHT + timedelta(minutes=37 * index) for index in range(200)]


def features_of(seed: int) -> dict[str, SuppliedFeatures]:
    chance = random.Random(seed)  # noqa: S311 - a repeatable listener, not a secret
    return {
        track.spotify_id: SuppliedFeatures.from_one(
            features=AudioFeatures(
                valence=round(chance.random(), 3),
                energy=round(chance.random(), 3),
                tempo=chance.uniform(60, 200),
            ),
            provider=chance.choice(["catalogue", "reccobeats"]),
        )
        for track in TRACKS
    }


def snapshot_of(
    tracks: list[TopTrack],
    artists: list[TopArtist],
    features: dict[str, SuppliedFeatures],
    plays: list[datetime],
) -> Snapshot:
    return take_snapshot(
        snapshot_date=date(2026, 11, 1),
        time_range=TimeRange.SHORT_TERM,
        timezone="Europe/Berlin",
        top_tracks=tracks,
        top_artists=artists,
        features=features,
        plays_ended_at=plays,
    )


@given(st.integers(min_value=0, max_value=1000), st.randoms(use_true_random=False))
def test_the_order_of_every_input_is_without_effect(seed: int, shuffler: random.Random) -> None:
    features = features_of(seed)
    ordered = snapshot_of(TRACKS, ARTISTS, features, PLAYS)
    shuffled = snapshot_of(
        shuffler.sample(TRACKS, len(TRACKS)),
        shuffler.sample(ARTISTS, len(ARTISTS)),
        dict(shuffler.sample(list(features.items()), len(features))),
        shuffler.sample(PLAYS, len(PLAYS)),
    )
    assert shuffled == ordered
    assert shuffled.content_hash == ordered.content_hash


def test_equal_ranks_are_told_apart_by_id_in_any_order() -> None:
    tied = [track.model_copy(update={"rank": 1 + track.rank // 2}) for track in TRACKS]
    ordered = snapshot_of(tied, ARTISTS, features_of(1), PLAYS)
    assert snapshot_of(tied[::-1], ARTISTS, features_of(1), PLAYS).content_hash == ordered.content_hash


def test_other_content_has_another_hash() -> None:
    features = features_of(1)
    other = {**features, "track-1": SuppliedFeatures.from_one(features=AudioFeatures(), provider="catalogue")}
    hashes = {
        snapshot_of(TRACKS, ARTISTS, features, PLAYS).content_hash,
        snapshot_of(TRACKS, ARTISTS, other, PLAYS).content_hash,
        snapshot_of(TRACKS, ARTISTS, features, PLAYS[:-1]).content_hash,
        snapshot_of(TRACKS[:-1], ARTISTS, features, PLAYS).content_hash,
        snapshot_of(TRACKS, ARTISTS[:-1], features, PLAYS).content_hash,
    }
    assert len(hashes) == 5


# Sets of text come in another order under every PYTHONHASHSEED, so the inputs do too.
PROGRAM: Final = """
from datetime import UTC, date, datetime, timedelta
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.snapshot import TopArtist, TopTrack
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import TimeRange

ids = list({f"id-{number}" for number in range(1, 31)})
ranks = {spotify_id: int(spotify_id.removeprefix("id-")) for spotify_id in ids}
print(" ".join(ids))
print(take_snapshot(
    snapshot_date=date(2026, 11, 1),
    time_range=TimeRange.SHORT_TERM,
    timezone="Asia/Kolkata",
    top_tracks=[TopTrack(rank=ranks[i], spotify_id=i, name=i, artists=("A",)) for i in ids],
    top_artists=[TopArtist(rank=ranks[i], spotify_id=i, name=i) for i in ids],
    features={
        i: SuppliedFeatures.from_one(
            features=AudioFeatures(valence=ranks[i] / 31, energy=ranks[i] % 7 / 7, loudness=-ranks[i] / 3),
            provider=f"provider {ranks[i] % 3}",
        )
        for i in ids
    },
    plays_ended_at=[datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=97 * ranks[i]) for i in ids],
).content_hash)
"""


def test_processes_with_different_hash_seeds_agree() -> None:
    def run(hash_seed: str) -> tuple[str, str]:
        done = subprocess.run(  # noqa: S603 - our own interpreter and the program above
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        order, content_hash = done.stdout.splitlines()
        return order, content_hash

    (first_order, first_hash), (second_order, second_hash) = run("1"), run("2")
    assert first_order != second_order
    assert first_hash == second_hash
    assert len(first_hash) == 64


def off_by_one_digit(function: Callable[..., float], towards: float) -> Callable[..., float]:
    def other_library(*arguments: float) -> float:
        return math.nextafter(function(*arguments), towards)

    return other_library


@pytest.mark.parametrize("towards", [-math.inf, math.inf])
@pytest.mark.parametrize("half_way", [False, True])
def test_a_platform_whose_functions_differ_in_the_last_digit_agrees(
    monkeypatch: pytest.MonkeyPatch, towards: float, *, half_way: bool
) -> None:
    # Half-way between two steps of rounding, so that the noise alone would decide on the last decimal.
    between = SuppliedFeatures.from_one(
        features=AudioFeatures(valence=0.1234565, energy=0.7654325, tempo=120.0000005), provider="catalogue"
    )
    features = {track.spotify_id: between for track in TRACKS} if half_way else features_of(7)
    here = snapshot_of(TRACKS, ARTISTS, features, PLAYS)
    for name in ("log", "log2", "exp", "tanh", "sin", "cos", "atan2", "hypot"):
        monkeypatch.setattr(math, name, off_by_one_digit(getattr(math, name), towards))
    elsewhere = snapshot_of(TRACKS, ARTISTS, features, PLAYS)
    assert elsewhere == here
    assert elsewhere.content_hash == here.content_hash


def test_a_value_a_hair_below_zero_hashes_as_zero() -> None:
    def with_loudness(loudness: float) -> Snapshot:
        known = SuppliedFeatures.from_one(
            features=AudioFeatures(valence=0.8, energy=0.8, loudness=loudness), provider="catalogue"
        )
        return snapshot_of(TRACKS, ARTISTS, {track.spotify_id: known for track in TRACKS}, PLAYS)

    assert with_loudness(-1e-9).content_hash == with_loudness(0.0).content_hash
