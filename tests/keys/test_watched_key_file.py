"""A key file that changes while processes run: they take it up by themselves, and pass bad ones over."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from spotify_insights.errors import SetupError
from spotify_insights.security.key_file import change_key_file
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.security.key_source import GivenKeys, WatchedKeyFile, key_source_of
from spotify_insights.security.sealing import SealedPlace, SealedText, Sealer, key_id_of
from spotify_insights.settings import Settings

PLACE = SealedPlace(table="t", column="c", row_id=UUID(int=1), user_id=UUID(int=2))
CANARY = SecretStr("BQD-canary")
# Seals a line for each line it reads, as a process that runs for long.
_SEALS = """
import sys
from pathlib import Path
from uuid import UUID
from pydantic import SecretStr
from spotify_insights.observability import configure_logging
from spotify_insights.security.key_source import WatchedKeyFile
from spotify_insights.security.sealing import SealedPlace, SealedText, Sealer
configure_logging("ERROR", "json")
sealer = Sealer(WatchedKeyFile(Path(sys.argv[1])))
place = SealedPlace(table="t", column="c", row_id=UUID(int=1), user_id=UUID(int=2))
for line in sys.stdin:
    word, _, sealed = line.strip().partition(" ")
    said = sealer.seal(SecretStr("BQD-canary"), place) if word == "seal" else (
        sealer.open(SealedText(sealed), place).get_secret_value())
    print(said, flush=True)
"""


@contextmanager
def another_process(ring_file: Path) -> Iterator[Callable[[str], str]]:
    with subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", _SEALS, str(ring_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        words, answers = process.stdin, process.stdout

        def ask(line: str) -> str:
            words.write(f"{line}\n")
            words.flush()
            return answers.readline().strip()

        yield ask
        words.close()


def until_sealed_with(key_id: str, seal: Callable[[], str]) -> None:
    give_up_at = time.monotonic() + 20
    while key_id_of(seal()) != key_id:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_another_process_seals_with_a_new_key_without_a_restart(ring_file: Path) -> None:
    old = KeyRing.from_file(ring_file).primary
    here = Sealer(WatchedKeyFile(ring_file))
    with another_process(ring_file) as ask:
        assert key_id_of(ask("seal")) == old

        new = change_key_file(ring_file, KeyRing.with_new_key).primary

        # It may still seal with the old one; what somebody else sealed with the new one opens at once.
        until_sealed_with(new, lambda: here.seal(CANARY, PLACE))
        assert ask(f"open {here.seal(CANARY, PLACE)}") == "BQD-canary"
        until_sealed_with(new, lambda: ask("seal"))


def test_what_a_new_key_sealed_opens_at_once(ring_file: Path) -> None:
    here = Sealer(WatchedKeyFile(ring_file))
    change_key_file(ring_file, KeyRing.with_new_key)
    there = Sealer(WatchedKeyFile(ring_file))

    assert here.open(there.seal(CANARY, PLACE), PLACE) == CANARY


def test_a_file_that_is_broken_while_a_process_runs_leaves_its_ring_as_it_was(
    ring_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealer = Sealer(WatchedKeyFile(ring_file))
    sealed, whole = sealer.seal(CANARY, PLACE), ring_file.read_text()
    for broken in ("", "{", json.dumps({"k1": "c2hvcnQ="})):
        ring_file.write_text(broken)
        # A key that nobody has makes it look.
        with pytest.raises(SetupError):
            sealer.open(SealedText(sealed.replace("v1:k", "v1:x")), PLACE)
        assert sealer.open(sealed, PLACE) == CANARY
    ring_file.unlink()
    with pytest.raises(SetupError):
        sealer.open(SealedText(sealed.replace("v1:k", "v1:x")), PLACE)
    assert sealer.open(sealed, PLACE) == CANARY

    ring_file.write_text(whole)
    new = change_key_file(private(ring_file), KeyRing.with_new_key)
    assert Sealer(GivenKeys(new)).ring.primary == new.primary
    assert sealer.open(Sealer(new).seal(CANARY, PLACE), PLACE) == CANARY
    said = capsys.readouterr()
    assert json.loads(whole).popitem()[1] not in said.out + said.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"k1": "c2hvcnQ="}', '{"k": "a", "k": "b"}'])
def test_a_ring_of_the_environment_that_is_none_is_refused_without_repeating_it(
    settings: Settings, content: str
) -> None:
    given = settings.model_copy(update={"token_keys_file": None, "token_keys": SecretStr(content)})
    with pytest.raises(SetupError) as refusal:
        key_source_of(given)
    assert refusal.value.message.startswith("The setting TOKEN_KEYS ")
    assert "c2hvcnQ=" not in refusal.value.message
    assert refusal.value.__cause__ is None


def test_a_name_that_stands_twice_would_hide_a_key(ring_file: Path) -> None:
    name, key = json.loads(ring_file.read_text()).popitem()
    with pytest.raises(SetupError):
        KeyRing.from_json(f'{{"{name}": "{key}", "{name}": "{key}"}}', source="It")


def test_a_ring_may_come_from_the_environment(settings: Settings, ring_file: Path) -> None:
    text = ring_file.read_text()
    given = settings.model_copy(update={"token_keys_file": None, "token_keys": SecretStr(text)})

    sealed = Sealer(key_source_of(given)).seal(CANARY, PLACE)

    assert Sealer(key_source_of(settings)).open(sealed, PLACE) == CANARY
    assert text not in repr(given)


def private(path: Path) -> Path:
    path.chmod(0o600)
    return path


def test_a_file_that_others_may_read_is_not_changed(ring_file: Path) -> None:
    ring_file.chmod(0o644)
    before = ring_file.read_bytes()
    with pytest.raises(SetupError) as refusal:
        change_key_file(ring_file, KeyRing.with_new_key)
    assert f"chmod 600 {ring_file}" in refusal.value.message
    assert ring_file.read_bytes() == before
    assert [*ring_file.parent.iterdir()] == [ring_file]


def test_a_change_keeps_mode_and_owner_and_what_a_link_leads_to(ring_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(ring_file)
    before = ring_file.stat()

    changed = change_key_file(link, KeyRing.with_new_key)

    after = ring_file.stat()
    assert link.is_symlink()
    assert KeyRing.from_file(ring_file).to_json() == changed.to_json()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_changes_of_many_at_once_are_all_there(ring_file: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from spotify_insights.security.key_file import change_key_file\n"
        "from spotify_insights.security.key_ring import KeyRing\n"
        "for _ in range(10): change_key_file(Path(sys.argv[1]), KeyRing.with_new_key)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(ring_file)])  # noqa: S603  # our own program
        for _ in range(3)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert len(KeyRing.from_file(ring_file).keys) == 31
    assert [*ring_file.parent.iterdir()] == [ring_file]
