"""The listening socket of `up`: opened first and kept, so that nobody can take the port meanwhile."""

import errno
import socket

from spotify_insights.errors import SetupError
from spotify_insights.settings import is_loopback

_BACKLOG = 1024


def open_port(host: str, port: int, *, with_sign_in: bool = False) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one). Connections wait until somebody accepts.

    Args:
        with_sign_in: whether others may reach it, because nobody gets in without a sign-in.

    Raises:
        SetupError: others would reach what lets everybody in, the host is unknown here, or the port is not to
            be had.
    """
    family, address = _address_of(host, port)
    if not with_sign_in and not is_loopback(address[0]):
        raise SetupError(
            f"AUTH_MODE is open, which lets everybody in, so this serves 127.0.0.1 only and not {host}; "
            "leave out --host, or set AUTH_MODE=required."
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last user has just left is free; without this it stays closed for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SetupError(_sentence(error, host, port)) from None
    return listener


def web_address(host: str, listener: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    port = listener.getsockname()[1]
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  (comparing, not binding)
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _address_of(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise SetupError(f"{host} is not an address of this machine; leave out --host.") from None
    # IPv4 first: clients that are told "localhost" all come there in the end.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, (str(address[0]), int(address[1]))


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use; stop the program that uses it, or choose another with --port."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has; choose one above 1023 with --port."
    return f"Port {port} on {host} cannot be served ({error.strerror}); leave out --host or choose another."
