"""Nothing that this package logs, raises or shows may carry a secret, whatever Spotify sends back."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from traceback import TracebackException
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from typing_extensions import override

from spotify_insights.outbound.exchange import Answer
from spotify_insights.spotify.errors import AccessTokenRejectedError, SpotifyError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials, exchange_code, refresh
from spotify_insights.spotify.web_api import SpotifyWebApi

# Module constants and not locals: the tracebacks below show the local variables of every frame.
CANARY = "canary-9f1c"
ACCESS_TOKEN = SecretStr(f"{CANARY}-access")
APP = AppCredentials(f"id-{CANARY[-4:]}", SecretStr(f"{CANARY}-secret"))
# A careless server that repeats secrets in all it says.
ECHO = {
    "access_token": f"{CANARY}-access",
    "refresh_token": f"{CANARY}-refresh",
    "error": "invalid_request",
    "error_description": f"{CANARY}-refresh is not known",
    "message": f"{CANARY}-access is expired",
}


def get_profile(http: SpotifyHttpClient) -> Any:
    return SpotifyWebApi(ACCESS_TOKEN, http).me()


def get_features(http: SpotifyHttpClient) -> Any:
    return SpotifyWebApi(ACCESS_TOKEN, http).audio_features([f"{CANARY}-track"])


def exchange(http: SpotifyHttpClient) -> Any:
    return exchange_code(
        http,
        APP,
        code=SecretStr(f"{CANARY}-code"),
        redirect_uri="https://example.org/callback",
        code_verifier=SecretStr(f"{CANARY}-verifier"),
    )


def renew(http: SpotifyHttpClient) -> Any:
    return refresh(http, APP, refresh_token=SecretStr(f"{CANARY}-refresh"))


CALLS = [get_profile, get_features, exchange, renew]


class Failing(httpx2.BaseTransport):
    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.LocalProtocolError(f"Illegal header value b'Bearer {CANARY}'", request=request)


def answering(status: int, body: bytes) -> httpx2.BaseTransport:
    return httpx2.MockTransport(lambda _: httpx2.Response(status, content=body))


TRANSPORTS = [
    Failing(),
    *(answering(status, json.dumps(ECHO).encode()) for status in (200, 400, 401, 403, 404, 429, 500)),
    *(answering(status, f"{CANARY} is not welcome".encode()) for status in (200, 400, 403, 502)),
]


def shown(error: BaseException) -> str:
    """Everything a log, a crash reporter or a debugger would show of `error`."""
    report = TracebackException.from_exception(error, capture_locals=True)
    return f"{error!r} {error} {vars(error)} {error.args} {''.join(report.format())}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_error_carries_a_secret(
    call: Callable[[SpotifyHttpClient], Any], transport: httpx2.BaseTransport
) -> None:
    with pytest.raises(SpotifyError) as raised:
        call(SpotifyHttpClient(transport=transport))

    text = shown(raised.value)
    assert "test_spotify_secrets.py" in text  # the report is not empty
    assert CANARY not in text.replace(f"{CANARY}-track", "")


class CarelessSpotify(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({**ECHO, "id": "lea", "expires_in": 3600, "audio_features": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = _answer  # noqa: N815  # the name is the standard library's
    do_POST = _answer  # noqa: N815  # the name is the standard library's

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def careless_spotify() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), CarelessSpotify)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_no_log_line_of_any_library_carries_a_secret_or_a_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with (
        capture_logs() as lines,
        careless_spotify() as url,
        SpotifyHttpClient(api_url=url, accounts_url=url) as http,
    ):
        for call in CALLS:
            call(http)

    assert len(lines) == len(CALLS)
    assert caplog.records  # the HTTP library did log, at its most talkative
    for text in (str(lines), caplog.text):
        assert CANARY not in text
        assert "ids=" not in text


def test_nothing_shows_a_secret_when_printed() -> None:
    transport = answering(200, json.dumps({**ECHO, "expires_in": 3600}).encode())
    http = SpotifyHttpClient(transport=transport)
    tokens = renew(http)
    printed = [tokens, APP, http, SpotifyWebApi(ACCESS_TOKEN, http), Answer(200, CANARY.encode())]

    assert tokens.access_token.get_secret_value() == f"{CANARY}-access"
    for value in printed:
        assert CANARY not in f"{value!r} {value}"


@pytest.mark.parametrize(
    "token", ["", f"{CANARY}\r\nX-Admin: 1", f"{CANARY} two", f"{CANARY}-é", f"{CANARY}\x00"]
)
def test_a_token_that_would_break_out_of_its_header_is_rejected_unsent(token: str) -> None:
    sent: list[httpx2.Request] = []

    def accept(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={"id": "lea"})

    http = SpotifyHttpClient(transport=httpx2.MockTransport(accept))

    with pytest.raises(AccessTokenRejectedError) as raised:
        SpotifyWebApi(SecretStr(token), http).me()

    assert CANARY not in str(raised.value)
    assert sent == []
