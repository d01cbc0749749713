"""Owner walls: roles without login for API, worker and relay, what each may do, and row-level security.

Every table with an owner is forced behind row-level security. A policy compares the owner with the actor of
the transaction (`app.actor_role` and `app.user_id`, see `database.actor`); without one there are no rows, for
the owner of the tables neither. A migration that adds a table gives it grants and policies of its own.

Revision: 0004
Follows: 0003
"""

from typing import Final

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

API: Final = "spotify_insights_api"
WORKER: Final = "spotify_insights_worker"
RELAY: Final = "spotify_insights_relay"

_ROLE: Final = "current_setting('app.actor_role', true)"
_USER: Final = "nullif(current_setting('app.user_id', true), '')::uuid"

# Temporary tables come last: by default they are looked for first, and anybody may make one.
_AS_THE_OWNER: Final = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# For functions that run as the owner of the tables, whom the walls hold like everybody. An error ends the
# transaction and with it the setting. (In the head of a function PostgreSQL takes it from superusers alone.)
_ACTOR_BEFORE: Final = f"actor_before text := {_ROLE};"
_THROUGH_THE_WALL: Final = "PERFORM set_config('app.actor_role', 'migration', true);"
_BEHIND_IT_AGAIN: Final = "PERFORM set_config('app.actor_role', coalesce(actor_before, ''), true);"

# What each role may do with each table; what is not named, it may not.
_GRANTS: Final[dict[str, dict[str, str]]] = {
    API: {
        "users": "SELECT, INSERT, UPDATE",
        "user_identities": "SELECT, INSERT, UPDATE, DELETE",
        "spotify_tokens": "SELECT, INSERT, UPDATE, DELETE",
        "listenbrainz_tokens": "SELECT, INSERT, UPDATE, DELETE",
        "reauthorization_reminders": "SELECT, INSERT, DELETE",
        "recently_played_polls": "SELECT, DELETE",
        "spotify_app_days": "SELECT, INSERT, UPDATE, DELETE",
        "spotify_app_pauses": "SELECT, INSERT, UPDATE, DELETE",
        "daily_usage": "SELECT, INSERT, UPDATE",
        "sessions": "SELECT, INSERT, UPDATE",
        "refresh_tokens": "SELECT, INSERT, UPDATE",
        "api_keys": "SELECT, INSERT, UPDATE",
        "one_time_links": "SELECT, INSERT, UPDATE",
        "local_accounts": "SELECT, INSERT, UPDATE",
        "sign_in_attempts": "SELECT, INSERT, UPDATE",
        "artists": "SELECT",
        "tracks": "SELECT",
        "track_artists": "SELECT",
        "track_features": "SELECT",
        "plays": "SELECT",
        "listening_snapshots": "SELECT",
        "generated_insights": "SELECT",
        "background_jobs": "SELECT, INSERT, UPDATE",
        "schedule_slots": "SELECT",
        "alerts": "SELECT",
        "idempotency_keys": "SELECT, INSERT, UPDATE",
        "stored_files": "SELECT, INSERT, UPDATE, DELETE",
        "stored_file_chunks": "SELECT, INSERT, DELETE",
        "installation_secrets": "SELECT, INSERT",
        "erasures": "SELECT, INSERT",
        "audit_log": "SELECT, INSERT",
        "alembic_version": "SELECT",
    },
    WORKER: {
        **dict.fromkeys(
            (
                *("users", "user_identities", "spotify_tokens", "listenbrainz_tokens", "daily_usage"),
                *(
                    "reauthorization_reminders",
                    "recently_played_polls",
                    "spotify_app_days",
                    "spotify_app_pauses",
                ),
                *("sessions", "refresh_tokens", "api_keys", "one_time_links", "local_accounts"),
                *("sign_in_attempts", "artists", "tracks", "track_artists", "track_features", "plays"),
                *("listening_snapshots", "generated_insights", "background_jobs", "schedule_slots", "alerts"),
                *(
                    "idempotency_keys",
                    "stored_files",
                    "stored_file_chunks",
                    "erasures",
                    "installation_secrets",
                ),
            ),
            "SELECT, INSERT, UPDATE, DELETE",
        ),
        "audit_log": "SELECT, INSERT",
        "alembic_version": "SELECT",
    },
    RELAY: {
        "background_jobs": "SELECT, INSERT, UPDATE, DELETE",
        "schedule_slots": "SELECT, INSERT, UPDATE, DELETE",
        "alerts": "SELECT, INSERT, UPDATE, DELETE",
        "idempotency_keys": "SELECT, UPDATE, DELETE",
        "alembic_version": "SELECT",
    },
}

