"""Audio features that an operator supplies for any tracks, whether somebody here plays them or not."""

from sqlalchemy import REAL, Identity, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import CreatedAt, Table


class FeatureCatalogue(Table):
    """A catalogue by the name that the operator gave it."""

    __tablename__ = "feature_catalogues"

    id: Mapped[int] = mapped_column(SmallInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    loaded_at: Mapped[CreatedAt]


class CatalogueFeature(Table):
    """What the catalogue that was loaded last says of one track.

    Read by Spotify id whenever features are, and copied nowhere: most of its rows are of tracks that nobody
    here ever plays, and those that somebody plays tomorrow are found then.
    """

    __tablename__ = "catalogue_features"

    # Ids are compared byte by byte; a language's order would make its index several times slower.
    spotify_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    # No foreign key: it would need an index of its own, for the rare day on which a catalogue is unloaded.
    catalogue_id: Mapped[int] = mapped_column(SmallInteger)
    danceability: Mapped[float | None] = mapped_column(REAL)
    energy: Mapped[float | None] = mapped_column(REAL)
    valence: Mapped[float | None] = mapped_column(REAL)
    acousticness: Mapped[float | None] = mapped_column(REAL)
    instrumentalness: Mapped[float | None] = mapped_column(REAL)
    liveness: Mapped[float | None] = mapped_column(REAL)
    speechiness: Mapped[float | None] = mapped_column(REAL)
    tempo: Mapped[float | None] = mapped_column(REAL)
    loudness: Mapped[float | None] = mapped_column(REAL)
