"""Genres of artists from elsewhere than Spotify, which tells them no more to most apps."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Table


class ArtistGenres(Table):
    """What one provider says of one artist; an empty list where it knows none."""

    __tablename__ = "artist_genres"

    artist_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("artists.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(primary_key=True)
    genres: Mapped[list[str]] = mapped_column(ARRAY(Text))
    fetched_at: Mapped[CreatedAt]
