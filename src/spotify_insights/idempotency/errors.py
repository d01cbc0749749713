"""What can be wrong with an idempotency key."""

from typing import Final

from spotify_insights.errors import ConflictError, InvalidInputError, UnreadableRequestError

HEADER: Final = "Idempotency-Key"


class InvalidKeyError(UnreadableRequestError):
    """The header is there, but it does not hold one key."""

    code = "idempotency_key_invalid"


class KeyInUseError(ConflictError):
    """The first request with this key has not ended yet."""

    code = "idempotency_key_in_use"

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is still being answered. Send it again in a moment."
        )


class KeyReusedError(InvalidInputError):
    """The key belongs to another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was sent with another request before. Give a new request a new key.",
            field=HEADER,
        )
