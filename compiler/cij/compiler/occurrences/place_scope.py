"""What a name can mean at one place of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cij.compiler.model import Model
from cij.compiler.program import EventEntry
from cij.compiler.review.lineage import Node, all_steps
from cij.grammar.span import Span


class Occurrence(NamedTuple):
    """One place where a name is written. `span` covers the name alone, with its back-quotes."""

    node: Node
    span: Span
    is_declaration: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of the project by file name."""

    by_file: Mapping[str, str]

    def at(self, span: Span) -> str:
        """Return what is written there."""
        return self.by_file.get(span.file, "")[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the place is inside of.

    Attributes:
        declaration: the name of the declaration.
        source: the source whose columns a name means; a mapping or the `where` of a source.
        event: the event whose fields a name may mean; the `where` behind an event.
        triggers: the events by which customers enter the journey.
        journeys: the journey itself, or those that send the message.
        steps: the dotted names of the steps of these journeys.
        columns: those of the table of cases, in a test that has one.
        is_profile: whether a path may name a source, as in `latest(shop.updated_at)`.
    """

    model: Model
    texts: Texts
    declaration: str = ""
    source: str | None = None
    event: str | None = None
    triggers: tuple[str, ...] = ()
    journeys: tuple[str, ...] = ()
    steps: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    is_profile: bool = False

    def inside(self, journeys: Sequence[str]) -> "Scope":
        """Return the scope of journeys, or of a message that they send."""
        found = [self.model.journeys[name] for name in journeys if name in self.model.journeys]
        steps = (f"{j.name}.{step.name}" for j in found for step in all_steps(j.steps))
        entries = (entry for journey in found for entry in journey.head.entries)
        events = {entry.event for entry in entries if isinstance(entry, EventEntry)}
        return replace(
            self,
            journeys=tuple(journeys),
            steps=frozenset(steps),
            triggers=(*self.triggers, *sorted(events - {*self.triggers})),
        )

    def within(self, event: str) -> "Scope":
        """Return the scope of a condition about an event."""
        return replace(self, event=event)


def part(whole: Span, start: int, length: int) -> Span:
    """Return a part of a span that is on one line; `start` counts from its start."""
    column = whole.column + start
    return replace(
        whole,
        start=whole.start + start,
        end=whole.start + start + length,
        column=column,
        end_line=whole.line,
        end_column=column + length,
    )
