"""The answer to work that was taken on."""

from typing import Any, Final
from uuid import UUID

from fastapi.responses import JSONResponse

from spotify_insights.web.documents import TaskAccepted

ACCEPTED_RESPONSE: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "The work is queued. Poll the task until it has ended.",
        "headers": {"Location": {"description": "Where to poll.", "schema": {"type": "string"}}},
    }
}


def accepted(task_id: UUID) -> JSONResponse:
    """202 with the task's address in body and `Location`."""
    body = TaskAccepted(task_id=task_id, status_url=f"/api/tasks/{task_id}")
    return JSONResponse(body.model_dump(mode="json"), status_code=202, headers={"Location": body.status_url})
