"""Every POST with a key: sent again it gets its first answer, and nothing happens twice."""

import hashlib
import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from idempotent_posts import (
    ADDRESSES,
    KEY,
    Post,
    everything,
    generation,
    handover,
    ingestion,
    registration,
    rows,
)
from jobs_inline import work_off
from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.database.actor import SYSTEM
from spotify_insights.idempotency.answer import LIFE
from spotify_insights.runtime import Runtime


@pytest.fixture(params=ADDRESSES)
def post(request: pytest.FixtureRequest, runtime: Runtime) -> Post:
    """A request to each of the addresses in turn."""
    makers: dict[str, Callable[[], Post]] = {
        "/api/users/register": registration,
        "/api/tokens/store": lambda: handover(a_user(runtime)),
        "/api/listening/ingest": lambda: ingestion(a_connected_user(runtime)),
        "/api/insights/generate": lambda: generation(runtime),
    }
    return makers[request.param]()


# Their answers hold a secret that is shown once, and what is kept for a key would keep it.
SHOWN_ONCE = {
    "/api/admin/invitations",
    "/api/admin/services",
    "/api/admin/users/{user_id}/password-reset",
    "/api/auth/token",
    "/api/keys",
    "/api/users/{user_id}/exports/{export_id}/link",
}


def test_every_address_that_takes_a_post_takes_a_key(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}

    assert posts.keys() >= set(ADDRESSES) | SHOWN_ONCE
    for path, operation in posts.items():
        if path in SHOWN_ONCE:
            assert all(p["name"] != "Idempotency-Key" for p in operation.get("parameters", [])), path
            continue
        [parameter] = [p for p in operation["parameters"] if p["name"] == "Idempotency-Key"]
        assert (parameter["in"], parameter["required"]) == ("header", False), path
        assert operation["responses"].keys() >= {"400", "409", "422"}, path
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert all("Idempotency-Replayed" in answer["headers"] for answer in answers), path


def test_a_request_that_is_sent_again_gets_the_same_answer_and_changes_nothing(
    client: TestClient, runtime: Runtime, post: Post
) -> None:
    first = post.by(client, KEY)
    before = everything(runtime)
    again = post.by(client, KEY)

    assert first.is_success
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert everything(runtime) == before


def test_with_a_key_the_first_answer_says_what_it_says_without_one(client: TestClient, post: Post) -> None:
    with_key, without = post.by(client, KEY), post.by(client)

    assert with_key.json().keys() == without.json().keys()
    assert ("location" in with_key.headers) == ("location" in without.headers)
    assert "idempotency-replayed" not in without.headers


def test_a_key_without_quotes_is_the_same_key(client: TestClient) -> None:
    registration().by(client, KEY)

    again = registration().by(client, {"Idempotency-Key": KEY["Idempotency-Key"].strip('"')})

    assert (again.status_code, again.json()["created"]) == (201, True)
    assert registration().by(client).status_code == 200


def test_a_task_that_has_ended_is_still_the_answer(client: TestClient, runtime: Runtime) -> None:
    post = ingestion(a_connected_user(runtime))
    first = post.by(client, KEY).json()
    work_off(runtime)

    assert post.by(client, KEY).json() == first
    assert post.by(client).json() != first


def test_an_old_request_that_arrives_again_does_not_undo_a_newer_one(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    old, new = handover(user_id, access_token="BQD-old"), handover(user_id, access_token="BQD-new")
    old.by(client, {"Idempotency-Key": "old"})
    new.by(client, {"Idempotency-Key": "new"})

    assert old.by(client, {"Idempotency-Key": "old"}).status_code == 201

    assert runtime.tokens.current(user_id).token.get_secret_value() == "BQD-new"


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (registration(), registration(display_name="Robin")),
        (registration(), registration(spotify_user_id="somebody else")),
        (registration(timezone="UTC"), registration(timezone="Etc/UTC")),
    ],
)
def test_another_body_under_the_key_is_refused(
    client: TestClient, runtime: Runtime, first: Post, other: Post
) -> None:
    first.by(client, KEY)
    before = everything(runtime)

    reasons = reasons_of(other.by(client, KEY), 422, "idempotency_key_reused")

    assert reasons.keys() == {"Idempotency-Key"}
    assert everything(runtime) == before


