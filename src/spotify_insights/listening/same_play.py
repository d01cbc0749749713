"""Which plays were told by several sources: the best account counts, the others are kept aside."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

BEST_FIRST: Final = (
    # With the time that was really listened to, by the track's id, to the second.
    "spotify_export",
    # With the time that was really listened to, by name, to the minute.
    "spotify_account_data",
    "spotify_api",
    "listenbrainz",
    "lastfm",
    "manual",
)
_RANK: Final = {source: rank for rank, source in enumerate(BEST_FIRST)}

# The player's list dates a play by its end or, as some have seen, by its beginning, and late by up to this.
WITHIN_SECONDS: Final = 120.0
# Account data leaves the seconds out.
WITHIN_SECONDS_BY_MINUTE: Final = 60.0
# Nothing counts as a play before it lasted so long: two accounts that end closer together are of one play.
SHORTEST_PLAY_SECONDS: Final = 30.0

_BY_MINUTE: Final = frozenset({"spotify_export", "spotify_account_data"})


@dataclass(frozen=True, slots=True)
class Account:
    """What one source says of one play.

    Args:
        key: what it is told apart by; of two accounts that are alike in all else, the smaller is first.
        song: equal for one song, whichever source names it.
        ended_at: Unix seconds.
        ms_played: None where the source does not tell.
    """

    key: int
    song: object
    source: str
    ended_at: float
    ms_played: int | None

    @property
    def began_at(self) -> float:
        return self.ended_at - (self.ms_played or 0) / 1000


def superseded(accounts: Iterable[Account]) -> frozenset[int]:
    """The keys of those accounts whose play a better source tells, too; the rest are the plays that count.

    Sources are compared in the order BEST_FIRST. Within one song an account is matched with the earliest
    better one that is near enough and that no account of its own source has been matched with: two plays in a
    row, told twice by both, stay two. One that is left over is superseded all the same where it ends within
    SHORTEST_PLAY_SECONDS of a better one, because then no play fits between them.

    It depends on the accounts alone: not on their order, and not on when each of them became known.
    """
    songs: dict[object, list[Account]] = defaultdict(list)
    for account in accounts:
        songs[account.song].append(account)
    return frozenset(key for song in songs.values() for key in _superseded_of_song(song))


def _superseded_of_song(accounts: Sequence[Account]) -> Iterable[int]:
    by_source: dict[str, list[Account]] = defaultdict(list)
    for account in sorted(accounts, key=lambda each: (each.ended_at, each.ms_played or 0, each.key)):
        by_source[account.source].append(account)
    counting: list[Account] = []
    for source in sorted(by_source, key=_RANK.__getitem__):
        told = by_source[source]
        gone = _matched(told, counting) if counting else frozenset[int]()
        yield from gone
        counting = sorted(
            (*counting, *(account for account in told if account.key not in gone)),
            key=lambda each: (each.ended_at, each.ms_played or 0, each.key),
        )


def _matched(told: Sequence[Account], better: Sequence[Account]) -> frozenset[int]:
    ends = [account.ended_at for account in better]
    longest = max((account.ended_at - account.began_at for account in better), default=0.0)
    taken: set[int] = set()
    gone: set[int] = set()
    for account in told:
        first = bisect_left(ends, account.ended_at - WITHIN_SECONDS)
        # A better account may have begun when this one is dated, and end as much later as it lasted.
        last = bisect_right(ends, account.ended_at + WITHIN_SECONDS + longest)
        near = [index for index in range(first, last) if _is_near(account, better[index])]
        free = next((index for index in near if index not in taken), None)
        if free is not None:
            taken.add(free)
            gone.add(account.key)
        elif any(abs(ends[index] - account.ended_at) < SHORTEST_PLAY_SECONDS for index in near):
            gone.add(account.key)
    return frozenset(gone)


def _is_near(account: Account, better: Account) -> bool:
    if account.source in _BY_MINUTE and better.source in _BY_MINUTE:
        return abs(account.ended_at - better.ended_at) <= WITHIN_SECONDS_BY_MINUTE
    return (
        min(abs(account.ended_at - better.ended_at), abs(account.ended_at - better.began_at))
        <= WITHIN_SECONDS
    )
