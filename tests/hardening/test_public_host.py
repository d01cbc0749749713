"""With sign-in, an installation answers under its public name and no other; probes ask by address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from access_trials import running_required
from problem_documents import reasons_of
from spotify_insights.settings import Settings
from spotify_insights.web.middleware.authority import origin_of_url, parsed_authority, parsed_origin
from spotify_insights.web.middleware.hosts import PublicHostOnly

PUBLIC = [
    ("https://insights.example", ["insights.example", "Insights.Example", "insights.example:443"]),
    ("https://insights.example:8443", ["insights.example:8443"]),
    ("http://127.0.0.1:8000", ["127.0.0.1:8000"]),
    ("http://[::1]:8000", ["[::1]:8000"]),
]
FOREIGN = [
    "evil.example",
    "127.0.0.1",
    "localhost:8000",
    "insights.example:80",
    "insights.example.",
    "insights.example.evil.example",
    "evil.insights.example",
    "insights.example@evil.example",
    "evil.example@insights.example",
    "insights.example/evil",
    "insights.example, evil.example",
    "insights.example:",
    "insights.example:443:443",
    "insights.example:x",
    "",
]


@pytest.mark.parametrize(("public_url", "hosts"), PUBLIC, ids=[url for url, _ in PUBLIC])
def test_the_public_name_is_answered_in_every_spelling(
    settings: Settings, public_url: str, hosts: list[str]
) -> None:
    with running_required(settings.model_copy(update={"public_url": public_url})) as client:
        for host in hosts:
            assert client.get("/openapi.json", headers={"Host": host}).status_code == 200


def test_every_other_name_is_refused_wherever_it_leads(settings: Settings) -> None:
    given_settings = settings.model_copy(update={"public_url": "https://insights.example"})
    with running_required(given_settings) as client:
        for host in FOREIGN:
            for path in ("/", "/sign-in", "/api/tasks", "/nothing", "/health/../sign-in"):
                answer = client.get(path, headers={"Host": host})
                reasons_of(answer, 421, "misdirected_request")
                assert "https://insights.example" in answer.json()["detail"]
                assert "evil" not in answer.text


def test_probes_and_prometheus_ask_each_replica_by_its_address(settings: Settings) -> None:
    given_settings = settings.model_copy(update={"public_url": "https://insights.example"})
    with running_required(given_settings) as client:
        for path, status in (
            ("/health", 200),
            ("/health/live", 200),
            ("/health/ready", 200),
            ("/metrics", 401),
        ):
            assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == status


def answered(hosts: list[bytes], public_url: str = "https://insights.example") -> bool:
    """Whether a request with these Host headers gets past the wall."""
    passed = []

    async def inside(_scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(True)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "request_id": "0",
        "headers": [(b"host", host) for host in hosts],
    }
    coroutine = PublicHostOnly(inside, public_url=public_url)(scope, receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return bool(passed)


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_nothing_but_the_one_name_gets_past_the_wall(hosts: list[bytes]) -> None:
    wanted = {b"insights.example", b"insights.example:443"}

    assert answered(hosts) == (len(hosts) == 1 and hosts[0].lower() in wanted)


@given(st.text(max_size=60))
def test_a_host_is_read_as_written_or_not_at_all(text: str) -> None:
    authority = parsed_authority(text)

    if authority is not None:
        written = f"[{authority.host}]" if ":" in authority.host else authority.host
        assert text.lower() in {written} | {f"{written}:{text.rpartition(':')[2]}"}
        assert not set("/@?# ,\\") & set(text)


@given(st.from_regex(r"(http|https)://[a-z0-9.-]{1,20}(:[0-9]{1,5})?", fullmatch=True))
def test_an_origin_and_the_address_that_it_is_the_origin_of_are_one(text: str) -> None:
    try:
        of_url = origin_of_url(text)
    except ValueError:
        return
    assert parsed_origin(text) == of_url
