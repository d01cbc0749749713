"""The page for a sign-in that did not come about: what happened, and what to do."""

import math
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.errors import NotFoundError
from spotify_insights.sign_in.problem import COMMON_PROBLEMS, Problem, ProblemKind, SignInError
from spotify_insights.sign_in.providers.provider import Provider
from spotify_insights.web.pages.rendering import Link, message_page

_STATUS: Final = {
    ProblemKind.START_AGAIN: 400,
    ProblemKind.NOT_ALLOWED: 403,
    ProblemKind.OPERATOR: 502,
    ProblemKind.LATER: 503,
}
# A pause of a day, and whatever is left of the day before it.
LONGEST_WAIT: Final = timedelta(days=2)
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(minutes=5)


def problem_address(provider: Provider, refusal: SignInError, *, next_path: str) -> str:
    """Where the page is: an address without anything of the sign-in itself."""
    said = {"reason": refusal.reason}
    if refusal.wait is not None:
        said["wait"] = str(math.ceil(min(refusal.wait, LONGEST_WAIT).total_seconds()))
    if next_path != "/account":
        said["next"] = next_path
    return f"/auth/{provider.name}/problem?{urlencode(said)}"


def problem_page(
    request: Request,
    provider: Provider,
    refusal: SignInError,
    *,
    try_again: str,
    redirect_uri: str = "",
    is_signed_in: bool = False,
) -> Response:
    """The page itself.

    Args:
        try_again: where the sign-in begins.
        redirect_uri: what the operator registers with the provider.

    Raises:
        NotFoundError: there is no such reason.
    """
    known: dict[str, Problem] = {**COMMON_PROBLEMS, **provider.problems}
    problem = known.get(refusal.reason)
    if problem is None:
        raise NotFoundError("There is no such problem.")
    wait = refusal.wait or _WAIT_WHERE_NONE_IS_NAMED
    filled = {"provider": provider.title, "redirect_uri": redirect_uri, "wait": _in_words(refusal.wait)}
    response = message_page(
        request,
        status=_STATUS[problem.kind],
        title=problem.title.format(**filled),
        what_happened=problem.what_happened.format(**filled),
        what_to_do=[step.format(**filled) for step in problem.steps],
        actions=_actions(problem.kind, refusal.reason, try_again, is_signed_in=is_signed_in),
    )
    if problem.kind is ProblemKind.LATER:
        response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response


def _actions(kind: ProblemKind, reason: str, try_again: str, *, is_signed_in: bool) -> list[Link]:
    again: Link = ("Try again", try_again)
    elsewhere: Link = ("Go to your account", "/account") if is_signed_in else ("Back to sign-in", "/sign-in")
    if kind is ProblemKind.OPERATOR:
        return [elsewhere]
    # Where trying again would only end here once more, it is not what we propose.
    is_in_vain = kind is ProblemKind.NOT_ALLOWED or (reason == "attempt_used" and is_signed_in)
    return [elsewhere, again] if is_in_vain else [again, elsewhere]


def _in_words(wait: timedelta | None) -> str:
    if wait is None:
        return "in a few minutes"
    minutes = math.ceil(wait.total_seconds() / 60)
    if minutes <= 1:
        return "in a minute"
    if minutes < 90:
        return f"in about {minutes} minutes"
    return f"in about {math.ceil(minutes / 60)} hours"
