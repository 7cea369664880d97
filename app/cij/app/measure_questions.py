"""Questions about measures, answered from the store with the program of its last run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cij.app.known_names import LAST_RUN, require_known
from cij.app.store_view import store_view
from cij.compiler.unparse import words
from cij.runtime.clock import LiveClock
from cij.runtime.measure_figures import Figures, measure_figures

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MeasureFigures:
    """A measure with its type and value in words, and its figures by group."""

    name: str
    type: str
    value: str
    by: str | None
    groups: tuple[Figures, ...]


def measures_of(path: Path, on_wait: Say) -> list[MeasureFigures]:
    """Return all measures, each with its figures over all customers. Raises: ConfigError."""
    with store_view(path, on_wait) as found:
        now, program = LiveClock().now(), found.program
        return [
            MeasureFigures(
                m.name,
                str(m.value.type),
                words(m.value),
                None,
                tuple(measure_figures(found.engine, program, m, now)),
            )
            for m in program.measures
        ]


def figures_of(
    path: Path, name: str, by: str | None, segment: str | None, on_wait: Say
) -> MeasureFigures:
    """Return the figures of a measure, in groups and for the members of a segment if these are given.

    Raises: RequestError for an unknown name; ConfigError.
    """
    with store_view(path, on_wait) as found:
        program = found.program
        measure = require_known("measure", name, {m.name: m for m in program.measures}, LAST_RUN)
        segments = {s.name: s for s in program.segments}
        within = segment and require_known("segment", segment, segments, LAST_RUN)
        if by is not None:
            fields = {f.name: f for f in program.profile.fields}
            require_known("field", by, fields, LAST_RUN)
        now = LiveClock().now()
        groups = measure_figures(found.engine, program, measure, now, by=by, within=within or None)
        type = str(measure.value.type)
        return MeasureFigures(name, type, words(measure.value), by, tuple(groups))
