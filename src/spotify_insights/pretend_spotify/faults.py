"""What can go wrong with Spotify, as values, and the queue in which they wait for their request.

Status codes, headers and bodies are Spotify's:
https://developer.spotify.com/documentation/web-api/concepts/rate-limits
https://developer.spotify.com/blog/2026-07-23-web-api-quota-updates
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Fault(BaseModel):
    """`path` is a shell pattern in which `*` also matches slashes; the next `times` matches are hit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = "/v1/*"
    times: int = Field(default=1, ge=1)


class RateLimited(_Fault):
    """429 of the rolling 30-second window; `retry_after` in seconds."""

    kind: Literal["rate_limited"] = "rate_limited"
    retry_after: int = 1


class QuotaExceeded(_Fault):
    """429 of the developer account's quota; the wait is one of hours."""

    kind: Literal["quota_exceeded"] = "quota_exceeded"
    retry_after: int = 52_531


class ServerFailure(_Fault):
    kind: Literal["server_error"] = "server_error"
    status: Literal[500, 502, 503, 504] = 503


class SlowBody(_Fault):
    """The right answer, but its body drips in over `seconds`."""

    kind: Literal["slow_body"] = "slow_body"
    seconds: float = Field(default=2.0, ge=0)


class Delay(_Fault):
    """The right answer, `seconds` late."""

    kind: Literal["delay"] = "delay"
    seconds: float = Field(default=2.0, ge=0)


class UserNotAllowlisted(_Fault):
    """The plain-text 403 for a user who is not on the app's list."""

    kind: Literal["user_not_allowlisted"] = "user_not_allowlisted"


class OwnerNotPremium(_Fault):
    """The plain-text 403 for an app whose owner has no Premium."""

    kind: Literal["owner_not_premium"] = "owner_not_premium"


class InvalidJson(_Fault):
    """The right status and headers over a body cut off in the middle."""

    kind: Literal["invalid_json"] = "invalid_json"


class ResetMidBody(_Fault):
    """Half a body, then a reset of the connection."""

    kind: Literal["reset_mid_body"] = "reset_mid_body"


class AccessTokenExpired(_Fault):
    """401 for a token that is in fact still good."""

    kind: Literal["access_token_expired"] = "access_token_expired"


class CannedAnswer(_Fault):
    """Any other answer, as given."""

    kind: Literal["answer"] = "answer"
    status: int = Field(ge=200, le=599)
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = {}


# What takes the place of the right answer, and what spoils it on its way.
InsteadOfAnswer = (
    RateLimited
    | QuotaExceeded
    | ServerFailure
    | UserNotAllowlisted
    | OwnerNotPremium
    | AccessTokenExpired
    | CannedAnswer
)
SpoiltAnswer = SlowBody | Delay | InvalidJson | ResetMidBody
Fault = Annotated[InsteadOfAnswer | SpoiltAnswer, Field(discriminator="kind")]
FAULT: Final[TypeAdapter[Fault]] = TypeAdapter(Fault)


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    left: int


class FaultQueue:
    """Faults in the order in which they were queued; each request meets the first that fits its path."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(_Waiting(fault, fault.times))

    def take(self, path: str) -> Fault | None:
        """The fault for a request to `path`, used up by one, or None where nothing shall go wrong."""
        for waiting in self._waiting:
            if fnmatchcase(path, waiting.fault.path):
                waiting.left -= 1
                if waiting.left == 0:
                    self._waiting.remove(waiting)
                return waiting.fault
        return None

    def pending(self) -> Iterable[Fault]:
        """What is still to come, `times` being what is left of it."""
        return [waiting.fault.model_copy(update={"times": waiting.left}) for waiting in self._waiting]

    def clear(self) -> None:
        self._waiting.clear()
