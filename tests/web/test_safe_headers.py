"""Every answer carries its id and the headers that keep browsers careful; pages load own files only."""

import asyncio
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from makers import a_user
from problem_documents import reasons_of
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from spotify_insights.web.middleware.last_resort import LastResort

BASE = "http://127.0.0.1:8000"


class CrashError(Exception):
    """Nobody foresaw this."""


def crash() -> None:
    raise CrashError("BQDcanary stands in the message")


@pytest.fixture
def crashing_client(settings: Settings) -> Iterator[TestClient]:
    """The API with two more addresses, whose code is broken."""
    app = create_app(Runtime.from_settings(settings, role=DatabaseRole.API), with_relay=False)
    app.add_api_route("/crash", crash)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as started:
        yield started


def assert_safe(headers: dict[str, str]) -> None:
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    # Pages need the other one: under `no-referrer` browsers call their own forms' origin "null".
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "*" not in policy
    assert "cache-control" in headers
    assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/health", 200),
        ("GET", "/health/live", 200),
        ("GET", "/static/docs.js", 200),
        ("GET", "/swagger/swagger-ui.css", 200),
        ("GET", "/api/tasks?user_id=x", 422),
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing", 404),
        ("DELETE", "/api/tasks", 405),
        ("POST", "/api/users/register", 422),
        ("GET", "/api/tasks/", 307),
        ("HEAD", "/docs", 200),
    ],
)
def test_every_answer_carries_the_safe_headers(
    lasting_client: TestClient, method: str, path: str, status: int
) -> None:
    answer = lasting_client.request(method, path, follow_redirects=False)

    assert answer.status_code == status
    assert_safe(dict(answer.headers))


def test_answers_without_a_body_carry_them_too(client: TestClient, runtime: Runtime) -> None:
    address = f"/api/users/{a_user(runtime)}"
    etag = client.get(address).headers["etag"]
    not_modified = client.get(address, headers={"If-None-Match": etag})
    changed = client.patch(address, json={})

    assert (not_modified.status_code, changed.status_code) == (304, 204)
    for answer in (not_modified, changed):
        assert_safe(dict(answer.headers))


def test_refusals_at_the_door_carry_them_too(lasting_client: TestClient) -> None:
    foreign = lasting_client.get("/", headers={"Host": "evil.example"})
    too_large = lasting_client.post("/api/users/register", content=b" " * 2**21)
    no_json = lasting_client.post("/api/users/register", content=b"a", headers={"Content-Type": "text/plain"})

    assert [answer.status_code for answer in (foreign, too_large, no_json)] == [403, 413, 415]
    for answer in (foreign, too_large, no_json):
        assert_safe(dict(answer.headers))


def test_a_crash_is_a_problem_document_that_tells_nothing_but_the_id(
    crashing_client: TestClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = crashing_client.get("/crash")

    reasons_of(answer, 500, "internal_error")
    assert_safe(dict(answer.headers))
    assert "canary" not in answer.text
    assert "CrashError" not in answer.text
    assert crashing_client.get("/health/live").status_code == 200
    said = capfd.readouterr()
    assert answer.headers["x-request-id"] in said.out + said.err + caplog.text


def test_a_crash_amid_an_answer_breaks_it_off_instead_of_beginning_another() -> None:
    sent: list[Message] = []
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}

    async def half_an_answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start)
        raise CrashError

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "request_id": "0"}
    with pytest.raises(CrashError):
        asyncio.run(LastResort(half_an_answer)(scope, receive, send))

    assert sent == [start]


def test_ids_of_requests_are_never_the_same(lasting_client: TestClient) -> None:
    assert len({lasting_client.get("/health/live").headers["x-request-id"] for _ in range(50)}) == 50


def test_an_id_that_the_client_invents_is_not_taken_over(lasting_client: TestClient) -> None:
    answer = lasting_client.get("/health/live", headers={"X-Request-ID": "invented"})

    assert answer.headers["x-request-id"] != "invented"


class Loaded(HTMLParser):
    """What a page makes a browser load, and what the policy of these pages would refuse to run."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self._in_script = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [f"{tag} {name}" for name in given if name.startswith("on")]
        if tag in {"script", "img", "iframe", "source", "object", "embed"}:
            self._in_script = tag == "script" and "src" not in given
            self.addresses += [given[name] for name in ("src", "data") if name in given]
        elif tag == "link":
            self.addresses.append(given["href"])
        elif tag == "a":
            self.links.append(given["href"])

    @override
    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    @override
    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_a_page_loads_own_files_only_and_all_of_them_are_there(lasting_client: TestClient, page: str) -> None:
    answer = lasting_client.get(page)
    loaded = Loaded()
    loaded.feed(answer.text)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert loaded.addresses
    assert loaded.inline == []
    for address in [*loaded.addresses, *loaded.links]:
        target = urljoin(BASE + page, address)
        assert urlsplit(target).netloc == urlsplit(BASE).netloc, address
        assert lasting_client.get(target).status_code == 200, address


def test_the_documentation_is_drawn_from_this_installations_own_document(lasting_client: TestClient) -> None:
    assert 'url: "/openapi.json"' in lasting_client.get("/static/docs.js").text
    # Nothing is sent to a validator elsewhere.
    assert "validatorUrl: null" in lasting_client.get("/static/docs.js").text
    assert lasting_client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_the_policy_of_the_pages_lets_own_scripts_run_and_no_others(lasting_client: TestClient) -> None:
    for page in ("/", "/docs"):
        policy = lasting_client.get(page).headers["content-security-policy"]
        directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
        assert directives["script-src"] == "'self'"
        assert directives["connect-src"] == "'self'"
        assert set(directives) >= {"style-src", "img-src", "base-uri", "form-action"}