def test_another_query_under_the_key_is_refused(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    ingestion(user_id, time_range="short_term").by(client, KEY)

    answer = ingestion(user_id, time_range="long_term").by(client, KEY)

    reasons_of(answer, 422, "idempotency_key_reused")
    assert len(rows(runtime, "background_jobs")) == 1


def test_a_token_is_part_of_the_request(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    handover(user_id).by(client, KEY)

    answer = handover(user_id, refresh_token="AQC-another").by(client, KEY)

    reasons_of(answer, 422, "idempotency_key_reused")


def test_each_address_has_keys_of_its_own(client: TestClient, runtime: Runtime) -> None:
    posts = [registration(), ingestion(a_connected_user(runtime)), generation(runtime)]

    assert [post.by(client, KEY).status_code for post in posts] == [201, 202, 202]


def test_what_is_no_key_is_refused_before_anything_is_done(
    client: TestClient, runtime: Runtime, post: Post
) -> None:
    before = everything(runtime)

    for value in ["", '""', '"open', "two words", "a, b", "k" * 256, "kläuschen"]:
        headers = [(b"Idempotency-Key", value.encode("latin-1"))]
        answer = client.post(post.path, headers=headers, **post.sent)
        reasons_of(answer, 400, "idempotency_key_invalid")

    assert everything(runtime) == before


def test_two_keys_are_none(client: TestClient) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    answer = client.post("/api/users/register", headers=headers, json={"spotify_user_id": "somebody"})

    reasons_of(answer, 400, "idempotency_key_invalid")


def test_a_refused_request_may_be_sent_again_with_its_key(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    post = ingestion(user_id)
    reasons_of(post.by(client, KEY), 409, "conflict")
    handover(user_id).by(client)

    assert post.by(client, KEY).status_code == 202


@pytest.mark.parametrize("body", [{}, {"spotify_user_id": "a", "timezone": "Mars/Olympus"}])
def test_a_request_that_was_wrong_may_be_mended_under_its_key(
    client: TestClient, runtime: Runtime, body: dict[str, str]
) -> None:
    wrong = Post("/api/users/register", {"json": body})
    reasons_of(wrong.by(client, KEY), 422, "invalid_input")

    assert rows(runtime, "idempotency_keys") == []
    assert registration().by(client, KEY).status_code == 201


def test_after_a_day_the_key_may_belong_to_another_request(client: TestClient, runtime: Runtime) -> None:
    registration().by(client, KEY)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE idempotency_keys SET created_at = created_at - :life"), {"life": LIFE}
        )

    answer = registration(spotify_user_id="somebody else").by(client, KEY)

    assert (answer.status_code, answer.json()["created"]) == (201, True)


def test_what_is_kept_gives_no_token_away(client: TestClient, runtime: Runtime) -> None:
    post = handover(a_user(runtime))
    answer = post.by(client, KEY)

    [kept] = rows(runtime, "idempotency_keys")
    assert "canary" not in kept + answer.text
    # Who has the database alone can not even try tokens out: no hash of the request itself is in it.
    body = bytes(answer.request.content)
    assert json.loads(body) == post.sent["json"]
    guesses = [body, b"AQC-canary", b"BQD-canary"]
    assert not [guess for guess in guesses if hashlib.sha256(guess).hexdigest() in kept]


def test_other_methods_do_not_look_at_the_header(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    two = {"Idempotency-Key": '"open'}

    assert client.get(f"/api/users/{user_id}", headers=two).status_code == 200
    assert client.patch(f"/api/users/{user_id}", headers=two, json={}).status_code == 204
    assert client.get(f"/api/users/{uuid4()}", headers=two).status_code == 404
