"""What the audit log records. Names are for ever: records that carry them are never changed."""

from enum import StrEnum


class AuditEvent(StrEnum):
    """One kind of thing that somebody may want to look up later: who did it, to whose things, and when."""

    # Coming and going.
    SIGN_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    SESSION_REVOKED = "session_revoked"
    # Accounts and what opens them.
    REGISTERED = "registered"
    ACCOUNT_CREATED = "account_created"
    ROLE_CHANGED = "role_changed"
    INVITATION_CREATED = "invitation_created"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # an event, not a password
    PASSWORD_RESET_LINK_CREATED = "password_reset_link_created"  # noqa: S105  # an event, not a password
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    TOKEN_REUSE_DETECTED = "token_reuse_detected"  # noqa: S105  # an event, not a token
    # Connections to other services.
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REAUTHORISED = "reauthorised"
    TOKENS_STORED = "tokens_stored"
    # Taking one's data along, and leaving.
    EXPORT_REQUESTED = "export_requested"
    EXPORTED = "exported"
    EXPORT_DOWNLOADED = "export_downloaded"
    ERASURE_REQUESTED = "erasure_requested"
    ERASED = "erased"
    # What those do who run the installation.
    ADMIN_READ = "admin_read"
    JOB_REQUEUED = "job_requeued"
    JOB_CANCELLED_BY_ADMIN = "job_cancelled_by_admin"
    KEYS_GENERATED = "keys_generated"
    KEYS_PROMOTED = "keys_promoted"
    KEYS_ROTATED = "keys_rotated"
    KEYS_RETIRED = "keys_retired"
