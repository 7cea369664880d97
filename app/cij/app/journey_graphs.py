"""Journeys as graphs, and the formats of graphs."""

from collections.abc import Callable
from pathlib import Path

from cij.app.compile import compiled
from cij.app.known_names import require_journey
from cij.compiler.graph import Graph, outline, to_dot, to_mermaid, to_svg

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
