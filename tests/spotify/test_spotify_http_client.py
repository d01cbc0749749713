import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from typing_extensions import override

from misbehaving_server import Behaviour, answer, certificate_for_loopback, drip, request_head, reset, server
from spotify_insights.spotify.errors import UpstreamError
from spotify_insights.spotify.http_client import Call, SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials, refresh
from spotify_insights.spotify.web_api import SpotifyWebApi

PROFILE = b'{"id":"lea"}'
SHORT = timedelta(seconds=0.4)
# Far below the read timeout of 10 s that would end these exchanges without a total deadline.
PROMPTLY = 4.0


def me_from(port: int, total_limit: timedelta = timedelta(seconds=15), scheme: str = "http") -> str:
    with SpotifyHttpClient(api_url=f"{scheme}://127.0.0.1:{port}", total_limit=total_limit) as http:
        return SpotifyWebApi(SecretStr("token"), http).me().id


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"HTT",
    ],
)
def test_a_dripping_answer_ends_with_the_total_deadline(beginning: bytes) -> None:
    with server(lambda connection: drip(connection, beginning)) as port:
        started = time.monotonic()
        with pytest.raises(UpstreamError, match="time limit"):
            me_from(port, SHORT)

    assert SHORT.total_seconds() <= time.monotonic() - started < PROMPTLY


def test_a_silent_server_ends_with_the_total_deadline() -> None:
    over = threading.Event()

    def say_nothing(_connection: socket.socket) -> None:
        over.wait(30)

    with server(say_nothing) as port:
        started = time.monotonic()
        with pytest.raises(UpstreamError, match="time limit"):
            me_from(port, SHORT)
        over.set()

    assert time.monotonic() - started < PROMPTLY


def test_the_deadline_holds_for_any_transport() -> None:
    class Dripping(httpx2.SyncByteStream):
        @override
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(500):
                time.sleep(0.02)
                yield b" "

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Dripping()))
    http = SpotifyHttpClient(transport=transport, total_limit=SHORT)

    started = time.monotonic()
    with pytest.raises(UpstreamError, match="time limit"):
        SpotifyWebApi(SecretStr("token"), http).me()
    assert time.monotonic() - started < PROMPTLY


def test_each_call_has_a_deadline_of_its_own() -> None:
    def slowly(connection: socket.socket) -> None:
        while request_head(connection):
            time.sleep(0.3)
            connection.sendall(answer(PROFILE))

    with (
        server(slowly) as port,
        SpotifyHttpClient(api_url=f"http://127.0.0.1:{port}", total_limit=timedelta(seconds=1)) as http,
    ):
        api = SpotifyWebApi(SecretStr("token"), http)
        assert [api.me().id for _ in range(4)] == ["lea"] * 4


def reset_at_once(connection: socket.socket) -> None:
    request_head(connection)
    reset(connection)


def reset_in_the_body(connection: socket.socket) -> None:
    request_head(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id":')
    reset(connection)


def end_in_the_body(connection: socket.socket) -> None:
    request_head(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id":"lea"}')


def speak_something_else(connection: socket.socket) -> None:
    request_head(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def claim_to_be_compressed(connection: socket.socket) -> None:
    request_head(connection)
    connection.sendall(answer(b"this is not gzip", headers="Content-Encoding: gzip\r\n"))


@pytest.mark.parametrize(
    "behave",
    [reset_at_once, reset_in_the_body, end_in_the_body, speak_something_else, claim_to_be_compressed],
)
def test_a_broken_exchange_is_an_upstream_error(behave: Behaviour) -> None:
    with server(behave) as port, pytest.raises(UpstreamError, match="connection failed"):
        me_from(port)


def test_a_closed_port_is_an_upstream_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]

    with pytest.raises(UpstreamError, match="connection failed"):
        me_from(port)


def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    sent = 0

    class Long(httpx2.SyncByteStream):
        @override
        def __iter__(self) -> Iterator[bytes]:
            nonlocal sent
            for _ in range(100):
                sent += 1000
                yield b" " * 1000

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Long()))
    http = SpotifyHttpClient(transport=transport, body_limit=10_000)

    with pytest.raises(UpstreamError, match="too large"):
        SpotifyWebApi(SecretStr("token"), http).me()
    assert sent == 11_000


