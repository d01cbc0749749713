"""ListenBrainz, as far as we ask it: whose user token this is.

Source: https://listenbrainz.readthedocs.io/en/latest/users/api/core.html#get--1-validate-token
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from spotify_insights.listenbrainz.connection import ListenBrainzConnection
from spotify_insights.listenbrainz.errors import (
    ListenBrainzRateLimitedError,
    ListenBrainzUpstreamError,
    TokenRejectedError,
)
from spotify_insights.outbound.exchange import HEADER_SAFE_TOKEN, Answer

_VALIDATE: Final = "/1/validate-token"


class _Validation(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    valid: bool
    # MusicBrainz allows names of any script; the one character that PostgreSQL cannot hold is not among them.
    user_name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")] | None = None


class ListenBrainzClient(ListenBrainzConnection):
    """Asks who somebody is. As `ListenBrainzConnection`."""

    def user_name_of(self, user_token: SecretStr) -> str:
        """The MusicBrainz name of the user whose token this is. Safe to repeat.

        Raises:
            TokenRejectedError: it is nobody's.
            ListenBrainzRateLimitedError, ListenBrainzUpstreamError: waiting helps.
        """
        if not HEADER_SAFE_TOKEN.fullmatch(user_token.get_secret_value()):
            raise TokenRejectedError
        # Raised here and not below, so that no traceback leads to the request.
        outcome = self._validate(user_token)
        if isinstance(outcome, str):
            return outcome
        raise outcome

    def _validate(
        self, user_token: SecretStr
    ) -> str | TokenRejectedError | ListenBrainzRateLimitedError | ListenBrainzUpstreamError:
        authorization = f"Token {user_token.get_secret_value()}"
        answer = self._get(_VALIDATE, at_once=True, authorization=authorization)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 401:
            return TokenRejectedError()
        if answer.status != 200:
            return ListenBrainzUpstreamError(detail=f"status {answer.status}")
        return _name_in(answer)


def _name_in(answer: Answer) -> str | TokenRejectedError | ListenBrainzUpstreamError:
    try:
        validation = _Validation.model_validate_json(answer.body)
    except ValidationError:
        return ListenBrainzUpstreamError(detail="an answer that cannot be read")
    if not validation.valid:
        return TokenRejectedError()
    if validation.user_name is None:
        return ListenBrainzUpstreamError(detail="an answer without a name")
    return validation.user_name
