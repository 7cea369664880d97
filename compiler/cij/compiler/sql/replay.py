"""Which events of the past can change something at their own instant: a backtest looks at no others.

An event can do so if a journey enters, waits or leaves by it, or if a condition that is asked on events
counts it, and if it fits the `where` there. A `where` that reads more than the event lets all through.
"""

from collections.abc import Iterator

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.condition import condition
from cij.compiler.sql.plan.segments import deep_parts
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, query
from cij.compiler.walk import walk

# What an event row decides alone, whoever did it and whenever it is asked.
_OF_THE_ROW = (
    *(ex.EventField, ex.Constant, ex.Compare, ex.InSet, ex.Known, ex.And, ex.Or, ex.Not),
    *(ex.Arithmetic, ex.Coalesce, ex.Cases, ex.Period),
)
# By the name of an event: the conditions of which a row has to fit one; none lets all through.
_Wheres = dict[str, list[ex.Expression] | None]


def left_out(program: pg.Program) -> dict[str, Statement]:
    """Return for each event that can change something the statement that removes the rows of
    `ahead_event` that cannot. Rows of other events can be removed as a whole."""
    wheres: _Wheres = {}
    for event, where in _readers(program):
        if where is None or not _is_of_the_row(where):
            wheres[event] = None
        else:
            kept = wheres.setdefault(event, [])
            if kept is not None:
                kept.append(where)
    return {event: _without(event, kept, program) for event, kept in wheres.items()}


def _readers(program: pg.Program) -> Iterator[tuple[str, ex.Expression | None]]:
    segments = {segment.name: segment for segment in program.segments}
    entered: set[str] = set()
    for journey in program.journeys:
        yield from _of_journey(journey, program)
        entered |= {e.segment for e in journey.entries if isinstance(e, pg.SegmentEntry)}
    for name in sorted(entered):
        yield from _counted(segments[name].condition, program)


def _counted(
    condition: ex.Expression, program: pg.Program
) -> Iterator[tuple[str, ex.Expression | None]]:
    """Yield the events that a condition counts, also by the segments and measures that it uses."""
    for part in deep_parts(condition, program):
        if isinstance(part, ex.Aggregate):
            yield part.event, part.where


def _of_journey(
    journey: pg.Journey, program: pg.Program
) -> Iterator[tuple[str, ex.Expression | None]]:
    waits = [state for state in journey.states if isinstance(state, pg.WaitState)]
    ends: tuple[pg.Goal | pg.Exit, ...] = (*journey.goals, *journey.exits)
    conditions = [end.condition for end in ends if end.condition is not None]
    conditions += [c.condition for wait in waits for c in wait.conditions]
    for asked in conditions:
        yield from _counted(asked, program)
    found = [(e.event, e.where) for e in journey.entries if isinstance(e, pg.EventEntry)]
    found += [(end.event, end.where) for end in ends if end.event is not None]
    found += [(arm.event, arm.where) for wait in waits for arm in wait.awaits]
    for event, where in found:
        # A condition is asked again with each event of the customer (S8).
        yield event, None if conditions else where


def _is_of_the_row(where: ex.Expression) -> bool:
    return all(_reads_the_row(part) for part in walk(where) if isinstance(part, ex.Typed))


def _reads_the_row(part: ex.Typed) -> bool:
    # A written instant and a step of the calendar depend on the zone of the customer.
    is_timed = part.type.kind in ("datetime", "duration") and not isinstance(part, ex.EventField)
    return isinstance(part, _OF_THE_ROW) and not is_timed


def _without(event: str, wheres: list[ex.Expression] | None, program: pg.Program) -> Statement:
    scope = Scope(Catalog.of(program), event="e")
    fits = [condition(where, scope) for where in wheres or ()]
    return query(
        "DELETE FROM ahead_event WHERE ahead_event.event = {name} AND NOT ahead_event.seq IN ("
        "SELECT e.seq FROM {events} AS e WHERE {fits})",
        name=exp.Literal.string(event),
        events=f"event_{event}",
        fits=exp.or_(*fits, copy=False) if wheres is not None else exp.true(),
    )
