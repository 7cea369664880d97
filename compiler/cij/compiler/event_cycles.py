"""Journeys that raise events which start journeys which raise events: never without a wait (S15).

An edge leads from an event to one that a journey raises because of it, at the same instant.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from cij.compiler import model, program as pg
from cij.compiler.effect import raised_by
from cij.compiler.pass_state import Build
from cij.grammar import codes
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

_Causes = frozenset[str]


@dataclass(slots=True)
class _Edges:
    """From cause to effect, with the step that raises it."""

    found: dict[tuple[str, str], Span] = field(default_factory=dict)

    def block(self, steps: model.Steps, causes: _Causes) -> _Causes:
        """Walk a block; return the events that bring a passage to its end at the same instant."""
        for step in steps:
            causes = self._step(step, causes)
        return causes

    def _step(self, step: model.Step, causes: _Causes) -> _Causes:
        match step:
            case model.Act(effect=effect, span=span):
                if (event := raised_by(effect)) is not None:
                    for cause in causes:
                        self.found.setdefault((cause, event), span)
            case model.Wait():
                # What a timer starts is started by no event, unless it may be past already. A
                # condition may hold at once.
                ends = [self.block(a.steps, frozenset({a.event})) for a in step.arms]
                ends += [self.block(a.steps, causes) for a in step.conditions]
                late = frozenset[str]() if model.takes_time(step.timer) else causes
                return frozenset().union(self.block(step.otherwise, late), *ends)
            case model.Repeat(every=every):
                # A pause between iterations leaves no cause; without one the body has a wait.
                end = self.block(step.steps, causes)
                return causes | (frozenset() if every else self.block(step.steps, end) | end)
            case model.Choose() | model.Group():
                return frozenset().union(*(self.block(b, causes) for b in model.blocks(step)))
            case model.End():
                return frozenset()
        return causes


def check_event_cycles(build: Build) -> None:
    """Report events that would raise themselves for ever at one instant."""
    edges = _Edges()
    for journey in build.model.journeys.values():
        entries = (e.event for e in journey.head.entries if isinstance(e, pg.EventEntry))
        edges.block(journey.steps, frozenset(entries))
    for (cause, event), span in edges.found.items():
        way = _way(event, cause, edges.found)
        if way is not None:
            _report([cause, *way], span, edges.found, build)
            return


def _way(start: str, goal: str, edges: dict[tuple[str, str], Span]) -> list[str] | None:
    """Return the events from `start` to `goal`, the shortest way; None where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        for cause, event in edges:
            if cause == way[-1] and event not in seen:
                seen.add(event)
                ways.append([*way, event])
    return None


def _report(
    circle: list[str], span: Span, edges: dict[tuple[str, str], Span], build: Build
) -> None:
    way = " → ".join(f"`{name}`" for name in circle)
    message = f"this event raises itself again without a wait: {way}"
    steps = [edges[pair] for pair in pairwise(circle)]
    related = [Label(step, "and here") for step in steps if step != span]
    hint = "put a `wait` between, or do not raise it here"
    build.report(codes.ENDLESS_LOOP.at(span, message, related=related, help=hint))
