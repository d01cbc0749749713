"""What becomes known while a history is packed anew is not lost: the next refresh tells it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from block_trials import packed
from feature_trials import in_catalogue
from history_trials import HISTORY, TIN_ROOF, a_listener
from job_trials import enqueued, somebody_waits_for_a_lock
from jobs_inline import work_off
from server_trials import eventually
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks import describe_tracks as describe_module
from spotify_insights.listening.blocks.jobs import RefreshHistories, RefreshHistory
from spotify_insights.listening.blocks.read_rows import read_features
from spotify_insights.listening.blocks.refresh import drop_blocks
from spotify_insights.listening.features.changed import features_changed
from spotify_insights.runtime import Runtime

Prepare = Callable[[Session, UUID], None]
ENERGY = ("energy", 0.5, "catalogue")


def there_were_blocks(session: Session, _user_id: UUID) -> None:
    session.execute(text("UPDATE packed_histories SET is_stale = false"))


def they_were_stale_already(session: Session, _user_id: UUID) -> None:
    session.execute(text("UPDATE packed_histories SET is_stale = true"))


def there_were_no_blocks(session: Session, user_id: UUID) -> None:
    drop_blocks(session, user_id)


def tin_roof_becomes_known(runtime: Runtime, *, of_any_track: bool) -> None:
    assert TIN_ROOF.spotify_id is not None
    in_catalogue(runtime.database, {TIN_ROOF.spotify_id: {"energy": 0.5}})
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tracks = tx.session.scalars(
            text("SELECT id FROM tracks WHERE spotify_id = :id"), {"id": TIN_ROOF.spotify_id}
        ).all()
        features_changed(tx, None if of_any_track else tracks)


def is_over_or_waits(learning: "Future[None]", runtime: Runtime) -> bool:
    return learning.done() or somebody_waits_for_a_lock(runtime.database, within=0)


@pytest.mark.parametrize("of_any_track", [True, False])
@pytest.mark.parametrize("before", [there_were_blocks, they_were_stale_already, there_were_no_blocks])
def test_what_is_learnt_after_a_refresh_has_looked_is_told_by_the_next_one(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, before: Prepare, *, of_any_track: bool
) -> None:
    user_id = a_listener(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        before(tx.session, user_id)
    learning: list[Future[None]] = []

    def and_then_something_becomes_known(session: Session, track_ids: Sequence[int]) -> Any:
        seen = read_features(session, track_ids)
        if not learning:
            learning.append(pool.submit(tin_roof_becomes_known, runtime, of_any_track=of_any_track))
            assert eventually(lambda: is_over_or_waits(learning[0], runtime))
        return seen

    enqueued(runtime.database, RefreshHistory(user_id=user_id))
    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        patch.setattr(describe_module, "read_features", and_then_something_becomes_known)
        work_off(runtime)
        assert len(learning) == 1
        learning[0].result(timeout=30)

    enqueued(runtime.database, RefreshHistories())
    work_off(runtime)

    known = [play.features for play in packed(runtime, user_id)]
    heard = [entry.track_name == TIN_ROOF.track_name for entry in HISTORY]
    assert known == [(ENERGY,) if it_is else () for it_is in heard]
