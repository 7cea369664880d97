"""Journeys as graphs, and the formats of graphs."""

from collections.abc import Callable
from pathlib import Path

from cij.app.compared_sides import sides
from cij.app.comparison import both_programs
from cij.app.compile import compiled
from cij.app.known_names import require_journey
from cij.app.request_error import RequestError
from cij.compiler.graph import Graph, compared, outline, to_dot, to_mermaid, to_svg
from cij.compiler.program import Program

RENDERERS: dict[str, Callable[[Graph], str]] = {
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
}


def journey_graphs(path: Path, name: str | None) -> list[Graph]:
    """Return the graph of one journey of the project at `path`; without a name the graphs of all.

    Raises: InvalidProject; RequestError for an unknown journey.
    """
    _, program = compiled(path)
    if name is not None:
        require_journey(name, [journey.name for journey in program.journeys])
    wanted = [j for j in program.journeys if name in (None, j.name)]
    return [outline(journey, program.policies) for journey in wanted]


def compared_graphs(path: Path, base: str, name: str | None) -> list[Graph]:
    """Return the graphs of the journeys that differ from those at `base`, with added, removed and changed
    steps marked; with a name that journey, also where it is as before.

    `base` is a revision of git or a folder, as for `cij diff`. Raises: RequestError, InvalidProject, ConfigError.
    """
    old, new = both_programs(sides(path, base, None))
    if old is None:
        raise RequestError(f"`{base}` does not compile, so there is nothing to draw it beside")
    before, after = _outlines(old), _outlines(new)
    names = [*after, *(n for n in before if n not in after)]
    if name is not None:
        require_journey(name, names)
    versions = [{j.name: j.version for j in program.journeys} for program in (old, new)]
    newer = {j.name: j for j in new.journeys}
    return [
        compared(before.get(n), after.get(n), newer.get(n))
        for n in names
        if n == name or (name is None and versions[0].get(n) != versions[1].get(n))
    ]


def _outlines(program: Program) -> dict[str, Graph]:
    return {j.name: outline(j, program.policies) for j in program.journeys}
