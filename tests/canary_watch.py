"""The canary run: after every test that used the servers, no secret of it is anywhere in the clear."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from canaries import forget_those_of_the_last_test, known_canaries, watch_secrets_come_into_being
from canary_sinks import (
    collected_log,
    leaks_of_files,
    leaks_of_redis,
    leaks_of_rows,
    seen_answers,
    watch_answers,
)
from owner_connection import OwnerConnection

watch_secrets_come_into_being()
watch_answers()


@contextmanager
def nothing_leaks(servers: OwnerConnection, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails after the block if a secret that is known by then is in any of the sinks."""
    forget_those_of_the_last_test()
    seen_answers.leaks.clear()
    with collected_log() as log:
        yield
    canaries = known_canaries()
    leaks = [
        *seen_answers.leaks,
        *log.leaks(canaries),
        *leaks_of_rows(servers, canaries),
        *leaks_of_redis(servers, canaries),
        *leaks_of_files(request.node.funcargs.get("tmp_path"), canaries),
    ]
    if leaks:
        pytest.fail("\n".join(str(leak) for leak in leaks), pytrace=False)
