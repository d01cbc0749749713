"""What every process of the suite changes about the product before it starts: time runs faster here."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

from celery.schedules import crontab
from typing_extensions import override

from chaos.jobs import SlotWork
from chaos.mutations import Without, apply
from spotify_insights import clock, runtime
from spotify_insights.jobs import run
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.jobs.slots import Schedule, Scheduled
from spotify_insights.settings import Settings
from spotify_insights.worker import beat

WITHOUT: Final = "CHAOS_WITHOUT"
PAUSE_FILE: Final = "CHAOS_PAUSE_FILE"
CLOCK_SHIFT: Final = "CHAOS_CLOCK_SHIFT"

# A schedule is no finer than a minute; several of them make several slots in one.
SCHEDULES: Final = tuple(f"chaos-{letter}" for letter in "abcdef")
LONGEST_WAIT: Final = timedelta(seconds=6)


def begin() -> None:
    """Prepare this process, as its environment says."""
    # Waits between attempts are capped, so that a run of minutes holds many of them.
    for module, name, ours in (
        (run, "LONGEST_WAIT", LONGEST_WAIT),
        (runtime, "schedule_of", _schedule_of),
        (beat, "schedule_of", _schedule_of),
        (runtime, "Relay", PausableRelay),
    ):
        patch.object(module, name, ours).start()
    shift = float(os.environ.get(CLOCK_SHIFT, "0"))
    if shift:
        _shift_clock(shift)
    if os.environ.get(WITHOUT):
        apply(Without(os.environ[WITHOUT]))


class PausableRelay(Relay):
    """A relay that does nothing while the pause file exists."""

    @override
    def _guarded(self, step: Callable[[], object]) -> None:
        if not Path(os.environ[PAUSE_FILE]).exists():
            super()._guarded(step)


def _schedule_of(_: Settings) -> Schedule:
    return {name: Scheduled(job=SlotWork(name=name), when=crontab()) for name in SCHEDULES}


def _shift_clock(seconds: float) -> None:
    """Let Python's clocks of this process be wrong by so much."""
    real_time, real_now = time.time, clock.now
    patch.object(time, "time", lambda: real_time() + seconds).start()
    patch.object(clock, "now", lambda: real_now() + timedelta(seconds=seconds)).start()
