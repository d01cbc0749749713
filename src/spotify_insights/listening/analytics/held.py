"""Columns that are derived from others once and used by many views."""

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar, cast

import numpy as np

T = TypeVar("T")

# A listener has one time zone and mostly one way of counting; others are for whoever tries them out.
_MOST: Final = 12


class Held:
    """What pure functions made of columns that never change, by name: columns again, and never an answer.

    It lives and ends with the columns that it stands beside. Threads may share it: at worst something is made
    twice. It holds twelve things at most; of more the one that was made first is let go.
    """

    __slots__ = ("_made",)

    def __init__(self, made: "dict[Hashable, Any] | None" = None) -> None:
        self._made: dict[Hashable, Any] = {} if made is None else made

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """What has this name; made now where it is not there."""
        try:
            return cast("T", self._made[name])
        except KeyError:
            made = self._made[name] = make()
        if len(self._made) > _MOST:
            self._made.pop(next(iter(self._made)), None)
        return made

    def __len__(self) -> int:
        return len(self._made)

    def items(self) -> list[tuple[Hashable, Any]]:
        """What is held now."""
        return list(self._made.items())

    @property
    def nbytes(self) -> int:
        """How much memory it takes; what shares memory with other columns is counted, too."""
        return sum(_bytes_of(value) for _, value in self.items())


def _bytes_of(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(_bytes_of(each) for each in value)
    if is_dataclass(value):
        return sum(_bytes_of(getattr(value, field.name)) for field in fields(value))
    return 0
