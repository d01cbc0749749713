"""Listening history: what exports tell of a play, spoken word apart, imports that can be undone, and gaps.

Revision: 0005
Follows: 0004
"""

import hashlib
import unicodedata
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from spotify_insights.database.migrations.owner_wall import wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SOURCES: Final = (
    "source IN ('spotify_api', 'spotify_export', 'spotify_account_data', 'listenbrainz', 'lastfm', 'manual')"
)
_SOURCES_BEFORE: Final = "source IN ('spotify_api', 'spotify_export', 'listenbrainz', 'lastfm', 'manual')"
_RANGE: Final = "ck_listening_snapshots_time_range_known"
_KEY: Final = ("user_id", "ended_at", "track_id", "ms_played")
# What the API reads only and workers change; the owner of each row is `user_id`.
_NEW_TABLES: Final = ("spoken_plays", "imports", "import_batches", "listening_gaps")


def upgrade() -> None:
    for table in ("artists", "tracks", "plays"):
        _say_sources(table, _SOURCES)
    _name_the_nameless()
    _tell_more_of_plays()
    _keep_spoken_word()
    _keep_imports()
    _plan_polls()
    for table in _NEW_TABLES:
        wall(table)
    op.drop_constraint(_RANGE, "listening_snapshots", type_="check")
    op.create_check_constraint(
        op.f(_RANGE),
        "listening_snapshots",
        "time_range IN ('short_term', 'medium_term', 'long_term', 'week', 'month', 'year', 'all_time')",
    )


def downgrade() -> None:
    op.execute("DELETE FROM listening_snapshots WHERE time_range IN ('month', 'year', 'all_time')")
    op.drop_constraint(_RANGE, "listening_snapshots", type_="check")
    op.create_check_constraint(
        op.f(_RANGE),
        "listening_snapshots",
        "time_range IN ('short_term', 'medium_term', 'long_term', 'week')",
    )
    for table in reversed(_NEW_TABLES):
        op.drop_table(table)
    op.drop_column("recently_played_polls", "next_poll_at")
    op.execute("DELETE FROM plays WHERE source = 'spotify_account_data'")
    op.drop_index("ix_plays_superseded", table_name="plays")
    op.drop_constraint("uq_plays", "plays", type_="unique")
    # Of what several sources told alike, the first stays.
    op.execute("""
        DELETE FROM plays later USING plays first
         WHERE first.user_id = later.user_id AND first.ended_at = later.ended_at
           AND first.track_id = later.track_id
           AND first.ms_played IS NOT DISTINCT FROM later.ms_played AND first.id < later.id
    """)
    op.create_unique_constraint("uq_plays", "plays", list(_KEY), postgresql_nulls_not_distinct=True)
    for column in reversed(_details()):
        op.drop_column("plays", column.name)
    # Tracks and artists known by name only had no place before.
    op.execute("DELETE FROM plays WHERE track_id IN (SELECT id FROM tracks WHERE spotify_id IS NULL)")
    op.execute("DELETE FROM tracks WHERE spotify_id IS NULL")
    op.execute("UPDATE artists SET source = 'spotify_export' WHERE source = 'spotify_account_data'")
    op.execute("UPDATE tracks SET source = 'spotify_export' WHERE source = 'spotify_account_data'")
    for table in ("tracks", "artists"):
        op.drop_index(f"uq_{table}_name_key", table_name=table)
        op.drop_index(f"ix_{table}_name_key", table_name=table)
        op.drop_column(table, "name_key")
    for table in ("artists", "tracks", "plays"):
        _say_sources(table, _SOURCES_BEFORE)


def _say_sources(table: str, sources: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_source_known"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_source_known"), table, sources)


