"""A connection that is kept open answers as quickly as a new one."""

import time

import requests

from live_api import LiveApi

# What a client's delayed acknowledgement costs where the server waits for it (Nagle's algorithm).
DELAYED_ACKNOWLEDGEMENT_SECONDS = 0.04


def test_no_answer_waits_for_the_acknowledgement_of_its_own_headers(live_api: LiveApi) -> None:
    took = []
    with requests.Session() as session:
        for _ in range(60):
            begun = time.perf_counter()
            assert session.get(f"{live_api.url}/health/live", timeout=10).status_code == 200
            took.append(time.perf_counter() - begun)

    # The kernel acknowledges the first ones at once. Of the others the quickest counts: a busy machine is no
    # failure.
    assert min(took[30:]) < DELAYED_ACKNOWLEDGEMENT_SECONDS * 0.9
