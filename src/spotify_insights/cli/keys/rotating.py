"""`keys rotate`: progress for the person who waits."""

import time
from pathlib import Path
from typing import Final

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import record_of_operator
from spotify_insights.cli.keys.operator_keys import OperatorKeys, operator_database
from spotify_insights.cli.terminal import complain, say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.installation.rotate import Rotation, rotate
from spotify_insights.security.sealing import Sealer

_TELL_EVERY_SECONDS: Final = 1.0


def rotate_keys(data_dir: Path | None, *, demo: bool) -> int:
    """Seal everything anew; the exit code is 1 where something is left on other keys.

    Raises:
        SetupError: there is no such ring or database.
        UnavailableError: the database went away; run it again.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    keys = OperatorKeys.of(which)
    if keys.file is None:
        complain("Every process must have been restarted with this TOKEN_KEYS; others seal as before.")
    with operator_database(which) as database:
        rotation = rotate(
            database.database, Sealer(keys.source), settled_in=keys.settled_in, tell=_Progress()
        )
        with database.transaction() as tx:
            record_of_operator(
                tx,
                AuditEvent.KEYS_ROTATED,
                details={
                    "to_key": rotation.primary,
                    "rows": rotation.done,
                    "remaining": rotation.remaining,
                },
            )
    say(f"{rotation.done} sealed anew with {rotation.primary}; {rotation.remaining} left on other keys.")
    for place, values in rotation.broken.items():
        complain(
            f"{values} in {place} cannot be opened with this key ring. `spotify-insights keys status` names "
            "the keys that are missing; where the ring has them, somebody changed what is stored."
        )
    return 1 if rotation.remaining else 0


class _Progress:
    """A line now and then."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def __call__(self, rotation: Rotation) -> None:
        if time.monotonic() - self._told_at >= _TELL_EVERY_SECONDS:
            self._told_at = time.monotonic()
            left = f"; {rotation.remaining} left on other keys" if rotation.remaining else ""
            say(f"{rotation.done} sealed anew with {rotation.primary}{left}")