def test_the_limit_counts_decompressed_bytes() -> None:
    bomb = gzip.compress(b" " * 2_000_000)

    def explode(connection: socket.socket) -> None:
        request_head(connection)
        connection.sendall(answer(bomb, headers="Content-Encoding: gzip\r\n"))

    assert len(bomb) < 10_000
    with (
        server(explode) as port,
        SpotifyHttpClient(api_url=f"http://127.0.0.1:{port}", body_limit=1_000_000) as http,
        pytest.raises(UpstreamError, match="too large"),
    ):
        SpotifyWebApi(SecretStr("token"), http).me()


def test_a_compressed_answer_is_read() -> None:
    def compress(connection: socket.socket) -> None:
        request_head(connection)
        connection.sendall(answer(gzip.compress(PROFILE), headers="Content-Encoding: gzip\r\n"))

    with server(compress) as port:
        assert me_from(port) == "lea"


@pytest.mark.parametrize("status", ["302 Found", "429 Slow down", "500 Oh"])
def test_nothing_is_followed_or_tried_again(status: str) -> None:
    heads: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        while head := request_head(connection):
            heads.append(head)
            location = f"Location: http://127.0.0.1:{port}/elsewhere\r\nRetry-After: 1\r\n"
            connection.sendall(answer(b"", status=status, headers=location))

    with server(refuse) as port, pytest.raises(Exception, match="Spotify"):
        me_from(port)

    assert len(heads) == 1


def test_connections_are_kept_and_cookies_are_not() -> None:
    connections: list[list[bytes]] = []

    def hand_out_cookies(connection: socket.socket) -> None:
        heads: list[bytes] = []
        connections.append(heads)
        while head := request_head(connection):
            heads.append(head)
            connection.sendall(answer(PROFILE, headers="Set-Cookie: who=lea; Path=/\r\n"))

    with server(hand_out_cookies) as port, SpotifyHttpClient(api_url=f"http://127.0.0.1:{port}") as http:
        SpotifyWebApi(SecretStr("one"), http).me()
        SpotifyWebApi(SecretStr("two"), http).me()

    assert len(connections) == 1
    first, second = connections[0]
    assert b"Bearer one" in first
    assert b"Bearer two" in second
    assert b"cookie" not in second.lower()


def test_https_is_verified_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate_file, key_file = certificate_for_loopback(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_file, key_file)
    beginning = b"HTTP/1.1 200 OK\r\nX-Endless: "

    with server(lambda connection: drip(connection, beginning), tls) as port:
        with pytest.raises(UpstreamError, match="ConnectError"):
            me_from(port, scheme="https")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file))
        started = time.monotonic()
        with pytest.raises(UpstreamError, match="time limit"):
            me_from(port, SHORT, scheme="https")
        assert time.monotonic() - started < PROMPTLY


def test_every_exchange_is_counted_and_logged_without_its_query() -> None:
    calls: list[Call] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/token":
            raise httpx2.ReadTimeout("the path of an exception message: refresh-1")
        return httpx2.Response(200, json={"audio_features": []})

    with capture_logs() as lines:
        http = SpotifyHttpClient(transport=httpx2.MockTransport(respond), on_call=calls.append)
        SpotifyWebApi(SecretStr("token"), http).audio_features(["secret-taste"])
        with pytest.raises(UpstreamError, match="ReadTimeout"):
            refresh(http, AppCredentials("client"), refresh_token=SecretStr("refresh-1"))

    assert [(call.method, call.path, call.status) for call in calls] == [
        ("GET", "/v1/audio-features", 200),
        ("POST", "/api/token", None),
    ]
    assert [line.keys() - {"event", "log_level"} for line in lines] == [
        {"method", "path", "status", "ms"}
    ] * 2
    assert [line["path"] for line in lines] == ["/v1/audio-features", "/api/token"]
