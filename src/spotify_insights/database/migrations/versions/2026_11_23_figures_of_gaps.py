"""Figures of listening gaps: how many there are, of how many listeners, and of nobody in particular.

Revision: 0008
Follows: 0007
"""

from typing import Final

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_API: Final = "spotify_insights_api"
_WORKER: Final = "spotify_insights_worker"
_ROLE: Final = "current_setting('app.actor_role', true)"


def upgrade() -> None:
    """As the figures of connections in migration 0004: numbers for those who may not see whose they are."""
    # What an import covers is no gap; `listening.queries` takes it out of each in the same way.
    op.execute(f"""
        CREATE FUNCTION listening_gap_figures(OUT gaps bigint, OUT listeners bigint)
               LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE actor_before text := {_ROLE}; BEGIN
            PERFORM set_config('app.actor_role', 'migration', true);
            SELECT count(*), count(DISTINCT g.user_id)
              INTO gaps, listeners
              FROM public.listening_gaps g
              LEFT JOIN (SELECT i.user_id, range_agg(tstzrange(i.first_play_at, i.last_play_at)) AS times
                           FROM public.imports i
                          WHERE i.first_play_at <= i.last_play_at
                          GROUP BY i.user_id) AS covered ON covered.user_id = g.user_id
             WHERE NOT isempty(tstzmultirange(tstzrange(g.since, g.until))
                               - coalesce(covered.times, '{{}}'::tstzmultirange));
            PERFORM set_config('app.actor_role', coalesce(actor_before, ''), true);
        END $$
    """)  # noqa: S608  # only constants are put together
    op.execute("REVOKE ALL ON FUNCTION listening_gap_figures() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION listening_gap_figures() TO {_API}, {_WORKER}")


def downgrade() -> None:
    op.execute("DROP FUNCTION listening_gap_figures()")
