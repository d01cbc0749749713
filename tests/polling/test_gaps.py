"""Plays that no poll saw: noticed where a full list has nothing that we hold, shown, covered by imports."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app_calls import attempted, requests_made
from import_trials import BatchFile, import_file, undo
from ingestions import a_listener, calls, count, rows, told
from job_trials import AN_HOUR, at_once, enqueued
from jobs_inline import job_row, work_off
from passing_time import let_delays_pass
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.job import ListenerJob
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.hold_history import HistoryBusyError, hold_history
from spotify_insights.listening.imports.jobs import ImportHistory
from spotify_insights.listening.imports.models import Import
from spotify_insights.listening.jobs import (
    IngestAllRanges,
    IngestListeningData,
    PollListener,
    PurgeDisconnectedData,
)
from spotify_insights.listening.queries import gap_documents
from spotify_insights.pretend_spotify.faults import CannedAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch, MusicEntry
from spotify_insights.worker.tasks import Handlers

RECENTLY_PLAYED = "/v1/me/player/recently-played"
GAPS = "SELECT since, until FROM listening_gaps WHERE user_id = :who"
A_MINUTE = timedelta(minutes=1)
# Behind what any test polled before.
LONG_AGO = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


@pytest.fixture
def track(pretend_spotify: RunningPretendSpotify) -> Any:
    return told(pretend_spotify, "me/player/recently-played?limit=1")["items"][0]["track"]


def poll(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    track: Any,
    moments: Sequence[datetime],
    *,
    withdrawn: Sequence[datetime] = (),
) -> dict[str, Any]:
    """Poll while Spotify tells these plays of one track, and `withdrawn` ones of none; the task's result."""
    items = [
        {"track": track, "played_at": f"{moment:%Y-%m-%dT%H:%M:%S.000Z}", "context": None}
        for moment in sorted(moments, reverse=True)
    ]
    items += [{"track": None, "played_at": f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"} for moment in withdrawn]
    answer = json.dumps({"href": "", "items": items, "limit": 50, "next": None, "cursors": None})
    pretend_spotify.control.queue(CannedAnswer(path=RECENTLY_PLAYED, status=200, body=answer))
    job = attempted(runtime, PollListener(user_id=user_id))
    assert (job.status, job.error) == ("succeeded", None)
    return job.result or {}


def plays(number: int, *, after: datetime = LONG_AGO) -> list[datetime]:
    """So many moments, ten minutes apart, the last one `number` times ten minutes after `after`."""
    return [after + each * 10 * A_MINUTE for each in range(1, number + 1)]


def shown(runtime: Runtime, user_id: UUID) -> list[tuple[str | None, str]]:
    """The gaps as the API gives them."""
    read = gap_documents(user_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        row = tx.session.connection().exec_driver_sql(read.statement, dict(read.parameters)).one()
    return [(gap["since"], gap["until"]) for gap in json.loads(row[0])]


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


def test_a_first_list_is_no_gap_however_long(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    assert poll(runtime, pretend_spotify, user_id, track, plays(50)) == {"new_plays": 50}
    assert shown(runtime, user_id) == []


@pytest.mark.parametrize(("new", "known"), [(0, 50), (1, 49), (49, 1), (49, 0), (0, 0)])
def test_a_list_that_has_something_known_or_is_not_full_follows_upon_what_we_hold(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    track: Any,
    new: int,
    known: int,
) -> None:
    before = plays(50)
    poll(runtime, pretend_spotify, user_id, track, before)
    later = [*before[50 - known :], *plays(new, after=before[-1])]
    assert poll(runtime, pretend_spotify, user_id, track, later) == {"new_plays": new}
    assert shown(runtime, user_id) == []


def test_a_full_list_of_which_nothing_is_known_tells_of_a_gap(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    before = plays(50)
    poll(runtime, pretend_spotify, user_id, track, before)
    later = plays(50, after=before[-1] + AN_HOUR)
    assert poll(runtime, pretend_spotify, user_id, track, later) == {
        "new_plays": 50,
        "gap": {"since": before[-1].isoformat(), "until": later[0].isoformat()},
    }
    # Told once more, the same list is known.
    assert poll(runtime, pretend_spotify, user_id, track, later) == {"new_plays": 0}
    assert rows(runtime.database, GAPS, who=user_id) == [(before[-1], later[0])]
    assert shown(runtime, user_id) == [(stamp(before[-1]), stamp(later[0]))]


def test_a_list_is_full_with_tracks_that_were_withdrawn(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    before = plays(50)
    poll(runtime, pretend_spotify, user_id, track, before)
    later = plays(50, after=before[-1] + AN_HOUR)
    result = poll(runtime, pretend_spotify, user_id, track, later[1:49], withdrawn=(later[0], later[49]))
    assert result == {
        "new_plays": 48,
        "gap": {"since": before[-1].isoformat(), "until": later[1].isoformat()},
    }


def test_a_list_of_withdrawn_tracks_alone_tells_nothing(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    poll(runtime, pretend_spotify, user_id, track, plays(50))
    withdrawn = plays(50, after=LONG_AGO + 2 * 24 * AN_HOUR)
    assert poll(runtime, pretend_spotify, user_id, track, [], withdrawn=withdrawn) == {"new_plays": 0}


def test_a_gap_behind_an_import_begins_earlier_when_that_is_undone(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    known = plays(50)
    poll(runtime, pretend_spotify, user_id, track, known)
    exported = [MusicEntry(known[-1] + hours * AN_HOUR, 200_000, "Half Moon", "Anouk") for hours in (-90, 24)]
    batch = ExportBatch(source="spotify_export", file_name="a.json", music=exported)
    import_id = import_file(runtime, user_id, BatchFile([batch])).import_id
    later = plays(50, after=known[-1] + 48 * AN_HOUR)
    poll(runtime, pretend_spotify, user_id, track, later)
    assert shown(runtime, user_id) == [(stamp(exported[-1].ended_at), stamp(later[0]))]

    undo(runtime, user_id, import_id)

    assert shown(runtime, user_id) == [(stamp(known[-1]), stamp(later[0]))]


def test_somebody_whose_first_list_was_empty_may_have_a_gap_without_a_beginning(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    poll(runtime, pretend_spotify, user_id, track, [])
    later = plays(50, after=datetime.now(UTC).replace(microsecond=0) + A_MINUTE)
    result = poll(runtime, pretend_spotify, user_id, track, later)
    assert result["gap"] == {"since": None, "until": later[0].isoformat()}


def test_forgotten_plays_that_spotify_tells_again_are_no_gap(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    """Where plays are kept for a while only, a list of long ago is new each time."""
    poll(runtime, pretend_spotify, user_id, track, plays(50))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM plays")
    assert poll(runtime, pretend_spotify, user_id, track, plays(50)) == {"new_plays": 50}


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (-60, 900, []),
        (-60, 20, [(20, 70)]),
        (50, 900, [(0, 50)]),
        (20, 50, [(0, 20), (50, 70)]),
        (-60, -10, [(0, 70)]),
    ],
)
def test_what_an_import_covers_is_no_gap_until_it_is_undone(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    track: Any,
    first: int,
    last: int,
    left: list[tuple[int, int]],
) -> None:
    """Minutes after the last play that was known; the gap ends 70 minutes after it."""
    known = plays(50)
    poll(runtime, pretend_spotify, user_id, track, known)
    poll(runtime, pretend_spotify, user_id, track, plays(50, after=known[-1] + AN_HOUR))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        covering = Import(
            user_id=user_id,
            file_name="history.zip",
            size_bytes=9,
            receipt={},
            first_play_at=known[-1] + first * A_MINUTE,
            last_play_at=known[-1] + last * A_MINUTE,
        )
        tx.session.add(covering)
    assert shown(runtime, user_id) == [
        (stamp(known[-1] + since * A_MINUTE), stamp(known[-1] + until * A_MINUTE)) for since, until in left
    ]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.delete(tx.session.get_one(Import, covering.id))
    assert shown(runtime, user_id) == [(stamp(known[-1]), stamp(known[-1] + 70 * A_MINUTE))]


def test_videos_cover_no_gap_in_the_music_between_them(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    known = plays(50)
    poll(runtime, pretend_spotify, user_id, track, known)
    poll(runtime, pretend_spotify, user_id, track, plays(50, after=known[-1] + AN_HOUR))
    noted = shown(runtime, user_id)

    def a_file(minutes: tuple[int, int], *, is_video: bool) -> ExportBatch:
        ends = [known[-1] + minute * A_MINUTE for minute in minutes]
        music = [MusicEntry(end, 200_000, "Half Moon", "Anouk", is_video=is_video) for end in ends]
        return ExportBatch(source="spotify_export", file_name="a.json", music=music)

    videos, audio = a_file((-60, 90), is_video=True), a_file((20, 30), is_video=False)

    only_videos = import_file(runtime, user_id, BatchFile([videos]))
    assert (only_videos.first_play_at, only_videos.last_play_at) == (None, None)
    assert shown(runtime, user_id) == noted

    both = import_file(runtime, user_id, BatchFile([audio, videos]))
    first, last = (entry.ended_at for entry in audio.music)
    assert (both.first_play_at, both.last_play_at) == (first, last)
    assert shown(runtime, user_id) == [(stamp(known[-1]), stamp(first)), (stamp(last), noted[0][1])]


def test_gaps_go_with_what_the_connection_brought(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    poll(runtime, pretend_spotify, user_id, track, plays(50))
    poll(runtime, pretend_spotify, user_id, track, plays(50, after=LONG_AGO + 2 * 24 * AN_HOUR))
    assert count(runtime.database, "listening_gaps") == 1
    until = datetime.now(UTC) + A_MINUTE
    for provider, left in (("listenbrainz", 1), ("spotify", 0)):
        purge = PurgeDisconnectedData(
            user_id=user_id, provider=provider, keep_uploads=True, last_play=None, until=until
        )
        assert attempted(runtime, purge).status == "succeeded"
        assert count(runtime.database, "listening_gaps") == left


@pytest.mark.parametrize("job_type", [PollListener, IngestAllRanges])
def test_while_the_history_is_busy_spotify_is_not_asked(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    user_id: UUID,
    job_type: type[PollListener | IngestAllRanges],
) -> None:
    job_id = enqueued(runtime.database, job_type(user_id=user_id))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        hold_history(tx.session, user_id)
        work_off(runtime)
    busy = job_row(runtime.database, job_id)
    assert (busy.status, busy.attempts, busy.error_code) == ("queued", 0, "history_busy")
    assert requests_made(pretend_spotify) == 0
    let_delays_pass(runtime.database)
    work_off(runtime)
    assert (job_row(runtime.database, job_id).result or {})["new_plays"] == 50


@pytest.mark.parametrize("job_type", [PollListener, IngestListeningData, IngestAllRanges])
def test_who_waits_for_a_history_outlasts_the_longest_import(job_type: type[ListenerJob]) -> None:
    longest_wait = HistoryBusyError().wait * job_type.max_snoozes
    assert longest_wait > ImportHistory.time_limit


def test_two_at_once_find_a_gap_once(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, track: Any
) -> None:
    poll(runtime, pretend_spotify, user_id, track, plays(50))
    waiting = [
        (enqueued(runtime.database, job), type(job))
        for job in (PollListener(user_id=user_id), IngestAllRanges(user_id=user_id))
    ]
    handlers = Handlers.of(runtime)

    def run(together: Any) -> None:
        job_id, job_type = waiting.pop()
        together.wait()
        # Whoever comes second may find the history busy; that is recorded before it is raised.
        with suppress(HistoryBusyError):
            run_job(runtime.database, job_id, job_type, handlers[job_type])

    ids = [job_id for job_id, _ in waiting]
    at_once(2, run)
    let_delays_pass(runtime.database)
    work_off(runtime)
    ended: list[BackgroundJob] = [job_row(runtime.database, job_id) for job_id in ids]
    assert [job.status for job in ended] == ["succeeded", "succeeded"]
    assert {(job.result or {})["new_plays"] for job in ended} == {0, 50}
    assert count(runtime.database, "listening_gaps") == 1
    assert count(runtime.database, "plays") == 100
    assert calls(pretend_spotify, f"GET {RECENTLY_PLAYED}") >= 3
