"""`erasures reapply`."""

from pathlib import Path

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.audit.record import AuditLog
from spotify_insights.cli.keys.operator_keys import OperatorKeys, operator_database
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.errors import SetupError
from spotify_insights.installation.secrets import InstallationSecrets
from spotify_insights.privacy.tombstones import read_tombstones, reapply
from spotify_insights.security.sealing import Sealer


def reapply_erasures(file: Path, data_dir: Path | None, *, demo: bool) -> None:
    """Begin the erasure of everybody whom the file names and the database has.

    Raises:
        SetupError: there is no such file, ring or database.
        UnavailableError: the database went away; run it again.
    """
    try:
        given = read_tombstones(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise SetupError(f"The file {file} cannot be read as text. Name the file that you kept.") from None
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    sealer = Sealer(OperatorKeys.of(which).source)
    with operator_database(which) as database:
        audit = AuditLog(InstallationSecrets(database.database, sealer))
        done = reapply(database.database, given, audit=audit)
    say(f"{done.tombstones} erasures read; {done.users} users were back and are being erased again.")
