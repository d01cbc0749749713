"""Plays refer to listeners and tracks that are there: checked once for each statement, not for each row.

A foreign key asks for each row by itself, which takes as long as everything else about storing it, and half a
million plays come with one import. These triggers keep the same promises, by the same locks, for a whole
statement at a time.

Revision: 0010
Follows: 0009
"""

from typing import Final

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As in migration 0004: the wall holds the owner of the tables, too, and an error ends the setting as well.
# A plan that is made for one play serves thousands later, and the other way round: both go through indexes.
_AS_THE_OWNER: Final = (
    "RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
    " SET enable_seqscan = off"
)
_ACTOR_BEFORE: Final = "actor_before text := current_setting('app.actor_role', true);"
_THROUGH_THE_WALL: Final = "PERFORM set_config('app.actor_role', 'migration', true);"
_BEHIND_IT_AGAIN: Final = "PERFORM set_config('app.actor_role', coalesce(actor_before, ''), true);"

# Who deletes has waited for those who were adding plays, and has to see these.
_SEE_WHAT_WAS_COMMITTED: Final = """
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Delete this in a transaction that is READ COMMITTED.'
              USING ERRCODE = 'feature_not_supported';
    END IF;
"""

_AS_THE_OWNER_RUN: Final = (
    "refuse_plays_of_nothing",
    "refuse_truncated_plays",
    "delete_plays_of_listener",
    "refuse_to_delete_played_track",
)
_REFERRED_TO: Final = {"users": "user_id", "tracks": "track_id"}


def upgrade() -> None:
    op.drop_constraint("fk_plays_user_id_users", "plays", type_="foreignkey")
    op.drop_constraint("fk_plays_track_id_tracks", "plays", type_="foreignkey")
    _check_what_is_added()
    _keep_references()
    _follow_listeners()
    _keep_played_tracks()
    for function in _AS_THE_OWNER_RUN:
        op.execute(f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC")


def downgrade() -> None:
    for table in _REFERRED_TO:
        op.execute(f"DROP TRIGGER plays_are_gone ON {table}")
        op.execute(f"DROP TRIGGER plays_keep_references ON {table}")
    op.execute("DROP TRIGGER plays_keep_references ON plays")
    op.execute("DROP TRIGGER plays_are_kept ON tracks")
    op.execute("DROP TRIGGER plays_follow ON users")
    op.execute("DROP TRIGGER plays_refer_to_rows ON plays")
    for function in (*_AS_THE_OWNER_RUN, "refuse_changed_references"):
        op.execute(f"DROP FUNCTION {function}()")
    op.create_foreign_key("fk_plays_track_id_tracks", "plays", "tracks", ["track_id"], ["id"])
    op.create_foreign_key("fk_plays_user_id_users", "plays", "users", ["user_id"], ["id"], ondelete="CASCADE")


def _check_what_is_added() -> None:
    """Each listener and each track once, by LATERAL: a join's plan might go through all tracks for each.

    FOR KEY SHARE keeps them until the transaction ends.

    Whoever is deleting one of them is waited for; then it is gone, and the statement is refused.
    """
    checks = "".join(
        f"""
            WITH told AS MATERIALIZED (SELECT DISTINCT {column} AS id FROM added),
                 kept AS MATERIALIZED (
                 SELECT FROM told CROSS JOIN LATERAL (
                        SELECT FROM public.{table} there WHERE there.id = told.id FOR KEY SHARE) AS row)
            SELECT (SELECT count(*) FROM told) - (SELECT count(*) FROM kept) INTO missing;
            IF missing <> 0 THEN
                RAISE EXCEPTION 'Plays refer to % of the {table} that are not there.', missing
                      USING ERRCODE = 'foreign_key_violation', TABLE = 'plays', COLUMN = '{column}';
            END IF;
        """  # noqa: S608  # only constants are put together
        for table, column in _REFERRED_TO.items()
    )
    op.execute(f"""
        CREATE FUNCTION refuse_plays_of_nothing() {_AS_THE_OWNER} AS $$
        DECLARE missing bigint; {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            {checks}
            {_BEHIND_IT_AGAIN}
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER plays_refer_to_rows AFTER INSERT ON plays REFERENCING NEW TABLE AS added
           FOR EACH STATEMENT EXECUTE FUNCTION refuse_plays_of_nothing()
    """)


def _keep_references() -> None:
    """What a play refers to is never changed, neither here nor there; nobody has a reason to."""
    op.execute("""
        CREATE FUNCTION refuse_changed_references() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'What plays refer to is never changed.' USING ERRCODE = 'foreign_key_violation';
        END $$
    """)
    for table, names in {"plays": ("user_id", "track_id"), **dict.fromkeys(_REFERRED_TO, ("id",))}.items():
        changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in names)
        op.execute(f"""
            CREATE TRIGGER plays_keep_references AFTER UPDATE OF {", ".join(names)} ON {table}
               FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION refuse_changed_references()
        """)
    op.execute(f"""
        CREATE FUNCTION refuse_truncated_plays() {_AS_THE_OWNER} AS $$
        DECLARE {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            {_SEE_WHAT_WAS_COMMITTED}
            IF EXISTS (SELECT FROM public.plays) THEN
                RAISE EXCEPTION 'Plays refer to this table. Truncate them with it.'
                      USING ERRCODE = 'foreign_key_violation', TABLE = 'plays';
            END IF;
            {_BEHIND_IT_AGAIN}
            RETURN NULL;
        END $$
    """)
    for table in _REFERRED_TO:
        op.execute(f"""
            CREATE TRIGGER plays_are_gone AFTER TRUNCATE ON {table}
               FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncated_plays()
        """)


def _follow_listeners() -> None:
    op.execute(f"""
        CREATE FUNCTION delete_plays_of_listener() {_AS_THE_OWNER} AS $$
        DECLARE {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            {_SEE_WHAT_WAS_COMMITTED}
            DELETE FROM public.plays WHERE user_id = OLD.id;
            {_BEHIND_IT_AGAIN}
            RETURN NULL;
        END $$
    """)  # noqa: S608  # only constants are put together
    op.execute("""
        CREATE TRIGGER plays_follow AFTER DELETE ON users
           FOR EACH ROW EXECUTE FUNCTION delete_plays_of_listener()
    """)


def _keep_played_tracks() -> None:
    op.execute(f"""
        CREATE FUNCTION refuse_to_delete_played_track() {_AS_THE_OWNER} AS $$
        DECLARE {_ACTOR_BEFORE} BEGIN
            {_THROUGH_THE_WALL}
            {_SEE_WHAT_WAS_COMMITTED}
            IF EXISTS (SELECT FROM public.plays WHERE track_id = OLD.id) THEN
                RAISE EXCEPTION 'Plays refer to track %.', OLD.id
                      USING ERRCODE = 'foreign_key_violation', TABLE = 'plays', COLUMN = 'track_id';
            END IF;
            {_BEHIND_IT_AGAIN}
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER plays_are_kept AFTER DELETE ON tracks
           FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_played_track()
    """)
