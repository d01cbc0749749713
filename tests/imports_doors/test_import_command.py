"""`spotify-insights import` brings what an upload brings, and `imports undo` takes it back."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from conftest import Servers
from export_files import extended_row, json_file
from makers import a_user
from operator_trials import Operator
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks.refresh import drop_blocks
from spotify_insights.runtime import Runtime
from untouched_logging import untouched_logging
from upload_trials import EXPORT, FIRST_FILE, RECEIPT, RECEIPT_AGAIN, SECOND_FILE, cached_version, everything


@pytest.fixture
def operator(
    empty: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    """Somebody at a shell with the settings of the service, and with the export."""
    monkeypatch.setenv("DATABASE_URL", empty.database_url)
    monkeypatch.setenv("REDIS_URL", empty.redis_url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_spotify_data.zip").write_bytes(EXPORT)
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)


def test_a_program_reads_the_receipt_of_its_import(
    operator: Operator, runtime: Runtime, client: TestClient, empty: Servers
) -> None:
    user_id = str(a_user(runtime))
    before = everything(empty)
    version = cached_version(empty, UUID(user_id))

    first = operator.type("import", "my_spotify_data.zip", "--user", user_id, "--json")

    assert (first.code, first.err) == (0, "")
    (listed,) = client.get("/api/listening/imports", params={"user_id": user_id}).json()
    assert first.document == {"import_id": listed["import_id"], **RECEIPT}
    # A service that runs gives out nothing that it kept from before.
    assert cached_version(empty, UUID(user_id)) != version
    (line,) = operator.type("imports", "list").lines
    assert line.startswith(listed["import_id"])
    assert "3 plays, 1 skips" in line

    # The only listener need not be named.
    again = operator.type("import", "my_spotify_data.zip", "--json").document
    assert {key: again[key] for key in RECEIPT} == RECEIPT_AGAIN

    for import_id in (again["import_id"], listed["import_id"]):
        assert operator.type("imports", "undo", import_id, "--user", user_id).code == 0
    assert everything(empty) == before
    assert operator.type("imports", "undo", listed["import_id"]).code == 1


def test_what_views_read_can_be_made_anew(operator: Operator, runtime: Runtime, client: TestClient) -> None:
    user_id = str(a_user(runtime))
    operator.type("import", "my_spotify_data.zip")
    asked = {"user_id": user_id, "period": "all_time"}
    shown = client.get("/api/listening/overview", params=asked).json()
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        drop_blocks(tx.session, UUID(user_id))

    assert operator.type("imports", "rebuild").lines == ["Packed anew: 4 plays."]
    assert client.get("/api/listening/overview", params=asked).json() == shown


def test_a_person_reads_a_table(operator: Operator, runtime: Runtime, empty: Servers) -> None:
    a_user(runtime)
    before = everything(empty)

    said = operator.type("import", "my_spotify_data.zip", "--dry-run")

    assert said.code == 0
    assert said.line_with("Plays of 30 seconds or more").split()[-2] == "3"
    assert "Nothing was stored" in said.err
    assert everything(empty) == before


def test_a_folder_is_imported_as_one(operator: Operator, runtime: Runtime) -> None:
    """Other files in it do not matter, however broken."""
    a_user(runtime)
    folder = operator.folder / "Spotify Extended Streaming History"
    folder.mkdir()
    (folder / "Streaming_History_Audio_2016-2026_0.json").write_bytes(json_file(FIRST_FILE))
    (folder / "Streaming_History_Audio_2016-2026_1.json").write_bytes(json_file(SECOND_FILE))
    (folder / "Userdata.json").write_text("{")

    told = operator.type("import", str(folder), "--json").document

    assert {key: told[key] for key in RECEIPT} == RECEIPT


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "missing.zip cannot be read (No such file or directory)"),
        (b"%PDF-1.7", "neither a zip nor JSON"),
        (json_file([extended_row()])[:-2], "ends in the middle"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    operator: Operator, runtime: Runtime, empty: Servers, content: bytes | None, says: str
) -> None:
    a_user(runtime)
    before = everything(empty)
    if content is not None:
        (operator.folder / "missing.zip").write_bytes(content)

    said = operator.type("import", "missing.zip", "--json")

    assert (said.code, said.out) == (1, "")
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert everything(empty) == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"old \xe4.zip", "old \N{REPLACEMENT CHARACTER}.zip"),
        (b"two\nlines\x1b[31m.zip", "twolines[31m.zip"),
        (b"[red] {0} %s.zip", "[red] {0} %s.zip"),
    ],
)
def test_a_file_may_have_any_name(
    operator: Operator, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, name: bytes, shown: str
) -> None:
    a_user(runtime)
    path = os.fsdecode(name)
    (operator.folder / path).write_bytes(EXPORT)
    # For the bar, which shows the name, too.
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert operator.type("import", path, "--json").document["plays"] == 3

    (line,) = operator.type("imports", "list").lines
    assert f" {shown}: " in line


def test_what_comes_through_a_pipe_is_refused_with_a_reason(operator: Operator, runtime: Runtime) -> None:
    a_user(runtime)
    reading, writing = os.pipe()
    os.close(writing)
    said = operator.type("import", f"/dev/fd/{reading}")
    os.close(reading)
    assert (said.code, said.out) == (1, "")
    assert "cannot be read (" in said.err
    assert "(None)" not in said.err


def test_a_broken_file_of_a_folder_is_named_in_one_line(operator: Operator, runtime: Runtime) -> None:
    a_user(runtime)
    folder = operator.folder / os.fsdecode(b"\xe4\n")
    folder.mkdir()
    (folder / "endsong_0.json").write_bytes(b"%PDF")

    said = operator.type("import", str(operator.folder), "--json")

    assert (said.code, said.out) == (1, "")
    assert "endsong_0.json: This file is neither a zip nor JSON" in said.err
    assert len(said.err.splitlines()) == 1


def test_of_several_listeners_one_has_to_be_named(
    operator: Operator, runtime: Runtime, empty: Servers
) -> None:
    nobody = operator.type("import", "my_spotify_data.zip")
    people = [str(a_user(runtime)), str(a_user(runtime))]
    unnamed = operator.type("import", "my_spotify_data.zip")
    unknown = operator.type("import", "my_spotify_data.zip", "--user", str(uuid4()))

    assert [nobody.code, unnamed.code, unknown.code] == [1, 1, 1]
    assert "Nobody is registered" in nobody.err
    assert all(person in unnamed.err and person in unknown.err for person in people)
    assert "plays" not in everything(empty)
