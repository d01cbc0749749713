"""While Spotify takes its time, no transaction is open."""

import time
from concurrent.futures import ThreadPoolExecutor

from database_watch import open_transactions
from ingestions import a_listener, ingest
from server_trials import eventually
from spotify_insights.pretend_spotify.faults import Delay
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from stored_tokens import let_access_end_in

PATHS = (
    "/api/token",
    "/v1/me/top/tracks",
    "/v1/me/top/artists",
    "/v1/me/player/recently-played",
    "/v1/audio-features",
)


def test_no_transaction_is_open_while_spotify_is_waited_for(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_listener(runtime)
    let_access_end_in(runtime.database, user_id, 5)
    seconds = 0.5
    pretend_spotify.control.queue(*(Delay(path=path, seconds=seconds) for path in PATHS))
    seen = {}
    with ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        outcome = pool.submit(ingest, runtime, user_id)
        for path in PATHS:
            # A fault leaves the queue when its request has arrived: from then on the answer is awaited.
            assert eventually(lambda path=path: path not in waiting(pretend_spotify))  # type: ignore[misc]
            seen[path] = open_transactions(runtime.database.url)
        job = outcome.result(timeout=30)
    assert time.monotonic() - begun > seconds * len(PATHS)
    assert job.status == "succeeded"
    assert seen == {path: [] for path in PATHS}


def waiting(pretend_spotify: RunningPretendSpotify) -> list[str]:
    """The paths whose fault has not met a request yet."""
    faults = pretend_spotify.control._call("GET", "faults").json()["faults"]
    return [fault["path"] for fault in faults]
