"""`keys begin-anew`: for whoever has lost the key ring and has no copy of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import record_of_operator
from spotify_insights.cli.keys.operator_keys import OperatorDatabase, OperatorKeys, operator_database
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.embedded.child_process import start_together
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.errors import SetupError
from spotify_insights.installation.begin_anew import GivenUp, begin_anew
from spotify_insights.installation.secrets import SecretName
from spotify_insights.security.key_file import create_key_file
from spotify_insights.security.sealing import Sealer

_WHAT_EACH_MEANT = {
    SecretName.PSEUDONYM_PEPPER: (
        "The pseudonyms of the audit log begin anew: records from before cannot be told to be about the same "
        "people, and tombstones from before meet nobody in a restored backup."
    ),
    SecretName.REQUEST_HASH_KEY: (
        "Requests from before that are sent again with their Idempotency-Key get 422 for a day."
    ),
}


def begin_keys_anew(data_dir: Path | None, *, demo: bool, is_lost: bool) -> None:
    """Give up what the lost ring had sealed, and say what that was.

    Raises:
        SetupError: nobody said that the ring is lost, there is no such database, or the ring cannot be read.
        ConflictError: nothing is lost, or the service runs.
        UnavailableError: the database does not answer; nothing was changed.
    """
    if not is_lost:
        raise SetupError(
            "This gives up for good what the lost key ring had sealed. If no backup has the ring, stop the "
            "service and say so with --i-lost-the-ring."
        )
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    keys = OperatorKeys.of(which)
    with _database_at_rest(which) as database:
        with database.transaction() as tx:
            if keys.file is not None and create_key_file(keys.file):
                say(f"Wrote {keys.file} with a new key. Keep a copy of it apart from the database.")
            sealer = Sealer(keys.source)
            given_up = begin_anew(tx, sealer)
            record_of_operator(
                tx,
                AuditEvent.KEYS_GENERATED,
                details={
                    "reason": "ring_lost",
                    "key_id": sealer.ring.primary,
                    "rows": given_up.all_rows,
                    "keys": given_up.api_keys,
                },
            )
        _tell(given_up)


@contextmanager
def _database_at_rest(which: WhichDatabase) -> Iterator[OperatorDatabase]:
    """The database that is named; that of an `up` is started for this, because `up` itself does not start."""
    if which.is_given:
        with operator_database(which) as database:
            yield database
        return
    if not which.folder.joinpath("postgres").is_dir():
        # There is nothing to be started; the sentence says what could be.
        which.url()
    with DataFolder(which.folder) as folder:
        server = EmbeddedPostgres(folder)
        try:
            start_together([server])
            with operator_database(which) as database:
                yield database
        finally:
            server.stop()


def _tell(given_up: GivenUp) -> None:
    rows = given_up.rows
    say(f"{rows['spotify_tokens']} connections with Spotify wait for their listeners to connect again.")
    say(f"{rows['listenbrainz_tokens']} connections with ListenBrainz wait for the same.")
    say(f"{rows['sign_in_attempts']} sign-ins that were on their way have to begin again.")
    say(f"{len(given_up.secrets)} secrets of the installation are made anew at the next start.")
    say(f"{given_up.api_keys} API keys are revoked and {given_up.token_families} families of tokens ended.")
    for name, sentence in _WHAT_EACH_MEANT.items():
        if name in given_up.secrets:
            say(sentence)
    say("Passwords, browsers' sessions and everybody's history stay. Start the service now.")
