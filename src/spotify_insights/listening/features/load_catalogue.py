"""Storing an operator's catalogue: all of it or nothing, and the same file again changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

import pyarrow.csv as pa_csv
from sqlalchemy import text

from spotify_insights.audio_features.catalogue_rows import Portion
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.errors import NotFoundError, PermanentError
from spotify_insights.listening.features.changed import features_changed

_FEATURES: Final = ", ".join(FEATURE_NAMES)
_KNOWN: Final = ", ".join(f"known.{name}" for name in FEATURE_NAMES)
_EXCLUDED: Final = ", ".join(f"excluded.{name}" for name in FEATURE_NAMES)
_TYPED: Final = ", ".join(f"{name} real" for name in FEATURE_NAMES)

# One load or unload at a time: it counts what is new by what was there before.
_HOLD: Final = text("LOCK TABLE feature_catalogues IN EXCLUSIVE MODE")
_ROOM: Final = text("SET LOCAL work_mem = '64MB'")
_STAGING: Final = text(f"""
    CREATE TEMPORARY TABLE told_by_catalogue (
           place bigint GENERATED ALWAYS AS IDENTITY, spotify_id text COLLATE "C", {_TYPED}) ON COMMIT DROP
""")
_COPY: Final = f"COPY told_by_catalogue (spotify_id, {_FEATURES}) FROM STDIN (FORMAT csv)"
_NAME: Final = text("""
    INSERT INTO feature_catalogues (name) VALUES (:name)
        ON CONFLICT (name) DO UPDATE SET loaded_at = clock_timestamp()
 RETURNING id
""")
# Of several rows about one track the last one counts.
_LAST_WORD: Final = text(f"""
    CREATE TEMPORARY TABLE last_word_of_catalogue ON COMMIT DROP AS
    SELECT DISTINCT ON (spotify_id) spotify_id, {_FEATURES}
      FROM told_by_catalogue ORDER BY spotify_id, place DESC
""")  # noqa: S608  # only constants are put together here and below
_ROWS: Final = text("SELECT count(*) FROM catalogue_features")
# In the order of the ids, so that the index grows at its end.
_MERGE: Final = text(f"""
    INSERT INTO catalogue_features AS known (spotify_id, catalogue_id, {_FEATURES})
    SELECT spotify_id, :catalogue_id, {_FEATURES} FROM last_word_of_catalogue ORDER BY spotify_id
        ON CONFLICT (spotify_id) DO UPDATE
       SET (catalogue_id, {_FEATURES}) = ROW (excluded.catalogue_id, {_EXCLUDED})
     WHERE (known.catalogue_id, {_KNOWN}) IS DISTINCT FROM (excluded.catalogue_id, {_EXCLUDED})
""")  # noqa: S608
_CATALOGUES: Final = text("""
    SELECT catalogue.name, catalogue.loaded_at, coalesce(held.rows, 0) AS rows
      FROM feature_catalogues catalogue
      LEFT JOIN (SELECT catalogue_id, count(*) AS rows FROM catalogue_features GROUP BY catalogue_id) held
        ON held.catalogue_id = catalogue.id
     ORDER BY catalogue.name
""")
_COVERAGE: Final = text("""
    SELECT count(*) AS tracks, count(known.spotify_id) AS known
      FROM tracks LEFT JOIN catalogue_features known USING (spotify_id)
     WHERE spotify_id IS NOT NULL
