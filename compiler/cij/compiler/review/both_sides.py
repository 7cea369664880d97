"""The two projects of a comparison, and what all kinds of change ask about them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from cij.compiler.model import Model
from cij.compiler.program import Journey, Place, Program, canonical
from cij.compiler.review.lineage import Lineage, Node, lineage_of
from cij.compiler.review.review_report import Where
from cij.compiler.story import Story


@dataclass(frozen=True)
class Compiled:
    """One side. `broken` are the declarations, as (kind, name), that have errors or are missing for them."""

    model: Model
    program: Program | None
    stories: tuple[Story, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def lowered(self) -> dict[str, Journey]:
        """The journeys as state machines, by name; none where the side does not compile."""
        return {j.name: j for j in self.program.journeys} if self.program is not None else {}


@dataclass(slots=True)
class Context:
    """Both sides. With `has_renames` the model of the older one has names of the newer one. A lineage is made when it is first asked for, because most changes need none."""

    base: Compiled
    head: Compiled
    has_renames: bool = False
    _lineages: dict[int, Lineage] = field(default_factory=dict)

    @property
    def before(self) -> Lineage:
        """The lineage of the older side."""
        return self._lineage(self.base)

    @property
    def after(self) -> Lineage:
        """The lineage of the newer side."""
        return self._lineage(self.head)

    def _lineage(self, side: Compiled) -> Lineage:
        if id(side) not in self._lineages:
            self._lineages[id(side)] = lineage_of(side.model)
        return self._lineages[id(side)]

    def users(self, node: Node, *, is_gone: bool = False) -> tuple[Node, ...]:
        """Return all that is made of a name; for one that is gone, of the older side."""
        lineage = self.before if is_gone else self.after
        return tuple(n for n in lineage.leads_to(node) if n.kind != "step")


def same(one: object, other: object) -> bool:
    """Tell whether two parts mean the same, wherever they are written."""
    return one == other or canonical(one) == canonical(other)


def where(place: Place | None) -> Where | None:
    """Return a place for the report."""
    return Where(file=place.file, line=place.line) if place is not None else None


def journeys_of(users: Iterable[Node]) -> list[str]:
    """Return the names of the journeys among users."""
    return [node.name for node in users if node.kind == "journey"]
