"""The documentation is complete: every operation explains itself, shows examples, and lists its refusals."""

from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.testclient import TestClient

from spotify_insights.runtime import Runtime
from spotify_insights.web.app import create_app
from spotify_insights.web.problems import MEDIA_TYPE, problem_responses

JSON = "application/json"
Document = dict[str, Any]


class Thing(BaseModel):
    """A document without an example."""

    name: str


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    return create_app(runtime, with_relay=False)


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Every operation of the document under its name, such as `GET /health`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: Document, schema: Document) -> Document:
    """The schema itself, where this only points at it."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def examples_of(document: Document, schema: Document) -> list[Any]:
    """The examples of a value; those of its entries in a list, where it is a list."""
    schema = resolved(document, schema)
    if schema.get("type") == "array":
        return [[example] for example in examples_of(document, schema["items"])]
    return [*schema.get("examples", []), *([schema["example"]] if "example" in schema else [])]


def misfits(document: Document, schema: Document, value: Any) -> list[str]:
    """Why the value is not what the schema describes."""
    whole = {**schema, "components": document["components"]}
    errors = jsonschema_rs.validator_for(whole, validate_formats=True).iter_errors(value)
    return [error.message for error in errors]


def flaws_of_value(document: Document, schema: Document, what: str) -> Iterator[str]:
    examples = examples_of(document, schema)
    if not examples:
        yield f"{what} has no example"
    for example in examples:
        for misfit in misfits(document, schema, example):
            yield f"{what} has an example that does not fit: {misfit}"


def flaws_of_parameter(document: Document, parameter: Document) -> Iterator[str]:
    name, schema = parameter["name"], resolved(document, parameter["schema"])
    if not (parameter.get("description") or schema.get("description")):
        yield f"parameter {name} is not described"
    if parameter["required"] and "enum" not in schema:
        yield from flaws_of_value(document, parameter["schema"], f"parameter {name}")


def expected_refusals(operation: Document) -> set[str]:
    """The problems that any operation with these inputs may answer."""
    parameters = operation.get("parameters", [])
    return (
        {"403", "503"}
        | ({"422"} if parameters or "requestBody" in operation else set())
        | ({"404"} if any(parameter["name"].endswith("_id") for parameter in parameters) else set())
        | ({"413", "415", "422"} if "requestBody" in operation else set())
    )


def flaws_of_answers(document: Document, operation: Document) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if not answer.get("description"):
            yield f"{status} is not described"
        if status.startswith("2") and JSON in content:
            yield from flaws_of_value(document, content[JSON]["schema"], status)
        if status.startswith(("4", "5")) and content.keys() != {MEDIA_TYPE}:
            yield f"{status} is not a problem document"
    for status in sorted(expected_refusals(operation) - operation["responses"].keys()):
        yield f"{status} is missing"
    if "202" in operation["responses"] and "Location" not in operation["responses"]["202"].get("headers", {}):
        yield "202 does not say where to poll"


def flaws(document: Document) -> list[str]:
    """What is missing, as sentences that begin with the operation."""
    found: list[str] = []
    for name, operation in operations(document):
        wanting = [
            field for field in ("summary", "description", "tags", "operationId") if not operation.get(field)
        ]
        found += [f"{name}: no {field}" for field in wanting]
        for parameter in operation.get("parameters", []):
            found += [f"{name}: {flaw}" for flaw in flaws_of_parameter(document, parameter)]
        if JSON in operation.get("requestBody", {}).get("content", {}):
            schema = operation["requestBody"]["content"][JSON]["schema"]
            found += [f"{name}: {flaw}" for flaw in flaws_of_value(document, schema, "body")]
        found += [f"{name}: {flaw}" for flaw in flaws_of_answers(document, operation)]
    return found


def test_every_operation_is_documented_completely(app: FastAPI) -> None:
    assert flaws(app.openapi()) == []


def test_every_address_of_the_api_is_in_the_document(app: FastAPI) -> None:
    documented = {(path, method) for path, methods in app.openapi()["paths"].items() for method in methods}
    routed = {
        (route.path, method.lower())
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute) and route.path is not None
        for method in route.methods or ()
        if route.path.startswith(("/api/", "/health", "/metrics"))
    }

    assert routed == documented


def test_no_two_operations_have_the_same_id(app: FastAPI) -> None:
    ids = [operation["operationId"] for _, operation in operations(app.openapi())]

    assert len(ids) == len(set(ids))


def test_the_problem_document_has_an_example_that_fits(app: FastAPI) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}

    assert list(flaws_of_value(app.openapi(), problem, "Problem")) == []


def test_the_document_is_served_as_it_is_built(client: TestClient, app: FastAPI) -> None:
    served = client.get("/openapi.json").json()

    assert served == app.openapi()
    jsonschema_rs.meta.validate({"$defs": served["components"]["schemas"]})


def undescribed(thing_id: int) -> Thing:
    return Thing(name=str(thing_id))


def without_examples(thing_id: int, body: Thing) -> Thing:
    """Do something."""
    return body if thing_id else Thing(name="")


@pytest.mark.parametrize(
    ("endpoint", "documented", "expected"),
    [
        (undescribed, problem_responses(404, 422), {"no description", "no tags"}),
        (
            without_examples,
            problem_responses(404, 413, 415, 422),
            {
                "parameter thing_id is not described",
                "parameter thing_id has no example",
                "body has no example",
                "200 has no example",
            },
        ),
        (without_examples, {}, {f"{status} is missing" for status in (403, 404, 413, 415, 503)}),
        (without_examples, {404: {"model": Thing}}, {"404 is not a problem document"}),
        (without_examples, {202: {"description": "Taken."}}, {"202 does not say where to poll"}),
    ],
    ids=["undescribed", "no examples", "no refusals", "foreign refusal", "no address to poll"],
)
def test_a_careless_new_route_is_noticed(
    app: FastAPI, endpoint: Callable[..., Any], documented: dict[int | str, Any], expected: set[str]
) -> None:
    app.add_api_route("/api/things/{thing_id}", endpoint, methods=["POST"], responses=documented)

    noticed = {flaw.partition(": ")[2] for flaw in flaws(app.openapi())}

    assert expected <= noticed


def test_an_example_that_no_longer_fits_is_noticed(app: FastAPI) -> None:
    document = app.openapi()
    document["components"]["schemas"]["TokenHandover"]["example"]["expires_in"] = 0

    assert any(
        "POST /api/tokens/store: body has an example that does not fit" in flaw for flaw in flaws(document)
    )
