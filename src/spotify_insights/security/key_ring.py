"""The keys that seal tokens: a small JSON file `{"<key id>": "<32 bytes in base64>", …}`, newest first."""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from spotify_insights.errors import SetupError

KEY_BYTES = 32


@dataclass(frozen=True, repr=False)
class KeyRing:
    """Keys by id; `primary` seals, every key opens. Never printed."""

    primary: str
    keys: Mapping[str, bytes]

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the ring; the first entry is the primary key.

        Raises:
            SetupError: the file is missing, unreadable or not a key ring. Sealed tokens cannot be opened
                without it, so nothing starts.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            keys = {str(name): base64.b64decode(value, validate=True) for name, value in stored.items()}
        except FileNotFoundError:
            raise SetupError(
                f"The key file {path} does not exist. Restore it from your backup: stored tokens cannot be "
                "read without it. A new installation makes one with `spotify-insights keys create`."
            ) from None
        except OSError as error:
            raise SetupError(f"The key file {path} cannot be read: {error.strerror}.") from None
        except (ValueError, AttributeError, TypeError, binascii.Error):
            raise SetupError(f"The key file {path} is not a key ring. Restore it from your backup.") from None
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise SetupError(f"The key file {path} holds no usable key. Restore it from your backup.")
        return cls(primary=next(iter(keys)), keys=keys)


def create_key_file(path: Path) -> bool:
    """Write a ring with one fresh key, mode 0600, unless the file exists; say whether it was written.

    Two processes that race make one ring: the file appears complete or not at all.

    Raises:
        SetupError: the folder cannot be written.
    """
    if path.exists():
        return False
    ring = {f"k{secrets.token_hex(4)}": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(ring, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    except OSError as error:
        raise SetupError(f"The key file {path} cannot be written: {error.strerror}.") from None
    return True
