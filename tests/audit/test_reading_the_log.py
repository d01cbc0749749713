"""Administrators read the audit log a page at a time, and find people in it who are gone."""

from typing import Any
from uuid import UUID, uuid4

from starlette.testclient import TestClient

from problem_documents import reasons_of
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import Origin
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.runtime import Runtime

ROBIN, ALEX = UUID(int=1), UUID(int=2)


def _happened(runtime: Runtime, event: AuditEvent, actor: Actor, subject: UUID | None = None) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        runtime.audit.record(
            tx,
            event,
            actor=actor,
            subject=subject,
            target="k7Qm2nX9aB4c",
            details={"count": 1},
            origin=Origin(request_id="7d0f3c1a9b2e4f60", address="192.0.2.0/24"),
        )


def _read(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/admin/audit", params=query)
    assert answer.status_code == 200, answer.text
    documents: list[dict[str, Any]] = answer.json()
    return documents


def test_a_record_is_shown_with_pseudonyms(client: TestClient, runtime: Runtime) -> None:
    _happened(runtime, AuditEvent.KEY_REVOKED, Actor.admin(ROBIN), ALEX)
    (record,) = _read(client)
    assert record == {
        "record_id": record["record_id"],
        "at": record["at"],
        "event": "key_revoked",
        "actor_role": "admin",
        "actor": runtime.audit.pseudonym(ROBIN),
        "subject": runtime.audit.pseudonym(ALEX),
        "target": "k7Qm2nX9aB4c",
        "request_id": "7d0f3c1a9b2e4f60",
        "address": "192.0.2.0/24",
        "details": {"count": 1},
    }


def test_the_log_is_searched_by_event_by_who_did_it_and_to_whom(client: TestClient, runtime: Runtime) -> None:
    _happened(runtime, AuditEvent.SIGN_IN, Actor.listener(ROBIN), ROBIN)
    _happened(runtime, AuditEvent.KEY_REVOKED, Actor.admin(ROBIN), ALEX)
    _happened(runtime, AuditEvent.ERASED, SYSTEM, ALEX)

    def events(**query: Any) -> list[str]:
        return [record["event"] for record in _read(client, **query)]

    assert events() == ["erased", "key_revoked", "sign_in"]
    assert events(event="sign_in") == ["sign_in"]
    assert events(user_id=ALEX) == ["erased", "key_revoked"]
    assert events(actor=ROBIN) == ["key_revoked", "sign_in"]
    assert events(actor=ROBIN, user_id=ALEX) == ["key_revoked"]
    assert events(user_id=uuid4()) == []


def test_pages_follow_each_other_without_gap_or_double(client: TestClient, runtime: Runtime) -> None:
    for _ in range(5):
        _happened(runtime, AuditEvent.SIGN_IN, SYSTEM)
    seen: list[str] = []
    answer = client.get("/api/admin/audit", params={"limit": 2})
    while True:
        seen += [record["record_id"] for record in answer.json()]
        if "next" not in answer.links:
            break
        answer = client.get(answer.links["next"]["url"])
    assert seen == [record["record_id"] for record in _read(client)]
    assert len(set(seen)) == 5


def test_an_unknown_event_and_a_foreign_cursor_are_refused(client: TestClient) -> None:
    for query in ({"event": "gossip"}, {"cursor": "bm90IG9uZQ"}):
        answer = client.get("/api/admin/audit", params=query)
        assert reasons_of(answer, 422, "invalid_input").keys() == query.keys()
