"""`spotify-insights flower` over real HTTP: a password for everything, nothing to change, no secret shown."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.routing import URLSpec

from conftest import Servers
from flower_trials import (
    PAGES,
    PASSWORD,
    USER,
    Reply,
    RunningFlower,
    basic,
    running_flower,
)


@pytest.fixture(scope="module")
def flower(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFlower]:
    with running_flower(servers.redis_url, tmp_path_factory.mktemp("flower")) as running:
        yield running


@pytest.mark.parametrize("path", [*PAGES, "/static/js/flower.js", "/login", "/no-such-page"])
def test_nobody_sees_anything_without_the_password(flower: RunningFlower, path: str) -> None:
    assert flower.ask(path).status != 401
    for refused in (
        flower.ask(path, authorization=None),
        flower.ask(path, authorization=basic(USER, "guess")),
        flower.ask(path, authorization=basic("admin", PASSWORD)),
        flower.ask(path, authorization=basic(USER, PASSWORD[:-1])),
    ):
        assert refused == Reply(401, "Say FLOWER_USER and FLOWER_PASSWORD to look at this.\n")


@pytest.mark.parametrize("path", PAGES)
def test_whoever_has_the_password_sees_every_page(flower: RunningFlower, path: str) -> None:
    assert flower.ask(path).status == 200


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f")))
def test_whatever_else_stands_for_a_password_is_refused_and_no_error(
    flower: RunningFlower, text: str
) -> None:
    assert flower.ask("/", authorization=text).status == 401
    assert flower.ask("/", authorization=f"Basic {text}").status == 401


def test_the_health_check_is_open_and_says_nothing_else(flower: RunningFlower) -> None:
    assert flower.ask("/healthcheck", authorization=None) == Reply(200, "OK")


def test_nothing_can_be_changed(flower: RunningFlower) -> None:
    paths = [re.sub(r"\(\.[+*]\)", "something", pattern) for pattern in writing_paths()]
    assert "/api/worker/shutdown/something" in paths
    assert "/api/task/send-task/something" in paths
    for path in paths:
        assert flower.ask(path, method="POST", authorization=None).status == 401
        assert flower.ask(path, method="POST") == Reply(403, "Read only mode is enabled")


def writing_paths() -> list[str]:
    """Every path of this version of Flower that takes a POST to do something."""
    from flower.urls import handlers  # type: ignore[import-untyped]  # noqa: PLC0415  # carries no types

    # All of its interface for programs; what its pages read by POST changes nothing.
    interface = [(rule[0], rule[1]) for rule in handlers if not isinstance(rule, URLSpec)]
    return [path for path, handler in interface if path.startswith("/api/") and "post" in vars(handler)]


def test_another_site_cannot_use_the_password_that_a_browser_keeps(flower: RunningFlower) -> None:
    query = (
        "/tasks/datatable?draw=1&start=0&length=5&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
    )
    assert flower.ask(query, method="POST").status == 200
    for elsewhere in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert flower.ask(query, method="POST", headers=elsewhere).status == 403


def test_it_is_on_this_machine_only_and_keeps_nothing(flower: RunningFlower) -> None:
    listening = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", LISTENING, str(flower.process.pid)], check=True, capture_output=True, text=True
    )
    assert json.loads(listening.stdout) == ["127.0.0.1"]
    assert list((flower.folder / "empty").iterdir()) == []


LISTENING = """
import json, sys, psutil
found = psutil.Process(int(sys.argv[1])).net_connections("inet")
print(json.dumps(sorted({c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN})))
"""
