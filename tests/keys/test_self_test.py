"""At start: a ring that does not open what is stored ends it with a sentence, a silent database does not."""

from pathlib import Path

import pytest

from operator_trials import Operator
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError
from spotify_insights.installation.check_ring import check_ring
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.settings import Settings


@pytest.mark.parametrize("role", [DatabaseRole.API, DatabaseRole.WORKER])
def test_the_right_ring_passes_at_every_start(settings: Settings, role: DatabaseRole) -> None:
    for _ in range(2):
        started = Runtime.from_settings(settings, role=role)
        check_ring(started.installation_secrets)
        assert started.request_hasher.is_ready
        started.close()


def test_a_ring_that_lacks_the_key_is_refused_and_the_key_is_named(
    settings: Settings, runtime: Runtime, ring_file: Path
) -> None:
    check_ring(runtime.installation_secrets)
    lost = KeyRing.from_file(ring_file)
    ring_file.write_text(KeyRing.of_one_new_key().to_json())
    started = Runtime.from_settings(settings, role=DatabaseRole.API)

    with pytest.raises(SetupError) as refusal:
        check_ring(started.installation_secrets)
    started.close()

    assert refusal.value.message == (
        f"The key ring does not open what this installation has stored: it lacks {lost.primary}. "
        "Start with the key file that it was sealed with; restore it from your backup. If it is lost for "
        "good, `spotify-insights keys begin-anew` says how to go on without it."
    )


def test_a_key_of_the_same_name_is_refused_as_another_one(
    settings: Settings, runtime: Runtime, ring_file: Path
) -> None:
    check_ring(runtime.installation_secrets)
    name = KeyRing.from_file(ring_file).primary
    ring_file.write_text(KeyRing(name, {name: b"k" * 32}).to_json())
    started = Runtime.from_settings(settings, role=DatabaseRole.WORKER)

    with pytest.raises(SetupError, match="others of the same names"):
        check_ring(started.installation_secrets)
    started.close()


def test_a_worker_does_not_start_with_a_ring_that_opens_nothing(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    check_ring(runtime.installation_secrets)
    ring_file.write_text(KeyRing.of_one_new_key().to_json())
    operator.patch.setenv("REDIS_URL", runtime.settings.redis_url.get_secret_value())

    ended = operator.type("worker", "scheduled")

    assert ended.code == 1
    assert "The key ring does not open what this installation has stored" in ended.err


def test_a_database_that_does_not_answer_is_no_reason_not_to_start(
    settings: Settings, tmp_path: Path
) -> None:
    nowhere = settings.model_copy(
        update={"database_url": type(settings.database_url)(f"postgresql://nobody@/none?host={tmp_path}")}
    )
    started = Runtime.from_settings(nowhere, role=DatabaseRole.API)
    check_ring(started.installation_secrets)
    started.close()
