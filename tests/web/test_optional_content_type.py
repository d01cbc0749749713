"""Requests without a body need no Content-Type, as the usual clients send them."""

import socket
import urllib.request
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
import requests
from starlette.testclient import TestClient

from live_api import LiveApi
from makers import a_connected_user
from spotify_insights.runtime import Runtime


@pytest.fixture
def ingest_url(live_api: LiveApi, runtime: Runtime) -> str:
    return f"{live_api.url}/api/listening/ingest?{urlencode({'user_id': a_connected_user(runtime)})}"


def raw_exchange(url: str, head: str, body: bytes = b"") -> bytes:
    """Status line and more of what a server answers to exactly these bytes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        request = f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}\r\n"
        connection.sendall(request.encode() + body)
        return connection.recv(65_536)


def test_requests_posts_without_a_body(ingest_url: str) -> None:
    assert requests.post(ingest_url, timeout=10).status_code == 202


def test_urllib_posts_without_a_body(ingest_url: str) -> None:
    request = urllib.request.Request(ingest_url, method="POST")  # noqa: S310  # our own loopback address
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 202


def test_urllib_posts_an_empty_body_with_its_usual_content_type(ingest_url: str) -> None:
    request = urllib.request.Request(ingest_url, data=b"", method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 202


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", b""),
        ("Content-Length: 0\r\n", b""),
        ("Content-Length: 0\r\nContent-Type: text/plain\r\n", b""),
        ("Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    ],
    ids=["nothing", "length 0", "length 0 with a type", "no chunks"],
)
def test_no_body_in_any_spelling_is_no_body(ingest_url: str, head: str, body: bytes) -> None:
    assert raw_exchange(ingest_url, head, body).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_json_is_known_in_every_spelling(client: TestClient, content_type: str) -> None:
    body = b'{"spotify_user_id": "somebody"}'

    answer = client.post("/api/users/register", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 201
    UUID(answer.json()["user_id"])
