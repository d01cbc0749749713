"""The situations every layer may report, each with a sentence for people and a code for programs.

Three questions decide the class: does the thing exist, is the request at fault, would waiting help?
"""

from datetime import timedelta
from typing import ClassVar

from typing_extensions import override


class ProductError(Exception):
    """A situation we foresaw. The message is one sentence that says what happened and what to do.

    `code` is stable and machine-readable; clients and the job table store it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @override
    def __str__(self) -> str:
        return self.message


class NotFoundError(ProductError):
    """The object does not exist, or is not for this caller: both look the same."""

    code = "not_found"


class InvalidInputError(ProductError):
    """The request names something that cannot be; `field` is the input at fault."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class UnauthenticatedError(ProductError):
    """Nobody is known who asks, or what they showed counts no longer."""

    code = "unauthenticated"


class ForbiddenError(ProductError):
    """The caller is known and may not do this, whatever it is done to."""

    code = "forbidden"


class TooManyRequestsError(ProductError):
    """The caller asked too often; `retry_after` says when that is over."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreadableRequestError(ProductError):
    """A part of the request that frames it, such as a header, cannot be read."""

    code = "unreadable_request"


class ConflictError(ProductError):
    """The request is right in itself but not in the present state."""

    code = "conflict"


class UnavailableError(ProductError):
    """A part of this installation (its database) does not answer; trying again soon is right."""

    code = "unavailable"


class SetupError(ProductError):
    """The installation cannot start as configured; only an operator can mend it."""

    code = "setup"


class TemporaryError(ProductError):
    """Waiting helps. A job that meets it is tried again and uses up one attempt."""

    code = "temporary"


class SnoozeError(TemporaryError):
    """Somebody else asked us to wait: the job sleeps for `wait` without using up an attempt."""

    code = "snoozed"

    def __init__(self, message: str, *, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait


class PermanentError(ProductError):
    """Waiting does not help: a job that meets it fails at once."""

    code = "permanent"
