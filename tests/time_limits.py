"""For tests that hold real seconds against a promise, on a machine that others may keep busy."""

import os
from collections.abc import Sequence


def assert_kept(seconds: Sequence[float], *, promised: float, what: str) -> None:
    """Two of three tries keep the promise, and none of them takes twice as long."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    told = (
        f"{what}: promised within {promised} s, took {', '.join(f'{one:.3f}' for one in seconds)} s;"
        f" load average {load} on {os.cpu_count()} processors"
    )
    assert max(seconds) < 2 * promised, told
    assert 3 * sum(one < promised for one in seconds) >= 2 * len(seconds), told
