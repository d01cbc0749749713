"""How values become bytes: JSON by default; pickle only under a signature that is checked before loading."""

import hashlib
import hmac
import json
import pickle
from typing import Any, Final, Protocol

from typing_extensions import override

from spotify_insights.errors import ProductError

_DIGEST_BYTES: Final = 32
# What the documentation of `pickle` names, and what a class raises whose constructor has changed.
_UNPICKLING_FAILURES: Final = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    TypeError,
    ValueError,
)


class RefusedValueError(ProductError):
    """Cached bytes that give no value; to the cache it is as if they were not there."""

    code = "refused_cache_value"


class ForgedValueError(RefusedValueError):
    """A pickled value whose signature is not ours: it is never loaded."""

    code = "forged_cache_value"


class Codec(Protocol):
    """Between values and bytes. `loads` raises RefusedValueError for bytes that give no value."""

    def dumps(self, value: Any) -> bytes: ...

    def loads(self, data: bytes) -> Any: ...


class JsonCodec(Codec):
    """Values that JSON can express."""

    @override
    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    @override
    def loads(self, data: bytes) -> Any:
        """The value back.

        Raises:
            RefusedValueError: it is not JSON.
        """
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise RefusedValueError("A cached value is not JSON and was not read.") from error


class SignedPickleCodec(Codec):
    """Python objects, signed with HMAC-SHA256 (RFC 2104) over purpose and payload.

    Args:
        key: at least 32 bytes that nobody who can write to Redis knows.
        purpose: what the value is; a value signed for another purpose is refused.
    """

    def __init__(self, key: bytes, *, purpose: str) -> None:
        if len(key) < _DIGEST_BYTES:
            raise ValueError("The key that signs cache values must have at least 32 bytes.")
        self._key = key
        self._purpose = purpose.encode()

    @override
    def dumps(self, value: Any) -> bytes:
        payload = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        return self._signature(payload) + payload

    @override
    def loads(self, data: bytes) -> Any:
        """The value back.

        Raises:
            ForgedValueError: signature missing or wrong; nothing was unpickled.
            RefusedValueError: we wrote it, but as a version of the program whose classes were others.
        """
        signature, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise ForgedValueError("A cached value carries a wrong signature and was not read.")
        try:
            return pickle.loads(payload)  # noqa: S301  # the signature above proves that we wrote it
        except _UNPICKLING_FAILURES as error:
            raise RefusedValueError(
                "A cached value was written by another version and was not read."
            ) from error

    def _signature(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, self._purpose + b"\0" + payload, hashlib.sha256)
