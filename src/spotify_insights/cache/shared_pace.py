"""Politeness of the whole installation: all its processes together keep the pace of one."""

import threading
from datetime import timedelta
from typing import Final

from typing_extensions import override

from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import pace_keys
from spotify_insights.outbound.pace import LONGEST_QUEUE, OwnPace, Pace, Turn

_MILLISECONDS: Final = 1000
_LONGEST_MS: Final = int(LONGEST_QUEUE / timedelta(milliseconds=1))

# A key lives until the next turn, and another as long as we are refused: no clock but Redis' own is asked.
# Returns the milliseconds to wait, and whether that is a refusal.
_TAKE: Final = """
    local refused = redis.call('PTTL', KEYS[2])
    if refused > 0 then return {refused, 1} end
    local wait = math.max(redis.call('PTTL', KEYS[1]), 0)
    local apart, at_once, longest = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
    if not at_once and wait > longest then return {wait, 1} end
    local taken = at_once and math.max(wait, apart) or wait + apart
    if taken > 0 then redis.call('SET', KEYS[1], '', 'PX', taken) end
    return {wait, 0}
"""
_STAY_AWAY: Final = """
    if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[2], '', 'PX', ARGV[1]) end
    return 1
"""
_REFUSED_FOR: Final = "return redis.call('PTTL', KEYS[2])"


class SharedPace(Pace):
    """The pace of all processes together; while Redis is away, each keeps it for itself.

    Args:
        server: whose pace it is; a stable word.
        apart: how long after one call the next begins at the earliest.
    """

    def __init__(self, cache: Cache, server: str, *, apart: timedelta) -> None:
        self._cache = cache
        self._keys = pace_keys(server)
        self._apart_ms = int(apart / timedelta(milliseconds=1))
        # It always goes along, so that it knows the last call and the last refusal when Redis goes away.
        self._own = OwnPace(apart)
        self._lock = threading.Lock()

    @override
    def stay_away(self, wait: timedelta) -> None:
        self._own.stay_away(wait)
        self._publish(wait.total_seconds())

    @override
    def take(self, *, at_once: bool) -> Turn:
        # Both in the same order: a thread that overtakes another here would move it to somebody else's turn.
        with self._lock:
            if (own_refusal := self._own.refused_for()) > 0:
                # It may have been told while Redis was away; and no turn is taken that would not be used.
                self._publish(own_refusal)
                return Turn(own_refusal, is_refused=True)
            shared = self._cache.run(_TAKE, self._keys, self._apart_ms, int(at_once), _LONGEST_MS)
            wait_ms, is_refused = shared or (0, 0)
            if is_refused:
                return Turn(wait_ms / _MILLISECONDS, is_refused=True)
            return self._own.take(at_once=at_once, after=wait_ms / _MILLISECONDS)

    @override
    def refused_for(self) -> float:
        shared_ms = self._cache.run(_REFUSED_FOR, self._keys) or 0
        return max(shared_ms / _MILLISECONDS, self._own.refused_for())

    def _publish(self, refused_seconds: float) -> None:
        self._cache.run(_STAY_AWAY, self._keys, max(1, int(refused_seconds * _MILLISECONDS)))
