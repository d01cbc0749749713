"""Whole numbers as they may come in."""

from typing import Any


def as_whole_number(value: Any) -> Any:
    """For strict integers, before they are checked: 60.0 is the whole number 60, "60" and true are none.

    JSON knows one kind of number (JSON Schema Core, section 4.2.3).
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value
