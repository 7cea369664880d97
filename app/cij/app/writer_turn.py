"""Waits until this process may write to a store on a server: as a standby, or after a lost connection.

Taking over has to be quick. So what a run needs and the store does not have is made before the wait: the
modules are imported, the project is compiled, and a session is open that asks for the lock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cij.app.check_cache import Question, ask, contents_digests, is_unchanged
from cij.app.compile import Compiled
from cij.app.open_store import open_store
from cij.app.project import Project
from cij.app.project_check import compile_found
from cij.app.store_table import StoreTable
from cij.compiler.compilation import needed_contents
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, StoreError, WorldError
from cij.runtime.wakeable_stop import WakeableStop
from cij.runtime.zones import periods

_ASK_S = 0.5
# How often a standby looks whether the files have changed, to compile them before they are needed.
_COMPILE_S = 5.0
# A server that restarts is back within this time.
REGAIN_S = 120.0


@dataclass(slots=True)
class Turn:
    """The open store of a project with the lock of the writer, and the project as it was compiled before.

    `store` are the settings with which it was opened: cij.toml may name another one by now.
    """

    question: Question
    compiled: Compiled
    engine: Engine
    store: StoreTable

    def compiled_as(self, question: Question) -> Compiled:
        """Return the compilation of a question: the one that is there, unless a file has changed."""
        if not _is_of(self.compiled, self.question, question):
            self.question, self.compiled = question, compile_found(question)
        return self.compiled

    def engine_of(self, project: Project) -> Engine:
        """Return the open store, or that of `project` where cij.toml names another one by now."""
        if project.settings.store == self.store:
            return self.engine
        self.engine.close()
        return open_store(project)


@dataclass(slots=True)
class _Waiting:
    """A process that waits. It is asked each time when another process has the lock."""

    path: Path
    stopped: WakeableStop
    on_wait: Callable[[str], None]
    end: float
    question: Question
    compiled: Compiled
    said: str = ""
    looked: float = 0.0

    def wait(self, reason: str) -> bool:
        """Say a new reason, pause, and tell whether to go on."""
        if reason != self.said:
            self.said = reason
            self.on_wait(reason)
        if time.monotonic() - self.looked >= _COMPILE_S:
            self._look()
        self.stopped.pause(_ASK_S)
        return not self.stopped.is_set() and time.monotonic() < self.end

    def _look(self) -> None:
        """Compile what has changed. Mistakes in the files are reported when the turn has come."""
        try:
            question = ask(self.path)
            if not _is_of(self.compiled, self.question, question):
                self.compiled, self.question = compile_found(question), question
        except WorldError:
            pass
        self.looked = time.monotonic()


def _is_of(compiled: Compiled, asked: Question, question: Question) -> bool:
    needed = needed_contents(compiled.compilation.files)
    digests = contents_digests(needed, compiled.texts)
    return asked == question and is_unchanged(question.root, digests)


def wait_for_turn(
    path: Path,
    stopped: WakeableStop,
    on_wait: Callable[[str], None],
    patience_s: float,
) -> Turn | None:
    """Wait until no other process writes to the store of the project at `path`, and open it.

    `on_wait` is called with each new reason of the wait. Returns None where `stopped` was set.
    Raises: ConfigError, InvalidProject; StoreError, StoreLocked after `patience_s` seconds.
    """
    end, question = time.monotonic() + patience_s, ask(path)
    compiled = compile_found(question)
    _make_ready(compiled)
    here = _Waiting(path, stopped, on_wait, end, question, compiled)
    while not stopped.is_set():
        try:
            # The project may be compiled again during the wait.
            project = here.compiled.project
            engine = open_store(project, here.wait)
            return Turn(here.question, here.compiled, engine, project.settings.store)
        except StoreError as error:
            # The server may be restarting, or the lock is still that of the session that was lost.
            if not here.wait(str(error)) and not stopped.is_set():
                raise
    return None


def require_server(path: Path) -> None:
    """Refuse a standby where the store is a file. Raises: ConfigError, InvalidProject."""
    compiled = compile_found(ask(path))
    if not compiled.project.settings.store.is_shared:
        raise ConfigError(
            '`--standby` needs a store on a server: `kind = "postgresql"` in [store] of cij.toml. Two '
            "machines cannot share a state file"
        )
    assert compiled.program, "a project with mistakes is refused before it waits"


def _make_ready(compiled: Compiled) -> None:
    """Load what the first step of a run would load."""
    import cij.app.running
    import cij.runtime.delivery.compose
    import cij.runtime.engine.duckdb.connection  # noqa: F401 - the loader of every store

    periods(compiled.project.settings.project.timezone)
