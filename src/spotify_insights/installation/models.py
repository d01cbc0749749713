"""Secrets that belong to the installation as a whole, sealed with the key ring."""

from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Table, new_id
from spotify_insights.security.sealing import SealedText


class InstallationSecret(Table):
    """One secret, made by whoever needs it first. It stays the same when the key ring is rotated."""

    __tablename__ = "installation_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    # Part of what the seal is bound to.
    id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=new_id)
    sealed_value: Mapped[SealedText] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
