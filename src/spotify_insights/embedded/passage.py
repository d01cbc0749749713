"""How a server that runs as another user gets into its folder, which lies where that user may not walk.

It receives the folder as an open descriptor and calls it /proc/self/fd/N (proc_pid_fd(5)): following that
name asks for no rights on the folders above. So the data folder stays closed to everybody, wherever it is.
"""

from dataclasses import dataclass
from pathlib import Path

from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.unprivileged import Identity


@dataclass(frozen=True, slots=True)
class Passage:
    """What a child calls a folder, and the descriptors it needs for that."""

    name: str
    descriptors: tuple[int, ...] = ()


def passage_to(folder: Path, data: DataFolder, identity: Identity) -> Passage:
    """The passage of a child that runs as `identity` to a folder that exists inside `data`.

    It holds for as long as `data` is entered, and for the same folder under a new name too.
    """
    if not identity.is_somebody_else:
        return Passage(str(folder))
    descriptor = data.descriptor_of(folder)
    return Passage(f"/proc/self/fd/{descriptor}", (descriptor,))