# Every table whose rows belong to somebody: the column that says to whom, and which actors of the API other
# than the owner (and the service that registered them) see its rows.
_OWNED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "users": ("id", ("admin", "authentication")),
    "user_identities": ("user_id", ("authentication",)),
    "spotify_tokens": ("user_id", ()),
    "listenbrainz_tokens": ("user_id", ()),
    "reauthorization_reminders": ("user_id", ()),
    "recently_played_polls": ("user_id", ()),
    "daily_usage": ("user_id", ()),
    "sessions": ("user_id", ("authentication",)),
    "refresh_tokens": ("user_id", ("authentication",)),
    "api_keys": ("user_id", ("authentication",)),
    "one_time_links": ("user_id", ("admin", "authentication")),
    "local_accounts": ("user_id", ("authentication",)),
    "sign_in_attempts": ("user_id", ("authentication",)),
    "plays": ("user_id", ()),
    "listening_snapshots": ("user_id", ()),
    "generated_insights": ("user_id", ()),
    # The watch that follows tasks asks for those of many listeners at once, as the system.
    "background_jobs": ("owner_id", ("admin", "system")),
    "idempotency_keys": ("owner_id", ("admin", "authentication")),
    "stored_files": ("user_id", ()),
    "stored_file_chunks": ("user_id", ()),
    "erasures": ("user_id", ()),
}
# What else lets a row be seen.
_ALSO: Final = {
    # A service has itself, too, and registers people whom the subquery of the others does not know yet.
    "users": f"({_ROLE} = 'service' AND registered_by = {_USER})",
    "background_jobs": f"({_ROLE} IN ('listener', 'service') AND requested_by = {_USER})",
    # Answers about nobody in particular; their scope names the caller.
    "idempotency_keys": "owner_id IS NULL",
}


def upgrade() -> None:
    for role, grants in _GRANTS.items():
        _make_role(role)
        for table, privileges in grants.items():
            op.execute(f"GRANT {privileges} ON {table} TO {role}")
    for table, (owner, actors) in _OWNED.items():
        _wall(table, owner, actors)
    _let_nobody_raise_themselves()
    _make_audit_log_append_only()
    _give_figures_without_rows()


def downgrade() -> None:
    op.execute("DROP FUNCTION spotify_connection_figures()")
    op.execute("DROP FUNCTION purge_audit_log(timestamptz, integer)")
    op.execute("DROP TRIGGER never_changed ON audit_log")
    op.execute("DROP FUNCTION refuse_change_of_audit_log()")
    op.execute("DROP TRIGGER rights_given ON users")
    op.execute("DROP TRIGGER rights_changed ON users")
    op.execute("DROP FUNCTION refuse_change_of_rights()")
    for table in ("audit_log", *_OWNED):
        for policy in ("api", "api_reads", "api_adds", "worker", "relay", "migration"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    # The roles stay: other databases of this server may use them.
    for role, grants in _GRANTS.items():
        for table in grants:
            op.execute(f"REVOKE ALL ON {table} FROM {role}")


def _make_role(role: str) -> None:
    """The role, and the right of whoever migrates to take it. It may be there: roles belong to the server."""
    op.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN NOINHERIT;
            END IF;
        EXCEPTION
            -- Another database of this server is being upgraded at the same moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
    """)
    op.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (
                   SELECT FROM pg_auth_members AS granted
                    WHERE roleid = '{role}'::regrole AND member = current_user::regrole
                      -- From PostgreSQL 16 on, who made a role may grant it and not yet take it.
                      AND coalesce((to_jsonb(granted) ->> 'set_option')::boolean, true)) THEN
                GRANT {role} TO CURRENT_USER;
            END IF;
        EXCEPTION
            WHEN unique_violation THEN NULL;
        END $$
    """)  # noqa: S608  # only constants are put together


def _wall(table: str, owner: str, actors: tuple[str, ...]) -> None:
    others = "".join(f" WHEN '{actor}' THEN true" for actor in actors)
    # Only constants are put together here and below.
    registered = f"OR {owner} IN (SELECT u.id FROM users u WHERE u.registered_by = {_USER})"  # noqa: S608
    own = f"""
        CASE {_ROLE} WHEN 'listener' THEN {owner} = {_USER}
                     WHEN 'service' THEN {owner} = {_USER} {"" if table == "users" else registered}
                     WHEN 'local' THEN true{others} ELSE false END
    """
    also = f" OR {_ALSO[table]}" if table in _ALSO else ""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY api ON {table} TO {API} USING ({own}{also})")
    op.execute(f"""
        CREATE POLICY worker ON {table} TO {WORKER} USING (
               CASE {_ROLE} WHEN 'system' THEN true WHEN 'listener' THEN {owner} = {_USER}
                            ELSE false END{also})
    """)
    if table in _GRANTS[RELAY]:
        op.execute(f"CREATE POLICY relay ON {table} TO {RELAY} USING ({_ROLE} = 'system')")
    op.execute(f"CREATE POLICY migration ON {table} TO CURRENT_USER USING ({_ROLE} = 'migration')")


