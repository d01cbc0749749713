"""The export at a path: a zip, a JSON file, or all history files of a folder as one."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.spotify_export.archive import Export, is_history_file, open_export

# Each stays open until all are read.
_MOST_FILES: Final = 200
_ZIP: Final = re.compile(r".*spotify.*\.zip", re.IGNORECASE)


@contextmanager
def opened_path(path: Path, *, now: datetime) -> Iterator[OpenedExports]:
    """What is at the path, opened until the end of the block.

    Of a folder these are the files that are named as Spotify names them; others are never opened.

    Raises:
        InvalidInputError: there is nothing there, or no history, or it cannot be read.
    """
    with ExitStack() as stack:
        try:
            files = _recognised(path) if path.is_dir() else [path]
            exports = [_open(stack, file, within=path) for file in files]
            size = sum(file.stat().st_size for file in files)
        except OSError as error:
            sentence = f"{shown(error.filename or path)} cannot be read ({error.strerror or error}); "
            raise InvalidInputError(sentence + "look whether it is there and yours.", field="path") from None
        # Account data only fills the gaps of the extended history.
        exports.sort(key=lambda export: export.files[0].source != "spotify_export")
        yield OpenedExports(exports, shown(path.resolve().name), size, now)


def shown(name: str | os.PathLike[str]) -> str:
    """The name of a file as far as it can be stored and shown: a disk takes any bytes, and steering, too."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())


def _open(stack: ExitStack, file: Path, *, within: Path) -> Export:
    content = stack.enter_context(file.open("rb"))
    try:
        return open_export(content, file.name)
    except InvalidInputError as error:
        if file == within:
            raise
        raise InvalidInputError(f"{shown(file.relative_to(within))}: {error.message}", field="path") from None


def _recognised(folder: Path) -> list[Path]:
    files = sorted(
        file
        for file in folder.rglob("*")
        if (is_history_file(file.name) or _ZIP.fullmatch(file.name)) and file.is_file()
    )
    if not files:
        raise InvalidInputError(
            f"The folder {shown(folder)} holds no listening history. It is in files such as "
            "Streaming_History_Audio_2020-2021_3.json, or in the zip that Spotify sent.",
            field="path",
        )
    if len(files) > _MOST_FILES:
        raise InvalidInputError(
            f"The folder {shown(folder)} holds more than {_MOST_FILES} history files; import them in parts.",
            field="path",
        )
    return files
