"""How one pretend Spotify behaves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Mode(StrEnum):
    """Spotify's quota modes: what an app may see depends on which one it is in.

    https://developer.spotify.com/documentation/web-api/concepts/quota-modes
    """

    DEVELOPMENT = "development"
    EXTENDED = "extended"


class RefreshTokenAnswer(StrEnum):
    """What a refresh answers as its `refresh_token`.

    Since June 2026 Spotify leaves it out; clients have also met an empty one, and older ones got a new one.
    """

    ABSENT = "absent"
    EMPTY = "empty"
    NEW = "new"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PretendSpotifyConfig:
    """One app registered with one pretend Spotify.

    `client_secret` None makes the app a public client, which must use PKCE. A loopback redirect URI
    without a port matches any port, as Spotify allows. With `accept_unknown_tokens`, a token nobody
    issued stands for an account that follows from its characters. `control` opens `/_pretend/`.
    `clock` gives aware moments. `demo_persona` is the one preselected on the authorize page and meant
    where no persona is named. `feature_coverage` is the share of tracks with audio features.
    `warm_up` works the listeners out in the background after the start.
    """

    mode: Mode = Mode.DEVELOPMENT
    accept_unknown_tokens: bool = False
    client_id: str = "pretend-client"
    client_secret: str | None = "pretend-secret"  # noqa: S105  the pretend app has nothing to protect
    redirect_uris: tuple[str, ...] = ("http://127.0.0.1/auth/spotify/callback",)
    control: bool = False
    clock: Callable[[], datetime] = _now
    seed: int = 1
    demo_persona: str = "omnivore"
    refresh_token_answer: RefreshTokenAnswer = RefreshTokenAnswer.ABSENT
    feature_coverage: float = 1.0
    warm_up: bool = False
