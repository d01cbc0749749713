"""What costs money has a number for each day, and together nobody gets more than that."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from ingestions import ingest
from insight_trials import written
from jobs_inline import work_off
from limit_trials import service
from makers import a_connected_user, a_user
from problem_documents import reasons_of
from spotify_insights.accounts.daily_quota import Counted, take
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.errors import TooManyRequestsError
from spotify_insights.insights.types import InsightType
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


def used(runtime: Runtime) -> list[int]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(text("SELECT used FROM daily_usage ORDER BY day")))


def test_many_at_once_never_get_more_than_the_day_has(runtime: Runtime) -> None:
    one, other = a_user(runtime), a_user(runtime)

    def order(number: int) -> str:
        try:
            with runtime.database.transaction(acting_for=Actor.listener(one if number % 5 else other)) as tx:
                take(tx, one if number % 5 else other, Counted.INSIGHTS, 7)
        except TooManyRequestsError as error:
            return "refused" if timedelta(0) < error.retry_after <= timedelta(days=1) else "for too long"
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(order, range(40)))

    assert answers == {"taken": 14, "refused": 26}
    assert used(runtime) == [7, 7]


def test_what_is_rolled_back_was_not_taken(runtime: Runtime) -> None:
    user_id = a_user(runtime)

    def order_in_vain() -> None:
        with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
            take(tx, user_id, Counted.INSIGHTS, 1)
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            order_in_vain()
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        take(tx, user_id, Counted.INSIGHTS, 1)

    assert used(runtime) == [1]


def test_tomorrow_is_another_day(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        take(tx, user_id, Counted.INSIGHTS, 1)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE daily_usage SET day = day - 1"))
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        take(tx, user_id, Counted.INSIGHTS, 1)

    assert used(runtime) == [1, 1]


def test_a_new_insight_counts_and_one_that_is_there_or_under_way_does_not(
    settings: Settings, runtime: Runtime
) -> None:
    job = ingest(runtime, a_connected_user(runtime))
    assert job.result is not None
    snapshot = UUID(str(job.result["snapshot_id"]))

    def order(client: TestClient, kind: InsightType) -> int:
        wanted = {"snapshot_id": str(snapshot), "insight_type": kind}
        return client.post("/api/insights/generate", params=wanted).status_code

    with service(settings.model_copy(update={"insights_per_day": 2}), address="127.0.0.1") as client:
        assert order(client, InsightType.WELLNESS) == 202
        assert order(client, InsightType.WELLNESS) == 202, "joins the one under way"
        work_off(runtime)
        assert order(client, InsightType.WELLNESS) == 202, "is there"
        assert order(client, InsightType.ROAST) == 202
        refused = client.post(
            "/api/insights/generate",
            params={"snapshot_id": str(snapshot), "insight_type": InsightType.PRODUCTIVITY},
            headers={"Idempotency-Key": "once"},
        )
        reasons_of(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert order(client, InsightType.ROAST) == 202, "still joins"

    assert used(runtime) == [2]
    # What the installation asks for by itself costs nobody anything.
    written(runtime, snapshot, InsightType.PRODUCTIVITY)
    assert used(runtime) == [2]
