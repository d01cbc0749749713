"""Trying what an OpenAPI document promises: Schemathesis, and a document that names what is stored."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote
from uuid import uuid4
from zoneinfo import available_timezones

import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema
from starlette.testclient import TestClient

from spotify_insights.insights.types import InsightType
from spotify_insights.listening.analytics.period import PeriodName

Document = dict[str, Any]


@dataclass
class Outcome:
    """What a run found: the failures in words, and the statuses that each operation answered."""

    failures: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=dict)

    def record(self, event: events.EngineEvent) -> None:
        """Take in what an event of the run says."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            return
        recorder = event.recorder
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    self.failures.append(f"{check.name}: {failure.message}\n{check.failure_info.code_sample}")
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is not None:
                label = recorder.cases[case_id].value.operation.label
                self.statuses.setdefault(label, set()).add(interaction.response.status_code)


def operations_of(document: Document) -> set[str]:
    """Everything that the document promises, such as "GET /api/keys"."""
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def naming(
    document: Document,
    stored: Mapping[str, str],
    *,
    instead: Mapping[str, Mapping[str, str]] | None = None,
) -> Document:
    """The document with examples that exist, and with the rules that JSON Schema cannot express.

    Args:
        stored: the real value of each example.
        instead: the same for one operation, which takes these before all others.
    """
    named = _replaced(document, {})
    for operation, own in (instead or {}).items():
        method, path = operation.split(" ")
        item = named["paths"][path]
        item[method.lower()] = _replaced(item[method.lower()], own)
    named = _replaced(named, stored)
    schemathesis.openapi.format("iana-timezone", st.sampled_from(sorted(available_timezones())))
    # The stored snapshot is of no week.
    order = named["paths"]["/api/insights/generate"]["post"]["parameters"]
    [kind] = [parameter for parameter in order if parameter["name"] == "insight_type"]
    kind["schema"] = {"type": "string", "enum": [each for each in InsightType if each != "weekly"]}
    _teach_days(named)
    return named


def _teach_days(document: Document) -> None:
    """Let nobody ask for days to come, for a period and for days of their own at once, or backwards."""
    stretches = {
        "day": (date(1971, 1, 1), date(2026, 1, 1)),
        "from": (date(1971, 1, 1), date(2019, 12, 31)),
        "to": (date(2020, 1, 1), date(2026, 1, 1)),
    }
    for name, (first, last) in stretches.items():
        days = st.dates(first, last).map(date.isoformat)
        schemathesis.openapi.format(f"{name} that makes sense", days)
    for item in document["paths"].values():
        parameters = item.get("get", {}).get("parameters", [])
        named = {parameter["name"]: parameter for parameter in parameters}
        for name in stretches.keys() & named.keys():
            named[name]["schema"] = {"type": "string", "format": f"{name} that makes sense"}
        if "period" in named:
            calendar = [each for each in PeriodName if each not in {PeriodName.ALL_TIME, PeriodName.CUSTOM}]
            named["period"]["schema"] = {"type": "string", "enum": calendar}
            parameters[:] = [each for each in parameters if each["name"] not in {"from", "to"}]


def teach_cursors(document: Document, client: TestClient, user_id: str) -> None:
    """Let every list that has pages be asked for its second one: it needs two entries."""
    for path, item in document["paths"].items():
        parameters = item.get("get", {}).get("parameters", [])
        for cursor in (parameter for parameter in parameters if parameter["name"] == "cursor"):
            needed = {each["name"] for each in parameters if each.get("required") and each["in"] == "query"}
            query = {"limit": "1"} | ({"user_id": user_id} if "user_id" in needed else {})
            link = client.get(path.format(user_id=user_id), params=query).headers["link"]
            match = re.search(r"cursor=([^&>]+)", link)
            assert match is not None
            schemathesis.openapi.format(f"cursor of {path}", st.just(unquote(match[1])))
            cursor["schema"] = {"type": "string", "format": f"cursor of {path}"}


@schemathesis.hook("before_call")
def renew_key(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: object) -> None:
    """A new request has a new key: a rule about two requests, which no schema of one can express."""
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())


@schemathesis.hook("before_call")
def keep_own_key(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Nobody revokes what they ask with: everything after it would be refused."""
    key_id = case.path_parameters.get("key_id")
    if key_id and f"_{key_id}_" in dict(kwargs.get("headers") or {}).get("Authorization", ""):
        case.path_parameters["key_id"] = "0" * len(key_id)


def explored(
    app: FastAPI,
    document: Document,
    operations: Collection[str],
    *,
    examples: int,
    reproducible: bool,
    headers: Mapping[str, str] | None = None,
) -> Outcome:
    """Every phase of Schemathesis over these operations of the application in this process.

    Args:
        headers: what every request is sent with, unless a check leaves it out on purpose.
    """
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    schema.config.update(
        base_url="http://127.0.0.1:8000", continue_on_failure=True, headers=dict(headers or {})
    )
    schema.config.generation.update(max_examples=examples, deterministic=reproducible)
    # DELETE cancels work, of which the record stays. A cookie that every request carries is never left out.
    left_out = ["use_after_free", *(["ignored_auth"] if "Cookie" in (headers or {}) else [])]
    schema.config.checks.update(excluded_check_names=left_out)
    outcome = Outcome()
    for event in from_schema(schema.include(name=sorted(operations))).execute():
        outcome.record(event)
    return outcome


def _replaced(part: Document, values: Mapping[str, str]) -> Document:
    written = json.dumps(part)
    for example, real in values.items():
        written = written.replace(example, real)
    replaced: Document = json.loads(written)
    return replaced
