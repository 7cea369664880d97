"""Steps that are gone: where their passages go on (S21).

Such a passage is moved to a WaitState `moved:…`, whose timer is due at once. So the next tick advances
it like any other passage that is due.
"""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.lowering.goals_and_exits import gate
from cij.compiler.lowering.machine import Machine
from cij.compiler.model import place

_AT_ONCE = pg.AfterPeriod(period=ex.Period(count=0, unit="second"))


def lower_removed(source: model.Journey, machine: Machine) -> tuple[pg.Removed, ...]:
    """Add the states that the passages on removed steps are moved to."""
    return tuple(_lower(change, source, machine) for change in source.head.removed)


def _lower(change: pg.Removed, source: model.Journey, machine: Machine) -> pg.Removed:
    if change.then == "finish":
        return change
    if change.then == "go_to":
        assert change.target is not None, "`go to` names a step"
        start = machine.starts[change.target]
    else:
        start = _end(change.target or "completed", source, machine)
    rest = f"moved:{start}"
    if rest not in machine.states:
        where = place(source.span)
        onward = gate(start, machine)
        machine.add(pg.WaitState(id=rest, step=rest, place=where, timer=_AT_ONCE, timeout=onward))
    return change.model_copy(update={"target": rest})


def _end(outcome: str, source: model.Journey, machine: Machine) -> str:
    id = f"ended:{outcome}"
    if id not in machine.states:
        machine.add(pg.EndState(id=id, step=id, place=place(source.span), outcome=outcome))
    return id
