"""The API takes JSON alone, which no foreign page can send without asking first; pages take forms."""

import pytest
from starlette.testclient import TestClient

from problem_documents import reasons_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path", ["/api/users/register", "/api/auth/token", "/api/tokens/store", "/api/nothing"]
)
def test_the_api_takes_no_forms(lasting_client: TestClient, path: str) -> None:
    reasons_of(lasting_client.post(path, content="a=b", headers=FORM), 415, "unsupported_content_type")


def test_pages_take_forms_and_no_files(lasting_client: TestClient) -> None:
    assert lasting_client.post("/sign-in", data={"username": "robin", "password": ""}).status_code == 422
    file = lasting_client.post("/sign-in", files={"username": b"robin"})
    text = lasting_client.post("/sign-in", content="a=b", headers={"Content-Type": "text/plain"})
    endless = lasting_client.post("/sign-in", data={"username": "a" * 2**21})

    reasons_of(file, 415, "unsupported_content_type")
    reasons_of(text, 415, "unsupported_content_type")
    reasons_of(endless, 413, "request_too_large")