""")
_FORGET_NAME: Final = text("DELETE FROM feature_catalogues WHERE name = :name RETURNING id")
_FORGET_ROWS: Final = text("DELETE FROM catalogue_features WHERE catalogue_id = :catalogue_id")


class NothingToLoadError(PermanentError):
    """No row of the file can be believed, so it is not what it seems to be."""

    code = "nothing_to_load"


class WrongScaleError(PermanentError):
    """More rows of the file say what cannot be than what can: those that could be are so by chance."""

    code = "wrong_scale"


@dataclass(frozen=True)
class LoadReceipt:
    """What became of the rows of a file; `read` is the sum of all others.

    `repeated` are rows about a track of which a later row says more; `refused` counts by reason.
    """

    name: str
    read: int
    new: int
    changed: int
    unchanged: int
    repeated: int
    refused: Mapping[str, int]


@dataclass(frozen=True)
class LoadedCatalogue:
    """A catalogue that is there, and for how many tracks its word counts."""

    name: str
    loaded_at: datetime
    rows: int


@dataclass(frozen=True)
class CatalogueStatus:
    """All catalogues, and how many of the tracks of our listeners (those with a Spotify id) they know."""

    catalogues: list[LoadedCatalogue]
    tracks: int
    known: int


def load_catalogue(
    tx: Transaction, name: str, portions: Iterable[Portion], *, told: Callable[[float, int], None]
) -> LoadReceipt:
    """Store what the portions say, under this name. Safe to repeat: the same again changes nothing.

    A track has what the catalogue says that was loaded last. What a catalogue of that name said before about
    other tracks stays until it is unloaded.

    Args:
        told: hears how far in the file it is, in [0, 1], and how many rows were read.

    Raises:
        NothingToLoadError: no row can be believed; nothing is stored.
        WrongScaleError: most rows are out of range; nothing is stored.
    """
    session = tx.session
    session.execute(_HOLD)
    session.execute(_ROOM)
    session.execute(_STAGING)
    read, refused = _copy(tx, portions, told)
    kept = read - refused.total()
    if not kept:
        raise NothingToLoadError(
            f"None of the {read} rows can be used ({_in_words(refused)}), so nothing was stored. Look "
            "whether ids are Spotify's and features on Spotify's scale: 0 to 1, beats per minute, dB."
        )
    if refused["out_of_range"] > kept:
        raise WrongScaleError(
            f"{refused['out_of_range']} of the {read} rows have a feature that cannot be, so the others are "
            "not believed either, and nothing was stored. Features have to be on Spotify's scale: 0 to 1, "
            "beats per minute, dB."
        )
    catalogue_id = session.scalar(_NAME, {"name": name})
    distinct = rows_changed(session, _LAST_WORD, {})
    before = session.scalars(_ROWS).one()
    written = rows_changed(session, _MERGE, {"catalogue_id": catalogue_id})
    new = session.scalars(_ROWS).one() - before
    if written:
        features_changed(tx, None)
    return LoadReceipt(
        name=name,
        read=read,
        new=new,
        changed=written - new,
        unchanged=distinct - written,
        repeated=kept - distinct,
        refused=dict(refused),
    )


def unload_catalogue(tx: Transaction, name: str) -> int:
    """Take this catalogue's rows away; how many there were.

    What it had replaced of another catalogue does not come back by itself: load that one again.

    Raises:
        NotFoundError: there is none of that name.
    """
    tx.session.execute(_HOLD)
    catalogue_id = tx.session.scalar(_FORGET_NAME, {"name": name})
    if catalogue_id is None:
        raise NotFoundError(
            f"No catalogue named {name} is loaded. `spotify-insights catalogue status` lists those that are."
        )
    rows = rows_changed(tx.session, _FORGET_ROWS, {"catalogue_id": catalogue_id})
    if rows:
        features_changed(tx, None)
    return rows


def catalogue_status(tx: Transaction) -> CatalogueStatus:
    """What is loaded, and what it is worth here."""
    coverage = tx.session.execute(_COVERAGE).one()
    return CatalogueStatus(
        catalogues=[
            LoadedCatalogue(row.name, row.loaded_at, row.rows) for row in tx.session.execute(_CATALOGUES)
        ],
        tracks=coverage.tracks,
        known=coverage.known,
    )


def _copy(
    tx: Transaction, portions: Iterable[Portion], told: Callable[[float, int], None]
) -> tuple[int, Counter[str]]:
    connection: Any = tx.session.connection().connection.driver_connection
    read, refused = 0, Counter[str]()
    options = pa_csv.WriteOptions(include_header=False)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for portion in portions:
            text_of_rows = BytesIO()
            pa_csv.write_csv(portion.rows, text_of_rows, options)
            copy.write(text_of_rows.getbuffer())
            read += portion.read
            refused.update(portion.refused)
            told(portion.done, read)
    return read, refused


def _in_words(refused: Mapping[str, int]) -> str:
    return ", ".join(f"{reason.replace('_', ' ')}: {number}" for reason, number in refused.items()) or "none"
