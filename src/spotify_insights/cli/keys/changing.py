"""`keys generate`, `promote` and `retire`: what changes the ring itself."""

import time
from collections.abc import Callable
from pathlib import Path

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import record_of_operator
from spotify_insights.cli.keys.operator_keys import OperatorKeys, operator_database
from spotify_insights.cli.terminal import complain, say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.database import Transaction
from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.installation.retire import refuse_key_in_use
from spotify_insights.installation.sealed_columns import count_sealed_values
from spotify_insights.security.key_file import change_key_file, create_key_file
from spotify_insights.security.key_ring import KeyRing


def generate_key(data_dir: Path | None, *, demo: bool, secondary: bool) -> None:
    """Make a key, or a ring where there is none.

    Raises:
        SetupError: the ring cannot be read or written, or the database holds secrets whose ring is missing.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    keys = OperatorKeys.of(which)
    if keys.file is None:
        _print_ring_with_new_key(which, keys, secondary=secondary)
    elif keys.file.exists():
        ring = change_key_file(keys.file, lambda ring: ring.with_new_key(secondary=secondary))
        new = list(ring.keys)[-1]
        _record(which, AuditEvent.KEYS_GENERATED, new)
        if secondary:
            say(f"Added the key {new} to {keys.file}; {ring.primary} still seals.")
            say(f"Once every machine has this file, `spotify-insights keys promote {new}` lets it seal.")
        else:
            say(f"Added the key {new} to {keys.file}; it seals from now on.")
            say("Next, `spotify-insights keys rotate` seals what is stored with it.")
        say("Keep a copy of the file apart from the database.")
    else:
        _refuse_lost_ring(which, keys.file)
        create_key_file(keys.file)
        say(f"Wrote {keys.file} with the key {KeyRing.from_file(keys.file).primary}.")
        say("Keep a copy of the file apart from the database.")


def promote_key(key_id: str, data_dir: Path | None, *, demo: bool) -> None:
    """Let another key of the ring seal.

    Raises:
        SetupError: the ring has no such key, or cannot be read or written.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    keys = OperatorKeys.of(which)
    _change(keys, lambda ring: ring.with_primary(key_id))
    _record(which, AuditEvent.KEYS_PROMOTED, key_id)
    told = say if keys.file else complain
    told(f"{key_id} seals from then on. Next, `spotify-insights keys rotate` seals what is stored with it.")


def retire_key(key_id: str, data_dir: Path | None, *, demo: bool) -> None:
    """Take a key out of the ring.

    Raises:
        SetupError: the ring has no such key, it is the primary one, or the file cannot be written.
        KeyInUseError: something is still sealed with it.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    keys = OperatorKeys.of(which)
    # What would be refused anyway is refused before anybody waits.
    keys.source.ring().without(key_id)
    # Until then somebody may not know yet that another key seals.
    time.sleep(keys.settled_in())
    with operator_database(which) as database, database.transaction() as tx:
        refuse_key_in_use(tx, key_id)
        _record_in(tx, AuditEvent.KEYS_RETIRED, key_id)
        _change(keys, lambda ring: ring.without(key_id))
    told = say if keys.file else complain
    told(f"Retired {key_id}. Backups of the database from before need it: keep a copy of the old ring.")


def _change(keys: OperatorKeys, change: Callable[[KeyRing], KeyRing]) -> None:
    """In the file; a ring of the environment is printed as it should be."""
    if keys.file is not None:
        change_key_file(keys.file, change)
        return
    ring = change(keys.given)
    complain("Set TOKEN_KEYS to this wherever it is set, and restart every process:")
    say(ring.to_json())


def _print_ring_with_new_key(which: WhichDatabase, keys: OperatorKeys, *, secondary: bool) -> None:
    """On standard output the ring alone, for a program; the rest goes to the person."""
    ring = keys.given.with_new_key(secondary=secondary)
    new = list(ring.keys)[-1]
    _record(which, AuditEvent.KEYS_GENERATED, new)
    if secondary:
        complain(
            f"The new key {new} only opens. Set TOKEN_KEYS to this and restart every process; after that"
        )
        complain(f"let it seal with `spotify-insights keys promote {new}`.")
    else:
        complain(f"The new key {new} seals. Where several processes run, a process with the old value cannot")
        complain(
            "open what one with the new value seals. So take two steps: first `keys generate --secondary`,"
        )
        complain(
            "set TOKEN_KEYS and restart everything, then `keys promote` and restart again. Where everything"
        )
        complain("stops and starts together, set TOKEN_KEYS to this at once. Then run `keys rotate`:")
    say(ring.to_json())


def _refuse_lost_ring(which: WhichDatabase, file: Path) -> None:
    """A new ring must not take the place of one that is needed."""
    try:
        with operator_database(which) as database, database.transaction() as tx:
            is_needed = bool(count_sealed_values(tx.session))
    except (SetupError, UnavailableError):
        # A new installation has no database yet.
        return
    if is_needed:
        raise SetupError(
            f"The key file {file} does not exist, but the database holds secrets that were sealed before. "
            "Restore the file from your backup: a new key would not open them. If it is lost for good, "
            "`spotify-insights keys begin-anew` says how to go on without it."
        )


def _record(which: WhichDatabase, event: AuditEvent, key_id: str) -> None:
    """In the audit log, if there is one yet: keys are made before databases."""
    try:
        with operator_database(which) as database, database.transaction() as tx:
            _record_in(tx, event, key_id)
    except (SetupError, UnavailableError):
        complain("The audit log says nothing about this, because the database does not answer.")


def _record_in(tx: Transaction, event: AuditEvent, key_id: str) -> None:
    record_of_operator(tx, event, details={"key_id": key_id})
