"""Somebody with a row in every table that has an owner, and everything by which they could be recognised."""

import json
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import redis
from psycopg import sql

from conftest import Servers

# What names a person without making a row theirs, and what erasing does with it.
REFERENCES: Final = {
    ("users", "registered_by"): "A service that still has users is not erased.",
    ("user_identities", "asserted_by"): "Goes with the service.",
    ("one_time_links", "created_by"): "Becomes empty.",
    ("background_jobs", "requested_by"): "Becomes empty.",
    ("generated_insights", "superseded_by"): "Is an insight.",
}

# By its foreign key, or by what such a column is called where it has none.
_OWNER_COLUMNS: Final = """
    SELECT t.relname, a.attname
      FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
     WHERE t.relkind IN ('r', 'p') AND t.relnamespace = 'public'::regnamespace AND a.attnum > 0
       AND NOT a.attisdropped
       AND (a.attname IN ('user_id', 'owner_id', 'listener_id') OR a.attname LIKE '%\\_by'
            OR (t.relname = 'users' AND a.attname = 'id')
            OR EXISTS (
               SELECT FROM pg_constraint f
                WHERE f.contype = 'f' AND f.confrelid = 'users'::regclass
                  AND f.conrelid = t.oid AND a.attnum = ANY(f.conkey)))
"""

