from starlette.testclient import TestClient

from access_trials import a_service, a_session, an_admin, an_api_key, bearer, change, cookie_header
from makers import a_user
from spotify_insights.access.scopes import SCOPES_OF_ROLE, UserRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


def test_an_admin_makes_a_service_that_registers_and_reads_its_own_users(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    admin = cookie_header(settings, a_session(runtime, an_admin(runtime)))
    foreign = a_user(runtime)
    made = required_client.post("/api/admin/services", json={"name": "Fitness app"}, headers=admin)
    key = bearer(made.json()["key"]["key"])
    registration = {"spotify_user_id": "spotify_abc", "display_name": "Alice"}
    registered = required_client.post("/api/users/register", json=registration, headers=key).json()
    listed = required_client.get("/api/admin/services", headers=admin)

    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert set(made.json()["key"]["scopes"]) == {scope.value for scope in SCOPES_OF_ROLE[UserRole.SERVICE]}
    assert required_client.get(f"/api/users/{registered['user_id']}", headers=key).status_code == 200
    assert required_client.get(f"/api/users/{foreign}", headers=key).status_code == 404
    assert [(entry["name"], entry["users"]) for entry in listed.json()] == [("Fitness app", 1)]
    assert made.json()["key"]["key"] not in listed.text


def test_a_service_and_its_tokens_see_their_own_keys(runtime: Runtime, required_client: TestClient) -> None:
    key = an_api_key(runtime, a_service(runtime))
    tokens = required_client.post("/api/auth/token", json={"grant_type": "api_key", "api_key": key}).json()
    for shown in (key, tokens["access_token"]):
        (entry,) = required_client.get("/api/keys", headers=bearer(shown)).json()
        assert entry["key_id"] == key.split("_")[1]


def test_nobody_but_an_admin_makes_services(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    body = {"name": "Fitness app"}
    listener = cookie_header(settings, a_session(runtime, a_user(runtime)))
    service = bearer(an_api_key(runtime, a_service(runtime)))

    assert required_client.post("/api/admin/services", json=body).status_code == 401
    assert required_client.post("/api/admin/services", json=body, headers=listener).status_code == 403
    assert required_client.post("/api/admin/services", json=body, headers=service).status_code == 403
    assert required_client.get("/api/admin/services", headers=service).status_code == 403


def test_whoever_is_being_erased_may_only_follow_that(
    runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    shown = [cookie_header(settings, a_session(runtime, user_id)), bearer(an_api_key(runtime, user_id))]
    change(runtime, "UPDATE users SET erasing_since = clock_timestamp() WHERE id = :id", id=user_id)

    for headers in shown:
        assert required_client.get(f"/api/users/{user_id}", headers=headers).status_code == 403
        tasks = required_client.get("/api/tasks", params={"user_id": str(user_id)}, headers=headers)
        assert tasks.status_code == 200
