"""Accounts, sign-in and secrets: sessions, keys, links, local accounts, audit log, stored files, tombstones.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("actor_hash", sa.Text(), nullable=True),
        sa.Column("subject_hash", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_actor", "audit_log", ["actor_hash", sa.literal_column("id DESC")], unique=False
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"], unique=False)
    op.create_index(
        "ix_audit_log_subject", "audit_log", ["subject_hash", sa.literal_column("id DESC")], unique=False
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("user_hash", sa.Text(), nullable=False),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_user_hash", "erasures", ["user_hash"], unique=False)
    op.create_index(
        "uq_erasures_open",
        "erasures",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "installation_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealed_value", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_secrets")),
        sa.UniqueConstraint("id", name=op.f("uq_installation_secrets_id")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_id", name=op.f("uq_api_keys_key_id")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "daily_usage",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_daily_usage_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_daily_usage_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "day", "kind", name=op.f("pk_daily_usage")),
    )
    op.create_table(
        "listenbrainz_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_user_token", sa.Text(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="connected", nullable=False),
        sa.Column(
            "authorized_at",
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
            "(status = 'connected') = (sealed_user_token IS NOT NULL)",
            name=op.f("ck_listenbrainz_tokens_connected_has_token"),
        ),
        sa.CheckConstraint(
            "status IN ('connected', 'reauth_required')", name=op.f("ck_listenbrainz_tokens_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_listenbrainz_tokens_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listenbrainz_tokens")),
        sa.UniqueConstraint("user_id", name=op.f("uq_listenbrainz_tokens_user_id")),
    )
    op.create_table(
        "local_accounts",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_local_accounts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_local_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_local_accounts_username")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'browser') = (token_hash IS NOT NULL)", name=op.f("ck_sessions_browser_has_a_cookie")
        ),
        sa.CheckConstraint("kind IN ('browser', 'token')", name=op.f("ck_sessions_kind_known")),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["api_keys.id"],
            name=op.f("fk_sessions_api_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_api_key_id"), "sessions", ["api_key_id"], unique=False)
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("sealed_code_verifier", sa.Text(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sign_in_attempts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_sign_in_attempts_state_hash")),
    )
    op.create_index("ix_sign_in_attempts_expires", "sign_in_attempts", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sign_in_attempts_user_id"), "sign_in_attempts", ["user_id"], unique=False)
    op.create_table(
        "stored_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('export', 'upload')", name=op.f("ck_stored_files_kind_known")),
        sa.CheckConstraint(
            "(completed_at IS NULL) = (sha256 IS NULL)", name=op.f("ck_stored_files_complete_has_a_hash")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_stored_files_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
    )
    op.create_index("ix_stored_files_expires", "stored_files", ["expires_at"], unique=False)
    op.create_index(op.f("ix_stored_files_user_id"), "stored_files", ["user_id"], unique=False)
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("stored_file_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(purpose = 'export') = (stored_file_id IS NOT NULL)",
            name=op.f("ck_one_time_links_export_has_a_file"),
        ),
        sa.CheckConstraint(
            "purpose IN ('setup', 'invitation', 'password_reset', 'export')",
            name=op.f("ck_one_time_links_purpose_known"),
        ),
        sa.CheckConstraint("role IN ('user', 'admin', 'service')", name=op.f("ck_one_time_links_role_known")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_one_time_links_created_by_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["stored_file_id"],
            ["stored_files.id"],
            name=op.f("fk_one_time_links_stored_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_one_time_links_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_links_token_hash")),
    )
    op.create_index(op.f("ix_one_time_links_created_by"), "one_time_links", ["created_by"], unique=False)
    op.create_index(
        "ix_one_time_links_open",
        "one_time_links",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_index(
        op.f("ix_one_time_links_stored_file_id"), "one_time_links", ["stored_file_id"], unique=False
    )
    op.create_index(op.f("ix_one_time_links_user_id"), "one_time_links", ["user_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_refresh_tokens_session_id_sessions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"], unique=False)
    op.create_table(
        "stored_file_chunks",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_files.id"],
            name=op.f("fk_stored_file_chunks_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_stored_file_chunks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "number", name=op.f("pk_stored_file_chunks")),
    )
    op.create_index(op.f("ix_stored_file_chunks_user_id"), "stored_file_chunks", ["user_id"], unique=False)
    op.add_column("background_jobs", sa.Column("requested_by", sa.Uuid(), nullable=True))
    op.add_column("idempotency_keys", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_idempotency_keys_owner_id"), "idempotency_keys", ["owner_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_idempotency_keys_owner_id_users"),
        "idempotency_keys",
        "users",
        ["owner_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column("user_identities", sa.Column("account_id", sa.Text(), nullable=True))
    op.add_column("user_identities", sa.Column("asserted_by", sa.Uuid(), nullable=True))
    op.drop_constraint(
        op.f("uq_user_identities_provider_provider_user_id"), "user_identities", type_="unique"
    )
    op.create_index(op.f("ix_user_identities_asserted_by"), "user_identities", ["asserted_by"], unique=False)
    op.create_index(
        "uq_user_identities_account_id",
        "user_identities",
        ["provider", "account_id"],
        unique=True,
        postgresql_where=sa.text("account_id IS NOT NULL AND asserted_by IS NULL"),
    )
    op.create_unique_constraint(
        op.f("uq_user_identities_provider_provider_user_id_asserted_by"),
        "user_identities",
        ["provider", "provider_user_id", "asserted_by"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_foreign_key(
        op.f("fk_user_identities_asserted_by_users"),
        "user_identities",
        "users",
        ["asserted_by"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column("users", sa.Column("registered_by", sa.Uuid(), nullable=True))
    op.add_column("users", sa.Column("erasing_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_users_registered_by"), "users", ["registered_by"], unique=False)
    op.create_foreign_key(op.f("fk_users_registered_by_users"), "users", "users", ["registered_by"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_users_registered_by_users"), "users", type_="foreignkey")
    op.drop_index(op.f("ix_users_registered_by"), table_name="users")
    op.drop_column("users", "erasing_since")
    op.drop_column("users", "registered_by")
    op.drop_constraint(op.f("fk_user_identities_asserted_by_users"), "user_identities", type_="foreignkey")
    op.drop_constraint(
        op.f("uq_user_identities_provider_provider_user_id_asserted_by"), "user_identities", type_="unique"
    )
    op.drop_index(
        "uq_user_identities_account_id",
        table_name="user_identities",
        postgresql_where=sa.text("account_id IS NOT NULL AND asserted_by IS NULL"),
    )
    op.drop_index(op.f("ix_user_identities_asserted_by"), table_name="user_identities")
    # What services say of their users would meet what the users themselves have shown.
    op.execute("DELETE FROM user_identities WHERE asserted_by IS NOT NULL")
    op.create_unique_constraint(
        op.f("uq_user_identities_provider_provider_user_id"),
        "user_identities",
        ["provider", "provider_user_id"],
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("user_identities", "asserted_by")
    op.drop_column("user_identities", "account_id")
    op.drop_constraint(op.f("fk_idempotency_keys_owner_id_users"), "idempotency_keys", type_="foreignkey")
    op.drop_index(op.f("ix_idempotency_keys_owner_id"), table_name="idempotency_keys")
    op.drop_column("idempotency_keys", "owner_id")
    op.drop_column("background_jobs", "requested_by")
    op.drop_index(op.f("ix_stored_file_chunks_user_id"), table_name="stored_file_chunks")
    op.drop_table("stored_file_chunks")
    op.drop_index(op.f("ix_refresh_tokens_user_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(op.f("ix_one_time_links_user_id"), table_name="one_time_links")
    op.drop_index(op.f("ix_one_time_links_stored_file_id"), table_name="one_time_links")
    op.drop_index(
        "ix_one_time_links_open", table_name="one_time_links", postgresql_where=sa.text("used_at IS NULL")
    )
    op.drop_index(op.f("ix_one_time_links_created_by"), table_name="one_time_links")
    op.drop_table("one_time_links")
    op.drop_index(op.f("ix_stored_files_user_id"), table_name="stored_files")
    op.drop_index("ix_stored_files_expires", table_name="stored_files")
    op.drop_table("stored_files")
    op.drop_index(op.f("ix_sign_in_attempts_user_id"), table_name="sign_in_attempts")
    op.drop_index("ix_sign_in_attempts_expires", table_name="sign_in_attempts")
    op.drop_table("sign_in_attempts")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index("ix_sessions_expires", table_name="sessions")
    op.drop_index(op.f("ix_sessions_api_key_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("local_accounts")
    op.drop_table("listenbrainz_tokens")
    op.drop_table("daily_usage")
    op.drop_index(op.f("ix_api_keys_user_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("installation_secrets")
    op.drop_index("uq_erasures_open", table_name="erasures", postgresql_where=sa.text("user_id IS NOT NULL"))
    op.drop_index("ix_erasures_user_hash", table_name="erasures")
    op.drop_table("erasures")
    op.drop_index("ix_audit_log_subject", table_name="audit_log")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_index("ix_audit_log_actor", table_name="audit_log")
    op.drop_table("audit_log")
