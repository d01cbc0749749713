"""History blocks: what analyses read, derived from plays and rebuilt from them at any time.

Revision: 0007
Follows: 0006
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from spotify_insights.database.migrations.owner_wall import wall

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES: Final = ("history_blocks", "history_tracks")


def upgrade() -> None:
    op.create_table(
        "history_blocks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("plays", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_history_blocks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "number", name=op.f("pk_history_blocks")),
    )
    op.create_table(
        "history_tracks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("identities", sa.LargeBinary(), nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_history_tracks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_history_tracks")),
    )
    # Numbers hardly compress, and whoever reads them is in a hurry.
    op.execute("ALTER TABLE history_blocks ALTER COLUMN content SET STORAGE EXTERNAL")
    for column in ("identities", "features"):
        op.execute(f"ALTER TABLE history_tracks ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for table in _TABLES:
        wall(table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
