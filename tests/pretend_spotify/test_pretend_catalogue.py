import re
from collections.abc import Callable
from statistics import correlation, fmean

import pytest

from spotify_insights.pretend_spotify.catalogue import Catalogue, Track, catalogue_of
from spotify_insights.pretend_spotify.genres import AudioFeatures

SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_of(1)


def tracks_of_genre(catalogue: Catalogue, genre: str) -> list[Track]:
    artists = catalogue.artists_of_genre[genre]
    return [track for artist in artists for track in catalogue.tracks_of_artist[artist.id]]


def mean_of(catalogue: Catalogue, genre: str, feature: Callable[[AudioFeatures], float]) -> float:
    return fmean(feature(track.features) for track in tracks_of_genre(catalogue, genre))


def test_one_seed_gives_one_catalogue_and_another_seed_another(catalogue: Catalogue) -> None:
    def description(of: Catalogue) -> list[tuple[str, str, AudioFeatures]]:
        return [(track.id, track.name, track.features) for track in of.tracks.values()]

    rebuilt = catalogue_of.__wrapped__(1)
    assert description(rebuilt) == description(catalogue)
    assert set(catalogue_of(2).tracks).isdisjoint(catalogue.tracks)


def test_there_are_four_hundred_artists_and_six_thousand_tracks(catalogue: Catalogue) -> None:
    assert len(catalogue.artists) == 400
    assert len(catalogue.tracks) == 6000
    assert len({artist.name for artist in catalogue.artists.values()}) == 400


def test_ids_and_isrcs_look_like_spotifys_and_belong_to_one_track_each(catalogue: Catalogue) -> None:
    for track in catalogue.tracks.values():
        assert SPOTIFY_ID.fullmatch(track.id)
        assert SPOTIFY_ID.fullmatch(track.album.id)
        assert re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", track.isrc)
    assert len({track.isrc for track in catalogue.tracks.values()}) == 6000


def test_an_album_numbers_its_tracks_from_one_to_its_total(catalogue: Catalogue) -> None:
    numbers: dict[str, list[int]] = {}
    totals: dict[str, int] = {}
    for track in catalogue.tracks.values():
        numbers.setdefault(track.album.id, []).append(track.track_number)
        totals[track.album.id] = track.album.total_tracks
    assert all(sorted(found) == list(range(1, totals[album] + 1)) for album, found in numbers.items())


def test_every_feature_lies_on_spotifys_scale(catalogue: Catalogue) -> None:
    for features in (track.features for track in catalogue.tracks.values()):
        shares = (
            features.danceability,
            features.energy,
            features.valence,
            features.acousticness,
            features.instrumentalness,
            features.liveness,
            features.speechiness,
        )
        assert all(0 <= share <= 1 for share in shares)
        assert -60 <= features.loudness <= 0
        assert 40 <= features.tempo <= 250
        assert features.key in range(12)
        assert features.mode in {0, 1}
        assert features.time_signature in {3, 4, 5}


def test_energy_loudness_and_acousticness_hang_together(catalogue: Catalogue) -> None:
    features = [track.features for track in catalogue.tracks.values()]
    energy = [each.energy for each in features]
    assert correlation(energy, [each.loudness for each in features]) > 0.8
    assert correlation(energy, [each.acousticness for each in features]) < -0.6


def test_genres_sound_as_their_names_promise(catalogue: Catalogue) -> None:
    assert mean_of(catalogue, "ambient", lambda f: f.energy) < 0.25
    assert mean_of(catalogue, "metal", lambda f: f.energy) > 0.85
    assert mean_of(catalogue, "disco", lambda f: f.valence) > 0.7
    assert mean_of(catalogue, "sad indie", lambda f: f.valence) < 0.3
    assert mean_of(catalogue, "techno", lambda f: f.instrumentalness) > 0.7
    assert mean_of(catalogue, "pop", lambda f: f.instrumentalness) < 0.2
    assert mean_of(catalogue, "drum and bass", lambda f: f.tempo) > 165
    assert mean_of(catalogue, "hip hop", lambda f: f.speechiness) > 0.2
    assert fmean(track.explicit for track in tracks_of_genre(catalogue, "hip hop")) > 0.5
    assert fmean(track.explicit for track in tracks_of_genre(catalogue, "neoclassical")) < 0.1


def test_tracks_of_one_genre_still_differ(catalogue: Catalogue) -> None:
    valences = {track.features.valence for track in tracks_of_genre(catalogue, "pop")}
    assert max(valences) - min(valences) > 0.4
