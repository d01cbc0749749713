"""Servers that the operator names by DATABASE_URL and REDIS_URL: do they answer?

Asked before anything is started, because one sentence now is worth more than five processes that retry. The
drivers are slow to import, so that happens only if it is needed. No answer ever repeats a password.
"""

from contextlib import suppress
from urllib.parse import parse_qs, quote, unquote, urlsplit

from spotify_insights.errors import SetupError

_PATIENCE_SECONDS = 5
# Unique indexes that treat NULLs as equal came with 15.
_OLDEST_POSTGRESQL = 150_000
_ESCAPING = "with @ and / in a password written as %40 and %2F"


def check_database(url: str) -> str:
    """Where `url` (DATABASE_URL) leads, for people: host, port and database.

    Raises SetupError if it is no PostgreSQL URL or no server there lets us in within 5 s.
    """
    import psycopg  # noqa: PLC0415  (slow, and most starts do without)
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        parts = {}
    port, names = parts.get("port", "5432"), parts.get("host", "") + parts.get("dbname", "")
    # An @ or / that a password forgot to escape makes parts of it pass for host, port or name.
    if not parts or not port.replace(",", "").isdigit() or "@" in names:
        raise SetupError(
            "DATABASE_URL is not a PostgreSQL address; it looks like "
            f"postgresql://user:password@host:5432/name, {_ESCAPING}."
        )
    place = f"{parts.get('host', 'localhost')}:{port}/{parts.get('dbname', '')}"
    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE_SECONDS) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = _reason(error, secrets=[parts.get("password", "")])
        raise SetupError(f"The database at {place} (DATABASE_URL) cannot be used: {reason}.") from None
    if version < _OLDEST_POSTGRESQL:
        raise SetupError(
            f"The database at {place} (DATABASE_URL) is PostgreSQL {version // 10000}; use 15 or newer."
        )
    return place


def check_redis(url: str, *, setting: str = "REDIS_URL") -> str:
    """Where `url`, the value of `setting`, leads, for people.

    Raises SetupError if it is no Redis URL or no server there answers within 5 s.
    """
    import redis  # noqa: PLC0415  (slow, and most starts do without)

    address, client = urlsplit(url), None
    with suppress(ValueError):
        client = redis.Redis.from_url(
            url, socket_connect_timeout=_PATIENCE_SECONDS, socket_timeout=_PATIENCE_SECONDS
        )
    place = f"{address.hostname}:{address.port or 6379}" if client and address.hostname else address.path
    if client is None or "@" in place:
        raise SetupError(
            f"{setting} is not a Redis address; it looks like redis://:password@host:6379/0, {_ESCAPING}."
        )
    secrets = [address.password or "", *parse_qs(address.query).get("password", [])]
    try:
        client.ping()
    except redis.RedisError as error:
        reason = _reason(error, secrets=secrets)
        raise SetupError(f"The Redis server at {place} ({setting}) cannot be used: {reason}.") from None
    finally:
        client.close()
    return place


def _reason(error: Exception, *, secrets: list[str]) -> str:
    """The gist of a driver's message, which may run over several lines and attempts."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[0].rpartition("failed: ")[2].rstrip(".")
    for secret in filter(None, secrets):
        for form in (secret, unquote(secret), quote(secret, safe="")):
            reason = reason.replace(form, "***")
    return reason
