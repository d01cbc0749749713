"""The operations of the API, as its OpenAPI document declares them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spotify_insights.access.scopes import Scope

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one address: what it asks of a caller, and how it answers one who may."""

    name: str
    method: str
    path: str
    # None where it asks for nothing.
    scope: Scope | None
    successes: frozenset[int]
    parameters: frozenset[str]
    required: frozenset[str]
    has_body: bool
    takes_a_key: bool


def operations_of(document: Document) -> dict[str, Operation]:
    """Every operation by its name, such as `GET /health`.

    Raises:
        AssertionError: one asks for several scopes, or for one with one kind of credential and not another.
    """
    found = {}
    for path, methods in document["paths"].items():
        for method, declared in methods.items():
            name = f"{method.upper()} {path}"
            parameters = [
                parameter
                for parameter in declared.get("parameters", [])
                if parameter["in"] in {"path", "query"}
            ]
            found[name] = Operation(
                name=name,
                method=method.upper(),
                path=path,
                scope=_scope(name, declared.get("security", [])),
                successes=frozenset(int(status) for status in declared["responses"] if status[0] == "2"),
                parameters=frozenset(parameter["name"] for parameter in parameters),
                required=frozenset(parameter["name"] for parameter in parameters if parameter["required"]),
                has_body="requestBody" in declared,
                takes_a_key=any(
                    parameter["name"] == "Idempotency-Key" for parameter in declared.get("parameters", [])
                ),
            )
    return found


def _scope(name: str, security: list[dict[str, list[str]]]) -> Scope | None:
    if not security:
        return None
    asked = {scheme: scopes for way in security for scheme, scopes in way.items()}
    assert asked.keys() == {"bearer", "session"}, f"{name} can be asked with {sorted(asked)} alone."
    assert {} not in security, f"{name} asks for {sorted(asked)}, or for nothing at all."
    assert len(security) == 2, f"{name} asks for two kinds of credential at once."
    scopes = {tuple(found) for found in asked.values()}
    assert len(scopes) == 1, f"{name} asks for {asked}: another scope of each kind of credential."
    (wanted,) = scopes
    assert len(wanted) == 1, f"{name} asks for the scopes {wanted}: it has to be exactly one."
    return Scope(wanted[0])


def secret_fields(document: Document, names: tuple[str, ...]) -> Iterator[str]:
    """Every property of an answer whose name holds one of `names`, as `Schema.property`."""
    schemas = document["components"]["schemas"]
    for schema in sorted(_answered(document)):
        for field in schemas[schema].get("properties", {}):
            if any(name in field.lower() for name in names):
                yield f"{schema}.{field}"


def _answered(document: Document) -> set[str]:
    """The schemas that stand in an answer, at whatever depth."""
    found: set[str] = set()
    waiting = {
        reference
        for methods in document["paths"].values()
        for declared in methods.values()
        for answer in declared["responses"].values()
        for reference in _references(answer)
    }
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_references(document["components"]["schemas"][name])) - found
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
