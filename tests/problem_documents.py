"""What every refusal of the API has in common, whichever client received it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Answer(Protocol):
    """A response of `requests` or of Starlette's test client."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def text(self) -> str: ...

    def json(self) -> Any: ...


def reasons_of(answer: Answer, status: int, code: str) -> dict[str, str]:
    """Assert that this is a problem document of that status and code; the fields at fault and why."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"].endswith(".")
    reasons = {entry["field"]: entry["reason"] for entry in problem.get("errors", [])}
    assert all(reasons.values())
    return reasons
