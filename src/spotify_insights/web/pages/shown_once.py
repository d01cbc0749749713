"""Pages that show a secret: the form that leads to one works once, so that a reload makes no second one."""

import hashlib
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.database.database import Transaction
from spotify_insights.errors import ProductError
from spotify_insights.idempotency.answer import Answer, IdempotentRequest, answer_once
from spotify_insights.idempotency.errors import KeyInUseError
from spotify_insights.web.pages.rendering import message_page

Made = TypeVar("Made")


class ShownAlreadyError(ProductError):
    """This form was sent before, and what it made was shown then."""

    code = "shown_already"


def new_form() -> str:
    """The value of a hidden field named `form`; another one for each time that a page is made. No secret."""
    return uuid4().hex


def make_once(tx: Transaction, user_id: UUID, form: str, make: Callable[[], Made]) -> Made:
    """What `make` gives; nothing of it is kept but a hash of `form`, for a day.

    Args:
        tx: the transaction that `make` works in; an error undoes both.
        form: as `new_form` gave it to the page. A form without one may be sent as often as wanted.

    Raises:
        ShownAlreadyError: this form was used up; `make` was not called, or is undone with the transaction.
    """
    made: list[Made] = []

    def answer() -> Answer:
        made.append(make())
        return Answer(status=200, body={}, owner_id=user_id)

    if not form:
        return make()
    key = hashlib.sha256(form.encode("utf-8", "surrogateescape")).hexdigest()
    request = IdempotentRequest(caller="form", route=str(user_id), key=key, content="")
    try:
        answer_once(tx, request, answer)
    except KeyInUseError:
        made.clear()
    if not made:
        raise ShownAlreadyError("It was made a moment ago, and shown then. Nothing was made just now.")
    return made[0]


def shown_already_page(request: Request, *, back: str) -> Response:
    """What a form that is sent again leads to.

    Args:
        back: the page that the form is on.
    """
    return message_page(
        request,
        status=409,
        title="This was shown already",
        what_happened="You sent the same form again, as a reload does. What it makes is shown only once, so "
        "nothing was made a second time.",
        what_to_do="If you did not keep it, make a new one, and take the old one back.",
        actions=[("Go back", back)],
    )
