"""The canary run can fail: a secret that is put into a sink on purpose is found there."""

import base64
import io
import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from canaries import ACCESS_TOKEN, CLIENT_SECRET, LISTENBRAINZ_TOKEN, PASSWORD, known_canaries, register
from canary_sinks import (
    collected_log,
    leaks_of_files,
    leaks_of_redis,
    leaks_of_rows,
    seen_answers,
)
from makers import a_connected_user
from owner_connection import OwnerConnection
from spotify_insights.access.api_key_text import new_api_key_text
from spotify_insights.database.table import new_id
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.observability import get_logger
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.settings import Settings
from spotify_insights.spotify.login import new_code_verifier


@pytest.fixture
def leaking(owner_connection: OwnerConnection) -> Iterator[OwnerConnection]:
    """What leaks here on purpose is gone before the end, when the canary run itself looks."""
    yield owner_connection
    owner_connection.remove_everything()
    seen_answers.leaks.clear()


SPELLINGS = {
    "as it is": CLIENT_SECRET,
    "in hexadecimal digits, as a dump shows bytes": CLIENT_SECRET.encode().hex(),
    "in base64": base64.b64encode(CLIENT_SECRET.encode()).decode(),
    "in the middle of base64, as Basic credentials": base64.b64encode(
        f"me:{CLIENT_SECRET}".encode()
    ).decode(),
    "in the middle of base64, as a message of the broker": base64.b64encode(
        f"[x{CLIENT_SECRET}]".encode()
    ).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_recognised_however_it_is_written(spelling: str) -> None:
    assert known_canaries().found_in(f"before {spelling} after")
    assert known_canaries().found_in(f"before {spelling} after".encode())
    assert not known_canaries().found_in("before and after")


def test_secrets_that_come_into_being_are_known_at_once(key_file: Path) -> None:
    made = [
        SecretStr("nobody typed this before").get_secret_value(),
        new_code_verifier().get_secret_value(),
        new_api_key_text().secret,
        *json.loads(KeyRing.from_file(key_file).to_json()).values(),
        LISTENBRAINZ_TOKEN,
    ]
    PasswordHasher(time_cost=1, memory_cost=32).hash(PASSWORD + " of Robin")
    for secret in [*made, PASSWORD + " of Robin"]:
        assert known_canaries().found_in(f"a line with {secret}."), secret


def test_a_secret_in_a_row_is_found(runtime: Runtime, leaking: OwnerConnection) -> None:
    user_id = a_connected_user(runtime)
    assert leaks_of_rows(leaking, known_canaries()) == []
    leaking.rows("UPDATE users SET display_name = %s", [ACCESS_TOKEN])
    leaking.rows("UPDATE users SET preferences = %s", [json.dumps({"deep": [{"down": "a noted one"}]})])
    register("a noted one", "the noted one")
    leaks = leaks_of_rows(leaking, known_canaries())
    assert [leak.sink for leak in leaks] == ["the table users"], user_id
    assert {"the mark of a canary", "the noted one"} <= set(leaks[0].secrets)


def test_a_secret_in_an_export_is_found(runtime: Runtime, leaking: OwnerConnection) -> None:
    user_id, file_id = a_connected_user(runtime), new_id()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("connections.json", json.dumps({"token": ACCESS_TOKEN}) + " " * 5000)
    whole = packed.getvalue()
    leaking.rows(
        "INSERT INTO stored_files (id, user_id, kind, name, media_type, expires_at)"
        " VALUES (%s, %s, 'export', 'export.zip', 'application/zip', clock_timestamp())",
        [file_id, user_id],
    )
    for number, chunk in enumerate([whole[:40], whole[40:]]):
        leaking.rows(
            "INSERT INTO stored_file_chunks (file_id, number, user_id, content) VALUES (%s, %s, %s, %s)",
            [file_id, number, user_id, chunk],
        )
    assert "a stored file" in [leak.sink for leak in leaks_of_rows(leaking, known_canaries())]


@pytest.mark.parametrize(
    "order",
    [
        ("SET", "somebody", ACCESS_TOKEN),
        ("SET", ACCESS_TOKEN, "as a key"),
        ("RPUSH", "list", "one", ACCESS_TOKEN),
        ("SADD", "set", ACCESS_TOKEN),
        ("ZADD", "sorted", "1", ACCESS_TOKEN),
        ("HSET", "hash", "field", ACCESS_TOKEN),
        ("XADD", "stream", "*", "field", ACCESS_TOKEN),
    ],
)
def test_a_secret_in_redis_is_found(leaking: OwnerConnection, order: tuple[str, ...]) -> None:
    assert leaks_of_redis(leaking, known_canaries()) == []
    leaking.redis.execute_command(*order)  # type: ignore[no-untyped-call]  # the library gives it no types
    assert leaks_of_redis(leaking, known_canaries()) != []


def test_a_secret_in_a_message_of_the_broker_is_found(settings: Settings, leaking: OwnerConnection) -> None:
    with create_celery(settings.redis_url.get_secret_value()) as app:
        app.send_task("spotify.refresh_token", args=[str(new_id())], queue="spotify")
        assert leaks_of_redis(leaking, known_canaries()) == []
        app.send_task("spotify.refresh_token", args=[ACCESS_TOKEN], queue="spotify")
    assert leaks_of_redis(leaking, known_canaries()) != []


def test_a_secret_in_a_log_line_is_found_unless_the_log_takes_it_out() -> None:
    with collected_log() as log:
        get_logger("test").warning("refused", access_token=CLIENT_SECRET, detail=f"for {ACCESS_TOKEN}")
        logging.getLogger("somebody.else").info("asked with Bearer %s", ACCESS_TOKEN)
        assert log.leaks(known_canaries()) == []
        assert len(log.lines) == 2
        # Taken back at the end: the canary run has a collector of its own.
        logging.getLogger("quiet").propagate = False
        logging.getLogger("quiet").addHandler(log)
        logging.getLogger("quiet").warning("it is %s", CLIENT_SECRET)
        logging.getLogger("quiet").removeHandler(log)
    assert [leak.sink for leak in log.leaks(known_canaries())] == ["the log"]


def test_a_secret_in_a_log_file_of_another_process_is_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("process")
    (folder / "worker.log").write_text("nothing\n")
    assert leaks_of_files(folder, known_canaries()) == []
    (folder / "deeper").mkdir()
    (folder / "deeper" / "api.log").write_text(f"started with {CLIENT_SECRET}\n")
    assert [leak.sink for leak in leaks_of_files(folder, known_canaries())] == ["the log file api.log"]
    assert leaks_of_files(None, known_canaries()) == []


@pytest.mark.usefixtures("leaking")
@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({"detail": f"{ACCESS_TOKEN} was refused"}, status_code=422),
        JSONResponse({"token": ACCESS_TOKEN}),
        Response(headers={"X-Debug": ACCESS_TOKEN}),
        Response(headers={"Location": f"/somewhere?token={ACCESS_TOKEN}"}, status_code=303),
    ],
)
def test_a_secret_in_an_answer_is_found(answer: Response) -> None:
    app = FastAPI()

    @app.get("/leak")
    def leak() -> Response:
        return answer

    with TestClient(app, follow_redirects=False) as client:
        client.get("/nothing")
        assert seen_answers.leaks == []
        client.get("/leak")
    assert [str(leak).split(" holds ")[0] for leak in seen_answers.leaks] == [
        f"the answer {answer.status_code} of GET /leak"
    ]