_ROWS: Final = {
    "users": """
        INSERT INTO users (id, display_name, email, preferences)
        VALUES (%(user)s, %(name)s, %(email)s, jsonb_build_object('note', %(note)s::text))""",
    "user_identities": """
        INSERT INTO user_identities (id, user_id, provider, provider_user_id, account_id)
        VALUES (%(id_identity)s, %(user)s, 'spotify', %(provider_user)s, %(account)s)""",
    "spotify_tokens": """
        INSERT INTO spotify_tokens (id, user_id, sealed_access_token, sealed_refresh_token, expires_at,
               authorized_at, refresh_expires_at)
        VALUES (%(id_token)s, %(user)s, %(secret_a)s, %(secret_b)s, now() + interval '1 hour', now(),
               now() + interval '6 months')""",
    "listenbrainz_tokens": """
        INSERT INTO listenbrainz_tokens (id, user_id, sealed_user_token, user_name)
        VALUES (%(id_brainz)s, %(user)s, %(secret_c)s, %(brainz_name)s)""",
    "reauthorization_reminders": """
        INSERT INTO reauthorization_reminders (user_id, refresh_expires_at, days_before)
        VALUES (%(user)s, now(), 7)""",
    "daily_usage": """
        INSERT INTO daily_usage (user_id, day, kind, used) VALUES (%(user)s, now(), 'insights', 2)""",
    "recently_played_polls": "INSERT INTO recently_played_polls (user_id, new_plays) VALUES (%(user)s, 3)",
    "history_blocks": """
        INSERT INTO history_blocks (user_id, number, generation, first_at, last_at, plays, content)
        VALUES (%(user)s, 0, 1, 0, 0, 0, '')""",
    "history_track_blocks": """
        INSERT INTO history_track_blocks (user_id, number, generation, tracks, identities, features)
        VALUES (%(user)s, 0, 1, 0, '', '')""",
    "packed_histories": """
        INSERT INTO packed_histories (user_id, generation, play_blocks, track_blocks)
        VALUES (%(user)s, 1, 1, 1)""",
    "listening_gaps": """
        INSERT INTO listening_gaps (id, user_id, since, until)
        VALUES (%(id_gap)s, %(user)s, now() - interval '1 day', now() - interval '1 hour')""",
    "plays": """
        INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
        SELECT %(user)s, t.id, now() - n * interval '1 hour', 1000 + n,
               CASE n %% 3 WHEN 0 THEN 'spotify_export' ELSE 'spotify_api' END
          FROM tracks t CROSS JOIN generate_series(1, 6) n
         WHERE t.spotify_id IN (%(own_track)s, 'track-of-everybody')""",
    "spoken_plays": """
        INSERT INTO spoken_plays (user_id, kind, title_key, title, ended_at, ms_played, source)
        VALUES (%(user)s, 'podcast', %(id_title)s, %(episode)s, now(), 1000, 'spotify_export')""",
    "imports": """
        INSERT INTO imports (id, user_id, file_name, size_bytes, receipt)
        VALUES (%(id_import)s, %(user)s, %(file_name)s, 9, '{"rows": 2}')""",
    "import_batches": """
        INSERT INTO import_batches (import_id, number, user_id, plays, spoken_plays)
        VALUES (%(id_import)s, 0, %(user)s, '{[1,3)}', '{}')""",
    "listening_snapshots": """
        INSERT INTO listening_snapshots (id, user_id, snapshot_date, time_range, timezone, audio_features,
               top_tracks, top_artists, coverage, content_hash)
        VALUES (%(id_snapshot)s, %(user)s, now(), 'medium_term', 'UTC', '{}',
               jsonb_build_array(jsonb_build_object('spotify_id', %(own_top_track)s)), '[]', '{}', 'hash')""",
    "generated_insights": """
        INSERT INTO generated_insights (id, user_id, snapshot_id, insight_type, tone_mode, time_range, locale,
               llm_model, prompt_version, schema_version, snapshot_hash, fingerprint, content, structured,
               generation_ms)
        VALUES (%(id_insight)s, %(user)s, %(id_snapshot)s, 'roast', 'direct', 'medium_term', 'en', 'none',
               'none', '1', 'hash', %(fingerprint)s, %(content)s, '{}', 1)""",
    "background_jobs": """
        INSERT INTO background_jobs (id, task_name, queue, owner_id, deduplication_key, arguments, status,
               result, finished_at)
        VALUES (%(id_job)s, 'spotify.ingest_listening_data', 'spotify', %(user)s, 'none',
               jsonb_build_object('user_id', %(user)s::text), 'succeeded',
               jsonb_build_object('snapshot_id', %(id_snapshot)s::text), now())""",
    "api_keys": """
        INSERT INTO api_keys (id, user_id, key_id, name, secret_hash, scopes, expires_at)
        VALUES (%(id_key)s, %(user)s, %(key_id)s, 'laptop', %(hash_a)s, '{privacy}',
               now() + interval '9 days')""",
    "sessions": """
        INSERT INTO sessions (id, user_id, kind, token_hash, scopes, expires_at, address, user_agent)
        VALUES (%(id_session)s, %(user)s, 'browser', %(hash_b)s, '{privacy}', now() + interval '9 days',
               '192.0.2.0/24', %(agent)s)""",
    "refresh_tokens": """
        INSERT INTO refresh_tokens (id, session_id, user_id, token_hash, expires_at)
        VALUES (%(id_refresh)s, %(id_session)s, %(user)s, %(hash_c)s, now() + interval '9 days')""",
    "local_accounts": """
        INSERT INTO local_accounts (user_id, username, password_hash)
        VALUES (%(user)s, %(username)s, %(hash_d)s)""",
    "sign_in_attempts": """
        INSERT INTO sign_in_attempts (id, provider, state_hash, browser_hash, sealed_code_verifier, next_path,
               user_id, expires_at)
        VALUES (%(id_attempt)s, 'spotify', %(hash_e)s, %(hash_f)s, %(secret_d)s, '/account', %(user)s,
               now() + interval '10 minutes')""",
    "stored_files": """
        INSERT INTO stored_files (id, user_id, kind, name, media_type, size_bytes, sha256, completed_at,
               expires_at)
        VALUES (%(id_file)s, %(user)s, 'export', 'older.zip', 'application/zip', 9, 'hash', now(),
               now() + interval '1 day')""",
    "stored_file_chunks": """
        INSERT INTO stored_file_chunks (file_id, number, user_id, content)
        VALUES (%(id_file)s, 0, %(user)s, convert_to(%(note)s, 'UTF8'))""",
    "one_time_links": """
        INSERT INTO one_time_links (id, purpose, token_hash, user_id, stored_file_id, expires_at)
        VALUES (%(id_link)s, 'export', %(hash_g)s, %(user)s, %(id_file)s, now() + interval '1 day')""",
    "idempotency_keys": """
        INSERT INTO idempotency_keys (scope, key, owner_id, request_hash, status, location, body)
        VALUES ('user:' || %(user)s || ' POST /api/listening/ingest', %(key)s, %(user)s, %(hash_h)s, 202,
               '/api/tasks/' || %(id_job)s, jsonb_build_object('task_id', %(id_job)s::text))""",
}
# Rows that are nobody's by their owner and name the person all the same.
_BESIDES: Final = (
    """INSERT INTO idempotency_keys (scope, key, request_hash, status, body)
       VALUES ('local POST /api/users/register', %(key)s, 'hash', 201,
               jsonb_build_object('user_id', %(user)s::text))""",
    """INSERT INTO background_jobs (id, task_name, queue, requested_by, deduplication_key, arguments, status,
               finished_at)
       VALUES (%(id_other_job)s, 'scheduled.canary', 'scheduled', %(user)s, %(key)s, '{}', 'succeeded',
               now())""",
    """INSERT INTO one_time_links (id, purpose, token_hash, created_by, role, expires_at)
       VALUES (%(id_other_link)s, 'invitation', %(other_hash)s, %(user)s, 'user',
               now() + interval '1 day')""",
)
_CATALOGUE: Final = """
    WITH track AS (
         INSERT INTO tracks (spotify_id, name, source)
         VALUES (%(track)s, %(track)s || ' name', 'spotify_api') ON CONFLICT DO NOTHING RETURNING id),
         artist AS (
         INSERT INTO artists (spotify_id, name, source)
         VALUES (%(track)s || '-artist', 'Artist', 'spotify_api') ON CONFLICT DO NOTHING RETURNING id),
         credit AS (
         INSERT INTO track_artists (track_id, position, artist_id)
         SELECT track.id, 0, artist.id FROM track, artist)
    INSERT INTO track_features (track_id, provider, found) SELECT id, 'spotify', false FROM track
"""


