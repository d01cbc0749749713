"""Every error as a problem document (RFC 9457), with a stable `code` and the request's id."""

import math
import re
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from spotify_insights.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ProductError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    UnreadableRequestError,
)
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
MOST_FIELD_PROBLEMS: Final = 20
# Names that a client may have invented come back only if they look like names: a token that was sent in the
# wrong place must not.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,39}|[0-9]{1,6}")

_STATUS: Final[dict[type[ProductError], int]] = {
    UnreadableRequestError: 400,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    InvalidInputError: 422,
    TooManyRequestsError: 429,
    UnavailableError: 503,
}
_TITLES: Final = {
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
            "description": _TITLES[status],
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
        title=_TITLES.get(status, "Error"),
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


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every foreseen exception that reaches the application into a problem document."""
    app.add_exception_handler(ProductError, _product_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


async def _product_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ProductError):
        raise error
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        # A situation that no door should meet: it is a defect, and the last resort reports it.
        raise error
    errors = None
    if isinstance(error, InvalidInputError):
        errors = [FieldProblem(field=error.field, reason=error.message)]
    if isinstance(error, UnavailableError):
        cause = error.__cause__
        _log.warning("unavailable", reason=error.message, cause=cause and type(cause).__name__)
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(max(math.ceil(error.retry_after.total_seconds()), 1))
    return problem_response(
        _request_id(request), status, code=error.code, detail=error.message, errors=errors, headers=headers
    )


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [
        FieldProblem(field=_field_name(entry["loc"]), reason=str(entry["msg"]).removeprefix("Value error, "))
        for entry in error.errors()[:MOST_FIELD_PROBLEMS]
    ]
    return _invalid_input(request, fields)


def _invalid_input(request: Request, fields: list[FieldProblem]) -> JSONResponse:
    named = ", ".join(dict.fromkeys(problem.field for problem in fields))
    return problem_response(
        _request_id(request),
        422,
        code="invalid_input",
        detail=f"The request cannot be used as it is: see {named}.",
        errors=fields,
    )


def _field_name(location: tuple[int | str, ...]) -> str:
    """The field as the client knows it, from pydantic's location of an error."""
    source, *inside = location
    if source == "body" and len(inside) == 1 and isinstance(inside[0], int):
        # A JSON syntax error is located by its offset, which names no field.
        return "body"
    # "[key]" is pydantic's own mark on the name of an entry.
    parts = [str(part) for part in inside if part != "[key]"]
    return ".".join(part if _NAME.fullmatch(part) else "(unknown)" for part in parts) or str(source)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 400:
        # The framework's answer to some kinds of unreadable JSON; to the others it says 422, and so do we.
        return _invalid_input(request, [FieldProblem(field="body", reason="Could not be read as JSON")])
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers.setdefault("Allow", "GET, HEAD")  # static files, which do not say it
    return problem_response(
        _request_id(request),
        error.status_code,
        code=_TITLES.get(error.status_code, "error").lower().replace(" ", "_"),
        detail=details.get(error.status_code, str(error.detail)),
        headers=headers,
    )
