"""Waits until this process may write to a store on a server: as a standby, or after a lost connection."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cij.app.open_store import open_store
from cij.app.project import Project, open_project
from cij.runtime.errors import ConfigError, StoreError, StoreLocked
from cij.runtime.wakeable_stop import WakeableStop

# The start of a run takes longer than this.
_LOOK_S = 1.0
# The server notices within a minute that the machine of a session is gone. It may also restart meanwhile.
REGAIN_S = 120.0


def require_server(path: Path) -> None:
    """Refuse a standby where the store is a file. Raises: ConfigError."""
    if not open_project(path).settings.store.is_shared:
        raise ConfigError(
            '`--standby` needs a store on a server: `kind = "postgresql"` in [store] of cij.toml. Two '
            "machines cannot share a state file"
        )


def wait_for_turn(
    path: Path,
    stopped: WakeableStop,
    on_wait: Callable[[str], None],
    patience_s: float,
) -> bool:
    """Wait until no other process writes to the store of the project at `path`.

    `on_wait` is called with each new reason of the wait. Returns False where `stopped` was set.
    Raises: ConfigError; StoreError, StoreLocked after `patience_s` seconds.
    """
    project, end, said = open_project(path), time.monotonic() + patience_s, ""
    while not stopped.is_set():
        reason = _why_not(project)
        if reason is None:
            return True
        if time.monotonic() >= end:
            raise reason
        if str(reason) != said:
            said = str(reason)
            on_wait(said)
        stopped.pause(_LOOK_S)
    return False


def _why_not(project: Project) -> StoreError | None:
    """Return why this process may not write now; None where it may."""
    try:
        # Only a look: the run opens the store itself, with the files of the project as they are then.
        with closing(open_store(project)):
            return None
    except (StoreLocked, StoreError) as error:
        return error
