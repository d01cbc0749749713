"""Structured logs: one JSON line per event on standard error, secrets taken out last."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

_REMOVED: Final = "[removed]"
_SECRET_NAMES: Final = re.compile(
    r"token|secret|password|authorization|cookie|verifier|^code$|^state$|_key_bytes", re.IGNORECASE
)
_HARMLESS_NAMES: Final = frozenset({"input_tokens", "output_tokens"})

# What is a secret by its look, wherever it stands.
_SECRET_VALUES: Final = re.compile(
    r"""
    # Spotify's tokens begin with BQ or AQ.
    \b (?: BQ | AQ ) [A-Za-z0-9_.\-]{3,}
    # An Authorization header carries its scheme; ListenBrainz calls it Token and sends a UUID.
    | \b (?: [Bb]earer | [Bb]asic ) \s+ \S{8,}
    | \b [Tt]oken \s+ [0-9A-Fa-f]{8} (?: - [0-9A-Fa-f]{4} ){3} - [0-9A-Fa-f]{12}
    # Our API keys, and JSON Web Tokens, whose header begins with {" in base64.
    | \b si_ [A-Za-z0-9]+ _ [A-Za-z0-9]{8,} (?: _ [A-Za-z0-9]+ )?
    | \b eyJ [A-Za-z0-9_\-]{5,} (?: \. [A-Za-z0-9_\-]* ){0,4}
    # 256 random bits in base64, as the keys of the key ring. Without padding: sessions, one-time links,
    # code verifiers; capital and small letters and a digit tell them from long names.
    | (?<! [A-Za-z0-9+/] ) [A-Za-z0-9+/]{43} = (?! [A-Za-z0-9+/=] )
    | (?<! [\w\-] ) (?= [\w\-]* [A-Z] ) (?= [\w\-]* [a-z] ) (?= [\w\-]* [0-9] ) [A-Za-z0-9_\-]{43,128}
      (?! [\w\-] )
    """,
    re.VERBOSE,
)
# What is a secret by the name before it, in an address, a form or a header; the name stays.
_NAMED_VALUES: Final = re.compile(
    r"((?:^|[?&])(?:token|code|state)="
    r"|\b(?:access_token|refresh_token|id_token|client_secret|code_verifier|password|new_password)=)[^&\s\"'#;,]+"
    r"|(\b(?:__Host-|__Secure-)?[A-Za-z0-9_\-]*(?:session|sign_in|csrf)[A-Za-z0-9_\-]*=)[^;\s\"',]{16,}"
)
# The password in the address of a server, as drivers quote it.
_PASSWORD_IN_ADDRESS: Final = re.compile(r"(\b[a-z][a-z0-9+.\-]*://[^\s:@/]*:)[^\s@/]+(@)")
# PostgreSQL quotes the row that broke a rule: somebody's address, somebody's plays.
_ROW_CONTENTS: Final = re.compile(r"(DETAIL:\s*)[^\n]*")
# These say nothing by themselves, and the formatter needs the record as it is.
_PLAIN: Final = (bool, int, float, type(None), logging.LogRecord)


def without_secrets(text: str) -> str:
    """`text` with everything taken out that looks like a secret, or stands where one stands."""
    text = _SECRET_VALUES.sub(_REMOVED, text)
    text = _NAMED_VALUES.sub(lambda found: f"{found[1] or found[2]}{_REMOVED}", text)
    text = _PASSWORD_IN_ADDRESS.sub(rf"\1{_REMOVED}\2", text)
    return _ROW_CONTENTS.sub(rf"\1{_REMOVED}", text)


def holds_a_secret(text: str) -> bool:
    """Whether something in `text` looks like a secret."""
    return without_secrets(text) != text


def redact_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace what is named like a secret, and what looks like one, wherever and however deep it stands."""
    for name, value in event.items():
        event[name] = _redacted(name, value)
    return event


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name) and name not in _HARMLESS_NAMES:
        return _REMOVED
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {_text(key): _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    return _text(value)


def _text(value: object) -> str:
    # What is no text is written as its repr by every renderer.
    return without_secrets(value if isinstance(value, str) else repr(value))


def configure_logging(level: str = "INFO", log_format: str = "json") -> None:
    """Send structlog and the standard library's loggers through one chain. Safe to repeat."""
    hand_to_standard_library()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(log_formatter(log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx2", "httpcore2", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def hand_to_standard_library(*, for_good: bool = True) -> None:
    """Let structlog hand what it is told to the standard library's loggers. Safe to repeat.

    Args:
        for_good: whether a logger that was used once stays as it is, which is faster.
    """
    structlog.configure(
        processors=[*_chain(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=for_good,
    )


def log_formatter(log_format: str = "json") -> logging.Formatter:
    """What makes a line of a record, structlog's or not: everything that looks like a secret is out of it."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_chain(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _chain() -> list[structlog.types.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_secrets,
    ]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger named after its module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
