"""Following the `Link` header shows every entry once, the newest first, whatever arrives meanwhile."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from makers import a_user
from problem_documents import reasons_of
from spotify_insights.errors import InvalidInputError
from spotify_insights.insights.types import InsightType
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime
from spotify_insights.web.pagination import Cursors
from stored_rows import a_finished_task, a_snapshot, an_insight

# Every example works with a listener of its own, so one database serves them all.
on_one_database = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Listing:
    """One paged list of the API: where it is, what names its entries, and how one more comes to be."""

    address: str
    id_field: str
    add: Callable[[Runtime, UUID, int], UUID]

    def url(self, user_id: UUID) -> str:
        return self.address.format(user_id=user_id)


def add_snapshot(runtime: Runtime, user_id: UUID, number: int) -> UUID:
    return a_snapshot(runtime, user_id, day=number)


def add_insight(runtime: Runtime, user_id: UUID, _number: int) -> UUID:
    return an_insight(runtime, user_id, a_snapshot(runtime, user_id))


def add_task(runtime: Runtime, user_id: UUID, _number: int) -> UUID:
    return a_finished_task(runtime, user_id)


LISTINGS = {
    "snapshots": Listing("/api/listening/snapshots?user_id={user_id}", "snapshot_id", add_snapshot),
    "insights": Listing("/api/insights/user/{user_id}?", "insight_id", add_insight),
    "tasks": Listing("/api/tasks?user_id={user_id}", "task_id", add_task),
    "admin-jobs": Listing("/api/admin/jobs?user_id={user_id}", "job_id", add_task),
}
every_listing = pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)


def next_url(link: str | None) -> str | None:
    """The target of a `Link` header with rel="next"."""
    if link is None:
        return None
    match = re.fullmatch(r'<([^>]+)>; rel="next"', link)
    assert match is not None, link
    return match[1]


def pages(client: TestClient, url: str | None) -> Iterator[list[dict[str, object]]]:
    """Every page from `url` on."""
    while url is not None:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        url = next_url(answer.headers.get("link"))


@every_listing
@given(rows=st.integers(0, 12), limit=st.integers(1, 13), arriving=st.lists(st.integers(0, 3), max_size=12))
@on_one_database
def test_following_the_links_shows_every_entry_once_newest_first(
    client: TestClient, runtime: Runtime, listing: Listing, rows: int, limit: int, arriving: list[int]
) -> None:
    user_id, somebody_else = a_user(runtime), a_user(runtime)
    listing.add(runtime, somebody_else, 0)
    stored = [listing.add(runtime, user_id, number) for number in range(rows)]
    arrivals, number = iter(arriving), rows

    seen: list[str] = []
    for page in pages(client, f"{listing.url(user_id)}&limit={limit}"):
        assert len(page) <= limit
        seen += [str(entry[listing.id_field]) for entry in page]
        with suppress(StopIteration):
            for _ in range(next(arrivals)):
                listing.add(runtime, user_id, number)
                number += 1

    assert seen == [str(entry) for entry in reversed(stored)]


@every_listing
def test_the_last_page_names_no_next_one(client: TestClient, runtime: Runtime, listing: Listing) -> None:
    user_id = a_user(runtime)
    for number in range(4):
        listing.add(runtime, user_id, number)

    assert [len(page) for page in pages(client, f"{listing.url(user_id)}&limit=2")] == [2, 2]
    assert [len(page) for page in pages(client, f"{listing.url(user_id)}&limit=100")] == [4]


@every_listing
def test_nothing_stored_is_an_empty_list(client: TestClient, runtime: Runtime, listing: Listing) -> None:
    answer = client.get(listing.url(a_user(runtime)))

    assert (answer.status_code, answer.json()) == (200, [])
    assert "link" not in answer.headers


@every_listing
def test_without_a_limit_a_page_has_twenty_entries(
    client: TestClient, runtime: Runtime, listing: Listing
) -> None:
    user_id = a_user(runtime)
    for number in range(21):
        listing.add(runtime, user_id, number)

    assert [len(page) for page in pages(client, listing.url(user_id))] == [20, 1]


def test_snapshots_are_filtered_by_range_on_every_page(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    stored = {
        time_range: [a_snapshot(runtime, user_id, day=day, time_range=time_range) for day in range(3)]
        for time_range in TimeRange
    }

    for time_range, ids in stored.items():
        url = f"/api/listening/snapshots?user_id={user_id}&time_range={time_range}&limit=2"
        shown = [entry["snapshot_id"] for page in pages(client, url) for entry in page]
        assert shown == [str(entry) for entry in reversed(ids)]


def test_insights_are_filtered_by_type_on_every_page(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    snapshot_id = a_snapshot(runtime, user_id)
    stored = {
        insight_type: [an_insight(runtime, user_id, snapshot_id, insight_type=insight_type) for _ in range(3)]
        for insight_type in InsightType
    }

    for insight_type, ids in stored.items():
        url = f"/api/insights/user/{user_id}?insight_type={insight_type}&limit=2"
        shown = [entry["insight_id"] for page in pages(client, url) for entry in page]
        assert shown == [str(entry) for entry in reversed(ids)]


def a_cursor(client: TestClient, runtime: Runtime, listing: Listing) -> str:
    """A cursor that this list gave."""
    user_id = a_user(runtime)
    for number in range(2):
        listing.add(runtime, user_id, number)
    link = client.get(f"{listing.url(user_id)}&limit=1").headers["link"]
    match = re.search(r"cursor=([^&>]+)", link)
    assert match is not None
    return match[1]


def with_cursor(url: str, cursor: str) -> str:
    return f"{url}&cursor={quote(cursor, safe='', errors='surrogatepass')}"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


AN_ID = str(uuid4())
INVENTED_CURSORS = [
    "",
    "abc",
    "%",
    "ä",
    "\0",
    "=" * 4,
    "A" * 10_000,
    encoded("text"),
    encoded({}),
    encoded([]),
    encoded([AN_ID]),
    base64.urlsafe_b64encode(b"[" * 140).decode(),
    base64.urlsafe_b64encode(b'["\xff"]').decode(),
    *(
        encoded([name, *position])
        for name in LISTINGS
        for position in (
            [],
            [None],
            ["x"],
            [AN_ID, AN_ID],
            ["now", AN_ID],
            ["2026-01-01", AN_ID],
            ["2026-01-01T00:00:00", AN_ID],
            ["2026-01-01T00:00:00+00:00", "x"],
            ["0001-01-01T00:00:00+14:00", AN_ID],
            ["9999-12-31T23:59:59-14:00", AN_ID],
            ["2026-01-01T00:00:00+00:00", AN_ID, AN_ID],
            [["2026-01-01T00:00:00+00:00"], AN_ID],
            [7],
            ["\ud800"],
            ["\0"],
            [AN_ID + "'"],
        )
    ),
]


@every_listing
def test_cursors_from_elsewhere_are_refused(client: TestClient, runtime: Runtime, listing: Listing) -> None:
    others = [a_cursor(client, runtime, other) for other in LISTINGS.values() if other is not listing]
    url = listing.url(a_user(runtime))

    for cursor in [*others, *INVENTED_CURSORS]:
        answer = client.get(with_cursor(url, cursor))
        assert reasons_of(answer, 422, "invalid_input").keys() == {"cursor"}, cursor


@pytest.mark.parametrize("number", [True, False, 1.5, -1, 2**63, "1", None])
def test_the_number_of_a_row_in_a_cursor_is_one_that_the_database_can_have(number: object) -> None:
    cursor = encoded(["plays", "2026-01-01T00:00:00+00:00", number])

    with pytest.raises(InvalidInputError, match="not one that this list gave"):
        Cursors("plays").moment_and_number(cursor)


@given(offset=st.from_regex(r"[+-]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", fullmatch=True))
@on_one_database
def test_no_moment_in_a_cursor_upsets_the_database(client: TestClient, runtime: Runtime, offset: str) -> None:
    cursor = encoded(["snapshots", f"2026-01-01T00:00:00{offset}", AN_ID])

    answer = client.get(with_cursor(LISTINGS["snapshots"].url(a_user(runtime)), cursor))

    assert answer.status_code in {200, 422}


@every_listing
@given(
    cursor=st.one_of(
        st.text(max_size=250),
        st.binary(max_size=150).map(lambda octets: base64.urlsafe_b64encode(octets).decode()),
    )
)
@on_one_database
def test_no_text_as_a_cursor_upsets_the_service(
    client: TestClient, runtime: Runtime, listing: Listing, cursor: str
) -> None:
    answer = client.get(with_cursor(listing.url(a_user(runtime)), cursor))

    assert reasons_of(answer, 422, "invalid_input").keys() == {"cursor"}
