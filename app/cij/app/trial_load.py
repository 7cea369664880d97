"""Loads all sources of a project into a store in memory, to say what the next run would say of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cij.app.compile import compile_path
from cij.app.open_store import open_copy, open_scratch
from cij.app.project import Project
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.runner import refresh_what_can_be


@dataclass(frozen=True, slots=True)
class TrialLoad:
    """What a run would say of a source. `fault` is why it would keep its old data; None where it loads.

    `warning` tells that some rows are bad.
    """

    name: str
    found: str
    fault: str | None = None
    warning: bool = False


def trial_load(root: Path) -> Iterator[TrialLoad]:
    """Yield the sources of the project, in order; none where the project has errors."""
    compiled = compile_path(root)
    program = compiled.compilation.program
    if program is None or not program.sources:
        return
    engine = _scratch(compiled.project)
    try:
        report = refresh_what_can_be(look(engine, program), root, LiveClock().now())
    finally:
        engine.close()
    loaded = {source.name: source for source in report.sources}
    for source in program.sources:
        fault, one = report.failed.get(source.name), loaded.get(source.name)
        if fault is not None or one is None:
            yield TrialLoad(source.name, "", fault or "it was not loaded")
        else:
            found = "as it was loaded before" if one.is_unchanged else one.line().partition(": ")[2]
            yield TrialLoad(source.name, found, warning=one.bad > 0)


def _scratch(project: Project) -> Engine:
    """Return a copy of the store: what was loaded before decides what a source may lose."""
    try:
        return open_copy(project)
    except StoreError:
        # A run has it open, or it is damaged. Another check reports that.
        return open_scratch()
