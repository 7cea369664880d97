"""`cij rollback`: the program that ran before comes back, after it was printed what that means for everybody.

Nobody's past is undone. Those who entered with the newer version finish it, unless the older one says
`in_flight = adopt` or has a place for them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cij.app.authorship import author
from cij.app.deployed_program import keep_program
from cij.app.deployment import Deployment, deployment_of
from cij.app.open_store import has_store, ledger_of, open_when_free, other_ledgers
from cij.app.project import Project, open_project
from cij.app.request_error import RequestError
from cij.compiler.program import Program
from cij.runtime.applied import Applied, history, note_applied, texts_of
from cij.runtime.clock import LiveClock
from cij.runtime.current_state import require_own
from cij.runtime.deploy import deploy, stored_program
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, StoreError
from cij.runtime.insight.person import deployed


@dataclass(frozen=True, slots=True)
class Rollback:
    """A way back in an open store: from `runs` to `to`, and what it means for everybody in `found`."""

    engine: Engine
    project: Project
    runs: Program
    to: Applied
    program: Program
    found: Deployment
    now: datetime

    def carry_out(self) -> None:
        """Deploy the older program, all of it or nothing. Raises: StoreError where somebody has no place."""
        engine, root = self.engine, self.project.root
        with engine.transaction():
            deploy(engine, self.program, self.now)
            note_applied(
                engine,
                self.program.hash,
                self.now,
                what="rollback",
                who=author(root),
                revision=self.to.revision,
                texts=texts_of(engine, self.program.hash),
            )
        keep_program(root, self.program)


@contextmanager
def rollback(
    path: Path, to: str | None = None, on_wait: Callable[[str], None] = lambda text: None
) -> Iterator[Rollback]:
    """Open the store for a way back to the program before, or to the one whose hash begins with `to`.

    Raises: RequestError where there is no such program; ConfigError where nothing has run yet; StoreError.
    """
    project = open_project(path)
    if not has_store(project):
        raise ConfigError("nothing has run here yet, so there is no way back")
    engine = open_when_free(project, on_wait=on_wait)
    try:
        runs = deployed(engine)
        if runs is None:
            raise ConfigError("nothing has run here yet, so there is no way back")
        require_own(engine, runs.project, ledger_of(project), other_ledgers(project))
        wanted = _wanted(history(engine), runs, to)
        program = stored_program(engine, wanted.hash)
        if program is None:
            raise StoreError(f"the state does not have the program {wanted.hash[:8]} any more")
        now = LiveClock().now()
        found = deployment_of(engine, project, program, now)
        yield Rollback(engine, project, runs, wanted, program, found, now)
    finally:
        engine.close()


def _wanted(made: list[Applied], runs: Program, to: str | None) -> Applied:
    if to is not None and len(to) >= 4:
        found = [each for each in made if each.hash.startswith(to)]
        if found:
            return found[0]
    if to is not None:
        raise RequestError(f"no program `{to}` ran here; `cij history` lists them")
    before = _before(made, runs.hash)
    if before is None:
        raise RequestError("no other program ran here before; `cij history` lists them")
    return before


def _before(made: list[Applied], hash: str) -> Applied | None:
    """Return the program before the one that runs. After a rollback it is the one before that, so that two
    rollbacks go two steps back and not forth."""
    first = next((a for a in reversed(made) if a.hash == hash), None)
    older = [a for a in made if first is not None and a.number < first.number]
    return older[0] if older else None
