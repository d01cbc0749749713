"""`spotify-insights accounts`: what the command line takes. The work is imported when a command runs."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from spotify_insights.access.scopes import Scope

accounts_app = typer.Typer(
    help="""Who may sign in: the first admin, services, and keys for programs.

    Uses the database of DATABASE_URL with its keys or, where that is not set, those of a running `up`;
    --demo and --data-dir choose another one. A key is printed once, on standard output; only a hash of it is
    stored.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)

DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the running demo.")]
PublicUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where browsers reach the server (default: PUBLIC_URL)."),
]
Days = Annotated[int, typer.Option(min=1, max=366, help="After how many days the key ends.")]


@accounts_app.command("setup-link")
def setup_link(data_dir: DataDir = None, public_url: PublicUrl = None) -> None:
    """Print a link that makes the first admin. It works once, within a day, while there is none.

    Whoever reads it may use it.
    """
    from spotify_insights.cli.accounts.setup_link import show_setup_link

    show_setup_link(data_dir, public_url=public_url)


@accounts_app.command("create-service")
def create_service(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the program is called.")],
    days: Days = 90,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Create an account for a program that acts for users it registers, and its first key."""
    from spotify_insights.cli.accounts.operator_accounts import operator_accounts

    with operator_accounts(data_dir, demo=demo) as accounts:
        accounts.create_service(name, days=days)


@accounts_app.command("create-key")
def create_key(
    user: Annotated[UUID, typer.Option(metavar="ID", help="Whose key it is.")],
    scope: Annotated[
        list[Scope],
        typer.Option(
            metavar="SCOPE", help=f"What it is for; may be given several times. One of {', '.join(Scope)}."
        ),
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What its owner recognises it by.")
    ] = "Made by the operator",
    days: Days = 90,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Create a key for a user or a service. It can never do more than its owner's role allows."""
    from spotify_insights.cli.accounts.operator_accounts import operator_accounts

    with operator_accounts(data_dir, demo=demo) as accounts:
        accounts.create_key(user, name=name, scopes=frozenset(scope), days=days)


@accounts_app.command("revoke-key")
def revoke_key(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="Its public part: the twelve characters after `si_`.")
    ],
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Revoke a key, whoever it belongs to, with every token that was given for it."""
    from spotify_insights.cli.accounts.operator_accounts import operator_accounts

    with operator_accounts(data_dir, demo=demo) as accounts:
        accounts.revoke_key(key_id)
