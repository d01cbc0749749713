import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from access_trials import a_family, an_api_key, change, give_role, key_id_of
from makers import a_user
from spotify_insights.access.api_keys import revoke_key
from spotify_insights.access.refresh_tokens import Family, Refused
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import AUTHENTICATION, SYSTEM, Actor
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import UnauthenticatedError
from spotify_insights.privacy.request_erasure import request_erasure
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


@pytest.fixture
def api(settings: Settings) -> Iterator[Runtime]:
    """The parts of an API process over the same servers."""
    built = Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api")
    yield built
    built.close()


def rotated(api: Runtime, value: str) -> Family | Refused:
    with api.database.transaction(acting_for=AUTHENTICATION) as tx:
        return api.refresh_tokens.rotate(tx, value)


def renewed(api: Runtime, value: str) -> str:
    """The next token."""
    family = rotated(api, value)
    assert isinstance(family, Family)
    return family.refresh_token.get_secret_value()


def first_token(runtime: Runtime) -> str:
    return a_family(runtime, a_user(runtime)).refresh_token.get_secret_value()


def let_time_pass(runtime: Runtime, seconds: float) -> None:
    """Let every use lie so much further back."""
    change(
        runtime,
        "UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => :seconds)",
        seconds=seconds,
    )


def unused_tokens(runtime: Runtime) -> int:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return int(
            tx.session.execute(text("SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL")).scalar_one()
        )


def families_that_stand(runtime: Runtime) -> int:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return int(
            tx.session.execute(text("SELECT count(*) FROM sessions WHERE revoked_at IS NULL")).scalar_one()
        )


def test_each_token_gives_the_next_one(runtime: Runtime, api: Runtime) -> None:
    values = [first_token(runtime)]
    for _ in range(4):
        values.append(renewed(api, values[-1]))
        let_time_pass(runtime, 3600)

    assert len(set(values)) == 5
    assert min(len(value) for value in values) >= 43


def test_only_hashes_are_stored(runtime: Runtime, api: Runtime) -> None:
    first = first_token(runtime)
    second = renewed(api, first)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        stored = str(tx.session.connection().exec_driver_sql("SELECT * FROM refresh_tokens").all())

    assert first not in stored
    assert second not in stored


def test_a_client_that_lost_the_answer_gets_the_same_next_token_again(runtime: Runtime, api: Runtime) -> None:
    first = first_token(runtime)
    second = renewed(api, first)
    let_time_pass(runtime, 9)
    again = renewed(api, first)
    let_time_pass(runtime, 3600)

    assert again == second
    assert renewed(api, second) not in {first, second}
    assert families_that_stand(runtime) == 1


def test_a_token_that_is_used_again_later_ends_its_family(runtime: Runtime, api: Runtime) -> None:
    first = first_token(runtime)
    second = renewed(api, first)
    let_time_pass(runtime, 11)
    reused = rotated(api, first)

    assert isinstance(reused, Refused)
    assert reused.reuse
    assert rotated(api, second) == Refused()
    assert families_that_stand(runtime) == 0


def test_a_thief_is_noticed_whoever_of_the_two_comes_first(runtime: Runtime, api: Runtime) -> None:
    stolen = first_token(runtime)
    of_thief = renewed(api, stolen)
    of_owner = renewed(api, stolen)
    assert of_thief == of_owner
    renewed(api, of_thief)
    let_time_pass(runtime, 600)

    assert rotated(api, of_owner) != Refused()
    assert families_that_stand(runtime) == 0


def test_once_the_next_token_was_used_the_one_before_gives_nothing_even_at_once(
    runtime: Runtime, api: Runtime
) -> None:
    first = first_token(runtime)
    third = renewed(api, renewed(api, first))

    assert rotated(api, first) == Refused()
    assert isinstance(rotated(api, third), Family)


def test_another_family_of_the_same_user_goes_on(runtime: Runtime, api: Runtime) -> None:
    user_id = a_user(runtime)
    stolen, other = (a_family(runtime, user_id).refresh_token.get_secret_value() for _ in range(2))
    renewed(api, stolen)
    let_time_pass(runtime, 60)
    rotated(api, stolen)

    assert isinstance(rotated(api, other), Family)


def test_an_unknown_token_gives_nothing(api: Runtime) -> None:
    for value in ("", "x", "A" * 43, "\ud800", "\udcff", "é"):
        assert rotated(api, value) == Refused()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET revoked_at = clock_timestamp()",
        "UPDATE sessions SET expires_at = clock_timestamp()",
        "UPDATE refresh_tokens SET expires_at = clock_timestamp()",
    ],
)
def test_a_token_that_has_ended_gives_nothing(runtime: Runtime, api: Runtime, statement: str) -> None:
    value = first_token(runtime)
    change(runtime, statement)

    assert rotated(api, value) == Refused()


def test_each_token_lasts_thirty_days_and_so_does_its_family(runtime: Runtime, api: Runtime) -> None:
    value = first_token(runtime)
    change(runtime, "UPDATE sessions SET expires_at = clock_timestamp() + interval '1 hour'")
    renewed(api, value)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        days = tx.session.execute(
            text(
                "SELECT round(extract(epoch FROM s.expires_at - clock_timestamp()) / 86400),"
                " round(extract(epoch FROM r.expires_at - clock_timestamp()) / 86400)"
                " FROM sessions s JOIN refresh_tokens r ON r.session_id = s.id WHERE r.used_at IS NULL"
            )
        ).one()

    assert tuple(int(each) for each in days) == (30, 30)


