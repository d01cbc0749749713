"""The raw history as files: all formats say the same, and none of them more than was asked for."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from typing_extensions import override

from history_trials import DRIZZLE, HISTORY, SLOW_TRAIN, a_listener, played
from raw_history_trials import HOSTILE, file, page
from spotify_insights.database.actor import Actor
from spotify_insights.listening import download as download_module
from spotify_insights.listening.raw_history.chosen import Chosen
from spotify_insights.runtime import Runtime
from spotify_insights.web.api import plays as plays_module
from spotify_insights.web.hot_reads import HotReads


def expected_in_csv(row: dict[str, Any]) -> dict[str, str]:
    def field(value: Any) -> str:
        match value:
            case None:
                return ""
            case bool():
                return str(value).lower()
            case list():
                return harmless("; ".join(value))
            case str():
                return harmless(value)
            case _:
                return str(value)

    return {name: field(value) for name, value in row.items()}


def harmless(value: str) -> str:
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of several pieces, and of several groups of rows."""
    monkeypatch.setattr(plays_module, "FIRST_ROWS", 2)
    monkeypatch.setattr(plays_module, "ROWS", 3)
    monkeypatch.setattr("spotify_insights.listening.raw_history.parquet.ROWS_PER_GROUP", 4)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("history", [HISTORY, (*HISTORY, HOSTILE), HISTORY[:2], HISTORY[:5], ()])
def test_all_formats_say_the_same(client: TestClient, runtime: Runtime, history: Sequence[Any]) -> None:
    user_id = a_listener(runtime, history)
    rows = page(client, user_id)
    assert len(rows) == len(history)

    lines = file(client, user_id, "jsonl").decode()
    assert [json.loads(line) for line in lines.splitlines()] == rows
    assert lines.endswith("\n") or not rows

    sheet = file(client, user_id, "csv").decode()
    assert list(csv.DictReader(io.StringIO(sheet, newline=""))) == [expected_in_csv(row) for row in rows]
    assert sheet.startswith("ended_at,ms_played,track,artist,artists,album,spotify_id,isrc,source,")
    # RFC 4180: every line ends so, the last one too.
    assert sheet.count("\r\n") == len(rows) + 1
    assert sheet.endswith("\r\n")

    table = pq.read_table(io.BytesIO(file(client, user_id, "parquet")))
    assert [
        {**row, "ended_at": f"{row['ended_at']:%Y-%m-%dT%H:%M:%S}.000Z"} for row in table.to_pylist()
    ] == rows


def test_hostile_names_are_harmless_in_spreadsheets_alone(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime, [HOSTILE])

    [in_csv] = csv.DictReader(io.StringIO(file(client, user_id, "csv").decode(), newline=""))
    [row] = page(client, user_id)

    assert in_csv["track"] == f"'{HOSTILE.track_name}"
    assert in_csv["artist"] == "'+Plus; & Co"
    assert (row["track"], row["artist"]) == (HOSTILE.track_name, HOSTILE.artist_name)


FORMULAS: Sequence[tuple[str, str]] = (
    ("=1", "'=1"),
    ("-1", "'-1"),
    ("@A1", "'@A1"),
    ("\t=1", "'\t'=1"),
    ("\n=1", "'\n'=1"),
    # What an East Asian keyboard types.
    ("\uff1d1", "'\uff1d1"),
    ('"=1', "'\"=1"),
    # Where a semicolon separates cells, the quotation marks around a text do not count.
    ("a;=1", "a;'=1"),
    ('a;"=1";b', 'a;\'"=1";b'),
    ("a\r\n+1", "a\r\n'+1"),
    ("a; =1", "a; =1"),
    ("A=B; C-D", "A=B; C-D"),
    ("plain", "plain"),
)


def test_no_cell_begins_with_a_formula_whatever_separates_cells(client: TestClient, runtime: Runtime) -> None:
    history = [
        played(
            SLOW_TRAIN,
            f"2026-05-01T10:{number:02}:00",
            track_name=title,
            spotify_id=f"formula{number}x".ljust(22, "0"),
        )
        for number, (title, _) in enumerate(FORMULAS)
    ]
    user_id = a_listener(runtime, history)

    sheet = csv.DictReader(io.StringIO(file(client, user_id, "csv").decode(), newline=""))
    lines = file(client, user_id, "jsonl").decode().splitlines()

    assert [row["track"] for row in sheet][::-1] == [expected for _, expected in FORMULAS]
    assert [json.loads(line)["track"] for line in lines][::-1] == [title for title, _ in FORMULAS]


def test_files_by_accept_and_their_headers(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    address = f"/api/listening/plays?user_id={user_id}"
    for accept, ending in (
        ("text/csv", "csv"),
        ("application/jsonl", "jsonl"),
        ("application/vnd.apache.parquet, */*;q=0.5", "parquet"),
    ):
        answer = client.get(address, headers={"Accept": accept})
        head = client.head(address, headers={"Accept": accept})

        assert answer.headers["content-type"].startswith(accept.partition(",")[0])
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith('attachment; filename="plays-')
        assert disposition.endswith(f'.{ending}"')
        assert answer.headers["cache-control"] == "no-store"
        assert (head.content, head.headers["content-disposition"]) == (b"", disposition)
        assert answer.headers["vary"] == head.headers["vary"] == "Accept"
    for accept in (
        "application/json",
        "*/*",
        "text/html,*/*",
        "image/png",
        "text/csv;q=0.5, application/json",
    ):
        page = client.get(address, headers={"Accept": accept})
        again = client.get(address, headers={"Accept": accept, "If-None-Match": page.headers["etag"]})

        assert page.json()
        assert again.status_code == 304
        assert page.headers["vary"] == again.headers["vary"] == "Accept"
    # What is asked for by name counts more, and then it does not matter what is accepted.
    named = client.get(f"{address}&format=json", headers={"Accept": "text/csv"})
    assert named.json()
    assert "vary" not in named.headers


@pytest.mark.usefixtures("small_pieces")
def test_who_leaves_asks_for_nothing_more(runtime: Runtime) -> None:
    user_id = a_listener(runtime, [played(DRIZZLE, f"2026-03-{day:02}T10:00:00") for day in range(1, 29)])

    async def work() -> tuple[int, int]:
        asked = 0

        class Counted(HotReads):
            @override
            async def rows(self, read: Any, *, acting_for: Actor) -> Any:
                nonlocal asked
                asked += 1
                return await super().rows(read, acting_for=acting_for)

        settings = runtime.settings
        reads = Counted(
            settings.database_url.get_secret_value(), settings.redis_url.get_secret_value(), pool_size=2
        )
        await reads.open()
        try:
            download = plays_module.Download(
                reads,
                user_id,
                Chosen(),
                Actor.listener(user_id),
                download_module.writer_of(download_module.DownloadFormat.CSV),
            )
            pieces = download.rest(await download.piece(2))
            await anext(pieces)
            await anext(pieces)
            await pieces.aclose()
            at_leaving = asked
            await asyncio.sleep(0)
            # Between two pieces nothing of the database is held.
            assert reads._pool.get_stats()["pool_available"] == reads._pool.get_stats()["pool_size"]
            return at_leaving, asked
        finally:
            await reads.close()

    at_leaving, afterwards = asyncio.run(work())

    # Of ten pieces two were made.
    assert at_leaving == afterwards == 2
