"""What every table shares: constraint names, column shorthands and ids."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid_utils.compat import uuid7

_CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """The base of every mapped class; its metadata is what Alembic compares with the database."""

    metadata = MetaData(naming_convention=_CONSTRAINT_NAMES)
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it from the class as a plain dict
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, object]: JSONB,
        list[object]: JSONB,
    }


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique everywhere and sorted by the moment it was made."""
    return uuid7()


Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.clock_timestamp())]
UpdatedAt = Annotated[
    datetime, mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())
]
