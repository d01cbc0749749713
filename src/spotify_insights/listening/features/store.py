"""Our own table of audio features, which is asked first: one row for each track and provider."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.features.choose import Told, choose, told_before
from spotify_insights.listening.features.models import CatalogueFeature
from spotify_insights.listening.models import Track, TrackFeature
from spotify_insights.listening.take_snapshot import SuppliedFeatures

CATALOGUE: Final = "catalogue"

# A provider that did not know a track may learn of it; asking again once a month is enough.
ASK_AGAIN_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True)
class KnownFeatures:
    """What we hold about some tracks.

    Attributes:
        told: by Spotify id, then by provider, what it said; without those that know nothing.
        asked: by provider the ids for which it need not be asked again, now or ever.
    """

    told: Mapping[str, Told]
    asked: Mapping[str, frozenset[str]]

    @cached_property
    def found(self) -> Mapping[str, SuppliedFeatures]:
        """What is used, by Spotify id: each feature from the first provider that knows it."""
        return {spotify_id: choose(told) for spotify_id, told in self.told.items()}

    def to_ask(self, provider: str, spotify_ids: Iterable[str]) -> list[str]:
        """Those of the ids for which this provider should be asked, each once, in their order.

        It was not asked yet (or said a month ago that it knows nothing), and those with a place before it
        leave something open.
        """
        asked = self.asked.get(provider, frozenset())
        return [
            spotify_id
            for spotify_id in dict.fromkeys(spotify_ids)
            if spotify_id not in asked
            and not told_before(self.told.get(spotify_id, {}), provider).is_complete
        ]

    def with_told(self, by_provider: Mapping[str, Mapping[str, AudioFeatures]]) -> "KnownFeatures":
        """These, and what was found out since, by provider and Spotify id."""
        told = dict(self.told)
        for provider, found in by_provider.items():
            for spotify_id, features in found.items():
                told[spotify_id] = {**told.get(spotify_id, {}), provider: features}
        return replace(self, told=told)


def known_features(session: Session, spotify_ids: Sequence[str]) -> KnownFeatures:
    """What we hold about these tracks: what providers said, and what an operator's catalogue says.

    A track may be in the catalogue before it is among our tracks.
    """
    told: dict[str, dict[str, AudioFeatures]] = {}
    asked: dict[str, set[str]] = {}
    for spotify_id, row, is_fresh in session.execute(
        select(
            Track.spotify_id,
            TrackFeature,
            (TrackFeature.fetched_at > func.clock_timestamp() - ASK_AGAIN_AFTER).label("is_fresh"),
        )
        .join(TrackFeature, TrackFeature.track_id == Track.id)
        .where(Track.spotify_id.in_(spotify_ids))
    ):
        if spotify_id is None:
            continue
        if row.found:
            told.setdefault(spotify_id, {})[row.provider] = _features(row)
        if row.found or is_fresh:
            asked.setdefault(row.provider, set()).add(spotify_id)
    in_catalogue = select(CatalogueFeature).where(CatalogueFeature.spotify_id.in_(spotify_ids))
    for entry in session.scalars(in_catalogue):
        told.setdefault(entry.spotify_id, {})[CATALOGUE] = _features(entry)
    return KnownFeatures(
        told=told, asked={provider: frozenset(spotify_ids) for provider, spotify_ids in asked.items()}
    )


def store_features(
    session: Session,
    track_keys: Mapping[str, int],
    features: Mapping[str, AudioFeatures],
    *,
    asked: Iterable[str],
    provider: str,
) -> None:
    """Keep what `provider` said about the tracks it was asked for, including that it knows nothing."""
    rows: list[dict[str, Any]] = []
    for spotify_id in sorted(set(asked) & track_keys.keys()):
        given = features.get(spotify_id)
        rows.append(
            {"track_id": track_keys[spotify_id], "provider": provider, "found": given is not None}
            | {name: getattr(given, name, None) for name in FEATURE_NAMES}
        )
    if not rows:
        return
    statement = insert(TrackFeature).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["track_id", "provider"],
            set_={name: statement.excluded[name] for name in ("found", *FEATURE_NAMES)}
            | {"fetched_at": func.clock_timestamp()},
        )
    )


def _features(row: TrackFeature | CatalogueFeature) -> AudioFeatures:
    return AudioFeatures(**{name: getattr(row, name) for name in FEATURE_NAMES})
