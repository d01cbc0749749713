"""Everything is sealed anew while others store and refresh tokens, however often the rotation is killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

import token_writer
from conftest import Servers
from makers import a_connected_user
from operator_trials import Operator
from sealed_trials import COLUMN_OF, a_secret_everywhere, changed_long_ago, opened, sealed_with
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.installation.rotate import rotate
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_file import change_key_file
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.security.key_source import WatchedKeyFile
from spotify_insights.security.sealing import Sealer
from token_writer import TokenWriter

ACCESS = COLUMN_OF["spotify_tokens.sealed_access_token"]
REFRESH = COLUMN_OF["spotify_tokens.sealed_refresh_token"]


def copies(runtime: Runtime, listeners: int) -> list[UUID]:
    """So many connected listeners, made quickly: tokens `BQD-<id>` and `AQC-<id>`."""
    rows = []
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        for _ in range(listeners):
            user_id, token_id = uuid4(), uuid4()
            rows.append(
                {
                    "user_id": user_id,
                    "token_id": token_id,
                    "access": runtime.sealer.seal(
                        SecretStr(f"BQD-{user_id}"), ACCESS.place(token_id, user_id)
                    ),
                    "refresh": runtime.sealer.seal(
                        SecretStr(f"AQC-{user_id}"), REFRESH.place(token_id, user_id)
                    ),
                }
            )
        tx.session.execute(
            text("INSERT INTO users (id, display_name, timezone) VALUES (:user_id, 'Robin', 'UTC')"), rows
        )
        tx.session.execute(
            text("""
                INSERT INTO spotify_tokens (id, user_id, sealed_access_token, sealed_refresh_token,
                       expires_at, authorized_at, refresh_expires_at)
                VALUES (:token_id, :user_id, :access, :refresh, clock_timestamp() + interval '1 hour',
                       clock_timestamp(), clock_timestamp() + interval '6 months')
            """),
            rows,
        )
    return [row["user_id"] for row in rows]  # type: ignore[misc]


@contextmanager
def held_row(empty: Servers) -> Iterator[None]:
    """Somebody holds the row of one listener, so that no rotation can come to its end."""
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("SET ROLE spotify_insights_worker")
        connection.execute("SELECT set_config('app.actor_role', 'system', false)")
        connection.execute("SELECT id FROM spotify_tokens ORDER BY id DESC LIMIT 1 FOR UPDATE")
        yield
        connection.rollback()


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def kill_midway(operator: Operator, runtime: Runtime, empty: Servers, *, new: str, more_than: int) -> int:
    """Let a rotation run until it has sealed some more tokens anew, and kill it; how many are done."""
    with held_row(empty), operator.start("keys", "rotate") as rotation:
        until(lambda: done(runtime, new) > more_than)
        assert rotation.poll() is None
        rotation.kill()
        rotation.wait(timeout=10)
    return done(runtime, new)


def done(runtime: Runtime, key_id: str) -> int:
    """How many access tokens a key has sealed."""
    statement = text("SELECT count(*) FROM spotify_tokens WHERE starts_with(sealed_access_token, :beginning)")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return int(tx.session.scalar(statement, {"beginning": f"v1:{key_id}:"}) or 0)


def token_of(runtime: Runtime, values: dict[UUID, str], user_id: UUID) -> str:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        token_id = tx.session.scalar(
            text("SELECT id FROM spotify_tokens WHERE user_id = :user_id"), {"user_id": user_id}
        )
    assert isinstance(token_id, UUID)
    return values[token_id]


def test_killed_midway_under_load_it_goes_on_where_it_was_and_leaves_nothing(
    operator: Operator, runtime: Runtime, empty: Servers, ring_file: Path
) -> None:
    a_secret_everywhere(runtime)
    idle = copies(runtime, 500)
    storing = TokenWriter(runtime, copies(runtime, 20))
    refreshing = TokenWriter(runtime, [a_connected_user(runtime) for _ in range(3)], refreshes=True)
    old = KeyRing.from_file(ring_file).primary
    with storing.writing(), refreshing.writing():
        assert operator.type("keys", "generate").code == 0
        new = KeyRing.from_file(ring_file).primary
        sealed_anew = kill_midway(operator, runtime, empty, new=new, more_than=200)
        assert sealed_with(runtime)[old] > 0

        finished = operator.type("keys", "rotate")

        assert finished.code == 0
        assert set(sealed_with(runtime)) == {new}
    assert sealed_anew >= 200
    assert operator.type("keys", "retire", old).code == 0
    # The writers' tokens are the last they wrote, everybody else's those they had.
    access, refresh = opened(runtime, ACCESS), opened(runtime, REFRESH)
    assert {f"BQD-{user_id}" for user_id in idle} <= set(access.values())
    assert {f"AQC-{user_id}" for user_id in idle} <= set(refresh.values())
    for column in COLUMN_OF.values():
        opened(runtime, column)
    for written in (storing.access_tokens, refreshing.access_tokens):
        assert written
        for user_id, token in written.items():
            assert token_of(runtime, access, user_id) == token
    for user_id, token in storing.refresh_tokens.items():
        assert token_of(runtime, refresh, user_id) == token


def rotation_waits(runtime: Runtime) -> bool:
    """Whether it waits for the end of somebody else's transaction just now, which it never should."""
    with psycopg.connect(runtime.database.url) as connection:
        return bool(
            connection.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()
        )


