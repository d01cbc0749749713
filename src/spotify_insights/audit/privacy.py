"""What people's exports need to know of the audit log, which outlives them: it knows only pseudonyms."""

from typing import Final

from spotify_insights.audit.models import AuditRecord
from spotify_insights.database.personal_data import LookedUp, PersonalTable

PERSONAL: Final = (
    PersonalTable(
        model=AuditRecord,
        topic="audit_log",
        about="What you did that is kept on record, and what others did to your things.",
        owners=("subject_hash", "actor_hash"),
        by_pseudonym=True,
        order=("id",),
        withheld={
            "actor_hash": "Of others it would say who they are; `by_you` says whether it was you.",
            "subject_hash": "Of others it would say who they are; `about_you` says whether it was you.",
            "address": "Of others it would say where they were; `your_address` is where you were.",
        },
        looked_up={
            "by_you": LookedUp("coalesce(r.actor_hash = :owner, false)", {"type": "boolean"}),
            "about_you": LookedUp("coalesce(r.subject_hash = :owner, false)", {"type": "boolean"}),
            "your_address": LookedUp(
                "CASE WHEN r.actor_hash = :owner THEN r.address END", {"type": ["string", "null"]}
            ),
        },
    ),
)
