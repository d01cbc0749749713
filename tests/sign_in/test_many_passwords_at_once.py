"""Many who sign in at once wait for each other, and never all together for long."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from pydantic import SecretStr

from spotify_insights.errors import UnavailableError
from spotify_insights.sign_in.passwords import hash_password, is_password

AT_ONCE = 60


def test_whoever_would_wait_too_long_is_told_so_and_the_next_one_is_let_in() -> None:
    together = Barrier(AT_ONCE)

    def check(_: int) -> bool | None:
        together.wait()
        try:
            return is_password(SecretStr("wrong password"), None)
        except UnavailableError:
            return None

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(check, range(AT_ONCE)))

    assert set(answers) == {False, None}
    password = SecretStr("a violet teapot sings")
    assert is_password(password, hash_password(password))
