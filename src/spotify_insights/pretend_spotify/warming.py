"""Working listeners out ahead of the first request for them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from spotify_insights.pretend_spotify.listener import TIME_RANGES, listener_of

# Requests that come in meanwhile share the interpreter with this work, so it rests between the steps.
_STEP: Final = timedelta(days=7)
_REST_S: Final = 0.01


def warm_up(persona_keys: Iterable[str], *, seed: int, at: datetime, stop: Event) -> None:
    """Work out every day that top items look at, for these personas; ends soon after `stop` is set."""
    begin = at - max(TIME_RANGES.values())
    for key in persona_keys:
        listener, step_ends = listener_of(key, seed), at
        while step_ends > begin:
            if stop.wait(_REST_S):
                return
            listener.plays_between(step_ends - _STEP, step_ends)
            step_ends -= _STEP