def test_a_token_that_is_being_replaced_just_now_stays_the_new_one(runtime: Runtime, ring_file: Path) -> None:
    """A rotation that wrote back what it had read before would bring the token of yesterday back."""
    user_id = a_connected_user(runtime, access_token="BQD-before")
    new = change_key_file(ring_file, KeyRing.with_new_key).primary
    passes: list[int] = []
    sealer = Sealer(WatchedKeyFile(ring_file))
    with ThreadPoolExecutor(1) as thread:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            store_tokens(
                tx,
                runtime.sealer,
                user_id,
                access_token=SecretStr("BQD-after"),
                refresh_token=SecretStr("AQC-after"),
                expires_in=3600,
            )
            rotation = thread.submit(
                rotate, runtime.database, sealer, tell=lambda seen: passes.append(seen.remaining)
            )
            until(lambda: any(passes) or rotation_waits(runtime))
        assert rotation.result(timeout=30).remaining == 0

    assert runtime.tokens.current(user_id).token.get_secret_value() == "BQD-after"
    assert set(sealed_with(runtime)) == {new}


@pytest.mark.slow
def test_killed_again_and_again_beside_other_processes_and_other_rotations(
    operator: Operator, runtime: Runtime, empty: Servers, ring_file: Path
) -> None:
    idle = copies(runtime, 1200)
    listeners = copies(runtime, 60)
    settings = {**os.environ, "REDIS_URL": runtime.settings.redis_url.get_secret_value()}
    old = KeyRing.from_file(ring_file).primary
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603  # our own program
                    [sys.executable, token_writer.__file__, *map(str, listeners[start : start + 20])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=settings,
                )
            )
            for start in (0, 20, 40)
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
        operator.type("keys", "generate")
        new = KeyRing.from_file(ring_file).primary
        sealed_anew = 0
        for _ in range(2):
            sealed_anew = kill_midway(operator, runtime, empty, new=new, more_than=sealed_anew)
        assert sealed_with(runtime)[old] > 0
        with operator.start("keys", "rotate") as one, operator.start("keys", "rotate") as other:
            assert (one.wait(timeout=60), other.wait(timeout=60)) == (0, 0)
        assert set(sealed_with(runtime)) == {new}
        written = {
            UUID(user_id): token
            for writer in writers
            for user_id, token in json.loads(writer.communicate(timeout=30)[0]).items()
        }
    assert operator.type("keys", "retire", old).code == 0
    access, refresh = opened(runtime, ACCESS), opened(runtime, REFRESH)
    assert {f"BQD-{user_id}" for user_id in idle} <= set(access.values())
    assert {f"AQC-{user_id}" for user_id in idle} <= set(refresh.values())
    assert len(written) == len(listeners)
    for user_id, token in written.items():
        assert token_of(runtime, access, user_id) == token


def test_a_value_that_was_tampered_with_is_told_and_holds_nothing_up(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    broken = a_connected_user(runtime)
    whole = a_connected_user(runtime, access_token="BQD-whole")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                UPDATE spotify_tokens SET sealed_access_token = left(sealed_access_token, -6) || 'AAAA=='
                 WHERE user_id = :broken
            """),
            {"broken": broken},
        )
    operator.type("keys", "generate")
    changed_long_ago(ring_file)

    rotated = operator.type("keys", "rotate")

    assert rotated.code == 1
    assert rotated.lines[-1].endswith("1 left on other keys.")
    assert "1 in spotify_tokens.sealed_access_token cannot be opened" in rotated.err
    assert sealed_with(runtime)[KeyRing.from_file(ring_file).primary] == 3
    assert runtime.tokens.current(whole).token.get_secret_value() == "BQD-whole"


def test_a_key_that_somebody_is_storing_with_just_now_is_not_retired(
    operator: Operator, runtime: Runtime, empty: Servers, ring_file: Path
) -> None:
    """The row is not to be seen before the transaction ends, so a count alone would miss it."""
    user_id = a_connected_user(runtime)
    old = KeyRing.from_file(ring_file).primary
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("SET ROLE spotify_insights_worker")
        connection.execute("SELECT set_config('app.actor_role', 'system', false)")
        [sealed] = connection.execute(
            "DELETE FROM spotify_tokens WHERE user_id = %s RETURNING sealed_access_token", [user_id]
        ).fetchone() or [""]
        connection.commit()
        connection.execute("SELECT set_config('app.actor_role', 'system', false)")
        connection.execute(
            "INSERT INTO sign_in_attempts (id, provider, state_hash, browser_hash, sealed_code_verifier,"
            " next_path, expires_at) VALUES (%s, 'spotify', 's', 'b', %s, '/', clock_timestamp())",
            [uuid4(), sealed],
        )
        operator.type("keys", "generate")
        changed_long_ago(ring_file)

        refused = operator.type("keys", "retire", old)

        assert refused.code == 1
        assert refused.err.startswith("Somebody is storing secrets just now")
        connection.commit()
    assert operator.type("keys", "retire", old).err.startswith(
        f"{old} still seals stored secrets: 1 in sign_in"
    )
