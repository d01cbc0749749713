"""How answers of the matrix are judged, and what asking for somebody else's things must lead to."""

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Final

import httpx2

from matrix_world import Headers, Somebody, World, missing_ids, shows_any
from operations import Operation
from request_table import Id, Request
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope

# What belongs to the installation and not to one listener.
OPERATORS: Final = frozenset({Scope.ADMIN_READ, Scope.ADMIN_WRITE, Scope.METRICS})
Asked = tuple[Operation, Request]
Ids = Mapping[Id, str]


def wrong_status(
    operation: Operation, answer: httpx2.Response, expected: set[int] | frozenset[int]
) -> list[str]:
    if answer.status_code in expected:
        return []
    return [f"{operation.name} gave {answer.status_code} in place of {sorted(expected)}: {answer.text[:300]}"]


def told(answer: httpx2.Response) -> tuple[int, str, dict[str, str]]:
    """The answer without what differs from request to request."""
    body = answer.text.replace(answer.headers["x-request-id"], "-")
    left_out = {"x-request-id", "ratelimit", "ratelimit-policy"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in left_out}


def swapped(request: Request, own: Ids, foreign: Ids) -> Iterator[Ids]:
    """The caller's own ids with one or more of those that the request names replaced by somebody else's."""
    for count in range(1, len(request.ids) + 1):
        for names in combinations(sorted(request.ids), count):
            yield {**own, **{name: foreign[name] for name in names}}


def flaws_before_foreign_things(
    world: World,
    asked: list[Asked],
    *,
    caller: Somebody,
    own: Somebody,
    foreign: Somebody,
    foreign_credential: Headers,
) -> list[str]:
    """Every answer to `caller` that tells them more of the things of `foreign` than of what does not exist.

    Args:
        own: whose things the caller may name: themselves, or somebody whom they registered.
    """
    flaws: list[str] = []
    headers = world.credential(caller)
    for operation, request in asked:
        if operation.scope not in SCOPES_OF_ROLE[caller.role] - OPERATORS or not request.ids:
            continue
        conditions: list[dict[str, str]] = [{}]
        if operation.method == "GET":
            # What its owner has read is cached from here on, and must not be known by its ETag either.
            etag = world.ask(operation, request, foreign.ids, foreign_credential).headers.get("etag")
            conditions += [{"If-None-Match": etag}] if etag else []
        mine = caller.ids if request.own_alone else own.ids
        others = [foreign] if own is caller or not request.own_alone else [foreign, own]
        missing = list(swapped(request, mine, missing_ids()))
        for other, condition in product(others, conditions):
            for ids, nothing in zip(swapped(request, mine, other.ids), missing, strict=True):
                answer = world.ask(operation, request, ids, {**headers, **condition})
                flaws += wrong_status(operation, answer, {404})
                if shows_any(answer, other.markers):
                    flaws.append(f"{operation.name} shows what belongs to somebody else: {answer.text}")
                absent = world.ask(operation, request, nothing, {**headers, **condition})
                if told(answer) != told(absent):
                    flaws.append(f"{operation.name}: {told(answer)} tells more than {told(absent)}")
    return flaws
