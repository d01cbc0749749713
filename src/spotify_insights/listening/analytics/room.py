"""Arrays with room behind them, so that what comes next need not be copied together with what is there."""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)

# Some months of listening; of what is long, a sixteenth.
_LEAST_ROOM: Final = 4096
_ROOM: Final = 16


class _Room(np.ndarray[Any, Any]):
    """An array of which the first `used` rows are taken."""

    used: int = 0


def appended(first: NDArray[Number], *more: NDArray[Number]) -> NDArray[Number]:
    """`first`, and each of `more` behind it, as one array of the type of `first`; rows, where it has columns.

    Where there is room behind `first`, in memory that this function made before, `more` is written there;
    else all are copied. Whoever holds `first` sees no change: nothing that was ever given is written again.
    Not for two threads at once with the same array.
    """
    until, behind = len(first) + sum(map(len, more)), _room_of(first)
    if behind is not None and behind.used == len(first) and len(behind) >= until:
        room = behind
    else:
        rows = until + max(_LEAST_ROOM, until // _ROOM)
        room = _Room((rows, *first.shape[1:]), dtype=first.dtype)
        room[: len(first)] = first
    begin = len(first)
    for each in more:
        room[begin : begin + len(each)] = each
        begin += len(each)
    room.used = until
    return room.view(np.ndarray)[:until]


def _room_of(array: NDArray[Any]) -> _Room | None:
    """The whole room that this array is a part of."""
    base = array.base
    while isinstance(base, np.ndarray) and not isinstance(base, _Room):
        base = base.base
    return base if isinstance(base, _Room) else None
