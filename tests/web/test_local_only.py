"""Without sign-in the API answers its own machine only, whatever name or page sends the request there."""

import socket
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from live_api import LiveApi
from problem_documents import reasons_of

OWN_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:8000",
    "localhost",
    "LocalHost:8000",
    "localhost:65535",
    "[::1]",
    "[::1]:8000",
    "[::ffff:127.0.0.1]",
    "127.0.0.2",
]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example.localhost",
    "127.0.0.1@evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1/evil.example",
    "127.0.0.1#evil.example",
    "127.0.0.1?evil.example",
    "127.0.0.1:80:80",
    "127.0.0.1:evil",
    "127.0.0.1, evil.example",
    "evil.example 127.0.0.1",
    "192.168.1.7",
    "0.0.0.0",  # noqa: S104  # a name in a request; nothing is bound
    "0x7f000001",
    "2130706433",
    "[::1",
    "::1",
    "[::1]evil.example",
    "",
]
FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil.example:8000",
    "http://localhost@evil.example",
    "null",
    "",
    "127.0.0.1",
    "//127.0.0.1",
    "file://127.0.0.1",
    "file://",
    "chrome-extension://localhost",
    "http://127.0.0.1 http://evil.example",
]


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_every_spelling_of_this_machine_is_answered(lasting_client: TestClient, host: str) -> None:
    assert lasting_client.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_request_under_a_foreign_name_is_refused(lasting_client: TestClient, host: str) -> None:
    for path in ("/health/live", "/docs", "/openapi.json", "/nothing"):
        reasons_of(lasting_client.get(path, headers={"Host": host}), 403, "local_only")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://localhost", "https://[::1]:9000"])
def test_pages_of_this_machine_may_ask(lasting_client: TestClient, origin: str) -> None:
    assert lasting_client.get("/health/live", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_is_refused_before_it_does_anything(lasting_client: TestClient, origin: str) -> None:
    somebody = {"spotify_user_id": f"a listener for {origin}"}

    answer = lasting_client.post("/api/users/register", json=somebody, headers={"Origin": origin})

    reasons_of(answer, 403, "local_only")
    assert lasting_client.post("/api/users/register", json=somebody).json()["created"]


def test_nobody_is_allowed_to_ask_from_elsewhere_in_advance(lasting_client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    answer = lasting_client.options("/api/users/register", headers=asked)

    reasons_of(answer, 403, "local_only")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /health/live HTTP/1.0\r\n\r\n", b"403"),
        ("GET /health/live HTTP/1.1\r\nHost:\r\n\r\n", b"403"),
        ("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", b"403"),
        ("GET /health/live HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n\r\n", b"403"),
        ("GET http://evil.example/health/live HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
        ("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
    ],
    ids=["no host", "an empty host", "a second host", "a first host", "an absolute target", "one host"],
)
def test_a_request_names_exactly_one_host(live_api: LiveApi, head: str, status: bytes) -> None:
    parts = urlsplit(live_api.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).split(b" ")[1] == status
