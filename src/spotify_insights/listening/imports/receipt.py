"""The receipt of an import: what became of every row of the file."""

from dataclasses import asdict, dataclass


@dataclass
class Receipt:
    """Counts of rows. All but `rows` and `incognito` add up to `rows`; `incognito` overlaps with the others.

    Attributes:
        plays: kept rows that were played for 30 seconds or more.
        skips: kept rows that were not.
        duplicates: rows that stand in the file twice, or that were stored before.
        superseded: rows that are kept aside, because the extended history tells the same play.
        podcasts: kept rows about podcasts.
        audiobooks: kept rows about audiobooks.
        incognito: rows that were played in a private session.
        unnamed: rows without any name, of which nothing is stored.
        bad: rows that make no sense, of which nothing is stored.
    """

    rows: int = 0
    plays: int = 0
    skips: int = 0
    duplicates: int = 0
    superseded: int = 0
    podcasts: int = 0
    audiobooks: int = 0
    incognito: int = 0
    unnamed: int = 0
    bad: int = 0

    @property
    def kept(self) -> int:
        """How many rows brought something new."""
        return self.plays + self.skips + self.superseded + self.podcasts + self.audiobooks

    @property
    def document(self) -> dict[str, int]:
        """As JSON, in the order above."""
        return asdict(self)
