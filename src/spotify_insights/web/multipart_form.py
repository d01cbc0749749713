"""A multipart form with one file (RFC 7578), read as it comes in: all but the newest bytes is let go."""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from spotify_insights.errors import InvalidInputError, UnreadableRequestError
from spotify_insights.web.text import is_storable

MULTIPART: Final = "multipart/form-data"
FILE_FIELD: Final = "file"
_NO_FORM: Final = (
    f"The upload cannot be read. Send it as {MULTIPART} with the file in its field {FILE_FIELD}."
)
_LONGEST_NAME: Final = 200
# Of what stands in the form beside the file.
_LONGEST_FIELD: Final = 1000
_MOST_PARTS: Final = 10


class MultipartForm:
    """The parts of one form.

    Attributes:
        content: bytes of the file that have come in; whoever reads them takes them out.
        file_name: what its owner calls the file; empty where they chose none, None until it begins.
        fields: the other fields that have come in.
        is_whole: nothing is missing.

    Raises InvalidInputError where `content_type` is of no such form.
    """

    def __init__(self, content_type: str) -> None:
        self.content = bytearray()
        self.file_name: str | None = None
        self.fields: dict[str, str] = {}
        self.is_whole = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._name = ""
        self._value = bytearray()
        self._parts = 0
        try:
            self._parser = self._parser_of(content_type)
        except FormParserError:
            raise _no_form() from None

    def take(self, data: bytes) -> None:
        """Read on.

        Raises:
            UnreadableRequestError: this is no such form.
            InvalidInputError: it has two files, or too much besides.
        """
        try:
            self._parser.write(data)
        except FormParserError:
            raise UnreadableRequestError(_NO_FORM) from None

    def _parser_of(self, content_type: str) -> MultipartParser:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media_type.decode("latin-1").lower() != MULTIPART or not boundary:
            raise _no_form()
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._begin_header,
                "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._look,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    @property
    def _is_file(self) -> bool:
        return self._name == FILE_FIELD

    def _begin(self) -> None:
        self._disposition, self._name = b"", ""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _no_form()

    def _begin_header(self) -> None:
        self._header_name.clear()
        self._header_value.clear()

    def _end_header(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)

    def _look(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._is_file:
            if self.file_name is not None:
                raise InvalidInputError("Upload one file at a time.", field=FILE_FIELD)
            self.file_name = _file_name(options.get(b"filename"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.content += memoryview(data)[start:end]
        elif len(self._value) + end - start > _LONGEST_FIELD:
            raise _no_form()
        else:
            self._value += data[start:end]

    def _end(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
            self._value.clear()

    def _finish(self) -> None:
        self.is_whole = True


def _file_name(given: bytes | None) -> str:
    """The last part of what its owner calls the file, as far as that can be stored and shown."""
    if given is None:
        return "upload"
    name = given.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2].strip()
    shown = "".join(character for character in name if is_storable(character))
    return shown[-_LONGEST_NAME:]


def _no_form() -> InvalidInputError:
    return InvalidInputError(_NO_FORM, field=FILE_FIELD)
