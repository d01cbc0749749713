"""Structured logs: one JSON line per event on standard error, secrets taken out last."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_SECRET_NAMES: Final = re.compile(
    r"token|secret|password|authorization|cookie|verifier|^code$", re.IGNORECASE
)
# Spotify's tokens begin with BQ or AQ; an Authorization header carries its scheme.
_SECRET_VALUES: Final = re.compile(r"\b(?:BQ|AQ)[A-Za-z0-9_.\-]{3,}|\b(?:[Bb]earer|[Bb]asic)\s+\S{8,}")
# PostgreSQL quotes the row that broke a rule: somebody's address, somebody's plays.
_ROW_CONTENTS: Final = re.compile(r"(DETAIL:\s*)[^\n]*")
_HARMLESS_NAMES: Final = frozenset({"input_tokens", "output_tokens"})


def redact_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace what is named like a secret, and what looks like a Spotify token, wherever it stands."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name) and name not in _HARMLESS_NAMES:
            event[name] = "[removed]"
        elif isinstance(value, str):
            event[name] = _ROW_CONTENTS.sub(r"\1[removed]", _SECRET_VALUES.sub("[removed]", value))
    return event


def configure_logging(level: str = "INFO", log_format: str = "json") -> None:
    """Send structlog and the standard library's loggers through one chain. Safe to repeat."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_secrets,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx2", "httpcore2", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger named after its module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
