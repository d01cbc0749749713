"""Passwords: what a good one is, and argon2id, which makes guessing from a stolen hash expensive."""

import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from spotify_insights.errors import InvalidInputError, UnavailableError

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD_BYTES: Final = 1024
_FEWEST_CHARACTERS: Final = 4

# The library's defaults: argon2id as RFC 9106, section 4, recommends it where memory is not plentiful.
_HASHER: Final = PasswordHasher()
# Each takes 64 MiB; many sign-ins at once wait for each other and do not eat the memory of the machine.
_AT_ONCE: Final = BoundedSemaphore(4)
# Who waits holds a thread that somebody else's request could use: few do, and not for long.
_WAITING: Final = BoundedSemaphore(16)
PATIENCE_SECONDS: Final = 2.0
_BUSY: Final = "Too many people sign in at this moment. Nothing was changed; try again in a few seconds."
# A hash that no password has: checking against it takes as long as against anybody's.
_NOBODY: Final = "$argon2id$v=19$m={},t={},p={}${}${}".format(
    _HASHER.memory_cost,
    _HASHER.time_cost,
    _HASHER.parallelism,
    *(b64encode(bytes(length)).decode().rstrip("=") for length in (_HASHER.salt_len, _HASHER.hash_len)),
)

# What everybody tries first, of the length that is asked for.
_COMMON: Final = frozenset(
    """
    0123456789 01234567890 0987654321 09876543210 1029384756 1111122222 1212121212 1231231231 123123123123
    1234512345 1234567890 12345678900 12345678901 12345678910 123456789012 123456789a 123456789q 123456789abc
    1234qwerasdf 1234qwerty 123654789a 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 987654321a 9876543210
    a123456789 aa12345678 abc1234567 abc12345678 abc123456789 abcd123456 abcd12345678 abcdef1234 abcdefghij
    abcdefghijk abcdefghijklmnopqrstuvwxyz admin12345 admin123456 administrator adminadmin asdfasdfasdf
    asdfghjkl1 asdfghjkl123 baseball123 basketball changeme12 changeme123 correcthorsebatterystaple
    dragon1234 football12 football123 helloworld iloveyou12 iloveyou123 iloveyou1234 iloveyou12345 letmein123
    letmein1234 letmeinplease listening123 michael123 monkey1234 music12345 musicmusic mypassword mypassword1
    p@ssw0rd12 p@ssw0rd123 p@ssword123 passw0rd12 passw0rd123 password00 password01 password10 password11
    password12 password123 password1234 password12345 password123456 password! password!1 passwordpassword
    playlist123 princess12 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedcr qazwsxedcrfv qwe123qwe123
    qwerasdfzxcv qwerty1234 qwerty12345 qwerty123456 qwertyqwerty qwertyuiop qwertyuiop1 qwertyuiop123
    secret1234 spotify123 spotify1234 spotify12345 starwars123 sunshine12 sunshine123 superman12 superman123
    test123456 testtesttest trustno1trustno1 welcome123 welcome1234 welcome12345 zaq12wsxcde3 zxcvbnm123
    zxcvbnm1234 zxcvbnmasd
    """.split()  # noqa: SIM905  # a list of a hundred quoted words would be no easier to read
)


def check_new_password(password: SecretStr, *, username: str) -> None:
    """Accept what is long and not among the first guesses; no rule about kinds of characters.

    Length and a list of refused words are what NIST SP 800-63B, section 3.1.1.2, asks for.

    Raises:
        InvalidInputError: the sentence says which rule it breaks.
    """
    given = _normalised(password)
    if len(given) < SHORTEST_PASSWORD:
        raise _refused(f"Use at least {SHORTEST_PASSWORD} characters.")
    if len(_encoded(given)) > LONGEST_PASSWORD_BYTES:
        raise _refused(f"Use {LONGEST_PASSWORD_BYTES} bytes at most.")
    folded = given.casefold()
    if folded == username or folded == username.partition("@")[0]:
        raise _refused("Use something else than your name.")
    if folded in _COMMON or len(set(folded)) < _FEWEST_CHARACTERS:
        raise _refused("This is one of the first passwords that anybody would try. Use another one.")


def hash_password(password: SecretStr) -> str:
    """What is stored of a password: an argon2id hash with its salt and parameters. Takes some 50 ms.

    Raises:
        UnavailableError: too many others sign in just now.
    """
    with _turn():
        return _HASHER.hash(_encoded(_normalised(password)))


def is_password(password: SecretStr, password_hash: str | None) -> bool:
    """Whether it is the password behind the hash; without one never, after the same work.

    Raises:
        UnavailableError: too many others sign in just now.
    """
    given = _encoded(_normalised(password))
    if len(given) > LONGEST_PASSWORD_BYTES:
        # It cannot be anybody's; the work is done all the same.
        given = given[:LONGEST_PASSWORD_BYTES]
        password_hash = None
    with _turn():
        try:
            return _HASHER.verify(password_hash or _NOBODY, given)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's, and should be made anew at this sign-in."""
    return _HASHER.check_needs_rehash(password_hash)


@contextmanager
def _turn() -> Iterator[None]:
    if not _WAITING.acquire(blocking=False):
        raise UnavailableError(_BUSY)
    try:
        if not _AT_ONCE.acquire(timeout=PATIENCE_SECONDS):
            raise UnavailableError(_BUSY)
        try:
            yield
        finally:
            _AT_ONCE.release()
    finally:
        _WAITING.release()


def _normalised(password: SecretStr) -> str:
    # Keyboards spell the same character in different ways (RFC 8265, section 4.2).
    return unicodedata.normalize("NFC", password.get_secret_value())


def _encoded(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _refused(sentence: str) -> InvalidInputError:
    return InvalidInputError(sentence, field="password")
