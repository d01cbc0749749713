"""`spotify-insights jobs`: what the command line takes. The work is imported when a command runs."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from spotify_insights.errors import UnavailableError

if TYPE_CHECKING:
    from spotify_insights.cli.jobs.operator_database import OperatorDatabase

jobs_app = typer.Typer(
    help="""See and steer background work.

    Reads the database of DATABASE_URL or, where that is not set, of a running `up`; --demo and --data-dir
    choose another one. Wherever a job's ID is asked for, the end of it that `jobs list` shows will do, and so
    does any other part that only one job has.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


# The values of JobStatus and Queue in jobs.job once more, because that module is slow to import.
class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


class QueueName(StrEnum):
    SPOTIFY = "spotify"
    INSIGHTS = "insights"
    SCHEDULED = "scheduled"


DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the running demo.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job, or a part of its id.")]


@jobs_app.command("list")
def list_jobs(
    status: Annotated[
        list[Status] | None,
        typer.Option(metavar="STATUS", help=f"Only {', '.join(Status)} jobs; may be given several times."),
    ] = None,
    queue: Annotated[
        QueueName | None, typer.Option(metavar="QUEUE", help=f"Only jobs of {', '.join(QueueName)}.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this task, for example spotify.refresh_token.")
    ] = None,
    user: Annotated[UUID | None, typer.Option(metavar="ID", help="Only jobs of this listener.")] = None,
    canaries: Annotated[
        bool, typer.Option("--canaries", help="Also the canaries that went well, three a minute.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    as_json: Json = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """List jobs, the newest first.

    TRIES are attempts made of those there are. RUN is when a job runs next, how long it has been running, or
    how long it took.
    """
    from spotify_insights.cli.jobs.job_lines import job_lines
    from spotify_insights.cli.jobs.printing import console_for_people, job_documents, print_json
    from spotify_insights.jobs.overview import newest_jobs

    with _database(data_dir, demo=demo) as database, database.transaction() as tx:
        jobs = newest_jobs(
            tx.session,
            statuses=status or (),
            queue=queue,
            task_name=task,
            owner_id=user,
            # Whoever asks for a task by its name means all of its jobs.
            with_routine=canaries or task is not None,
            limit=limit,
        )
    if as_json:
        print_json(job_documents(jobs))
    else:
        console_for_people().print(job_lines(jobs) if jobs else "No job is like that.")


@jobs_app.command()
def show(job_id: JobId, as_json: Json = False, data_dir: DataDir = None, demo: Demo = False) -> None:
    """Show everything about one job."""
    from spotify_insights.cli.jobs.choosing import Follower
    from spotify_insights.cli.jobs.job_panel import hint, job_panel
    from spotify_insights.cli.jobs.printing import console_for_people, job_document, print_json

    with _database(data_dir, demo=demo) as database, database.transaction() as tx:
        seen = Follower(job_id).read(tx.session)
    if as_json:
        print_json(job_document(seen.job, children=dict(seen.children)))
        return
    console = console_for_people()
    console.print(job_panel(seen.job, seen.children))
    if hint(seen.job):
        console.print(hint(seen.job))


@jobs_app.command()
def retry(
    job_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="The jobs, or parts of their ids.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Many: all dead jobs, or those chosen below.")] = False,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="With --dead: only this task.")] = None,
    error_code: Annotated[
        str | None, typer.Option(metavar="CODE", help="With --dead: only jobs that ended for this reason.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="With --dead: at most this many.")] = 1000,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Queue jobs again that ended without success.

    They get all their attempts anew. A job whose work is queued or running in another job is left alone.
    """
    from spotify_insights.cli.jobs.orders import retry_dead, retry_these

    if bool(job_ids) == dead:
        raise typer.BadParameter("name the jobs to retry, or choose many with --dead; one of the two.")
    if not dead and (task or error_code):
        raise typer.BadParameter("--task and --error-code choose among dead jobs; add --dead.")
    with _database(data_dir, demo=demo) as database:
        if dead:
            code = retry_dead(database, task_name=task, error_code=error_code, limit=limit)
        else:
            code = retry_these(database, job_ids or [])
    raise typer.Exit(code)


@jobs_app.command()
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The jobs, or parts of their ids.")],
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Cancel jobs, and with them what they have queued.

    A job that waits is cancelled at once; one that runs stops at its next checkpoint and stores nothing.
    Erasures and the purge after a disconnect cannot be cancelled.
    """
    from spotify_insights.cli.jobs.orders import cancel_these

    with _database(data_dir, demo=demo) as database:
        code = cancel_these(database, job_ids)
    raise typer.Exit(code)


@jobs_app.command()
def watch(
    job_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Follow this job alone, until it has ended.")
    ] = None,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Watch queues and jobs live, until Ctrl-C.

    With an ID it ends when that job does: with exit code 0 if the job succeeded, 1 if it did not, and 130
    after Ctrl-C. Without a terminal it prints a line for each change. A database that goes away is waited
    for.
    """
    from spotify_insights.cli.jobs.watch import watch_everything, watch_one

    with _database(data_dir, demo=demo) as database:
        code = watch_everything(database) if job_id is None else watch_one(database, job_id)
    raise typer.Exit(code)


@contextmanager
def _database(data_dir: Path | None, *, demo: bool) -> "Generator[OperatorDatabase]":
    """The chosen database; a loss is told with its reason."""
    from spotify_insights.cli.jobs.operator_database import OperatorDatabase
    from spotify_insights.cli.which_database import WhichDatabase

    database = OperatorDatabase(WhichDatabase(data_dir=data_dir, demo=demo))
    try:
        yield database
    except UnavailableError as loss:
        raise database.explained(loss) from None
    finally:
        database.close()
