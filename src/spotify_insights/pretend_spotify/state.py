"""Everything one pretend Spotify remembers while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from spotify_insights.pretend_spotify.accounts import AccountDirectory
from spotify_insights.pretend_spotify.adjustable_clock import AdjustableClock
from spotify_insights.pretend_spotify.catalogue import catalogue_of
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig, RefreshTokenAnswer
from spotify_insights.pretend_spotify.faults import FaultQueue
from spotify_insights.pretend_spotify.request_log import RequestLog
from spotify_insights.pretend_spotify.seeding import fraction
from spotify_insights.pretend_spotify.tokens import Authorizations


@dataclass(slots=True)
class Settings:
    """What a test may change while the server runs."""

    mode: Mode
    refresh_token_answer: RefreshTokenAnswer
    feature_coverage: float
    tracks_without_features: frozenset[str] = frozenset()

    def has_features(self, track_id: str) -> bool:
        """Whether the track has audio features; a smaller coverage only ever takes some away."""
        return track_id not in self.tracks_without_features and (
            fraction("features", track_id) < self.feature_coverage
        )


class PretendSpotify:
    """The state behind the routes; `reset` takes it back to how it started, tokens included."""

    def __init__(self, config: PretendSpotifyConfig) -> None:
        self.config = config
        self.accounts = AccountDirectory(config.seed)
        self.catalogue = catalogue_of(config.seed)
        self.reset()

    def now(self) -> datetime:
        return self.clock.now()

    def reset(self) -> None:
        config = self.config
        self.clock = AdjustableClock(config.clock)
        self.faults = FaultQueue()
        self.log = RequestLog()
        self.settings = Settings(config.mode, config.refresh_token_answer, config.feature_coverage)
        self.authorizations = Authorizations(
            now=self.clock.now,
            accounts=self.accounts,
            accept_unknown=config.accept_unknown_tokens,
        )


def state_of(request: Request) -> PretendSpotify:
    state: PretendSpotify = request.app.state.pretend_spotify
    return state


def fields_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Form or query fields by name; of a repeated one the first counts."""
    return dict(reversed(pairs))
