"""Since when the installation has been awake: nothing waits for anybody while everything is off.

The fired slots are the diary. Where a moment of the schedule passed and nobody fired anything, nobody was
awake (switched off, a laptop that slept, a database that was away); the next slot that was fired is the
waking. Judged by the schedule as it is, so that a sparse one makes nobody look asleep.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.jobs.slots import Schedule, next_slot

# A relay that is busy, or that a new one replaces, fires a little late.
_LATE: Final = timedelta(minutes=2)
# Slots of the last day are there, however little retention leaves. Who woke longer ago than this has been
# awake long enough for everything that waits.
_LOOK_BACK: Final = timedelta(hours=12)

# A slot may be fired seconds ahead of its moment, which has then not passed by unseen. The last slot before
# the look back tells of a sleep that it begins in; of those before that one not all are read.
_PAUSES: Final = text("""
    WITH fired AS (
         SELECT greatest(seen.slot, seen.fired_at) AS moment
           FROM unnest(CAST(:names AS text[])) AS name,
                LATERAL ((SELECT slot, fired_at FROM schedule_slots
                           WHERE schedule = name AND slot > statement_timestamp() - :look_back)
                         UNION ALL
                         (SELECT slot, fired_at FROM schedule_slots
                           WHERE schedule = name AND slot <= statement_timestamp() - :look_back
                           ORDER BY slot DESC LIMIT 1)) AS seen),
         moments AS (
         SELECT moment FROM fired WHERE moment > statement_timestamp() - :look_back
         UNION ALL
         SELECT max(moment) FROM fired WHERE moment <= statement_timestamp() - :look_back HAVING count(*) > 0
         UNION ALL
         SELECT statement_timestamp()),
         told AS (
         SELECT lag(moment) OVER (ORDER BY moment) AS before, moment FROM moments)
    SELECT before, moment, statement_timestamp() - moment AS ago
      FROM told
     WHERE before IS NULL OR moment - before > :late
     ORDER BY moment DESC
""")


def awake_for(session: Session, schedule: Schedule) -> timedelta | None:
    """How long somebody has fired every moment of the schedule; None: for longer than anybody needs to know.

    Zero while the schedule stands still: at the first start, and after waking until a slot is fired.
    """
    if not schedule:
        return None
    given = {"names": list(schedule), "look_back": _LOOK_BACK, "late": _LATE}
    for before, moment, ago in session.execute(_PAUSES, given):
        awake: timedelta = max(ago, timedelta(0))
        # Nothing was fired before: this is where it all began, or further back than we look.
        if before is None:
            return awake if awake < _LOOK_BACK else None
        if any(next_slot(scheduled.when, after=before) <= moment - _LATE for scheduled in schedule.values()):
            return awake
    return None
