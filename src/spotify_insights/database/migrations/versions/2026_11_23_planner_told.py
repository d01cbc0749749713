"""What the planner knows about plays can be brought up to date by workers, who own no table.

Revision: 0009
Follows: 0008
"""

from typing import Final

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_WORKER: Final = "spotify_insights_worker"


def upgrade() -> None:
    # The owner of the tables runs it: before PostgreSQL 17, ANALYZE cannot be granted to anybody else.
    op.execute("""
        CREATE FUNCTION analyze_plays() RETURNS void
               LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            ANALYZE public.plays, public.tracks, public.track_artists;
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION analyze_plays() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION analyze_plays() TO {_WORKER}")


def downgrade() -> None:
    op.execute("DROP FUNCTION analyze_plays()")
