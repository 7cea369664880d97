"""The changes that a deployment of a project would make for open passages (S21)."""

from dataclasses import dataclass
from datetime import datetime

from cij.app.project import Project
from cij.compiler.program import Program
from cij.runtime import control
from cij.runtime.change_counts import ChangeCounts
from cij.runtime.deploy import look
from cij.runtime.engine import Engine
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.foresight import Foresight, foresee
from cij.runtime.migrate import Change, changes, newest_versions, staying
from cij.runtime.older_versions import gone_but_read


@dataclass(frozen=True, slots=True)
class Deployment:
    """The changes of a deployment.

    `journeys` maps each journey to new, changed, unchanged or gone. `held` has the state of those
    that do not run, and since when. `changes` tells where open passages of changed journeys go on.
    `kept` are sentences about fields that only older versions read (S31). `foresight` is what the run
    would do to customers and audiences (S26); None where nothing has run yet, or a passage is stuck.
    """

    zone: str
    journeys: dict[str, str]
    held: dict[str, tuple[str, datetime]]
    changes: tuple[Change, ...]
    kept: tuple[str, ...] = ()
    foresight: Foresight | None = None

    @property
    def is_stuck(self) -> bool:
        """Tell whether the new version has no place for an open passage, or would send it something again."""
        return any(change.is_refused for change in self.changes)


def nothing_yet(program: Program) -> Deployment:
    """Return the deployment into a store that is not there yet."""
    return Deployment(program.timezone, {j.name: "new" for j in program.journeys}, {}, ())


def deployment_of(
    engine: Engine,
    project: Project,
    program: Program,
    now: datetime,
    counts: ChangeCounts | None = None,
    *,
    is_for_all: bool = True,
) -> Deployment:
    """Return what a deployment into an open store would change, without a change; with `counts` it counts
    more. While it is not for all, those inside stay on their versions."""
    look(engine, program)
    journeys = _compared(engine, program)
    held = {name: how for name, how in control.held(engine).items() if name in journeys}
    kept = tuple(gone_but_read(engine, program))
    found = tuple(changes(engine, program) if is_for_all else staying(engine, program))
    foreseen = None
    if not any(change.is_refused for change in found):
        foreseen = _foreseen(engine, project, program, now, counts)
    return Deployment(program.timezone, journeys, held, found, kept, foreseen)


def _foreseen(
    engine: Engine,
    project: Project,
    program: Program,
    now: datetime,
    counts: ChangeCounts | None,
) -> Foresight:
    while True:
        try:
            return foresee(engine, program, project.root, now, counts)
        except WorldError:
            raise
        except Exception as error:
            # A segment that cannot be evaluated stops no other, as in a run (S28).
            if counts is None or counts.counting is None:
                raise
            counts.leave_out(reason_of(error))


def _compared(engine: Engine, program: Program) -> dict[str, str]:
    before = newest_versions(engine)
    found = {}
    for journey in program.journeys:
        is_same = before.get(journey.name) == journey.version
        found[journey.name] = "unchanged" if is_same else "changed"
        if journey.name not in before:
            found[journey.name] = "new"
    return found | {name: "gone" for name in before if name not in found}
