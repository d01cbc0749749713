"""What the JSON documents of all views share, as OpenAPI describes them."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from spotify_insights.listening.analytics.period import PeriodName
from spotify_insights.listening.analytics.play_rule import Counting
from spotify_insights.web.parameters import USER_ID

PERIOD: Final = {
    "name": "month",
    "first_day": "2026-11-01",
    "last_day": "2026-11-22",
    "ends_on": "2026-11-30",
    "timezone": "Pacific/Auckland",
    "before": {"first_day": "2026-10-01", "last_day": "2026-10-22"},
}
SHARED: Final[dict[str, Any]] = {
    "user_id": USER_ID,
    "period": PERIOD,
    "counting": {"rule": "spotify", "private_sessions": False},
}
COVERAGE: Final = {"tracks": 420, "tracks_with_features": 361, "share": 0.88}
TRACK: Final = {
    "name": "Tin Roof",
    "artist": "Paper Lanterns",
    "album": "Weather Reports",
    "spotify_id": "1111111111111111111111",
}
ARTIST: Final = {"name": "Paper Lanterns", "spotify_id": "2222222222222222222222"}
SHARES: Final = {"upbeat": 0.41, "intense": 0.22, "wistful": 0.19, "calm": 0.12, "neutral": 0.06}
FIGURES: Final = {
    "rows": 1012,
    "plays": 960,
    "too_short": 52,
    "skips": 61,
    "ms_listened": 201_600_000,
    "plays_with_ms": 960,
    "tracks": 420,
    "artists": 131,
    "albums": 244,
    "days": 22,
    "active_days": 20,
    "share_of_days": 0.909,
    "plays_per_active_day": 48.0,
    "ms_per_active_day": 10_080_000.0,
    "skip_rate": 0.06,
    "skip_rate_n": 1012,
    "completion_rate": 0.83,
    "completion_rate_n": 960,
}


class Days(BaseModel):
    """Days of the listener's calendar, both inclusive."""

    first_day: date
    last_day: date


class PeriodDocument(BaseModel):
    """The stretch of the listener's calendar that the answer is about."""

    name: PeriodName
    first_day: date | None = Field(
        description="All time begins on the day of the first play; null where there is none."
    )
    last_day: date = Field(description="Today at the latest.")
    ends_on: date = Field(description="After `last_day` where the period is not over.")
    timezone: str
    before: Days | None = Field(description="What it may be compared with; nothing lies before all time.")


class ViewDocument(BaseModel):
    """What every view says."""

    user_id: UUID
    period: PeriodDocument
    counting: Counting = Field(description="What counted as a play.")


class NamedTrack(BaseModel):
    name: str | None = Field(description="Null where the track was deleted a moment ago; hardly ever.")
    artist: str | None = Field(description="The first one credited.")
    album: str | None
    spotify_id: str | None


class NamedArtist(BaseModel):
    name: str | None
    spotify_id: str | None
