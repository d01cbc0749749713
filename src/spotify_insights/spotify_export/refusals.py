"""Why a file is not imported: one sentence for each reason. None of them repeats anything out of the file."""

from typing import Final

from spotify_insights.errors import InvalidInputError

LARGEST_GIB: Final = 4
MOST_ENTRIES: Final = 500
LARGEST_RATIO: Final = 200

_AS_SENT: Final = "import the file as Spotify sent it"
_OR_A_FILE_IN_IT: Final = "import the zip that Spotify sent, or one of the history files in it"
_REQUEST: Final = (
    "request “Extended streaming history” at https://www.spotify.com/account/privacy/"
    " and import the zip that Spotify sends"
)

NEITHER_ZIP_NOR_JSON: Final = f"This file is neither a zip nor JSON; {_OR_A_FILE_IN_IT}."
TOO_LARGE: Final = f"This file is larger than {LARGEST_GIB} GiB, as no listening history is; {_AS_SENT}."

# About a zip.
DAMAGED_ZIP: Final = "This zip is damaged or cut short; download it from Spotify again."
TOO_MANY_ENTRIES: Final = (
    f"This zip holds more than {MOST_ENTRIES} files, as none of Spotify's does;"
    " import the zip as Spotify sent it."
)
UNPACKS_TOO_LARGE: Final = (
    f"This zip unpacks to more than {LARGEST_GIB} GiB, as none of Spotify's does;"
    " import the zip as Spotify sent it."
)
UNPACKS_TOO_FAR: Final = (
    f"This zip unpacks to more than {LARGEST_RATIO} times its size, as no listening history does;"
    " import the zip as Spotify sent it."
)
UNSAFE_NAME: Final = (
    "This zip holds a file whose name leads out of its folder; import the zip as Spotify sent it."
)
NAME_TWICE: Final = "This zip holds two files of the same name; import the zip as Spotify sent it."
LINK: Final = "This zip holds a link instead of a file; import the zip as Spotify sent it."
ENCRYPTED: Final = "This zip is encrypted; unpack it with its password and import the history files in it."
UNKNOWN_COMPRESSION: Final = (
    "This zip is compressed in a way that this program does not read; import the zip as Spotify sent it."
)
ZIP_IN_ZIP: Final = "This zip holds another zip and no listening history; unpack it and import the zip in it."
ACCOUNT_DATA_ALONE: Final = f"This is Spotify's account data without any listening history; {_REQUEST}."
TECHNICAL_LOG: Final = f"This is Spotify's technical log, which holds no listening history; {_REQUEST}."
NO_HISTORY: Final = f"This zip holds no listening history of Spotify's; {_REQUEST}."

# About JSON: one of the two begins the sentence.
THIS_FILE: Final = "This file"
FILE_IN_ZIP: Final = "A history file in this zip"
EMPTY: Final = "{file} is empty; download it from Spotify again."
WRONG_ENCODING: Final = "{file} is not encoded in UTF-8, as Spotify's are; " + _AS_SENT + "."
MALFORMED: Final = "{file} is not valid JSON; " + _AS_SENT + "."
NOT_A_LIST: Final = "{file} is JSON, but not the list that Spotify's history is; " + _OR_A_FILE_IN_IT + "."
OTHER_SCHEMA: Final = (
    "{file} is JSON, but its rows are not those of Spotify's listening history; " + _OR_A_FILE_IN_IT + "."
)
TRUNCATED: Final = "{file} ends in the middle of its list; download it from Spotify again."
GOES_ON: Final = "{file} goes on after the end of its list; " + _AS_SENT + "."
ROW_TOO_LARGE: Final = "{file} has a row that is larger than any of Spotify's; " + _AS_SENT + "."
NESTED: Final = "{file} has values nested in each other, as none of Spotify's has; " + _AS_SENT + "."
MOSTLY_BAD: Final = "{file} has more rows that cannot be plays than rows that can; " + _AS_SENT + "."


def refusal(sentence: str, *, about: str = THIS_FILE) -> InvalidInputError:
    """The error that says `sentence`; `about` is `THIS_FILE` or `FILE_IN_ZIP`."""
    return InvalidInputError(sentence.format(file=about), field="file")
