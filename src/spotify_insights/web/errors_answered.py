"""Which answer each error becomes: a problem document, or a page where a person reads it."""

import math
import re
from typing import Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

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
from spotify_insights.web.middleware.refusal import refusal, wants_page
from spotify_insights.web.problems import TITLES, FieldProblem, problem_response
from spotify_insights.web.uploads import UploadTooLargeError

_log = get_logger(__name__)
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
    UploadTooLargeError: 413,
    InvalidInputError: 422,
    TooManyRequestsError: 429,
    UnavailableError: 503,
}
_DETAILS: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}
_PAGE_TITLES: Final = {404: "That is not here", 405: "Not in this way"}
# SQLSTATE of text that is none in the database's encoding, or not of the type that it should be.
_NO_TEXT: Final = frozenset({"22021", "22P02", "22P05"})


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every foreseen exception that reaches the application into a problem document."""
    app.add_exception_handler(ProductError, _product_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in (DataError, psycopg.DataError, UnicodeEncodeError):
        app.add_exception_handler(kind, _unstorable)


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
    headers: dict[str, str] = {}
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


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    if status == 400:
        # The framework's answer to some kinds of unreadable JSON; to the others it says 422, and so do we.
        return _invalid_input(request, [FieldProblem(field="body", reason="Could not be read as JSON")])
    headers = dict(error.headers or {})
    if status == 405:
        headers.setdefault("Allow", "GET, HEAD")  # static files, which do not say it
    return refusal(
        request.scope,
        status,
        code=TITLES.get(status, "error").lower().replace(" ", "_"),
        title=_PAGE_TITLES.get(status, TITLES.get(status, "That did not work")),
        detail=_DETAILS.get(status, str(error.detail)),
        to_do="Check the address, or begin at the start page.",
        headers=headers,
    )


async def _unstorable(request: Request, error: Exception) -> Response:
    """What slipped through every check of a single field: it is the request's fault, and not a crash."""
    if not _is_about_text(error):
        raise error
    _log.warning("unstorable_text", path=request.scope["path"], cause=type(error).__name__)
    if wants_page(request.scope):
        return refusal(
            request.scope,
            422,
            code="invalid_input",
            title="This cannot be read",
            detail="Something in the form or the address holds characters that cannot be stored.",
            to_do="Go back, take them out, and try again.",
        )
    return _invalid_input(
        request, [FieldProblem(field="request", reason="Holds characters that cannot be stored, such as NUL")]
    )


def _is_about_text(error: Exception) -> bool:
    if isinstance(error, UnicodeEncodeError):
        return error.reason == "surrogates not allowed"
    cause = error.orig if isinstance(error, DBAPIError) else error
    # psycopg itself refuses NUL, without asking the server.
    return isinstance(cause, psycopg.DataError) and cause.sqlstate in {None, *_NO_TEXT}