def test_no_token_outlives_the_key_that_it_was_given_for(runtime: Runtime, api: Runtime) -> None:
    family = begun_with_key(runtime, api, a_user(runtime), days=2)
    renewed(api, family.refresh_token.get_secret_value())
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        beyond = tx.session.execute(
            text(
                "SELECT count(*) FROM api_keys k, sessions s, refresh_tokens r"
                " WHERE s.expires_at > k.expires_at OR r.expires_at > k.expires_at"
            )
        ).scalar_one()

    assert beyond == 0


def begun_with_key(runtime: Runtime, api: Runtime, user_id: UUID, *, days: int = 90) -> Family:
    key = an_api_key(runtime, user_id)
    change(runtime, "UPDATE api_keys SET expires_at = created_at + make_interval(days => :days)", days=days)
    with api.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        row_id = tx.session.execute(
            text("SELECT id FROM api_keys WHERE key_id = :key_id"), {"key_id": key_id_of(key)}
        ).scalar_one()
        return api.refresh_tokens.begin(
            tx, user_id, scopes=[Scope.PROFILE_READ], api_key_id=row_id, address=None, user_agent=None
        )


def test_a_key_that_is_revoked_while_it_gives_tokens_gives_none_that_stay(
    runtime: Runtime, api: Runtime
) -> None:
    user_id = a_user(runtime)
    key_id = key_id_of(an_api_key(runtime, user_id))
    started = threading.Event()

    def revoke() -> None:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            started.set()
            revoke_key(tx, user_id, key_id, trail=AuditTrail(runtime.audit, SYSTEM))

    with ThreadPoolExecutor(1) as pool:
        with api.database.transaction(acting_for=Actor.listener(user_id)) as tx:
            row_id = tx.session.execute(text("SELECT id FROM api_keys")).scalar_one()
            api.refresh_tokens.begin(
                tx, user_id, scopes=[Scope.PROFILE_READ], api_key_id=row_id, address=None, user_agent=None
            )
            revoking = pool.submit(revoke)
            started.wait(10)
        revoking.result(10)
    assert families_that_stand(runtime) == 0

    with (
        pytest.raises(UnauthenticatedError),
        api.database.transaction(acting_for=Actor.listener(user_id)) as tx,
    ):
        api.refresh_tokens.begin(
            tx, user_id, scopes=[Scope.PROFILE_READ], api_key_id=row_id, address=None, user_agent=None
        )


def test_a_new_pair_never_has_more_than_the_role_of_now(runtime: Runtime, api: Runtime) -> None:
    user_id = a_user(runtime)
    give_role(runtime, user_id, UserRole.ADMIN)
    value = a_family(runtime, user_id).refresh_token.get_secret_value()
    give_role(runtime, user_id, UserRole.USER)
    family = rotated(api, value)

    assert isinstance(family, Family)
    assert family.scopes == SCOPES_OF_ROLE[UserRole.USER]


def test_many_at_once_with_one_token_all_get_the_same_next_one(runtime: Runtime, api: Runtime) -> None:
    value = first_token(runtime)
    together = threading.Barrier(12)

    def use() -> str:
        together.wait(20)
        return renewed(api, value)

    with ThreadPoolExecutor(12) as pool:
        following = {answer.result(30) for answer in [pool.submit(use) for _ in range(12)]}

    assert len(following) == 1
    assert unused_tokens(runtime) == 1
    assert families_that_stand(runtime) == 1
    assert isinstance(rotated(api, following.pop()), Family)


def test_many_at_once_with_a_copy_end_the_family_once(runtime: Runtime, api: Runtime) -> None:
    value = first_token(runtime)
    renewed(api, value)
    let_time_pass(runtime, 60)
    together = threading.Barrier(8)

    def use() -> Family | Refused:
        together.wait(20)
        return rotated(api, value)

    with ThreadPoolExecutor(8) as pool:
        answers = [answer.result(30) for answer in [pool.submit(use) for _ in range(8)]]

    assert all(isinstance(answer, Refused) for answer in answers)
    assert sum(isinstance(answer, Refused) and answer.reuse for answer in answers) == 1
    assert families_that_stand(runtime) == 0


def test_a_family_ends_after_a_year_however_often_it_is_renewed(runtime: Runtime, api: Runtime) -> None:
    value = first_token(runtime)
    change(runtime, "UPDATE sessions SET created_at = created_at - interval '350 days'")
    renewed(api, value)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        days = text("SELECT round(extract(epoch FROM expires_at - created_at) / 86400) FROM sessions")
        of_family = tx.session.scalar(days)
        newest = text("SELECT expires_at FROM refresh_tokens WHERE used_at IS NULL")
        lasts = (tx.session.scalar(newest), tx.session.scalar(text("SELECT expires_at FROM sessions")))

    assert of_family == 365
    assert lasts[0] == lasts[1]


def test_a_program_that_asked_for_an_erasure_may_renew_its_tokens_to_follow_it(
    runtime: Runtime, api: Runtime
) -> None:
    user_id = a_user(runtime)
    asking, other = a_family(runtime, user_id), a_family(runtime, user_id)
    with api.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        request_erasure(
            tx,
            user_id,
            asked_with=asking.session_id,
            cache=api.cache,
            trail=AuditTrail(api.audit, Actor.listener(user_id)),
        )
    let_time_pass(runtime, 3600)
    following = rotated(api, asking.refresh_token.get_secret_value())

    assert isinstance(following, Family)
    assert following.scopes == {Scope.TASKS_READ}
    assert rotated(api, other.refresh_token.get_secret_value()) == Refused()
    assert families_that_stand(runtime) == 1
