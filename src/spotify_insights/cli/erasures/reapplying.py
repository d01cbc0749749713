"""`erasures reapply`."""

from pathlib import Path

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.audit.record import AuditLog
from spotify_insights.cli.keys.operator_keys import OperatorKeys, operator_database
from spotify_insights.cli.terminal import complain, say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.errors import SetupError
from spotify_insights.installation.secrets import InstallationSecrets
from spotify_insights.privacy.tombstones import read_tombstones, reapply
from spotify_insights.security.sealing import Sealer


def reapply_erasures(file: Path, data_dir: Path | None, *, demo: bool) -> int:
    """Begin the erasure of everybody whom the file names and the database has.

    Returns:
        The exit code: 1 where somebody has to stay for now.

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
    if done.took_last_admin:
        say("No admin is left who can sign in. Make one with `spotify-insights accounts setup-link`.")
    for user_id, why in done.refused.items():
        complain(f"{user_id}: {why}")
    if done.refused:
        complain(
            f"{len(done.refused)} could not be erased yet. See to what is said above, then run this again."
        )
    return 1 if done.refused else 0
