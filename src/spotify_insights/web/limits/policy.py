"""What is limited, to how much, and where somebody stands."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from limits import RateLimitItem, RateLimitItemPerSecond

from spotify_insights.settings import Settings

MINUTE: Final = 60
HOUR: Final = 3600
# What all sessions and keys of one person may ask together, as a multiple of what one of them may.
CREDENTIALS_OF_A_PERSON: Final = 4


class LimitClass(StrEnum):
    """`default` is for every request; the others count on top of it."""

    DEFAULT = "default"
    PERSON = "person"
    SIGN_IN = "sign-in"
    UPLOAD = "upload"
    GENERATION = "generation"


@dataclass(frozen=True)
class Policy:
    """So many requests in so many seconds."""

    limit_class: LimitClass
    quota: int
    window: int

    @property
    def item(self) -> RateLimitItem:
        """The same for the library, which also names the counters."""
        return RateLimitItemPerSecond(self.quota, self.window, namespace=self.limit_class.value)

    @property
    def header(self) -> str:
        """One member of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, section 3)."""
        return f'"{self.limit_class}";q={self.quota};w={self.window}'


def policies_of(settings: Settings) -> dict[LimitClass, Policy]:
    """The policy of each class."""
    per_minute = settings.requests_per_minute
    quotas = {
        LimitClass.DEFAULT: (per_minute, MINUTE),
        LimitClass.PERSON: (per_minute * CREDENTIALS_OF_A_PERSON, MINUTE),
        LimitClass.SIGN_IN: (settings.sign_ins_per_minute, MINUTE),
        LimitClass.UPLOAD: (settings.uploads_per_hour, HOUR),
        LimitClass.GENERATION: (settings.generations_per_minute, MINUTE),
    }
    return {
        limit_class: Policy(limit_class, quota, window) for limit_class, (quota, window) in quotas.items()
    }


@dataclass(frozen=True)
class Standing:
    """Where somebody stands after a request, by a sliding window.

    What counts is the current window, and of the one before it the share that is still within reach:
    `previous` * `previous_left` / window. `granted` says whether this request was let through and counted.
    `current_left` ends one window after the current one does.
    """

    policy: Policy
    granted: bool
    previous: int
    previous_left: float
    current: int
    current_left: float

    @property
    def remaining(self) -> int:
        """How many more requests would be let through just now."""
        carried = math.floor(self.previous * self.previous_left / self.policy.window)
        return max(self.policy.quota - carried - self.current, 0)

    @property
    def wait(self) -> int:
        """Whole seconds until there is more: at least one where nothing remains."""
        return max(math.ceil(self._wait()), 0 if self.remaining else 1)

    def _wait(self) -> float:
        window_ends_in = max(self.current_left - self.policy.window, 0.0)
        free = self.policy.quota - self.current
        if self.remaining or self.previous <= 0 or free <= 0:
            return window_ends_in
        # The share of the window before shrinks evenly: until it leaves room for one.
        return min(max(self.previous_left - free * self.policy.window / self.previous, 0.0), window_ends_in)

    @property
    def header(self) -> str:
        """One member of `RateLimit`: what remains, and the seconds until there is more."""
        return f'"{self.policy.limit_class}";r={self.remaining};t={self.wait}'