def _name_the_nameless() -> None:
    """Exports know artists, and some tracks, by name alone; what is stored already gets its key here."""
    for table in ("artists", "tracks"):
        op.add_column(table, sa.Column("name_key", sa.Uuid(), nullable=True))
        op.create_index(f"ix_{table}_name_key", table, ["name_key"], unique=False)
        op.create_index(
            f"uq_{table}_name_key",
            table,
            ["name_key"],
            unique=True,
            postgresql_where=sa.text("spotify_id IS NULL"),
        )
    connection = op.get_bind()
    artists = connection.execute(sa.text("SELECT id, 'artist', name, NULL FROM artists")).all()
    tracks = connection.execute(
        sa.text("""
            SELECT t.id, 'track', t.name, coalesce(a.name, '') FROM tracks t
              LEFT JOIN track_artists c ON c.track_id = t.id AND c.position = 0
              LEFT JOIN artists a ON a.id = c.artist_id
        """)
    ).all()
    for table, rows in (("artists", artists), ("tracks", tracks)):
        if rows:
            keys = [
                {"id": row[0], "key": _name_key(*(each for each in row[1:] if each is not None))}
                for row in rows
            ]
            # Of several that are told apart by nothing else, the first keeps the key.
            connection.execute(
                sa.text(f"""
                    UPDATE {table} named SET name_key = :key
                     WHERE id = :id AND (spotify_id IS NOT NULL OR NOT EXISTS (
                           SELECT FROM {table} other
                            WHERE other.spotify_id IS NULL AND other.name_key = :key))
                """),  # noqa: S608  # one of two names
                keys,
            )


def _name_key(*texts: str) -> UUID:
    """As `listening.name_key` worked it out when this migration was written."""
    digest = hashlib.blake2b(digest_size=16)
    for each in texts:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", each).casefold())
        digest.update(" ".join(folded.split()).encode("utf-8", "surrogatepass") + b"\x1f")
    return UUID(bytes=digest.digest())


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=True) for name in names]


def _switches(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False) for name in names]


def _details() -> list[sa.Column[Any]]:
    return [
        *_texts("platform", "country", "reason_start", "reason_end"),
        *(sa.Column(name, sa.Boolean(), nullable=True) for name in ("shuffle", "skipped", "offline")),
        *_switches("private_session", "is_video", "time_uncertain", "superseded"),
    ]


def _tell_more_of_plays() -> None:
    for column in _details():
        op.add_column("plays", column)
    op.drop_constraint("uq_plays", "plays", type_="unique")
    op.create_unique_constraint("uq_plays", "plays", [*_KEY, "source"], postgresql_nulls_not_distinct=True)
    # The few that another source may let come back.
    op.create_index(
        "ix_plays_superseded",
        "plays",
        ["user_id", "ended_at"],
        unique=False,
        postgresql_where=sa.text("source <> 'spotify_export'"),
    )


def _keep_spoken_word() -> None:
    op.create_table(
        "spoken_plays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("show_name", sa.Text(), nullable=True),
        sa.Column("spotify_uri", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ms_played", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        *_texts("platform", "country", "reason_start", "reason_end"),
        *_switches("private_session", "time_uncertain"),
        sa.CheckConstraint("kind IN ('podcast', 'audiobook')", name=op.f("ck_spoken_plays_kind_known")),
        sa.CheckConstraint(
            "source IN ('spotify_export', 'spotify_account_data')", name=op.f("ck_spoken_plays_source_known")
        ),
        sa.CheckConstraint("ms_played >= 0", name=op.f("ck_spoken_plays_ms_played_not_negative")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_spoken_plays_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spoken_plays")),
        sa.UniqueConstraint(
            "user_id", "ended_at", "title_key", "ms_played", "source", name="uq_spoken_plays"
        ),
    )


def _keep_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_play_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_play_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "imported_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_imports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_user_id"), "imports", ["user_id"], unique=False)
    op.create_table(
        "import_batches",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("plays", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("spoken_plays", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
            name=op.f("fk_import_batches_import_id_imports"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_import_batches_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_batches")),
    )
    op.create_index(op.f("ix_import_batches_user_id"), "import_batches", ["user_id"], unique=False)


def _plan_polls() -> None:
    op.add_column(
        "recently_played_polls", sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "listening_gaps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_listening_gaps_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_gaps")),
        sa.UniqueConstraint("user_id", "until", name=op.f("uq_listening_gaps_user_id_until")),
    )
