"""An import that runs is in nobody's way: its listener may leave at once, and so may others."""

from collections.abc import Callable
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from access_trials import an_admin, role_of
from conftest import Servers
from full_life import every_row
from jobs_inline import job_row, work_off
from leaving import make_due
from makers import a_user
from spotify_insights.accounts.people import change_role
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.runtime import Runtime
from upload_trials import RECEIPT, everything, upload

Ask = Callable[[], Response]


def importing_meanwhile(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> Response:
    """Do all work that waits; the answer to what is asked once, when an import has stored some rows."""
    progress = Attempt.progress
    answers: list[Response] = []

    def ask_and_go_on(self: Attempt, step: str, *, done: int, total: int) -> None:
        if step == "importing" and not answers:
            answers.append(ask())
        progress(self, step, done=done, total=total)

    with monkeypatch.context() as patch:
        patch.setattr(Attempt, "progress", ask_and_go_on)
        work_off(runtime)
    (answer,) = answers
    return answer


def test_somebody_may_leave_while_their_import_runs(
    client: TestClient, runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(empty)
    user_id = a_user(runtime)
    upload(client, user_id)

    answer = importing_meanwhile(runtime, monkeypatch, lambda: client.delete(f"/api/users/{user_id}"))
    make_due(runtime)
    work_off(runtime)

    assert answer.status_code == 202
    assert client.get(f"/api/users/{user_id}").status_code == 404
    # What is kept names nobody.
    assert everything(empty, besides=["erasures", "audit_log", "installation_secrets"]) == before
    assert not any(str(user_id) in row for rows in every_row(empty).values() for row in rows)


def test_nobody_waits_for_the_import_of_an_admin(
    client: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leaves or changes a role looks at all admins first."""
    served: Runtime = client.app.state.runtime  # type: ignore[attr-defined]  # an application of ours
    importing, other, user_id = an_admin(runtime), an_admin(runtime), a_user(runtime)
    task_id = UUID(upload(client, importing).json()["task_id"])

    def leave_and_change_a_role() -> Response:
        answer = client.delete(f"/api/users/{user_id}")
        with served.database.transaction(acting_for=AUTHENTICATION) as tx:
            change_role(tx, importing, "user", trail=AuditTrail(runtime.audit, Actor.admin(other)))
        return answer

    answer = importing_meanwhile(runtime, monkeypatch, leave_and_change_a_role)

    assert answer.status_code == 202, answer.text
    assert role_of(runtime, importing) == "user"
    job = job_row(runtime.database, task_id)
    assert job.status == "succeeded", job.error
    assert job.result is not None
    assert {name: job.result[name] for name in RECEIPT} == RECEIPT
