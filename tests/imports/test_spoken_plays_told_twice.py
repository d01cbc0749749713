"""Episodes and chapters that account data and the extended history both tell: each counts once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from conftest import Servers
from export_files import (
    account_audiobook_row,
    account_podcast_row,
    audiobook_row,
    podcast_row,
    spoken,
)
from import_trials import BatchFile, import_file, undo
from makers import a_user
from spotify_insights.listening.imports.import_history import Imported
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch, ExportSource, SpokenEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600


def an_episode(
    seconds: int, *, title: str = "One", show: str = "Show", ms_played: int = 600_000
) -> SpokenEntry:
    return SpokenEntry("podcast", NOON + timedelta(seconds=seconds), ms_played, title, show)


def a_chapter(seconds: int, *, title: str = "One", book: str = "Book") -> SpokenEntry:
    return SpokenEntry("audiobook", NOON + timedelta(seconds=seconds), 600_000, title, book)


def a_batch(source: ExportSource, *entries: SpokenEntry) -> ExportBatch:
    return ExportBatch(source=source, file_name="a.json", spoken=entries)


# To the second, with what account data lacks: an earlier year.
EXTENDED = a_batch(
    "spotify_export",
    an_episode(-400 * 24 * HOUR),
    an_episode(25),
    an_episode(HOUR + 59, title="Two"),
    a_chapter(2 * HOUR + 10),
)
# To the minute, and until today: what stands behind the second `Two` is told here alone.
ACCOUNT = a_batch(
    "spotify_account_data",
    an_episode(0),
    an_episode(HOUR, title="TWO", show="show"),
    a_chapter(2 * HOUR),
    an_episode(3 * HOUR, title="Two"),
    a_chapter(3 * HOUR, title="Two"),
)
COUNTING = [
    ("podcast", "One", -400 * 24 * HOUR, "spotify_export"),
    ("podcast", "One", 25, "spotify_export"),
    ("podcast", "Two", HOUR + 59, "spotify_export"),
    ("audiobook", "One", 2 * HOUR + 10, "spotify_export"),
    ("audiobook", "Two", 3 * HOUR, "spotify_account_data"),
    ("podcast", "Two", 3 * HOUR, "spotify_account_data"),
]


def counting(servers: Servers, user_id: UUID) -> list[tuple[str, str, int, str]]:
    """Kind, title, seconds after noon and source of each that counts, the earliest first."""
    with psycopg.connect(servers.database_url) as connection:
        rows = connection.execute(
            "SELECT kind, title, ended_at, source FROM spoken_plays"
            " WHERE user_id = %s AND NOT superseded ORDER BY ended_at, kind",
            [user_id],
        ).fetchall()
    return [(kind, title, int((at - NOON).total_seconds()), source) for kind, title, at, source in rows]


def told(runtime: Runtime, user_id: UUID, *given: ExportBatch) -> Imported:
    return import_file(runtime, user_id, BatchFile(given))


def accounted_for(imported: Imported) -> dict[str, int]:
    """What is not nothing. The keys but `incognito` add up to the rows, as for every receipt."""
    receipt: dict[str, Any] = dict(imported.receipt.document)
    assert sum(receipt.values()) - receipt["rows"] - receipt["incognito"] == receipt["rows"]
    return {kind: count for kind, count in receipt.items() if count}


@pytest.mark.parametrize("given", [[ACCOUNT, EXTENDED], [EXTENDED, ACCOUNT]])
@pytest.mark.parametrize("at_once", [True, False])
def test_each_counts_once_whichever_file_came_first(
    runtime: Runtime, empty: Servers, given: list[ExportBatch], *, at_once: bool
) -> None:
    user_id = a_user(runtime)
    for files in [given] if at_once else [[batch] for batch in given]:
        told(runtime, user_id, *files)

    assert counting(empty, user_id) == COUNTING


def test_a_receipt_says_what_was_kept_aside(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    first, second = told(runtime, user_id, EXTENDED), told(runtime, user_id, ACCOUNT)
    repeated = told(runtime, user_id, ACCOUNT)
    together = told(runtime, a_user(runtime), ACCOUNT, EXTENDED)

    assert accounted_for(first) == {"rows": 4, "podcasts": 3, "audiobooks": 1}
    assert accounted_for(second) == {"rows": 5, "podcasts": 1, "audiobooks": 1, "superseded": 3}
    assert accounted_for(repeated) == {"rows": 5, "duplicates": 5}
    assert accounted_for(together) == {"rows": 9, "podcasts": 4, "audiobooks": 2, "superseded": 3}


def test_undoing_the_better_account_brings_the_other_back(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    told(runtime, user_id, ACCOUNT)
    before = counting(empty, user_id)
    better = told(runtime, user_id, EXTENDED)
    assert counting(empty, user_id) == COUNTING

    undo(runtime, user_id, better.import_id)

    assert counting(empty, user_id) == before
    assert len(before) == 5


def test_two_plays_in_a_row_stay_two_and_what_only_resembles_stays(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    told(
        runtime,
        user_id,
        a_batch(
            "spotify_account_data",
            an_episode(0),
            an_episode(60),
            an_episode(180),
            an_episode(0, show="Other"),
        ),
        a_batch("spotify_export", an_episode(5), an_episode(70)),
    )

    assert [(seconds, source) for _, _, seconds, source in counting(empty, user_id)] == [
        (0, "spotify_account_data"),
        (5, "spotify_export"),
        (70, "spotify_export"),
        (180, "spotify_account_data"),
    ]


@pytest.mark.parametrize(
    ("extended", "account"),
    [
        (
            podcast_row(ts="2026-01-05T07:30:44Z", episode_name="Fog", episode_show_name="The Lantern Hour"),
            account_podcast_row(
                endTime="2026-01-05 07:30", episodeName="Fog", podcastName="The Lantern Hour"
            ),
        ),
        (
            audiobook_row(ts="2026-01-05T07:30:44Z", audiobook_chapter_title="I", audiobook_title="Salt"),
            account_audiobook_row(endTime="2026-01-05 07:30", chapterName="I", audiobookName="Salt"),
        ),
        (
            podcast_row(ts="2026-01-05T07:30:44Z", episode_name=None, episode_show_name="The Lantern Hour"),
            account_podcast_row(endTime="2026-01-05 07:30", episodeName=None, podcastName="The Lantern Hour"),
        ),
    ],
)
def test_rows_as_spotify_writes_them_are_one_play(
    runtime: Runtime, empty: Servers, extended: dict[str, Any], account: dict[str, Any]
) -> None:
    user_id = a_user(runtime)
    told(
        runtime,
        user_id,
        a_batch("spotify_account_data", *spoken(account, name="StreamingHistory_podcast_0.json")),
        a_batch("spotify_export", *spoken(extended)),
    )

    assert [source for *_, source in counting(empty, user_id)] == ["spotify_export"]
