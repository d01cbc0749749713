"""The raw history, page by page, and what can be chosen of it."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import text
from starlette.testclient import TestClient

from history_trials import HISTORY, SLOW_TRAIN, a_listener, played
from raw_history_trials import file, page, titles
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime


def test_a_row_tells_what_its_source_told(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime, [HISTORY[2]])

    assert page(client, user_id) == [
        {
            "ended_at": "2026-03-09T18:06:10.000Z",
            "ms_played": 10_000,
            "track": "Tin Roof",
            "artist": "Paper Lanterns",
            "artists": ["Paper Lanterns"],
            "album": "Weather Reports",
            "spotify_id": "tinroof".ljust(22, "0"),
            "isrc": None,
            "source": "spotify_export",
            "skipped": True,
            "reason_start": "trackdone",
            "reason_end": "fwdbtn",
            "shuffle": False,
            "offline": False,
            "platform": "android",
            "country": "NZ",
            "private_session": False,
            "time_uncertain": False,
            "superseded": False,
        }
    ]


def test_pages_lead_from_the_newest_to_the_oldest(client: TestClient, runtime: Runtime) -> None:
    # Two of one second are told apart.
    user_id = a_listener(runtime, [*HISTORY, played(SLOW_TRAIN, "2026-03-09T18:03:00")])
    address: str | None = f"/api/listening/plays?user_id={user_id}&limit=3"
    pages = []
    while address:
        answer = client.get(address)
        pages.append(titles(answer.json()))
        address = answer.links.get("next", {}).get("url")

    assert [len(each) for each in pages] == [3, 3, 2]
    assert [title for each in pages for title in each][:6] == [
        *("Tin Roof", "Drizzle", "Slow Train", "Tin Roof", "Tin Roof", "Drizzle")
    ]
    assert sorted(pages[-1]) == ["Slow Train", "Tin Roof"]


FILTERS: Sequence[tuple[dict[str, Any], int]] = (
    ({}, 7),
    # In Auckland's calendar.
    ({"from": "2026-03-10", "to": "2026-03-10"}, 4),
    ({"from": "2026-03-11"}, 3),
    ({"to": "2026-03-11"}, 6),
    ({"artist": "the  SLEEPERS"}, 1),
    ({"artist": "Nobody"}, 0),
    ({"track": "tin roof"}, 4),
    ({"track": "drizzle".ljust(22, "0")}, 2),
    ({"artist": "Paper Lanterns", "track": "Drizzle"}, 2),
    ({"source": "spotify_export"}, 7),
    ({"source": "listenbrainz"}, 0),
    ({"min_ms": 180_001}, 1),
    ({"min_ms": 0}, 7),
    ({"include_skips": "false"}, 6),
)


def test_rows_can_be_chosen(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    for asked, expected in FILTERS:
        rows = page(client, user_id, **asked)

        assert len(rows) == expected, asked
        assert len(file(client, user_id, "jsonl", **asked).splitlines()) == expected, asked


def test_any_credited_artist_can_be_named_and_unknown_times_are_never_too_short(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_listener(runtime, ())
    both = (ArtistEntry("first".ljust(22, "0"), "First"), ArtistEntry("second".ljust(22, "0"), "Second"))
    entry = TrackEntry("duet".ljust(22, "0"), "Duet", both, None, None, None, None, None)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        artists = store_artists(tx.session, both, source="spotify_api")
        keys = store_tracks(tx.session, [entry], artists, source="spotify_api")
        moment = datetime.fromisoformat("2026-06-01T10:00:00.250Z")
        store_plays(tx.session, user_id, [PlayEntry(entry.spotify_id, moment)], keys, source="spotify_api")

    for artist in ("Second", "second".ljust(22, "0")):
        [row] = page(client, user_id, artist=artist, min_ms=1_000_000)

        assert (row["ended_at"], row["ms_played"]) == ("2026-06-01T10:00:00.250Z", None)
        assert (row["artist"], row["artists"]) == ("First", ["First", "Second"])
    [in_csv] = csv.DictReader(io.StringIO(file(client, user_id, "csv").decode()))
    assert (in_csv["artists"], in_csv["ms_played"]) == ("First; Second", "")
    [in_parquet] = pq.read_table(io.BytesIO(file(client, user_id, "parquet"))).to_pylist()
    assert in_parquet["artists"] == ["First", "Second"]


def test_what_a_better_source_tells_is_left_out_unless_asked_for(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_listener(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE plays SET superseded = true WHERE ms_played = 600000"))

    assert len(page(client, user_id)) == 6
    everything = page(client, user_id, include_superseded="true")
    assert [row["track"] for row in everything if row["superseded"]] == ["Slow Train"]
