"""PostgreSQL stopped under a real API: every documented operation says so soon, and recovers by itself."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from conftest import Servers
from live_api import LiveApi, running_api
from problem_documents import reasons_of
from server_trials import eventually
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from time_limits import assert_kept

# What a client may have to wait until it is told to come again later.
PROMISED_SECONDS = 2.0
TRIES = 3

Document = dict[str, Any]
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that the test may stop."""
    with DataFolder(tmp_path / "data") as folder:
        server = EmbeddedPostgres(folder, durable=False)
        server.start()
        upgrade_database(server.url)
        yield server
        server.stop()


def operations(document: Document) -> Iterator[Operation]:
    """A request for each operation, made of its own examples."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            address, query = path, {}
            for parameter in operation.get("parameters", []):
                if not parameter.get("required"):
                    continue
                value = example(document, parameter["schema"])
                if parameter["in"] == "path":
                    address = address.replace("{" + parameter["name"] + "}", value)
                else:
                    query[parameter["name"]] = value
            sent: dict[str, Any] = {"params": query}
            taken = operation.get("requestBody", {}).get("content", {})
            if "application/json" in taken:
                sent["json"] = example(document, taken["application/json"]["schema"])
            elif taken:
                sent["files"] = {"file": ("history.json", b"[]")}
            yield method, address, sent


def example(document: Document, schema: Document) -> Any:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "example" in schema:
        return schema["example"]
    return schema["examples"][0] if "examples" in schema else schema["enum"][0]


def is_answered_without(operation: Operation) -> bool:
    """Whether no database is needed: who asks nobody for an account knows that nobody has keys here."""
    path = operation[1]
    return path == "/health/live" or path.startswith(("/api/keys", "/api/sessions"))


def ask(api: LiveApi, operation: Operation) -> requests.Response:
    method, path, sent = operation
    return requests.request(method, api.url + path, timeout=30, **sent)


def is_served(api: LiveApi, operation: Operation) -> bool:
    return ask(api, operation).status_code != 503


def refused_after(api: LiveApi, operation: Operation) -> float:
    """How many seconds it took to be told to come again later."""
    began = time.monotonic()
    answer = ask(api, operation)
    seconds = time.monotonic() - began
    reasons_of(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    return seconds


@pytest.mark.slow  # each operation waits for its limit
def test_every_operation_says_soon_that_the_database_is_away_and_recovers(
    postgres: EmbeddedPostgres, servers: Servers, key_file: Path, tmp_path: Path
) -> None:
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": servers.redis_url,
        "TOKEN_KEYS_FILE": str(key_file),
    }
    with running_api(tmp_path, environment) as api:
        document = requests.get(f"{api.url}/openapi.json", timeout=30).json()
        every = list(operations(document))
        dependent = [operation for operation in every if not is_answered_without(operation)]
        assert len(dependent) > 15
        before = {operation[:2]: ask(api, operation).status_code for operation in dependent}
        assert 503 not in before.values()

        postgres.stop()
        for operation in dependent:
            seconds = [refused_after(api, operation) for _ in range(TRIES)]
            assert_kept(seconds, promised=PROMISED_SECONDS, what=" ".join(operation[:2]))
        assert requests.get(f"{api.url}/health/live", timeout=PROMISED_SECONDS).status_code == 200

        postgres.start()
        for operation in dependent:
            assert eventually(partial(is_served, api, operation), within=10), operation
