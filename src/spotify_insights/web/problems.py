"""Every error as a problem document (RFC 9457), with a stable `code` and the request's id."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
TITLES: Final = {
    400: "Bad request",
    401: "Sign-in needed",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported content type",
    421: "Misdirected request",
    422: "Invalid input",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}


class FieldProblem(BaseModel):
    """One input that cannot be used."""

    field: str = Field(examples=["expires_in"])
    reason: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """What went wrong and what to do, in RFC 9457's shape."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Not found",
                "status": 404,
                "code": "not_found",
                "detail": "There is no such user.",
                "request_id": "0f9f3c6e2b7d4d0e",
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblem] | None = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these statuses; every operation may also answer 401, 403, 429 and 503."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({401, 403, 429, 503, *statuses})
    }


def problem_response(
    request_id: str,
    status: int,
    *,
    code: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The answer for one problem. `detail` is a sentence for people and never holds internals."""
    problem = Problem(
        title=TITLES.get(status, "Error"),
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        errors=errors,
    )
    given = MutableHeaders(headers=headers or {})
    if status == 503:
        given.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=status, media_type=MEDIA_TYPE, headers=dict(given)
    )


def internal_error(request_id: str) -> JSONResponse:
    """The answer where something crashed; what it was stands in the log under the same id."""
    return problem_response(
        request_id,
        500,
        code="internal_error",
        detail="Something went wrong inside the service. Tell the operator the request id.",
    )
