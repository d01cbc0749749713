"""What people's exports and erasures need to know of stored files."""

from typing import Final

from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.storage.models import StoredFile, StoredFileChunk

PERSONAL: Final = (
    PersonalTable(
        model=StoredFile,
        topic="files",
        about="Files that are stored for you for a while: exports like this one, and what you uploaded.",
    ),
    PersonalTable(
        model=StoredFileChunk,
        topic=None,
        about="The content of stored files, in pieces.",
        withheld={"*": "It is what you uploaded yourself, or an export that holds what this one holds."},
    ),
)
