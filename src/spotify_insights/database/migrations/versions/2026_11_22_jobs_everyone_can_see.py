"""Jobs everyone can see: alerts, kept answers, the app's calls, reminders, polls, and the weekly insight.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RANGE = "ck_listening_snapshots_time_range_known"
_TYPE = "ck_generated_insights_insight_type_known"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "raised_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f("ck_alerts_severity_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "spotify_app_days",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.CheckConstraint("calls >= 0", name=op.f("ck_spotify_app_days_calls_not_negative")),
        sa.PrimaryKeyConstraint("client_id", "day", name=op.f("pk_spotify_app_days")),
    )
    op.create_table(
        "spotify_app_pauses",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_spotify_app_pauses")),
    )
    op.create_table(
        "reauthorization_reminders",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column(
            "reminded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_reauthorization_reminders_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "refresh_expires_at", "days_before", name=op.f("pk_reauthorization_reminders")
        ),
    )
    op.create_table(
        "recently_played_polls",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "polled_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("new_plays", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recently_played_polls_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_recently_played_polls")),
    )
    _replace_index_of_active("status IN ('queued', 'running') AND NOT cancel_requested")
    op.create_index(
        "ix_background_jobs_unpublished",
        "background_jobs",
        ["available_at"],
        postgresql_where=sa.text("status = 'queued' AND published_at IS NULL"),
    )
    op.add_column("background_jobs", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("background_jobs", sa.Column("worker", sa.Text(), nullable=True))
    op.create_index(
        "ix_background_jobs_troubled",
        "background_jobs",
        [sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'dead')"),
    )
    op.drop_constraint(op.f(_RANGE), "listening_snapshots")
    op.create_check_constraint(
        op.f(_RANGE),
        "listening_snapshots",
        "time_range IN ('short_term', 'medium_term', 'long_term', 'week')",
    )
    op.drop_constraint(op.f(_TYPE), "generated_insights")
    op.create_check_constraint(
        op.f(_TYPE), "generated_insights", "insight_type IN ('wellness', 'roast', 'productivity', 'weekly')"
    )


def downgrade() -> None:
    # The older version lets nobody ask for work again while a job that is being cancelled still runs.
    op.execute("""
        UPDATE background_jobs
           SET status = 'cancelled', error_code = 'cancelled', error = 'The job was cancelled.',
               finished_at = clock_timestamp(), lease_token = NULL, lease_expires_at = NULL
         WHERE status = 'running' AND cancel_requested
    """)
    _replace_index_of_active("status IN ('queued', 'running')")
    op.drop_index("ix_background_jobs_unpublished", table_name="background_jobs")
    # What the older version cannot say goes; it would not know how to show it either.
    op.execute("DELETE FROM generated_insights WHERE insight_type = 'weekly'")
    op.drop_constraint(op.f(_TYPE), "generated_insights")
    op.create_check_constraint(
        op.f(_TYPE), "generated_insights", "insight_type IN ('wellness', 'roast', 'productivity')"
    )
    op.execute("DELETE FROM listening_snapshots WHERE time_range = 'week'")
    op.drop_constraint(op.f(_RANGE), "listening_snapshots")
    op.create_check_constraint(
        op.f(_RANGE), "listening_snapshots", "time_range IN ('short_term', 'medium_term', 'long_term')"
    )
    op.drop_index(
        "ix_background_jobs_troubled",
        table_name="background_jobs",
        postgresql_where=sa.text("status IN ('failed', 'dead')"),
    )
    op.drop_column("background_jobs", "worker")
    op.drop_column("background_jobs", "expires_at")
    op.drop_table("recently_played_polls")
    op.drop_table("reauthorization_reminders")
    op.drop_table("spotify_app_pauses")
    op.drop_table("spotify_app_days")
    op.drop_index("ix_idempotency_keys_created", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index("uq_alerts_open", table_name="alerts", postgresql_where=sa.text("resolved_at IS NULL"))
    op.drop_table("alerts")


def _replace_index_of_active(condition: str) -> None:
    op.drop_index("uq_background_jobs_active", table_name="background_jobs")
    op.create_index(
        "uq_background_jobs_active",
        "background_jobs",
        ["task_name", "owner_id", "deduplication_key"],
        unique=True,
        postgresql_where=sa.text(condition),
        postgresql_nulls_not_distinct=True,
    )
