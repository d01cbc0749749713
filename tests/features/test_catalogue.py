"""An operator's catalogue: loaded whole or not at all, once, and found by every track that is ever played."""

import gzip
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogue_trials import FULL, SMALL, A, B, C, D, as_parquet, line, loaded, receipt, table, told
from feature_trials import known, play, store
from ingestions import count, rows
from jobs_inline import work_off
from makers import a_user
from operator_trials import Operator
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks.history import load_history
from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.runtime import Runtime


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "parquet", "windows"])
def test_one_table_says_the_same_in_every_format(runtime: Runtime, operator: Operator, form: str) -> None:
    content = {
        "csv": SMALL.encode(),
        "csv.gz": gzip.compress(SMALL.encode()),
        "tsv": SMALL.replace(",", "\t").encode(),
        "parquet": as_parquet(SMALL, operator.folder / "made"),
        "windows": b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode(),
    }[form]

    assert receipt(operator, content, name=f"set.{form}") == {
        "name": "set" if form != "windows" else "set.windows",
        "read": 2,
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "repeated": 0,
        "refused": {},
    }

    assert told(runtime, A, B, C) == FULL


@pytest.mark.parametrize("id_column", ["spotify_id", "track_id", "track_uri", "uri", "ID", "Track_ID "])
@pytest.mark.parametrize(
    "form", ["{}", "spotify:track:{}", "https://open.spotify.com/track/{}?si=abc", " {} "]
)
def test_tracks_are_recognised_by_the_usual_columns_and_forms(
    runtime: Runtime, operator: Operator, id_column: str, form: str
) -> None:
    content = f"name,{id_column},Energy,VALENCE,mood\nSong,{form.format(A)},0.5,0.25,happy\n"

    assert receipt(operator, content)["new"] == 1

    assert known(runtime.database, [A]).found[A].providers == dict.fromkeys(
        ("energy", "valence"), "catalogue"
    )


def test_where_a_file_has_several_ids_the_one_that_can_only_be_spotifys_counts(
    runtime: Runtime, operator: Operator
) -> None:
    content = f"id,track_id,uri,energy\n17,{A},spotify:track:{B},0.5\n"

    assert receipt(operator, content)["new"] == 1
    assert told(runtime, A, B).keys() == {A}


BAD: list[tuple[str, str | None]] = [
    (line(A, FULL[A]), None),
    (line("short", FULL[A]), "bad_id"),
    (line("", FULL[A]), "bad_id"),
    (line("spotify:episode:" + "E" * 22, FULL[A]), "bad_id"),
    (line("F" * 22, FULL[A]).replace("0.5", "half", 1), "not_a_number"),
    (line("G" * 22, FULL[A]).replace("0.5", "0x1", 1), "not_a_number"),
    (line("H" * 22, FULL[A]).replace("0.5", "1.01", 1), "out_of_range"),
    (line("I" * 22, FULL[A]).replace("0.5", "-0.01", 1), "out_of_range"),
    (line("J" * 22, FULL[A]).replace("0.5", "inf", 1), "out_of_range"),
    (line("K" * 22, FULL[A]).replace("120.5", "1205", 1), "out_of_range"),
    (line("L" * 22, FULL[A]).replace("-8.25", "-825", 1), "out_of_range"),
    ("M" * 22 + ",,NA,nan,null,None,-,N/A,0,,1999", "no_features"),
    ("N" * 22 + ",0.5,0.5", "unreadable"),
    (line("O" * 22, FULL[A]) + ",more", "unreadable"),
    # Unknown in one feature, and a tempo that was not found.
    ("P" * 22 + ",0.5,,nan,NULL,n/a, ,-,0.0,-7,1999", None),
    (line(B, FULL[B]), None),
    # Where more are out of range than not, nothing of a file is believed.
    (line("Q" * 22, FULL[B]), None),
    (line("R" * 22, FULL[B]), None),
]


def test_rows_that_cannot_be_believed_are_left_out_and_counted_by_reason(
    runtime: Runtime, operator: Operator
) -> None:
    expected: dict[str, int] = {}
    for _, reason in BAD:
        if reason is not None:
            expected[reason] = expected.get(reason, 0) + 1

    found = receipt(operator, table(*(row for row, _ in BAD)))

    assert found["refused"] == expected
    assert (found["read"], found["new"]) == (len(BAD), 5)
    assert count(runtime.database, "catalogue_features") == 5
    assert told(runtime, "P" * 22)["P" * 22] == (0.5, *[None] * 7, -7.0)


def test_numbers_in_parquet_are_looked_at_like_those_in_texts(runtime: Runtime, operator: Operator) -> None:
    columns = {
        "track_id": pa.array([A, B, C, D, None]).dictionary_encode(),
        "energy": pa.array([0.5, float("nan"), 1.5, None, 0.5]),
        "tempo": pa.array([120, 90, 100, 0, 100], pa.int32()),
        "valence": pa.array(["0.25", "0.5", "0.5", "x", "0.5"]),
        "loudness": pa.array([None] * 5),
    }
    path = operator.folder / "set.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)

    found = receipt(operator, path.read_bytes(), name="set.parquet")

    assert found["refused"] == {"bad_id": 1, "not_a_number": 1, "out_of_range": 1}
    assert told(runtime, A, B) == {
        A: (None, 0.5, 0.25, *[None] * 4, 120.0, None),
        B: (None, None, 0.5, *[None] * 4, 90.0, None),
    }


