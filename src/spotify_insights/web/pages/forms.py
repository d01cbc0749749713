"""What forms carry, and how a problem finds the field that it belongs to."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form
from pydantic import SecretStr

from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.errors import ConflictError, InvalidInputError, ProductError
from spotify_insights.sign_in.local_accounts import UsernameTakenError

# Nothing is required here: what is missing is told beside its field, like all else that cannot be used.
Text = Annotated[str, Form(max_length=2000)]
Secret = Annotated[SecretStr, Form(max_length=5000)]
NOTHING = SecretStr("")

Problems = Mapping[str, str]


def problems_of(error: ProductError) -> dict[str, str]:
    """The sentence, under the field that it is about; under `form`, where it is about the whole."""
    if isinstance(error, InvalidInputError):
        return {error.field: error.message}
    return {"username" if isinstance(error, UsernameTakenError) else "form": error.message}


def status_of(error: ProductError) -> int:
    """What a page says to programs that cannot read it."""
    return 409 if isinstance(error, ConflictError) else 422


def check_typed_twice(password: SecretStr, again: SecretStr) -> None:
    """Make sure that what nobody sees was typed as it was meant.

    Raises:
        InvalidInputError: the two differ.
    """
    if password != again:
        raise InvalidInputError(
            "The two passwords are not the same. Type both again.", field="password_again"
        )


def usable_timezone(given: str) -> str:
    """The time zone that the browser told; UTC where it told none, or one that is not known here."""
    try:
        return check_timezone(given)
    except InvalidInputError:
        return "UTC"
