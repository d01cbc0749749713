"""The time by which a process keeps its pace, moved by hand or by sleeping."""

import pytest

from spotify_insights.outbound import pace


class PaceClock:
    """In the place of the module `time`. Sleeping moves it, and is noted."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    @classmethod
    def kept_by(cls, monkeypatch: pytest.MonkeyPatch) -> "PaceClock":
        """The time of all paces for the rest of the test."""
        clock = cls()
        monkeypatch.setattr(pace, "time", clock)
        return clock

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
