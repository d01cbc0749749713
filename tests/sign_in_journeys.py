"""A browser without a window: it keeps cookies, goes to the pretend Spotify, answers there and comes back."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx2
from sqlalchemy import text
from starlette.testclient import TestClient

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database

ACCOUNT = "/account"
LOGIN = "/auth/spotify/login"
A_PERSONA = "omnivore"


@dataclass
class Visitor:
    """One browser; several may share the client of one installation, each with cookies of its own."""

    client: TestClient
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> httpx2.Response:
        return self._send("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, str]) -> httpx2.Response:
        return self._send("POST", path, form=form, headers={"Sec-Fetch-Site": "same-origin"})

    def leave(self, path: str = LOGIN) -> str:
        """Begin a sign-in; the address at Spotify that the browser is sent to."""
        answer = self.get(path)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, callback: str) -> httpx2.Response:
        """Follow Spotify's redirect; the answer is one of ours."""
        address = urlsplit(callback)
        return self.get(f"{address.path}?{address.query}")

    def sign_in(self, persona: str = A_PERSONA, path: str = LOGIN) -> httpx2.Response:
        """The whole way, agreeing as `persona`; what the callback answered."""
        return self.come_back(answered_at_spotify(self.leave(path), persona=persona))

    def problem_after(self, callback: str) -> httpx2.Response:
        """Come back with something that does not work; the page that says so."""
        answer = self.come_back(callback)
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])

    @property
    def session(self) -> str | None:
        return self.cookies.get("si_session")

    def _send(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        self.client.cookies.clear()
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.client.request(
            method, path, data=form, headers={**sent, **(headers or {})}, follow_redirects=False
        )
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value and "max-age=0" not in cookie.lower():
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer


def answered_at_spotify(address: str, *, persona: str = A_PERSONA, decision: str = "agree") -> str:
    """Open Spotify's page and answer its question; the address that it sends the browser back to."""
    with httpx2.Client(trust_env=False) as browser:
        assert browser.get(address).status_code == 200
        fields = dict(parse_qsl(urlsplit(address).query))
        answer = browser.post(
            address.partition("?")[0], data={**fields, "persona": persona, "decision": decision}
        )
    return str(answer.headers["location"])


def rows(database: Database, table: str, columns: str = "*") -> list[dict[str, object]]:
    """Everything in a table, oldest first."""
    with database.transaction(acting_for=SYSTEM) as tx:
        found = tx.session.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1"))  # noqa: S608
        return [dict(row) for row in found.mappings()]


def events(database: Database) -> list[tuple[str, object]]:
    """The audit log: what happened, with its details."""
    with database.transaction(acting_for=SYSTEM) as tx:
        found = tx.session.execute(text("SELECT event, details FROM audit_log ORDER BY id"))
        return [(row.event, row.details) for row in found]