def _let_nobody_raise_themselves() -> None:
    """A row of one's own says what one may do, and that is not one's own to decide.

    Whoever restores a backup writes as another role, and is let through.
    """
    acting = f"current_user IN ('{API}', '{WORKER}') AND coalesce({_ROLE}, '')"
    op.execute("""
        CREATE FUNCTION refuse_change_of_rights() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'This actor gives nobody other rights.' USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    # The first admin and whoever was invited as one are made before they are anybody.
    op.execute(f"""
        CREATE TRIGGER rights_given BEFORE INSERT ON users FOR EACH ROW
          WHEN (NEW.role <> 'user' AND {acting} NOT IN ('admin', 'local', 'authentication', 'system'))
               EXECUTE FUNCTION refuse_change_of_rights()
    """)
    op.execute(f"""
        CREATE TRIGGER rights_changed BEFORE UPDATE ON users FOR EACH ROW
          WHEN ((NEW.role, NEW.registered_by) IS DISTINCT FROM (OLD.role, OLD.registered_by)
                AND {acting} NOT IN ('admin', 'local', 'system'))
               EXECUTE FUNCTION refuse_change_of_rights()
    """)


def _make_audit_log_append_only() -> None:
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY api_reads ON audit_log FOR SELECT TO {API} USING ({_ROLE} IN ('admin', 'local'))"
    )
    op.execute(f"CREATE POLICY api_adds ON audit_log FOR INSERT TO {API} WITH CHECK (true)")
    op.execute(f"CREATE POLICY worker ON audit_log TO {WORKER} USING ({_ROLE} = 'system') WITH CHECK (true)")
    op.execute(f"CREATE POLICY migration ON audit_log TO CURRENT_USER USING ({_ROLE} = 'migration')")
    # For those whom no grant holds back: the owner of the table and superusers.
    op.execute("""
        CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'The audit log is never changed.' USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER never_changed BEFORE UPDATE ON audit_log
           FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit_log()
    """)
    # What is older than the retention goes, oldest first; nothing of the last thirty days.
    op.execute(f"""
        CREATE FUNCTION purge_audit_log(before timestamptz, most integer) RETURNS integer
               LANGUAGE plpgsql {_AS_THE_OWNER} AS $$
        DECLARE gone integer; {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            DELETE FROM public.audit_log WHERE id IN (
                   SELECT id FROM public.audit_log
                    WHERE at < least(before, clock_timestamp() - interval '30 days')
                    ORDER BY at LIMIT most);
            GET DIAGNOSTICS gone = ROW_COUNT;
            {_BEHIND_IT_AGAIN}
            RETURN gone;
        END $$
    """)  # noqa: S608  # only constants are put together
    op.execute("REVOKE ALL ON FUNCTION purge_audit_log(timestamptz, integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION purge_audit_log(timestamptz, integer) TO {WORKER}")


def _give_figures_without_rows() -> None:
    """How many connections there are, for metrics: a number for those who may not see whose they are."""
    op.execute(f"""
        CREATE FUNCTION spotify_connection_figures(
               OUT connected bigint, OUT reauth_required bigint, OUT days_to_first_end double precision)
               LANGUAGE plpgsql {_AS_THE_OWNER} AS $$
        DECLARE {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            SELECT count(*) FILTER (WHERE status = 'connected'),
                   count(*) FILTER (WHERE status = 'reauth_required'),
                   -- Each by itself, because the greatest of nothing and zero is zero.
                   min(greatest(extract(epoch FROM refresh_expires_at - clock_timestamp()) / 86400, 0))
                       FILTER (WHERE status = 'connected')
              INTO connected, reauth_required, days_to_first_end
              FROM public.spotify_tokens;
            {_BEHIND_IT_AGAIN}
        END $$
    """)  # noqa: S608  # only constants are put together
    op.execute("REVOKE ALL ON FUNCTION spotify_connection_figures() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION spotify_connection_figures() TO {API}, {WORKER}")
