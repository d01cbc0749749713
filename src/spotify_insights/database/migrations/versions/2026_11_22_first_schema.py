"""The first schema: people, history, snapshots, insights, jobs.

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "artists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("spotify_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("genres", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "source IN ('spotify_api', 'spotify_export', 'listenbrainz', 'lastfm', 'manual')",
            name=op.f("ck_artists_source_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artists")),
        sa.UniqueConstraint("spotify_id", name=op.f("uq_artists_spotify_id")),
    )
    op.create_table(
        "schedule_slots",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column(
            "fired_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("schedule", "slot", name=op.f("pk_schedule_slots")),
    )
    op.create_table(
        "tracks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("spotify_id", sa.Text(), nullable=True),
        sa.Column("isrc", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("album_name", sa.Text(), nullable=True),
        sa.Column("album_spotify_id", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("explicit", sa.Boolean(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "source IN ('spotify_api', 'spotify_export', 'listenbrainz', 'lastfm', 'manual')",
            name=op.f("ck_tracks_source_known"),
        ),
        sa.CheckConstraint("duration_ms >= 0", name=op.f("ck_tracks_duration_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracks")),
        sa.UniqueConstraint("spotify_id", name=op.f("uq_tracks_spotify_id")),
    )
    op.create_index(op.f("ix_tracks_isrc"), "tracks", ["isrc"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column(
            "preferences",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('user', 'admin', 'service')", name=op.f("ck_users_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "background_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("deduplication_key", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="5", nullable=False),
        sa.Column("snoozes", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publishes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("progress", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_ms", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(status = 'running') = (lease_token IS NOT NULL)",
            name=op.f("ck_background_jobs_lease_while_running"),
        ),
        sa.CheckConstraint(
            "(status IN ('queued', 'running')) = (finished_at IS NULL)",
            name=op.f("ck_background_jobs_finished_when_finished"),
        ),
        sa.CheckConstraint(
            "queue IN ('spotify', 'insights', 'scheduled')", name=op.f("ck_background_jobs_queue_known")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')",
            name=op.f("ck_background_jobs_status_known"),
        ),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_expires_at IS NULL)",
            name=op.f("ck_background_jobs_lease_has_an_end"),
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND max_attempts >= 1", name=op.f("ck_background_jobs_attempts_sane")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_background_jobs_owner_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["background_jobs.id"],
            name=op.f("fk_background_jobs_parent_id_background_jobs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_jobs")),
    )
    op.create_index(
        "ix_background_jobs_due",
        "background_jobs",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_background_jobs_finished",
        "background_jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "ix_background_jobs_lease",
        "background_jobs",
        ["lease_expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "ix_background_jobs_owner_newest",
        "background_jobs",
        ["owner_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_background_jobs_parent",
        "background_jobs",
        ["parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "uq_background_jobs_active",
        "background_jobs",
        ["task_name", "owner_id", "deduplication_key"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "listening_snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("time_range", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("audio_features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mood_patterns", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("mood_diversity_score", sa.Double(), nullable=True),
        sa.Column("effective_moods", sa.Double(), nullable=True),
        sa.Column("rhythm", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("top_tracks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("top_artists", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("coverage", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "computed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "time_range IN ('short_term', 'medium_term', 'long_term')",
            name=op.f("ck_listening_snapshots_time_range_known"),
        ),
        sa.CheckConstraint(
            "mood_diversity_score BETWEEN 0 AND 1", name=op.f("ck_listening_snapshots_diversity_is_a_share")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_listening_snapshots_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_snapshots")),
        sa.UniqueConstraint(
            "user_id",
            "snapshot_date",
            "time_range",
            name=op.f("uq_listening_snapshots_user_id_snapshot_date_time_range"),
        ),
    )
    op.create_index(
        "ix_listening_snapshots_newest",
        "listening_snapshots",
        ["user_id", sa.literal_column("computed_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "plays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ms_played", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "source IN ('spotify_api', 'spotify_export', 'listenbrainz', 'lastfm', 'manual')",
            name=op.f("ck_plays_source_known"),
        ),
        sa.CheckConstraint("ms_played >= 0", name=op.f("ck_plays_ms_played_not_negative")),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_plays_track_id_tracks")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_plays_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plays")),
        sa.UniqueConstraint(
            "user_id",
            "ended_at",
            "track_id",
            "ms_played",
            name="uq_plays",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_plays_track_id", "plays", ["track_id"], unique=False)
    op.create_table(
        "spotify_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_access_token", sa.Text(), nullable=True),
        sa.Column("sealed_refresh_token", sa.Text(), nullable=True),
        sa.Column("scope", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="connected", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status <> 'connected' OR (sealed_access_token IS NOT NULL AND sealed_refresh_token IS NOT NULL)",
            name=op.f("ck_spotify_tokens_connected_has_tokens"),
        ),
        sa.CheckConstraint(
            "status IN ('connected', 'reauth_required')", name=op.f("ck_spotify_tokens_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_spotify_tokens_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spotify_tokens")),
        sa.UniqueConstraint("user_id", name=op.f("uq_spotify_tokens_user_id")),
    )
    op.create_index(
        "ix_spotify_tokens_expiring",
        "spotify_tokens",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'connected'"),
    )
    op.create_table(
        "track_artists",
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("artist_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artists.id"], name=op.f("fk_track_artists_artist_id_artists"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_track_artists_track_id_tracks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "position", name=op.f("pk_track_artists")),
    )
    op.create_index(op.f("ix_track_artists_artist_id"), "track_artists", ["artist_id"], unique=False)
    op.create_table(
        "track_features",
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("danceability", sa.Double(), nullable=True),
        sa.Column("energy", sa.Double(), nullable=True),
        sa.Column("valence", sa.Double(), nullable=True),
        sa.Column("acousticness", sa.Double(), nullable=True),
        sa.Column("instrumentalness", sa.Double(), nullable=True),
        sa.Column("liveness", sa.Double(), nullable=True),
        sa.Column("speechiness", sa.Double(), nullable=True),
        sa.Column("tempo", sa.Double(), nullable=True),
        sa.Column("loudness", sa.Double(), nullable=True),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_track_features_track_id_tracks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "provider", name=op.f("pk_track_features")),
    )
    op.create_table(
        "user_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_user_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identities")),
        sa.UniqueConstraint(
            "provider", "provider_user_id", name=op.f("uq_user_identities_provider_provider_user_id")
        ),
    )
    op.create_index(op.f("ix_user_identities_user_id"), "user_identities", ["user_id"], unique=False)
    op.create_table(
        "generated_insights",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("insight_type", sa.Text(), nullable=False),
        sa.Column("tone_mode", sa.Text(), nullable=False),
        sa.Column("time_range", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("llm_model", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Text(), nullable=False),
        sa.Column("snapshot_hash", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("structured", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("generation_ms", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=12, scale=6), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("superseded_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "insight_type IN ('wellness', 'roast', 'productivity')",
            name=op.f("ck_generated_insights_insight_type_known"),
        ),
        sa.CheckConstraint(
            "tone_mode IN ('neutral', 'supportive', 'playful', 'direct')",
            name=op.f("ck_generated_insights_tone_mode_known"),
        ),
        sa.CheckConstraint(
            "generation_ms >= 0", name=op.f("ck_generated_insights_generation_time_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["listening_snapshots.id"],
            name=op.f("fk_generated_insights_snapshot_id_listening_snapshots"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["generated_insights.id"],
            name=op.f("fk_generated_insights_superseded_by_generated_insights"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_generated_insights_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generated_insights")),
        sa.UniqueConstraint("user_id", "fingerprint", name=op.f("uq_generated_insights_user_id_fingerprint")),
    )
    op.create_index(
        "ix_generated_insights_newest",
        "generated_insights",
        ["user_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_generated_insights_snapshot", "generated_insights", ["snapshot_id"], unique=False)
    op.create_index(
        "ix_generated_insights_superseded_by",
        "generated_insights",
        ["superseded_by"],
        unique=False,
        postgresql_where=sa.text("superseded_by IS NOT NULL"),
    )


def downgrade() -> None:

    op.drop_index(
        "ix_generated_insights_superseded_by",
        table_name="generated_insights",
        postgresql_where=sa.text("superseded_by IS NOT NULL"),
    )
    op.drop_index("ix_generated_insights_snapshot", table_name="generated_insights")
    op.drop_index("ix_generated_insights_newest", table_name="generated_insights")
    op.drop_table("generated_insights")
    op.drop_index(op.f("ix_user_identities_user_id"), table_name="user_identities")
    op.drop_table("user_identities")
    op.drop_table("track_features")
    op.drop_index(op.f("ix_track_artists_artist_id"), table_name="track_artists")
    op.drop_table("track_artists")
    op.drop_index(
        "ix_spotify_tokens_expiring",
        table_name="spotify_tokens",
        postgresql_where=sa.text("status = 'connected'"),
    )
    op.drop_table("spotify_tokens")
    op.drop_index("ix_plays_track_id", table_name="plays")
    op.drop_table("plays")
    op.drop_index("ix_listening_snapshots_newest", table_name="listening_snapshots")
    op.drop_table("listening_snapshots")
    op.drop_index(
        "uq_background_jobs_active",
        table_name="background_jobs",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index(
        "ix_background_jobs_parent",
        table_name="background_jobs",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index("ix_background_jobs_owner_newest", table_name="background_jobs")
    op.drop_index(
        "ix_background_jobs_lease",
        table_name="background_jobs",
        postgresql_where=sa.text("status = 'running'"),
    )
    op.drop_index(
        "ix_background_jobs_finished",
        table_name="background_jobs",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_background_jobs_due", table_name="background_jobs", postgresql_where=sa.text("status = 'queued'")
    )
    op.drop_table("background_jobs")
    op.drop_table("users")
    op.drop_index(op.f("ix_tracks_isrc"), table_name="tracks")
    op.drop_table("tracks")
    op.drop_table("schedule_slots")
    op.drop_table("artists")
