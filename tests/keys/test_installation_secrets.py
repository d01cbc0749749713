"""Secrets of the installation: made once however many ask first, sealed, the same for every process."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.installation.secrets import InstallationSecrets, SecretName
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


def test_each_name_has_its_own_32_random_bytes_that_stay(runtime: Runtime) -> None:
    first = {name: runtime.installation_secrets.get(name) for name in SecretName}
    again = InstallationSecrets(runtime.database, runtime.sealer)

    assert {len(value) for value in first.values()} == {32}
    assert len(set(first.values())) == len(SecretName)
    assert first == {name: again.get(name) for name in SecretName}


def test_a_process_with_the_rights_of_the_api_makes_and_reads_them(
    settings: Settings, runtime: Runtime
) -> None:
    api = Runtime.from_settings(settings, role=DatabaseRole.API)
    made = api.installation_secrets.get(SecretName.API_KEY_PEPPER)
    api.close()

    assert runtime.installation_secrets.get(SecretName.API_KEY_PEPPER) == made


def test_many_that_need_one_first_agree_on_it(runtime: Runtime) -> None:
    together = threading.Barrier(8)
    processes = [InstallationSecrets(runtime.database, runtime.sealer) for _ in range(8)]

    def ask(secrets: InstallationSecrets) -> bytes:
        together.wait()
        return secrets.get(SecretName.PSEUDONYM_PEPPER)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, processes))) == 1


def test_the_database_holds_none_of_them_readable(runtime: Runtime) -> None:
    secret = runtime.installation_secrets.get(SecretName.ACCESS_TOKEN_KEY)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        stored = tx.session.scalars(text("SELECT t::text FROM installation_secrets AS t")).all()

    assert len(stored) == 1
    assert secret.hex() not in stored[0]
    assert "v1:k" in stored[0]
