"""From a credential to who shows it: one statement a request, and a note of its use after the answer."""

from anyio import to_thread
from fastapi import BackgroundTasks

from spotify_insights.access.authenticate import Credential, note_use
from spotify_insights.access.principal import Principal
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.errors import UnavailableError
from spotify_insights.observability import get_logger
from spotify_insights.runtime import Runtime
from spotify_insights.web.hot_reads import HotReads

_log = get_logger(__name__)


async def recognise(
    credential: Credential, runtime: Runtime, reads: HotReads, background: BackgroundTasks
) -> Principal:
    """Who shows `credential`. That it was used is written once a minute, when the answer is out.

    Raises:
        UnauthenticatedError: nobody, or somebody whose credential counts no longer.
        UnavailableError: the database does not answer.
    """
    authenticator = runtime.authenticator
    if not authenticator.is_ready_for(credential):
        # Once in the life of a process.
        await to_thread.run_sync(authenticator.prepare)
    question = authenticator.question(credential)
    row = await reads.row(question.read, acting_for=AUTHENTICATION)
    recognised = authenticator.recognised(question, row)
    if recognised.use_is_due:
        background.add_task(_note_use, runtime, recognised.principal)
    return recognised.principal


def _note_use(runtime: Runtime, principal: Principal) -> None:
    if principal.credential_id is None:
        return
    try:
        with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
            note_use(tx, principal.kind, principal.credential_id)
    except UnavailableError as error:
        # The answer is out already, and the next request notes the same.
        _log.warning("use_not_noted", reason=error.message)
