"""The pretend Spotify as a process of its own: `python -m spotify_insights.pretend_spotify --port 8080`."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from spotify_insights.pretend_spotify.app import create_pretend_spotify
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.personas import PERSONA_BY_KEY
from spotify_insights.pretend_spotify.server import PretendSpotifyServer

_HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve on loopback until SIGTERM or SIGINT; returns the exit status.

    Prints errors only. Where READY_FILE names a path, a file with the base URL appears there as soon
    as connections are accepted.
    """
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        listening = _listening_socket(port=options.port, descriptor=options.fd)
    except OSError as error:
        print(f"The pretend Spotify cannot listen: {error}. Choose another --port.", file=sys.stderr)  # noqa: T201
        return 1
    port = listening.getsockname()[1]
    server = PretendSpotifyServer(
        create_pretend_spotify(_config(options)),
        on_listening=lambda: _announce(f"http://{_HOST}:{port}"),
    )
    server.run([listening])
    return 0


def _parser() -> argparse.ArgumentParser:
    defaults = PretendSpotifyConfig()
    parser = argparse.ArgumentParser(
        prog="python -m spotify_insights.pretend_spotify",
        description="A Spotify on loopback with fictional music and invented listeners.",
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--fd", type=int, help="an inherited, bound socket to use instead of --port")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=defaults.mode)
    parser.add_argument("--accept-unknown-tokens", action="store_true")
    parser.add_argument("--control", action="store_true", help="open the control surface under /_pretend/")
    parser.add_argument("--client-id", default=defaults.client_id)
    parser.add_argument("--client-secret", default=defaults.client_secret)
    parser.add_argument("--redirect-uri", action="append", dest="redirect_uris", metavar="URI")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--demo-persona", choices=list(PERSONA_BY_KEY), default=defaults.demo_persona)
    return parser


def _config(options: argparse.Namespace) -> PretendSpotifyConfig:
    return PretendSpotifyConfig(
        mode=options.mode,
        accept_unknown_tokens=options.accept_unknown_tokens,
        client_id=options.client_id,
        client_secret=options.client_secret or None,
        redirect_uris=tuple(options.redirect_uris or PretendSpotifyConfig().redirect_uris),
        control=options.control,
        seed=options.seed,
        demo_persona=options.demo_persona,
        warm_up=True,
    )


def _listening_socket(*, port: int, descriptor: int | None) -> socket.socket:
    if descriptor is not None:
        return socket.socket(fileno=descriptor)
    return socket.create_server((_HOST, port))


def _announce(base_url: str) -> None:
    """Whoever waits for the file must never read half of it, so it is moved into place."""
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        draft = Path(f"{ready_file}.{os.getpid()}")
        draft.write_text(f"{base_url}\n", encoding="utf-8")
        draft.replace(ready_file)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Leave at once: before uvicorn takes over, or when it hands the signal on after its shutdown."""
    raise SystemExit(0)
