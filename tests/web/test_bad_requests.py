"""Bad requests get a 4xx that says what is wrong, and what was sent does not come back."""

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select
from starlette.testclient import TestClient

from bad_requests import A_MEBIBYTE, BAD_REQUESTS, JSON, NOBODY, SECRET, Bad
from live_api import LiveApi
from makers import a_user
from problem_documents import reasons_of
from spotify_insights.accounts.models import User
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_bad_request_is_refused_with_its_reasons_and_without_an_echo(bad: Bad, live_api: LiveApi) -> None:
    answer = requests.request(bad.method, live_api.url + bad.path, timeout=30, **bad.sent)

    assert reasons_of(answer, bad.status, bad.code).keys() >= bad.fields
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
    assert SECRET not in live_api.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [A_MEBIBYTE + 1, 10 * A_MEBIBYTE])
def test_a_chunked_body_without_end_is_refused_too(live_api: LiveApi, size: int) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(0, size, 65_536):
            yield b"x" * 65_536

    answer = requests.post(f"{live_api.url}/api/tokens/store", data=body(), headers=JSON, timeout=30)

    reasons_of(answer, 413, "request_too_large")


def test_a_client_that_sends_everything_before_it_reads_gets_the_answer(live_api: LiveApi) -> None:
    connection = HTTPConnection(urlsplit(live_api.url).netloc, timeout=30)

    connection.request("POST", "/api/tokens/store", body=b" " * 20 * A_MEBIBYTE, headers=JSON)

    assert connection.getresponse().status == 413
    connection.close()


def test_after_a_refused_body_the_connection_serves_the_next_request(live_api: LiveApi) -> None:
    with requests.Session() as session:
        for _ in range(3):
            refused = session.post(
                f"{live_api.url}/api/tokens/store", data=b" " * 3 * A_MEBIBYTE, headers=JSON, timeout=30
            )
            reasons_of(refused, 413, "request_too_large")
            assert session.get(f"{live_api.url}/health/live", timeout=30).status_code == 200


def test_a_refusal_never_lists_more_than_twenty_fields(lasting_client: TestClient) -> None:
    sent = {f"unknown_{number}": 1 for number in range(10_000)}

    answer = lasting_client.patch(f"/api/users/{NOBODY}", json=sent)

    assert len(reasons_of(answer, 422, "invalid_input")) == 20
    assert len(answer.content) < 10_000


def test_every_method_of_an_address_is_named_where_another_is_refused(lasting_client: TestClient) -> None:
    answer = lasting_client.put(f"/api/users/{NOBODY}")

    reasons_of(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH"


def test_refused_requests_change_nothing(client: TestClient, runtime: Runtime) -> None:
    user_id = str(a_user(runtime))
    before = client.get(f"/api/users/{user_id}").json()

    for change in ({"timezone": "Mars/Olympus", "display_name": "x"}, {"display_name": "x", "role": "admin"}):
        assert client.patch(f"/api/users/{user_id}", json=change).status_code == 422
    client.post("/api/users/register", json={"spotify_user_id": "a", "timezone": "Mars/Olympus"})

    assert client.get(f"/api/users/{user_id}").json() == before
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.scalar(select(func.count()).select_from(User)) == 1
