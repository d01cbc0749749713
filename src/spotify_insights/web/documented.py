"""Bodies of the API that show an example of themselves in its documentation."""

from typing import Any, ClassVar

from pydantic import BaseModel


class Documented(BaseModel):
    """A document that comes in or goes out; every one gives its `example`."""

    example: ClassVar[dict[str, Any]]


def add_examples(schemas: dict[str, Any]) -> None:
    """Put each document's example into its JSON schema.

    FastAPI would leave out what is null in an example, and so hide fields that are always there.

    Args:
        schemas: the schemas of one OpenAPI document by name, changed in place.
    """
    for document in Documented.__subclasses__():
        if document.__name__ in schemas:
            schemas[document.__name__]["example"] = document.example
