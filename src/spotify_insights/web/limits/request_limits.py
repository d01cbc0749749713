"""Which limits a request meets, and the errors and headers that come of them.

Every operation that needs a caller is counted in `web.authorization`; everything else, such as pages and
sign-in, by address in `middleware.address_limits`. A route adds a stricter class by a dependency:

    @router.post("/generate", dependencies=[limited(LimitClass.GENERATION)])
    @router.post("/sign-in", dependencies=[limited_by_name("name")])      the field that names the account
"""

from datetime import timedelta
from typing import Any, Final, cast

from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from spotify_insights.access.principal import Principal, PrincipalKind
from spotify_insights.errors import TooManyRequestsError
from spotify_insights.sign_in.usernames import normalised_username
from spotify_insights.web.client_address import client_address, limited_as
from spotify_insights.web.limits.policy import HOUR, LimitClass, Policy, Standing
from spotify_insights.web.limits.rate_limits import RateLimits

_IN_SCOPE: Final = "limit_standings"
# No form and no body takes a longer one.
_LONGEST_NAME: Final = 2000


def standings_of(scope: Scope) -> dict[tuple[LimitClass, str], Standing]:
    """Where this request's client stands, by class and subject; each was counted once."""
    return cast("dict[tuple[LimitClass, str], Standing]", scope.setdefault(_IN_SCOPE, {}))


async def limit_principal(request: Request, principal: Principal, *classes: LimitClass) -> None:
    """Count this request for its caller under the default class and these; each once, however often asked.

    Whoever uses the operator's own machine without sign-in is not limited.

    Raises:
        TooManyRequestsError: a quota is used up.
    """
    if principal.kind is PrincipalKind.LOCAL:
        return
    credential = f"{principal.name}/{principal.kind}:{principal.credential_id}"
    await _take(
        request,
        [
            (LimitClass.DEFAULT, credential),
            # A new key is no new quota.
            *((limit_class, principal.name) for limit_class in (LimitClass.PERSON, *classes)),
        ],
    )


async def limit_address(request: HTTPConnection, *classes: LimitClass) -> None:
    """Count this request for the address that it comes from, under these classes.

    Raises:
        TooManyRequestsError: a quota is used up.
    """
    await _take(request, [(limit_class, _address(request)) for limit_class in classes])


async def limit_wrong_credential(request: HTTPConnection) -> None:
    """Count a key, token or session that nobody has, for the address that it comes from.

    Raises:
        TooManyRequestsError: there were too many; until some time has passed `refuse_shut_address` refuses.
    """
    try:
        await limit_address(request, LimitClass.DEFAULT)
    except TooManyRequestsError as error:
        limits = cast("RateLimits", request.app.state.rate_limits)
        limits.shut_addresses.shut(_address(request), error.retry_after)
        raise


def refuse_shut_address(request: HTTPConnection) -> None:
    """Refuse at once, and before the database is asked, where too many wrong credentials came from.

    Raises:
        TooManyRequestsError: from this address they did.
    """
    limits = cast("RateLimits", request.app.state.rate_limits)
    left = limits.shut_addresses.shut_for(_address(request))
    if left is not None:
        raise TooManyRequestsError(
            "Too many credentials that nobody has came from your address.", retry_after=left
        )


async def limit_sign_in_of(request: HTTPConnection, name: str) -> None:
    """Count an attempt to sign in as `name`, whoever makes it from wherever.

    Raises:
        TooManyRequestsError: there were too many.
    """
    # The very spelling that the account is looked up by: another one is no new quota.
    subject = f"account:{normalised_username(name[:_LONGEST_NAME])}"
    await _take(request, [(LimitClass.SIGN_IN, subject)])


def limited_by_name(field: str) -> Any:
    """A dependency that counts sign-ins as the account that this field of the form or JSON body names."""

    async def limit(request: Request) -> None:
        name = await _field(request, field)
        if name:
            await limit_sign_in_of(request, name)

    return Depends(limit)


def _address(request: HTTPConnection) -> str:
    return f"address:{limited_as(client_address(request))}"


async def _field(request: Request, field: str) -> str | None:
    # Both stay with the request, so that the route reads them, too.
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        value: object = (await request.form()).get(field)
    else:
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            # The route reads it once more, and says what is wrong with it.
            return None
        value = body.get(field) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


async def _take(request: HTTPConnection, wanted: list[tuple[LimitClass, str]]) -> None:
    standings = standings_of(request.scope)
    fresh = [entry for entry in wanted if entry not in standings]
    if not fresh:
        return
    limits = cast("RateLimits", request.app.state.rate_limits)
    taken = await limits.take(fresh)
    standings.update(zip(fresh, taken, strict=True))
    refused = [standing for standing in taken if not standing.granted]
    if refused:
        longest = max(refused, key=lambda standing: standing.wait)
        raise TooManyRequestsError(_sentence(longest.policy), retry_after=timedelta(seconds=longest.wait))


def _sentence(refused: Policy) -> str:
    rate = f"{refused.quota} {'an hour' if refused.window == HOUR else 'a minute'}"
    return _AT_MOST[refused.limit_class].format(rate=rate)


_AT_MOST: Final = {
    LimitClass.DEFAULT: "Too many requests: send at most {rate}.",
    LimitClass.PERSON: "Too many requests: all your sessions and keys together may send {rate} at most.",
    LimitClass.SIGN_IN: "Too many attempts to sign in: make at most {rate}.",
    LimitClass.UPLOAD: "Too many uploads: send at most {rate}.",
    LimitClass.GENERATION: "Too many insights asked for: ask for at most {rate}.",
}
