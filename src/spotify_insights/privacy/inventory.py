"""Every table with somebody's data: what the export gives, and what erasing has to reach."""

from typing import Final

from spotify_insights.access import privacy as access
from spotify_insights.accounts import privacy as accounts
from spotify_insights.audit import privacy as audit
from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.idempotency import privacy as idempotency
from spotify_insights.insights import privacy as insights
from spotify_insights.jobs import privacy as jobs
from spotify_insights.listening import privacy as listening
from spotify_insights.privacy.models import Erasure
from spotify_insights.sign_in import privacy as sign_in
from spotify_insights.storage import privacy as storage

_OF_LEAVING: Final = (
    PersonalTable(
        model=Erasure,
        topic=None,
        about="Who asked for everything to be deleted, until that is done.",
        withheld={"*": "While it names you, nothing can be exported any more; afterwards it names nobody."},
    ),
)

INVENTORY: Final[tuple[PersonalTable, ...]] = (
    *accounts.PERSONAL,
    *listening.PERSONAL,
    *insights.PERSONAL,
    *jobs.PERSONAL,
    *access.PERSONAL,
    *sign_in.PERSONAL,
    *storage.PERSONAL,
    *idempotency.PERSONAL,
    *audit.PERSONAL,
    *_OF_LEAVING,
)
