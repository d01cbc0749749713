"""The keys that seal tokens: JSON `{"<key id>": "<32 bytes in base64>", …}`, the primary key first."""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from spotify_insights.errors import SetupError

KEY_BYTES: Final = 32


@dataclass(frozen=True, repr=False)
class KeyRing:
    """Keys by id; `primary` seals, every key opens. Never printed."""

    primary: str
    keys: Mapping[str, bytes]

    @classmethod
    def of_one_new_key(cls) -> Self:
        """A ring for a new installation."""
        key_id = _new_key_id()
        return cls(primary=key_id, keys={key_id: secrets.token_bytes(KEY_BYTES)})

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the ring of a file.

        Raises:
            SetupError: the file is missing, unreadable or not a key ring. Sealed tokens cannot be opened
                without it, so nothing starts.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise SetupError(
                f"The key file {path} does not exist. Restore it from your backup: stored tokens cannot be "
                "read without it. A new installation makes one with `spotify-insights keys generate`."
            ) from None
        except OSError as error:
            raise SetupError(f"The key file {path} cannot be read: {error.strerror}.") from None
        return cls.from_json(content, source=f"The key file {path}")

    @classmethod
    def from_json(cls, content: str | bytes, *, source: str) -> Self:
        """Read a ring; its first entry is the primary key.

        Args:
            source: where it comes from, as the beginning of a sentence.

        Raises:
            SetupError: it is not a key ring. The sentence repeats nothing of it.
        """
        try:
            stored = json.loads(content, object_pairs_hook=_each_once)
            keys = {str(name): base64.b64decode(value, validate=True) for name, value in stored.items()}
        except (ValueError, AttributeError, TypeError, binascii.Error, RecursionError):
            raise SetupError(f"{source} is not a key ring. Restore it from your backup.") from None
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise SetupError(f"{source} holds no usable key. Restore it from your backup.")
        return cls(primary=next(iter(keys)), keys=keys)

    def to_json(self) -> str:
        """The form that `from_json` reads."""
        first = {self.primary: self.keys[self.primary], **self.keys}
        return json.dumps({name: base64.b64encode(key).decode() for name, key in first.items()})

    def with_new_key(self, *, secondary: bool = False) -> "KeyRing":
        """The ring and one fresh key, which is the primary one unless it is `secondary`."""
        key_id = _new_key_id()
        keys = {**self.keys, key_id: secrets.token_bytes(KEY_BYTES)}
        return KeyRing(primary=self.primary if secondary else key_id, keys=keys)

    def with_primary(self, key_id: str) -> "KeyRing":
        """The same keys, of which another one seals.

        Raises:
            SetupError: the ring has no such key.
        """
        self._refuse_unknown(key_id)
        return KeyRing(primary=key_id, keys=self.keys)

    def without(self, key_id: str) -> "KeyRing":
        """The ring without one of its secondary keys.

        Raises:
            SetupError: the ring has no such key, or it is the primary one.
        """
        self._refuse_unknown(key_id)
        if key_id == self.primary:
            raise SetupError(
                f"{key_id} is the primary key, which seals everything new. `spotify-insights keys generate` "
                "makes another one, `keys rotate` seals what is stored with it; then this one can be retired."
            )
        return KeyRing(
            primary=self.primary, keys={name: key for name, key in self.keys.items() if name != key_id}
        )

    def _refuse_unknown(self, key_id: str) -> None:
        if key_id not in self.keys:
            raise SetupError(f"The key ring has no key {key_id}. Its keys are {', '.join(self.keys)}.")


def _new_key_id() -> str:
    return f"k{secrets.token_hex(4)}"


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON; a name that stands there twice would hide a key."""
    if len(pairs) != len(dict(pairs)):
        raise ValueError
    return dict(pairs)
