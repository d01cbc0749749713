"""The self-test at start: does the key ring open what is stored?"""

from sqlalchemy.exc import DBAPIError

from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.installation.secrets import InstallationSecrets, SecretName
from spotify_insights.observability import get_logger
from spotify_insights.security.sealing import BrokenSealError

_log = get_logger(__name__)


def check_ring(secrets: InstallationSecrets) -> None:
    """Open the secrets of the installation, which are sealed like everybody's tokens, and keep them ready.

    Those that are missing are made. A database that does not answer, or has no schema yet, is no reason not
    to start: then nothing was checked, and the log says so.

    Raises:
        SetupError: this is not the ring that they were sealed with, so nothing must be sealed with it. The
            sentence names the keys it lacks.
    """
    try:
        for name in SecretName:
            secrets.get(name)
    except BrokenSealError:
        lacking = secrets.keys_that_are_lacking()
        reason = (
            f"it lacks {' and '.join(lacking)}"
            if lacking
            else "its keys are others of the same names, or somebody changed what is stored"
        )
        raise SetupError(
            f"The key ring does not open what this installation has stored: {reason}. "
            "Start with the key file that it was sealed with; restore it from your backup. If it is lost for "
            "good, `spotify-insights keys begin-anew` says how to go on without it."
        ) from None
    except (UnavailableError, DBAPIError) as error:
        _log.warning("key_ring_not_checked", reason=type(error).__name__)
