"""Why a sign-in did not come about: for each reason a page that says what happened and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Self

from spotify_insights.errors import ProductError


class ProblemKind(StrEnum):
    """Who can mend it: the listener by trying again, somebody with a right, the operator, or time."""

    START_AGAIN = "start_again"
    NOT_ALLOWED = "not_allowed"
    OPERATOR = "operator"
    LATER = "later"


@dataclass(frozen=True)
class Problem:
    """One reason, in words. `{provider}`, `{redirect_uri}` and `{wait}` in them are filled in by the page."""

    kind: ProblemKind
    title: str
    what_happened: str
    steps: tuple[str, ...]


class SignInError(ProductError):
    """A sign-in ended without anybody being signed in; `reason` names the problem.

    `wait` is for how long trying again is in vain, where somebody said so.
    """

    code = "sign_in_failed"

    def __init__(self, reason: str, *, wait: timedelta | None = None) -> None:
        super().__init__(f"The sign-in did not come about ({reason}). Start it again.")
        self.reason = reason
        self.wait = wait

    @classmethod
    def after(cls, reason: str, seconds: int | None) -> Self:
        """The same, where the wait is a number of seconds."""
        return cls(reason, wait=None if seconds is None else timedelta(seconds=seconds))


# What may happen with every provider.
COMMON_PROBLEMS: Final[Mapping[str, Problem]] = {
    "declined": Problem(
        ProblemKind.START_AGAIN,
        "You did not agree",
        "You cancelled at {provider}, so nothing was connected and nothing is known of you here.",
        ("If that was a slip, try again and choose “Agree”.",),
    ),
    "unknown_attempt": Problem(
        ProblemKind.START_AGAIN,
        "This did not begin here",
        "You came back from {provider} with something that this installation does not know.",
        ("Start again from this page.",),
    ),
    "attempt_over": Problem(
        ProblemKind.START_AGAIN,
        "That took too long",
        "A sign-in has to be finished within ten minutes, and this one began earlier.",
        ("Start again, and agree at {provider} within ten minutes.",),
    ),
    "attempt_used": Problem(
        ProblemKind.START_AGAIN,
        "This was used already",
        "This address was opened once before, and it works only once. That happens with the back button, "
        "or when a page is loaded again.",
        ("Go on to your account if you are signed in; otherwise start again.",),
    ),
    "foreign_browser": Problem(
        ProblemKind.START_AGAIN,
        "This began in another browser",
        "You came back from {provider} with a sign-in that began elsewhere, or this browser keeps no "
        "cookies.",
        (
            "If somebody sent you this link, close it: it would connect their account, not yours.",
            "Otherwise start again, and stay in one browser until the end. It must accept cookies.",
        ),
    ),
    "session_changed": Problem(
        ProblemKind.START_AGAIN,
        "You are not who began this",
        "Somebody signed in or out here, or ended your session elsewhere, while {provider} was asking, so "
        "nothing was connected.",
        ("Sign in, then connect {provider} again from your account.",),
    ),
    "identity_of_another_user": Problem(
        ProblemKind.NOT_ALLOWED,
        "This account belongs to somebody else here",
        "This account at {provider} is connected with another user of this installation.",
        (
            "Sign out, then sign in with {provider} to be that user.",
            "Or disconnect {provider} there first, and then connect it here.",
        ),
    ),
    "another_account_connected": Problem(
        ProblemKind.NOT_ALLOWED,
        "You are connected with another account",
        "You signed in at {provider} with another account than the one that is connected here. The listening "
        "of two people must not be mixed.",
        (
            "Sign out at {provider}, then try again with the account that you used before.",
            "Or disconnect {provider} in your account first.",
        ),
    ),
    "registration_closed": Problem(
        ProblemKind.NOT_ALLOWED,
        "Nobody new can join here",
        "You have no account here, and this installation takes nobody new at the moment.",
        ("Ask the operator of this installation.",),
    ),
    "invitation_needed": Problem(
        ProblemKind.NOT_ALLOWED,
        "You need an invitation",
        "You have no account here, and this installation admits new people by invitation alone.",
        (
            "Ask the operator of this installation for an invitation.",
            "Open the link in it, and choose {provider} there.",
        ),
    ),
    "invitation_over": Problem(
        ProblemKind.NOT_ALLOWED,
        "This invitation is over",
        "It has been used already, has expired, or was withdrawn.",
        ("Ask the operator of this installation for a new one.",),
    ),
    "being_erased": Problem(
        ProblemKind.NOT_ALLOWED,
        "Your account is being erased",
        "You asked for everything of yours to be erased, and that is still under way.",
        ("Wait until it is finished; afterwards you may begin anew.",),
    ),
    "not_configured": Problem(
        ProblemKind.OPERATOR,
        "{provider} is not set up here",
        "This installation does not know yet which app to use at {provider}.",
        (
            "The operator registers an app at {provider} with exactly this redirect URI: {redirect_uri}",
            "Then the operator sets its client id and secret, and restarts this installation.",
        ),
    ),
    "app_refused": Problem(
        ProblemKind.OPERATOR,
        "{provider} refuses this installation's app",
        "{provider} does not accept the client id, the client secret or the redirect URI that this "
        "installation shows. You did nothing wrong.",
        (
            "The operator compares them with the app's settings at {provider}.",
            "This redirect URI must be registered there, character by character: {redirect_uri}",
        ),
    ),
    "unavailable": Problem(
        ProblemKind.LATER,
        "One moment, please",
        "The database of this installation does not answer, so nobody could be signed in.",
        ("Try again {wait}.",),
    ),
    "provider_away": Problem(
        ProblemKind.LATER,
        "{provider} is not answering",
        "{provider} did not answer as it should, so nobody could be signed in. Nothing was changed.",
        ("Try again {wait}.",),
    ),
}
