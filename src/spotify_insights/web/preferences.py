"""A listener's preferences as they come in: named text, numbers and switches, nothing nested."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator

from spotify_insights.accounts.profile import MOST_PREFERENCES
from spotify_insights.web.numbers import as_whole_number
from spotify_insights.web.text import NO_CONTROL_CHARACTERS, PlainText, is_storable

_LONGEST_NAME: Final = 64
_LONGEST_TEXT: Final = 500
_LARGEST_NUMBER: Final = 2**31


def _preference(value: Any) -> str | int | bool | None:
    """The value; one sentence for all that it may be, where a union would give one for each kind."""
    match as_whole_number(value):
        case None | bool() as switch:
            return switch
        case int(number) if abs(number) <= _LARGEST_NUMBER:
            return number
        case str(text) if len(text) <= _LONGEST_TEXT and is_storable(text):
            return text
        case _:
            raise ValueError(
                f"must be text of at most {_LONGEST_TEXT} characters, a whole number, true, false, or null"
            )


def _named(preferences: dict[str, Any]) -> dict[str, Any]:
    if not all(0 < len(name) <= _LONGEST_NAME and is_storable(name) for name in preferences):
        raise ValueError(f"must have names of 1 to {_LONGEST_NAME} characters without control characters")
    return preferences


_Text = Annotated[PlainText, Field(max_length=_LONGEST_TEXT)]
_Number = Annotated[int, Field(ge=-_LARGEST_NUMBER, le=_LARGEST_NUMBER)]
_Preference = Annotated[
    str | int | bool | None,
    PlainValidator(_preference, json_schema_input_type=_Text | _Number | bool | None),
]
Preferences = Annotated[
    dict[str, _Preference],
    Field(
        max_length=MOST_PREFERENCES,
        json_schema_extra={
            "propertyNames": {
                "minLength": 1,
                "maxLength": _LONGEST_NAME,
                "pattern": NO_CONTROL_CHARACTERS,
            }
        },
    ),
    AfterValidator(_named),
]
