"""Every error as a problem document (RFC 9457), with a stable `code` and the request's id."""

from typing import Any, Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from spotify_insights.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ProductError,
    UnavailableError,
)
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5

_STATUS: Final[dict[type[ProductError], int]] = {
    NotFoundError: 404,
    ConflictError: 409,
    InvalidInputError: 422,
    UnavailableError: 503,
}
_TITLES: Final = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported content type",
    422: "Invalid input",
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
    """The OpenAPI entries of these statuses; every operation may also answer 403 and 503."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({403, 503, *statuses})
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


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every exception that reaches the application into a problem document."""
    app.add_exception_handler(ProductError, _product_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(psycopg.OperationalError, _database_error)
    app.add_exception_handler(Exception, _unforeseen)


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


async def _product_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ProductError):
        raise error
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    if status == 500:
        _log.error("unmapped_error", code=error.code)
        return await _unforeseen(request, error)
    errors = None
    if isinstance(error, InvalidInputError):
        errors = [FieldProblem(field=error.field, reason=error.message)]
    return problem_response(
        _request_id(request), status, code=error.code, detail=error.message, errors=errors
    )


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [
        FieldProblem(field=_field_name(entry["loc"]), reason=str(entry["msg"]).removeprefix("Value error, "))
        for entry in error.errors()
    ]
    named = ", ".join(dict.fromkeys(problem.field for problem in fields))
    return problem_response(
        _request_id(request),
        422,
        code="invalid_input",
        detail=f"The request cannot be used as it is: see {named}.",
        errors=fields,
    )


def _field_name(location: tuple[int | str, ...]) -> str:
    inside = location[1:] if len(location) > 1 else location
    # A JSON syntax error is located by its offset, which names no field.
    named = [str(part) for part in inside if not (location[0] == "body" and len(location) == 2 and isinstance(part, int))]
    return ".".join(named) or "body"


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        400: "The request could not be read.",
    }
    return problem_response(
        _request_id(request),
        error.status_code,
        code=_TITLES.get(error.status_code, "error").lower().replace(" ", "_"),
        detail=details.get(error.status_code, str(error.detail)),
        headers=dict(error.headers or {}),
    )


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    _log.warning("database_unavailable", error=type(error).__name__)
    return problem_response(
        _request_id(request),
        503,
        code="unavailable",
        detail="The database does not answer. Nothing was changed; try again in a few seconds.",
    )


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log.error("request_crashed", path=request.url.path, exc_info=error)
    return problem_response(
        _request_id(request),
        500,
        code="internal_error",
        detail="Something went wrong inside the service. Tell the operator the request id.",
    )
