"""Packed histories: tracks in blocks, as plays are, and one number that says how new each block is.

What is packed is derived from plays. It is emptied here, up and down; until the hourly refresh has packed it
anew, views read the plays themselves.

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

from spotify_insights.database.migrations.owner_wall import wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("history_tracks")
    op.execute("TRUNCATE history_blocks")
    op.drop_column("history_blocks", "revision")
    op.add_column("history_blocks", sa.Column("generation", sa.BigInteger(), nullable=False))
    op.create_table(
        "packed_histories",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("play_blocks", sa.Integer(), nullable=False),
        sa.Column("track_blocks", sa.Integer(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_packed_histories_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_packed_histories")),
    )
    op.create_table(
        "history_track_blocks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("identities", sa.LargeBinary(), nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_history_track_blocks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "number", name=op.f("pk_history_track_blocks")),
    )
    for column in ("identities", "features"):
        op.execute(f"ALTER TABLE history_track_blocks ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for table in ("packed_histories", "history_track_blocks"):
        wall(table)
    op.execute("CREATE SEQUENCE history_generations")
    op.execute("GRANT USAGE ON SEQUENCE history_generations TO spotify_insights_worker")


def downgrade() -> None:
    op.execute("DROP SEQUENCE history_generations")
    op.drop_table("history_track_blocks")
    op.drop_table("packed_histories")
    op.execute("TRUNCATE history_blocks")
    op.drop_column("history_blocks", "generation")
    op.add_column("history_blocks", sa.Column("revision", sa.Uuid(), nullable=False))
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
    for column in ("identities", "features"):
        op.execute(f"ALTER TABLE history_tracks ALTER COLUMN {column} SET STORAGE EXTERNAL")
    wall("history_tracks")
