"""Which columns of somebody's table are the track's id and its audio features."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.errors import PermanentError

# The surest first: in some public sets `id` is Spotify's, in others the number of the row.
ID_COLUMNS: Final = ("spotify_id", "track_id", "track_uri", "uri", "id")


class CatalogueFileError(PermanentError):
    """The file is not a catalogue that can be loaded; the sentence says why. Nothing of it was stored."""

    code = "catalogue_file"


@dataclass(frozen=True)
class CatalogueColumns:
    """Where in a row, counted from 0, the id stands, and each feature that the file knows."""

    id_column: int
    features: dict[str, int]

    @classmethod
    def among(cls, header: Sequence[str]) -> "CatalogueColumns":
        """Recognise them by the names that public sets use, in any case; other columns do not count.

        Raises:
            CatalogueFileError: there is no column for the id or for any feature, or there are two for one.
        """
        places: dict[str, list[int]] = {}
        for place, name in enumerate(header):
            places.setdefault(unicodedata.normalize("NFKC", name).strip().casefold(), []).append(place)
        id_name = next((name for name in ID_COLUMNS if name in places), None)
        if id_name is None:
            raise CatalogueFileError(
                "This file has no column with the Spotify ids of tracks; it must be named "
                f"{', '.join(ID_COLUMNS[:-1])} or {ID_COLUMNS[-1]}. Nothing was stored."
            )
        known = [name for name in FEATURE_NAMES if name in places]
        if not known:
            raise CatalogueFileError(
                f"This file has no column with an audio feature ({', '.join(FEATURE_NAMES)}). "
                "Nothing was stored."
            )
        for name in (id_name, *known):
            if len(places[name]) > 1:
                raise CatalogueFileError(
                    f"This file has {len(places[name])} columns named {name}, and only one can be meant. "
                    "Take the others out and load it again."
                )
        return cls(places[id_name][0], {name: places[name][0] for name in known})
