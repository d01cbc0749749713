"""How each operation is asked for: literal values, and where the ids of somebody's things stand.

Whoever adds an operation adds its request here; the matrix fails until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4


class Id(StrEnum):
    """A thing of somebody's that a request can name."""

    USER = "user"
    TASK = "finished task"
    WAITING_TASK = "waiting task"
    FAILED_JOB = "failed job"
    SNAPSHOT = "snapshot"
    INSIGHT = "insight"
    EXPORT = "export"
    IMPORT = "import"
    SESSION = "session"
    KEY = "key"
    INVITATION = "invitation"


Values = Mapping[str, Any]
_NOTHING: Final[Values] = {}


@dataclass(frozen=True)
class Request:
    """What to send, with an `Id` wherever the id of somebody's thing stands.

    Args:
        has_file: whether a form with a file is sent.
        spends: whether it changes what it names, so that it can be sent once for one person.
        own_alone: whether it is about the caller's own things, also where they may act for others.
        in_person: whether a browser's session is needed, and no key or token will do.
    """

    path: Values = field(default_factory=dict)
    query: Values = field(default_factory=dict)
    body: Values | None = None
    has_file: bool = False
    spends: bool = False
    own_alone: bool = False
    in_person: bool = False

    @property
    def ids(self) -> frozenset[Id]:
        """Whatever of somebody's it names."""
        values = [*self.path.values(), *self.query.values(), *(self.body or _NOTHING).values()]
        return frozenset(value for value in values if isinstance(value, Id))

    @property
    def named(self) -> frozenset[str]:
        """The parameters that it gives."""
        return frozenset({*self.path, *self.query})

    def filled(self, path: str, ids: Mapping[Id, str]) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
        """Path, query and body with these ids."""
        address = path.format_map(_with_ids(self.path, ids))
        return address, _with_ids(self.query, ids), None if self.body is None else _with_ids(self.body, ids)


def _with_ids(values: Values, ids: Mapping[Id, str]) -> dict[str, Any]:
    return {
        name: ids[value] if isinstance(value, Id) else value() if callable(value) else value
        for name, value in values.items()
    }


def _new_name() -> str:
    return f"matrix-{uuid4()}"


_OF_USER: Final = Request(path={"user_id": Id.USER})
_WITH_USER: Final = Request(query={"user_id": Id.USER})

