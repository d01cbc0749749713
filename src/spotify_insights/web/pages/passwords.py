"""A new password: in place of the one that is known, or by a link for whoever forgot theirs."""

import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from spotify_insights.access.one_time_links import LinkOverError, hash_of_token
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.errors import ConflictError, InvalidInputError
from spotify_insights.sign_in.local_accounts import NoPasswordError, change_password, username_of
from spotify_insights.sign_in.password_reset import reset_account, reset_password
from spotify_insights.sign_in.queries import username_document
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.limits.request_limits import limit_sign_in_of
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pages.forms import (
    NOTHING,
    Problems,
    Secret,
    Text,
    check_typed_twice,
    problems_of,
    status_of,
)
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.providers_offered import title_of
from spotify_insights.web.pages.rendering import message_page, render_page, see_other
from spotify_insights.web.pages.viewer import Viewer, ViewerId

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Token = Annotated[str, Query(max_length=500)]


async def _limited_by_own_name(request: Request, reads: HotReadsDep, user_id: ViewerId) -> None:
    # As at sign-in, from wherever: a stolen session is no way to try out passwords. The name in the form is
    # not asked: another one would be a new quota.
    row = await reads.row(username_document(user_id), acting_for=Actor.listener(user_id))
    username = None if row is None else json.loads(row[0])["username"]
    if username is not None:
        await limit_sign_in_of(request, username)


@router.get("/account/password")
def password_page(request: Request, runtime: RuntimeDep, user_id: ViewerId) -> Response:
    """Ask for the password and a new one."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        username = username_of(tx, user_id)
    if username is None:
        return _no_password(request)
    return render_page(request, "change_password.html", username=username, problems={})


@router.post("/account/password", dependencies=[Depends(_limited_by_own_name)])
def change(
    request: Request,
    runtime: RuntimeDep,
    viewer: Viewer,
    user_id: ViewerId,
    username: Text = "",
    current_password: Secret = NOTHING,
    password: Secret = NOTHING,
    password_again: Secret = NOTHING,
) -> Response:
    """Change the password; every other session ends."""
    try:
        check_typed_twice(password, password_again)
        change_password(
            runtime.database,
            runtime.audit,
            user_id,
            current=current_password,
            new=password,
            kept_session=viewer.credential_id,
            origin=origin_of(request),
        )
    except NoPasswordError:
        return _no_password(request)
    except (InvalidInputError, ConflictError) as error:
        return render_page(
            request,
            "change_password.html",
            status=status_of(error),
            username=username[:100],
            problems=problems_of(error),
        )
    return see_other("/account?password_changed=1")


@router.get("/reset-password")
def reset_page(request: Request, runtime: RuntimeDep, token: Token = "") -> Response:
    """Let whoever holds the link choose a new password."""
    return _reset_form(request, runtime, token)


@router.post("/reset-password")
def reset(
    request: Request,
    runtime: RuntimeDep,
    token: Token = "",
    password: Secret = NOTHING,
    password_again: Secret = NOTHING,
) -> Response:
    """Set the new password; every session and key ends, and the link is used up."""
    try:
        check_typed_twice(password, password_again)
        done = reset_password(
            runtime.database,
            runtime.audit,
            token_hash=hash_of_token(token),
            password=password,
            origin=origin_of(request),
        )
    except (LinkOverError, NoPasswordError):
        return _reset_over(request)
    except (InvalidInputError, ConflictError) as error:
        return _reset_form(request, runtime, token, problems=problems_of(error), status=status_of(error))
    return _reset_done(request, [title_of(provider) for provider in done.providers])


def _reset_form(
    request: Request,
    runtime: RuntimeDep,
    token: str,
    *,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        account = reset_account(tx, hash_of_token(token))
    if account is None:
        return _reset_over(request)
    return render_page(
        request,
        "reset_password.html",
        status=status,
        username=account[1],
        problems=problems or {},
    )


def _reset_done(request: Request, others: Sequence[str]) -> Response:
    """Say what has ended, and what has not: another way in may be a thief's, which we cannot know."""
    steps = ["Sign in with it."]
    if others:
        steps.append(
            f"This account can also be entered through {' and '.join(others)}. Disconnect on your account "
            "page what you did not connect yourself."
        )
    return message_page(
        request,
        status=200,
        title="Your new password counts",
        what_happened="You are signed out everywhere, and API keys and links that were made before work no "
        "longer.",
        what_to_do=steps,
        actions=[("Sign in", "/sign-in")],
    )


def _reset_over(request: Request) -> Response:
    return message_page(
        request,
        status=410,
        title="This link is over",
        what_happened="It has been used, is older than a day, or a newer one took its place.",
        what_to_do=[
            "If you have chosen your new password already, sign in.",
            "If not, ask an admin for a new link.",
        ],
        actions=[("Sign in", "/sign-in")],
    )


def _no_password(request: Request) -> Response:
    return message_page(
        request,
        status=409,
        title="You have no password here",
        what_happened="You sign in through another service, so there is none to be changed.",
        what_to_do="Change it at that service, if you want to.",
        actions=[("Back to your account", "/account")],
    )
