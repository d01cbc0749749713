import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.personas import PERSONAS
from spotify_insights.pretend_spotify.running import running_pretend_spotify
from spotify_insights.pretend_spotify.sign_in import sign_in

REDIRECT = "http://127.0.0.1:8000/auth/spotify/callback"
# The example of RFC 7636, appendix B.
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "client_id": "pretend-client",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "scope": "user-top-read user-read-recently-played",
    "state": "s-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def answered(response: httpx2.Response) -> dict[str, list[str]]:
    """What the redirect tells the app."""
    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{REDIRECT}?")
    return parse_qs(urlsplit(response.headers["location"]).query)


def test_the_page_offers_every_persona_and_preselects_the_demo_persona(browser: httpx2.Client) -> None:
    page = browser.get("/authorize", params=ASKED)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r'name="persona" value="([^"]+)"', page.text) == [persona.key for persona in PERSONAS]
    assert re.findall(r'value="([^"]+)" checked', page.text) == ["omnivore"]
    assert {"agree", "cancel"} <= set(re.findall(r'name="decision" value="([^"]+)"', page.text))


def test_the_form_of_the_page_carries_the_whole_question(browser: httpx2.Client) -> None:
    page = browser.get("/authorize", params=ASKED).text
    assert dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', page)) == ASKED


def test_the_page_renders_a_hostile_state_as_text(browser: httpx2.Client) -> None:
    page = browser.get("/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'}).text
    assert "<script" not in page


def test_agreeing_leads_back_with_a_code_and_the_state(browser: httpx2.Client) -> None:
    back = answered(browser.post("/authorize", data=ASKED | {"decision": "agree", "persona": "night-owl"}))
    assert back["state"] == ["s-1"]
    assert set(back) == {"code", "state"}


def test_cancelling_leads_back_with_access_denied_and_the_state(browser: httpx2.Client) -> None:
    back = answered(browser.post("/authorize", data=ASKED | {"decision": "cancel"}))
    assert back == {"error": ["access_denied"], "state": ["s-1"]}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"client_id": "someone-else"}, "INVALID_CLIENT: Invalid client"),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere"}, "Invalid redirect URI"),
        ({"redirect_uri": "http://127.0.0.1:8000/auth/spotify/callback/"}, "Invalid redirect URI"),
        ({"redirect_uri": "http://localhost:8000/auth/spotify/callback"}, "Invalid redirect URI"),
        (
            {"redirect_uri": "http://127.0.0.1:8000@evil.example/auth/spotify/callback"},
            "Invalid redirect URI",
        ),
        ({"redirect_uri": "https://127.0.0.1:8000/auth/spotify/callback"}, "Invalid redirect URI"),
        ({"redirect_uri": "http://127.0.0.1:port/auth/spotify/callback"}, "Invalid redirect URI"),
        ({"response_type": "token"}, "response_type must be code"),
        ({"scope": "user-top-read user-delete-everything"}, "Invalid scope"),
        ({"code_challenge_method": "plain"}, "code_challenge_method must be S256"),
        ({"code_challenge": "short"}, "not a SHA-256 challenge"),
        ({"persona": "nobody"}, "no such listener"),
    ],
)
def test_a_wrong_question_is_explained_and_never_redirected(
    browser: httpx2.Client, changes: dict[str, str], complaint: str
) -> None:
    decided = browser.post("/authorize", data=ASKED | {"decision": "agree"} | changes)
    assert decided.status_code == 400
    assert complaint in decided.text
    if "persona" not in changes:
        assert browser.get("/authorize", params=ASKED | changes).status_code == 400


def test_a_redirect_uri_registered_with_a_port_needs_that_port() -> None:
    config = PretendSpotifyConfig(redirect_uris=("http://127.0.0.1:9000/back",))
    with running_pretend_spotify(config) as server:
        for port, status in ((9000, 200), (9001, 400)):
            asked = ASKED | {"redirect_uri": f"http://127.0.0.1:{port}/back"}
            url = f"{server.accounts_url}/authorize"
            assert httpx2.get(url, params=asked, trust_env=False).status_code == status


def test_an_app_without_a_secret_must_use_pkce() -> None:
    config = PretendSpotifyConfig(client_secret=None)
    with running_pretend_spotify(config) as server:
        without = {name: value for name, value in ASKED.items() if not name.startswith("code_challenge")}
        refused = httpx2.get(f"{server.accounts_url}/authorize", params=without, trust_env=False)
        assert refused.status_code == 400
        assert "code_challenge" in refused.text
        assert sign_in(server.base_url, config).refresh_token