def test_the_same_file_again_changes_nothing(runtime: Runtime, operator: Operator) -> None:
    content = table(line(A, FULL[B]), line(B, FULL[B]), line(A, FULL[A]))
    first = receipt(operator, content)
    assert (first["new"], first["repeated"], first["unchanged"]) == (2, 1, 0)
    # Of several rows about a track the last one counts.
    assert told(runtime, A, B) == FULL
    before = rows(runtime.database, "SELECT ctid::text, xmin::text, * FROM catalogue_features")

    second = receipt(operator, content)

    assert (second["new"], second["changed"], second["unchanged"], second["repeated"]) == (0, 0, 2, 1)
    assert rows(runtime.database, "SELECT ctid::text, xmin::text, * FROM catalogue_features") == before


def test_the_catalogue_that_was_loaded_last_counts_and_can_be_taken_away(
    runtime: Runtime, operator: Operator
) -> None:
    store(runtime.database, [A, B, C])
    receipt(operator, SMALL, "--name", "first")
    second = receipt(operator, table(line(A, FULL[B]), line(D, FULL[A])), "--name", "second")
    assert (second["new"], second["changed"]) == (1, 1)
    assert told(runtime, A, B, D) == {A: FULL[B], B: FULL[B], D: FULL[A]}

    status = operator.type("catalogue", "status", "--json").document
    assert [(each["name"], each["rows"]) for each in status["catalogues"]] == [("first", 1), ("second", 2)]
    assert (status["tracks"], status["known"]) == (3, 2)

    assert "2 tracks" in operator.type("catalogue", "unload", "second").out
    assert told(runtime, A, B, D) == {B: FULL[B]}
    missing = operator.type("catalogue", "unload", "second")
    assert (missing.code, missing.out) == (1, "")
    assert "No catalogue named second is loaded" in missing.err


def test_listeners_see_what_a_catalogue_is_worth_as_soon_as_workers_come_to_it(
    runtime: Runtime, operator: Operator
) -> None:
    keys = store(runtime.database, [A])
    user_id = a_user(runtime)
    play(runtime.database, user_id, keys[A], times=1, days_ago=1)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        refresh_blocks(tx.session, user_id)

    def energy() -> float:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            history = load_history(tx.session, user_id)
        assert history is not None
        return float(history.tracks.features[0, FEATURE_NAMES.index("energy")])

    receipt(operator, SMALL)
    work_off(runtime)
    assert energy() == FULL[A][1]

    operator.type("catalogue", "unload", "set")
    work_off(runtime)
    assert math.isnan(energy())


def test_a_file_on_another_scale_is_refused_with_the_rows_that_fit_by_chance(
    runtime: Runtime, operator: Operator
) -> None:
    percent = (55.0, 25.0, 75.0, 12.0, 0.0, 6.0, 4.0, 120.5, -8.25)
    # Whoever reads percent as parts takes this one for a track of the highest energy.
    quiet = (1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 90.0, -30.0)

    answer = loaded(operator, table(line(A, percent), line(B, percent), line(C, quiet)))

    assert (answer.code, answer.out) == (1, "")
    assert "2 of the 3 rows have a feature that cannot be" in answer.err
    assert "0 to 1" in answer.err
    assert count(runtime.database, "catalogue_features") == count(runtime.database, "feature_catalogues") == 0


def test_a_catalogue_makes_no_tracks_and_is_found_by_those_that_come_later(
    runtime: Runtime, operator: Operator
) -> None:
    receipt(operator, SMALL)
    assert count(runtime.database, "tracks") == 0

    store(runtime.database, [A, C])

    assert told(runtime, A, C) == {A: FULL[A]}
    assert "know 1 of the 2 tracks" in operator.type("catalogue", "status").out


def test_an_operator_is_told_in_words(operator: Operator) -> None:
    assert "No catalogue is loaded" in operator.type("catalogue", "status").out

    answer = loaded(operator, table(line(A, FULL[A]), line("x", FULL[A])))

    assert answer.out.splitlines() == [
        "Catalogue set: 2 rows read, 1 tracks new, 0 changed, 0 unchanged.",
        "1 rows have no Spotify id of a track; left out.",
    ]


def test_a_file_of_several_portions_is_loaded_whole(runtime: Runtime, operator: Operator) -> None:
    """Rows are read a megabyte at a time; a break inside of a quoted name does no harm."""
    ids = [f"{number:022d}" for number in range(12_000)]
    name = f'"A name, with\na break {"x" * 150}"'
    lines = [f"{each},{name},{place % 11 / 10}" for place, each in enumerate(ids)]

    found = receipt(operator, "\n".join(["id,name,energy", *lines]))

    assert (found["read"], found["new"], found["refused"]) == (12_000, 12_000, {})
    assert json.loads(operator.type("catalogue", "status", "--json").out)["catalogues"][0]["rows"] == 12_000
    assert told(runtime, ids[-1])[ids[-1]][1] == pytest.approx(11_999 % 11 / 10)
