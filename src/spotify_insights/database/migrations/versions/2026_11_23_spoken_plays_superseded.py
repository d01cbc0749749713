"""Spoken plays that a better source tells, too, are kept aside, as plays of music are.

What is stored already is decided with the listener's next import or undoing.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "spoken_plays",
        sa.Column("superseded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    # The few that another source may let come back.
    op.create_index(
        "ix_spoken_plays_superseded",
        "spoken_plays",
        ["user_id", "ended_at"],
        unique=False,
        postgresql_where=sa.text("source <> 'spotify_export'"),
    )


def downgrade() -> None:
    op.drop_index("ix_spoken_plays_superseded", table_name="spoken_plays")
    op.drop_column("spoken_plays", "superseded")