REQUESTS: Final[dict[str, Request]] = {
    "POST /api/users/register": Request(body={"spotify_user_id": _new_name}),
    "GET /api/users/{user_id}": _OF_USER,
    "PATCH /api/users/{user_id}": Request(path={"user_id": Id.USER}, body={"timezone": "Europe/Berlin"}),
    "DELETE /api/users/{user_id}": Request(path={"user_id": Id.USER}, spends=True),
    "GET /api/users/{user_id}/connections": _OF_USER,
    "DELETE /api/users/{user_id}/connections/{provider}": Request(
        path={"user_id": Id.USER, "provider": "spotify"}, spends=True
    ),
    "POST /api/users/{user_id}/export": Request(path={"user_id": Id.USER}, spends=True),
    "GET /api/users/{user_id}/exports": _OF_USER,
    "POST /api/users/{user_id}/exports/{export_id}/link": Request(
        path={"user_id": Id.USER, "export_id": Id.EXPORT}
    ),
    "POST /api/tokens/store": Request(
        body={
            "user_id": Id.USER,
            "access_token": "BQD-matrix",
            "refresh_token": "AQC-matrix",
            "expires_in": 3600,
        },
    ),
    "POST /api/listening/ingest": Request(query={"user_id": Id.USER, "time_range": "long_term"}, spends=True),
    "POST /api/listening/import": Request(query={"user_id": Id.USER}, has_file=True, spends=True),
    "GET /api/listening/imports": Request(query={"user_id": Id.USER}),
    "DELETE /api/listening/imports/{import_id}": Request(path={"import_id": Id.IMPORT}, spends=True),
    "GET /api/listening/snapshots": Request(query={"user_id": Id.USER}),
    "GET /api/listening/plays": _WITH_USER,
    "GET /api/listening/overview": _WITH_USER,
    "GET /api/listening/top": _WITH_USER,
    "GET /api/listening/clock": _WITH_USER,
    "GET /api/listening/calendar": _WITH_USER,
    "GET /api/listening/timeline": _WITH_USER,
    "GET /api/listening/moods": _WITH_USER,
    "GET /api/listening/moods/timeline": _WITH_USER,
    "GET /api/listening/sessions": _WITH_USER,
    "GET /api/listening/repetition": _WITH_USER,
    "GET /api/listening/compare": _WITH_USER,
    "GET /api/listening/trends": _WITH_USER,
    "POST /api/insights/generate": Request(
        query={"snapshot_id": Id.SNAPSHOT, "insight_type": "roast"}, spends=True
    ),
    "GET /api/insights/{insight_id}": Request(path={"insight_id": Id.INSIGHT}),
    "GET /api/insights/user/{user_id}": _OF_USER,
    "GET /api/tasks": Request(query={"user_id": Id.USER}),
    "GET /api/tasks/{task_id}": Request(path={"task_id": Id.TASK}),
    "GET /api/tasks/{task_id}/events": Request(path={"task_id": Id.TASK}),
    "DELETE /api/tasks/{task_id}": Request(path={"task_id": Id.WAITING_TASK}, spends=True),
    "GET /api/keys": Request(),
    "POST /api/keys": Request(body={"name": "Notebook", "scopes": ["keys"]}, in_person=True),
    "DELETE /api/keys/{key_id}": Request(path={"key_id": Id.KEY}, spends=True, own_alone=True),
    "GET /api/sessions": Request(),
    "DELETE /api/sessions": Request(spends=True, own_alone=True),
    "DELETE /api/sessions/{session_id}": Request(
        path={"session_id": Id.SESSION}, spends=True, own_alone=True
    ),
    "GET /api/admin/jobs": Request(query={"user_id": Id.USER}),
    "GET /api/admin/jobs/{job_id}": Request(path={"job_id": Id.TASK}),
    "DELETE /api/admin/jobs/{job_id}": Request(path={"job_id": Id.WAITING_TASK}, spends=True),
    "POST /api/admin/jobs/{job_id}/requeue": Request(path={"job_id": Id.FAILED_JOB}, spends=True),
    "GET /api/admin/dead-letters": Request(),
    "POST /api/admin/dead-letters/requeue": Request(query={"error_code": "nothing-like-this"}),
    "GET /api/admin/queues": Request(),
    "GET /api/admin/alerts": Request(),
    "GET /api/admin/audit": Request(query={"user_id": Id.USER}),
    "GET /api/admin/users": Request(),
    "PATCH /api/admin/users/{user_id}": Request(
        path={"user_id": Id.USER}, body={"role": "user"}, in_person=True
    ),
    "POST /api/admin/users/{user_id}/password-reset": Request(path={"user_id": Id.USER}, in_person=True),
    "GET /api/admin/invitations": Request(),
    "POST /api/admin/invitations": Request(body={"note": "For Sam"}, in_person=True),
    "DELETE /api/admin/invitations/{invitation_id}": Request(
        path={"invitation_id": Id.INVITATION}, spends=True
    ),
    "GET /api/admin/services": Request(),
    "POST /api/admin/services": Request(body={"name": "Fitness app"}, in_person=True),
    "GET /metrics": Request(),
    "GET /health": Request(),
    "GET /health/ready": Request(),
    "GET /health/live": Request(),
    "POST /api/auth/token": Request(body={"grant_type": "api_key", "api_key": "si_nothing"}),
}


@dataclass(frozen=True)
class Public:
    """An operation that asks nobody who they are: why, and how it answers the request of the table."""

    reason: str
    status: int = 200


PUBLIC: Final[Mapping[str, Public]] = {
    "GET /health": Public("Load balancers ask, and it tells of nobody."),
    "GET /health/ready": Public("Load balancers ask, and it tells of nobody."),
    "GET /health/live": Public("Whatever restarts processes asks, and it tells of nobody."),
    "POST /api/auth/token": Public("What it is sent is the credential, and here a wrong one.", 401),
}
