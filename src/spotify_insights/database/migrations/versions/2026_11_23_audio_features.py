"""Audio features: catalogues that an operator loads, a million rows that belong to nobody; genres of artists.

Revision: 0006
Follows: 0005
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

API: Final = "spotify_insights_api"
WORKER: Final = "spotify_insights_worker"
_FEATURES: Final = (
    *("danceability", "energy", "valence", "acousticness", "instrumentalness", "liveness", "speechiness"),
    *("tempo", "loudness"),
)


def upgrade() -> None:
    op.create_table(
        "feature_catalogues",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "loaded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_catalogues")),
        sa.UniqueConstraint("name", name=op.f("uq_feature_catalogues_name")),
    )
    op.create_table(
        "catalogue_features",
        sa.Column("spotify_id", sa.Text(collation="C"), nullable=False),
        sa.Column("catalogue_id", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.REAL(), nullable=True) for name in _FEATURES),
        sa.PrimaryKeyConstraint("spotify_id", name=op.f("pk_catalogue_features")),
    )
    op.create_table(
        "artist_genres",
        sa.Column("artist_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("genres", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["artist_id"],
            ["artists.id"],
            name=op.f("fk_artist_genres_artist_id_artists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("artist_id", "provider", name=op.f("pk_artist_genres")),
    )
    for table in ("feature_catalogues", "catalogue_features", "artist_genres"):
        op.execute(f"GRANT SELECT ON {table} TO {API}")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {WORKER}")


def downgrade() -> None:
    op.drop_table("artist_genres")
    op.drop_table("catalogue_features")
    op.drop_table("feature_catalogues")