@dataclass(frozen=True)
class Life:
    """`names` are texts that lead to this person and to nobody else; `secrets` nobody may ever see."""

    user_id: UUID
    values: dict[str, Any]
    secrets: frozenset[str] = field(default_factory=frozenset)

    @property
    def names(self) -> set[str]:
        erased_with_them = {
            value
            for key, value in self.values.items()
            if not key.startswith(("id_other", "other_")) and key != "key"
        }
        return {form for name in erased_with_them for form in (name, name.replace("-", "")) if len(form) > 8}


def a_full_life(servers: Servers) -> Life:
    """Make the rows; tables that no program of ours has filled are filled here, too."""
    user_id = uuid4()
    values = {name: str(uuid4()) for name in _ids()} | {
        name: f"{name}-{uuid4().hex}"
        for name in (
            *("name", "note", "provider_user", "account", "brainz_name", "own_track", "own_top_track"),
            *("fingerprint", "content", "key_id", "agent", "username", "key", "other_hash"),
            *("episode", "file_name"),
            *(f"hash_{letter}" for letter in "abcdefgh"),
            *(f"secret_{letter}" for letter in "abcd"),
        )
    }
    values |= {"user": str(user_id), "email": f"{uuid4().hex}@listeners.example"}
    with psycopg.connect(servers.database_url, cursor_factory=psycopg.ClientCursor) as connection:
        for track in (values["own_track"], values["own_top_track"], "track-of-everybody"):
            connection.execute(_CATALOGUE, {"track": track})
        for statement in (*_ROWS.values(), *_BESIDES):
            connection.execute(statement, values)
    _fill_cache(servers, values)
    secrets = {value for name, value in values.items() if name.startswith(("hash_", "secret_"))}
    return Life(user_id, values, frozenset(secrets))


def owner_columns(servers: Servers) -> set[tuple[str, str]]:
    """Every column, of whichever table, that says whose a row is or who had to do with it."""
    with psycopg.connect(servers.database_url) as connection:
        return {(row[0], row[1]) for row in connection.execute(_OWNER_COLUMNS)}


def columns_of(servers: Servers, table: str) -> set[str]:
    with psycopg.connect(servers.database_url) as connection:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        )
        return {row[0] for row in found}


def every_row(servers: Servers, *, where: tuple[str, UUID] | None = None) -> dict[str, list[str]]:
    """Each row of each table as text, in a stable order.

    Args:
        where: only rows whose text holds this id; the word names it for a reader.
    """
    found: dict[str, list[str]] = {}
    with psycopg.connect(servers.database_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            dump = sql.SQL("SELECT row_to_json(t)::text FROM {} t ORDER BY 1").format(sql.Identifier(table))
            rows = [row[0] for row in connection.execute(dump)]
            found[table] = [row for row in rows if where is None or str(where[1]) in row]
    return found


def everything_in_redis(servers: Servers) -> dict[str, str]:
    """Each key with its value as text."""
    found = {}
    with redis.Redis.from_url(servers.redis_url) as client:
        for key in client.scan_iter():
            # As Redis serialises it: whatever type it is, its texts stand in there.
            found[key.decode(errors="replace")] = str(client.dump(key))
    return found


def _ids() -> tuple[str, ...]:
    imported = ("title", "import")
    own = ("identity", "token", "brainz", "snapshot", "insight", "job", "key", "session", "refresh", "gap")
    return tuple(
        f"id_{name}" for name in (*own, "attempt", "file", "link", "other_job", "other_link", *imported)
    )


def _fill_cache(servers: Servers, values: dict[str, str]) -> None:
    user, insight, task = values["user"], values["id_insight"], values["id_job"]
    with redis.Redis.from_url(servers.redis_url) as client:
        for scope in (f"user:{user}", f"insight:{insight}", f"task:{task}"):
            client.set(f"si:version:{scope}", "1", ex=3600)
            client.sadd(f"si:holders:{scope}", "1")
            client.set(f"si:entry:{scope}:x:listener:{user}", "1|" + json.dumps({"user_id": user}), ex=600)
        client.set(f"limits:{user}:generate", "3", ex=60)
