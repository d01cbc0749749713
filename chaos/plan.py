"""When which fault happens: decided beforehand by the seed alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from chaos.fault import Fault

_FIRST_AFTER_SECONDS = 3.0


@dataclass(frozen=True)
class Planned:
    """A fault, the second of the run at which it begins, and the chance inside it."""

    at: float
    fault: Fault
    rng: Random


def make_plan(faults: Sequence[Fault], *, seed: int, until: float, every: float) -> list[Planned]:
    """Faults from the third second to `until`, one about every `every` seconds.

    Each kind comes once before any comes again, in an order that is new each time.
    """
    rng = Random(seed)
    kinds = _shuffled_for_ever(faults, rng)
    plan = []
    at = _FIRST_AFTER_SECONDS
    while at < until:
        plan.append(Planned(at, next(kinds), Random(rng.getrandbits(64))))
        at += rng.uniform(0.5, 1.5) * every
    return plan


def _shuffled_for_ever(faults: Sequence[Fault], rng: Random) -> Iterator[Fault]:
    while True:
        deck = list(faults)
        rng.shuffle(deck)
        yield from deck
