"""The changes that a deployment of a project would make for open passages (S21)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.app.open_store import open_when_free, store_path
from cij.compiler.program import Program
from cij.runtime import control
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.engine import Engine
from cij.runtime.foresight import Foresight, foresee
from cij.runtime.migrate import Change, changes, newest_versions
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
        """Tell whether an open passage is at a step that the new version does not have."""
        return any(change.what == "stuck" for change in self.changes)


def deployment(path: Path, on_wait: Callable[[str], None] = lambda text: None) -> Deployment:
    """Return what `cij run` would change for the project at `path`, without a change."""
    project, program = compiled(path)
    # Opening the store would create it, and a plan must change nothing.
    if not store_path(project).is_file():
        return Deployment(program.timezone, {j.name: "new" for j in program.journeys}, {}, ())
    engine = open_when_free(project, on_wait=on_wait)
    try:
        look(engine, program)
        journeys = _compared(engine, program)
        held = {name: how for name, how in control.held(engine).items() if name in journeys}
        kept = tuple(gone_but_read(engine, program))
        found = tuple(changes(engine, program))
        foreseen = None
        if not any(change.what == "stuck" for change in found):
            foreseen = foresee(engine, program, project.root, LiveClock().now())
        return Deployment(program.timezone, journeys, held, found, kept, foreseen)
    finally:
        engine.close()


def _compared(engine: Engine, program: Program) -> dict[str, str]:
    before = newest_versions(engine)
    found = {}
    for journey in program.journeys:
        is_same = before.get(journey.name) == journey.version
        found[journey.name] = "unchanged" if is_same else "changed"
        if journey.name not in before:
            found[journey.name] = "new"
    return found | {name: "gone" for name in before if name not in found}


def as_json(found: Deployment) -> dict[str, Any]:
    """Return the changes in types that JSON has. Instants are ISO text with `Z`."""
    states = {n: {"state": s, "since": f"{at.isoformat()}Z"} for n, (s, at) in found.held.items()}
    people = [asdict(change) for change in found.changes]
    plain = {"journeys": found.journeys, "held": states, "people": people, "kept": [*found.kept]}
    return plain | {"foresight": asdict(found.foresight) if found.foresight is not None else None}
