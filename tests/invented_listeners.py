"""Four listeners who do not exist, each with strong habits of another kind."""

import cmath
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from spotify_insights.listening.snapshot import (
    Coverage,
    FeatureSummary,
    MoodPatterns,
    Rhythm,
    Snapshot,
    TopArtist,
    TopTrack,
)
from spotify_insights.listening.time_range import TimeRange


def night_owl() -> Snapshot:
    """Indie, wistful, alone with the late hours; a wide circle of artists."""
    artists = [
        *("Paper Lanterns", "Mara Ellery", "The Slow Harbours", "Quiet Committee", "Vesper Lane"),
        *("Lowlight", "Ada Finch", "Small Hours Club", "Northern Stairs", "Glass Orchard"),
    ]
    return listener(
        artists=artists,
        genres=["indie folk", "slowcore", "dream pop", "chamber pop"],
        # A different artist for most places; the first few return.
        leads=[*artists, *(f"Guest {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), *artists[:4]],
        titles=("Streetlight Sonata", "Half a Ferry Home", "Letters to the Tide", "Kitchen Radio"),
        moods={"wistful": 0.52, "calm": 0.21, "intense": 0.14, "upbeat": 0.08, "neutral": 0.05},
        features={
            "energy": (0.38, 0.17),
            "valence": (0.31, 0.16),
            "danceability": (0.43, 0.12),
            "acousticness": (0.61, 0.22),
            "instrumentalness": (0.09, 0.15),
            "speechiness": (0.04, 0.02),
            "tempo": (104.0, 21.0),
        },
        hours={**dict.fromkeys((22, 23, 0, 1, 2), 8), **dict.fromkeys((18, 19, 20, 21), 3), 12: 1, 16: 1},
        weekdays=(10, 10, 11, 12, 15, 16, 14),
        plays=1842,
        days=161,
    )


def commuter() -> Snapshot:
    """Upbeat pop on the way to work and back, hardly ever at weekends."""
    artists = ["Neon Avenue", "Kit Sanders", "Los Faroles", "Sunday Motors", "Juno & The Rays", "Bravo Bay"]
    return listener(
        artists=[*artists, "Tangerine Club", "Miles of Smiles", "Marisol Vega", "Polly Quartz"],
        genres=["dance pop", "disco", "dance pop", "dance pop"],
        leads=[name for name in artists for _ in range(5)],
        titles=("Green Wave", "Platform Nine", "Sugar Telegram", "Window Seat"),
        moods={"upbeat": 0.64, "intense": 0.17, "calm": 0.09, "neutral": 0.06, "wistful": 0.04},
        features={
            "energy": (0.79, 0.10),
            "valence": (0.71, 0.14),
            "danceability": (0.76, 0.09),
            "acousticness": (0.11, 0.12),
            "instrumentalness": (0.01, 0.02),
            "speechiness": (0.08, 0.05),
            "tempo": (126.0, 9.0),
        },
        hours={7: 14, 8: 18, 12: 2, 13: 1, 17: 15, 18: 10, 19: 2, 21: 1},
        weekdays=(19, 20, 19, 20, 16, 3, 3),
        plays=964,
        days=118,
        time_range=TimeRange.LONG_TERM,
    )


def office_listener() -> Snapshot:
    """Ambient and neoclassical from nine to five, hardly a voice anywhere."""
    artists = ["Halden", "Field Notes Ensemble", "Oriel Strand", "Mono Tide", "Ida Vinter", "Kelvin Park"]
    return listener(
        artists=[*artists, "Soft Machinery", "Yuki Arden", "Lumen", "Aftertone"],
        genres=["ambient", "neoclassical", "drone", "ambient"],
        leads=[name for _ in range(6) for name in artists],
        titles=("Glacier Study", "Rooms Without Doors", "Slow Signal", "Paper Weather"),
        moods={"calm": 0.47, "wistful": 0.41, "neutral": 0.07, "upbeat": 0.03, "intense": 0.02},
        features={
            "energy": (0.19, 0.07),
            "valence": (0.47, 0.14),
            "danceability": (0.29, 0.1),
            "acousticness": (0.83, 0.14),
            "instrumentalness": (0.87, 0.13),
            "speechiness": (0.04, 0.01),
            "tempo": (92.0, 24.0),
        },
        hours={8: 3, 9: 14, 10: 17, 11: 15, 12: 4, 13: 10, 14: 15, 15: 12, 16: 8, 17: 2},
        weekdays=(21, 22, 20, 19, 16, 1, 1),
        plays=3120,
        days=124,
    )


def devotee() -> Snapshot:
    """Three artists and nobody else, loud, at any hour."""
    artists = ["Iron Meridian", "KAVE", "The 4th Wall"]
    return listener(
        artists=artists,
        genres=["progressive metal"],
        leads=["Iron Meridian"] * 6 + ["KAVE", "Iron Meridian", "The 4th Wall"] * 8 + ["Iron Meridian"] * 10,
        titles=("Anvil Hymn", "Black Static", "Meridian 7", "The Long Fuse"),
        moods={"intense": 0.83, "upbeat": 0.09, "neutral": 0.05, "wistful": 0.02, "calm": 0.01},
        features={
            "energy": (0.93, 0.05),
            "valence": (0.29, 0.11),
            "danceability": (0.41, 0.1),
            "acousticness": (0.02, 0.03),
            "instrumentalness": (0.22, 0.28),
            "speechiness": (0.09, 0.05),
            "tempo": (142.0, 19.0),
        },
        hours=dict.fromkeys(range(24), 4) | {16: 5, 3: 3, 4: 3},
        weekdays=(14, 14, 14, 14, 14, 15, 15),
        plays=2207,
        days=27,
        time_range=TimeRange.SHORT_TERM,
    )


def listener(
    *,
    artists: Sequence[str],
    genres: Sequence[str],
    leads: Sequence[str],
    titles: Sequence[str],
    moods: Mapping[str, float],
    features: Mapping[str, tuple[float, float]],
    hours: Mapping[int, float],
    weekdays: Sequence[float],
    plays: int,
    days: int,
    time_range: TimeRange = TimeRange.MEDIUM_TERM,
) -> Snapshot:
    """A consistent snapshot: diversity follows from the moods, the mean hour from the hours."""
    effective = _effective_number([moods[mood] for mood in ("upbeat", "intense", "wistful", "calm")])
    return Snapshot(
        snapshot_date=date(2026, 11, 22),
        time_range=time_range,
        timezone="Europe/Berlin",
        audio_features={
            name: FeatureSummary(mean=mean, spread=spread, n=len(leads) - 2, margin=2 * spread / 6)
            for name, (mean, spread) in features.items()
        },
        mood_patterns=MoodPatterns(**moods),
        mood_diversity_score=math.log(effective) / math.log(4),
        effective_moods=effective,
        rhythm=_rhythm(hours, weekdays, plays=plays, days=days),
        top_tracks=tuple(
            TopTrack(
                rank=rank,
                spotify_id=f"track{rank}",
                name=titles[rank - 1] if rank <= len(titles) else f"Untitled {rank}",
                artists=(lead,),
            )
            for rank, lead in enumerate(leads, start=1)
        ),
        top_artists=tuple(
            TopArtist(rank=rank, spotify_id=f"artist{rank}", name=name, genres=(genres[rank % len(genres)],))
            for rank, name in enumerate(artists, start=1)
        ),
        coverage=Coverage(
            tracks=len(leads), tracks_with_features=len(leads) - 2, share=0.96, providers={"reccobeats": 1.0}
        ),
    )


def _rhythm(weights: Mapping[int, float], weekdays: Sequence[float], *, plays: int, days: int) -> Rhythm:
    hours = _shares([weights.get(hour, 0.0) for hour in range(24)])
    mean = sum(part * cmath.exp(2j * math.pi * hour / 24) for hour, part in enumerate(hours))
    return Rhythm(
        plays=plays,
        days=days,
        first_play_at=datetime(2026, 5, 24, 7, 0, tzinfo=UTC),
        last_play_at=datetime(2026, 11, 21, 22, 0, tzinfo=UTC),
        hours=hours,
        weekdays=_shares(weekdays),
        mean_hour=(cmath.phase(mean) * 24 / (2 * math.pi)) % 24,
        concentration=min(1.0, abs(mean)),
    )


def _shares(weights: Sequence[float]) -> tuple[float, ...]:
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _effective_number(weights: Sequence[float]) -> float:
    return math.exp(-sum(part * math.log(part) for part in _shares(weights) if part > 0))
