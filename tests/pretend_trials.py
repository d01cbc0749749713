"""What the tests of the pretend Spotify share."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SignIn = Callable[..., httpx2.Client]
